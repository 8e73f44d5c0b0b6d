"""Log lines without personal data: ids, names of routes and verbs, never what anyone typed (security.md L1)."""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

FIELDS = ("request_id", "user_id", "scheme_id", "route", "method", "status", "ms", "verb", "subject")
# Words of our own code are literals; what others log may quote addresses, statements and values.
OURS = frozenset({"iom", "offenders", "referrals", "actionplans", "panels"})
FRAMES = 12

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonLine(logging.Formatter):
    """One JSON object a line. Newlines and control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": words(record),
        }
        if asked := request_id.get():
            line["request_id"] = asked
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            # The type alone: the text of a database error quotes the values that it refused.
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-FRAMES:]
            line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, default=_kind_only, ensure_ascii=True)


def words(record: logging.LogRecord) -> str:
    """What the line says. Of others' lines the form alone, "%s: %s", with the place where it was written.

    A text of theirs into which values were written beforehand cannot be told from one without, and is left out.
    """
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    form = record.msg if record.args and isinstance(record.msg, str) else ""
    return f"{form} [{record.module}:{record.lineno}]".strip()


def _kind_only(value: object) -> str:
    return type(value).__name__

"""Log lines without personal data: ids, names of routes and verbs, never what anyone typed (security.md L1)."""

import json
import logging
from datetime import UTC, datetime

FIELDS = ("request_id", "user_id", "scheme_id", "route", "status", "ms", "verb", "subject")


class JsonLine(logging.Formatter):
    """One JSON object a line. Newlines and control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            # The type alone: the text of a database error quotes the values that it refused.
            line["error"] = record.exc_info[0].__name__
            line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(record)]
        return json.dumps(line, default=str, ensure_ascii=True)


def _frames(record: logging.LogRecord) -> list:
    import traceback

    return traceback.extract_tb(record.exc_info[2])[-12:] if record.exc_info else []

"""`manage.py audit_export [--scheme SLUG] [--from DATE] [--until DATE] [--subject REF] --format jsonl|csv FILE|-`.

For the regulator (security.md U11): every event of a scheme with documented columns (docs/audit.md). References stand
in place of numbers; there are no names, values or texts in the chain, so there are none here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandParser
from django.db.models import BinaryField
from django.db.models.expressions import RawSQL

from iom import audit, trail, walls
from iom.access import task_actor
from iom.management.plain_command import PlainCommand
from iom.models import Agency, AuditEvent, Scheme

COLUMNS = (
    "scheme",
    "sequence",
    "time",
    "kind",
    "action",
    "outcome",
    "actor",
    "cause",
    "roles",
    "agency",
    "database_role",
    "object",
    "object_reference",
    "subjects",
    "fields",
    "rows",
    "before",
    "after",
    "reason_given",
    "reason_digest",
    "context",
    "request",
    "address",
    "hash",
)
# What spreadsheets take for a formula (security.md E2), their full-width forms included.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 -- the full-width forms themselves
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
BATCH = 500
HASH = RawSQL("hash", (), output_field=BinaryField())


class Command(PlainCommand):
    help = (
        "Writes the audit of a scheme, or of every scheme, for the regulator, and records that it did. Exit code 1: "
        "the file could not be written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a new file; - writes to standard output")
        parser.add_argument("--format", choices=["jsonl", "csv"], required=True)
        parser.add_argument("--scheme", help="one scheme only, by its short name")
        parser.add_argument("--from", dest="since", metavar="DATE", help="the first day, YYYY-MM-DD in London")
        parser.add_argument("--until", metavar="DATE", help="the last day, YYYY-MM-DD in London")
        parser.add_argument("--subject", metavar="REF", help="what concerns the person of a case or nomination")

    def handle(
        self,
        *args: Any,
        file: str,
        format: str,  # noqa: A002 -- the option's name
        scheme: str | None,
        since: str | None,
        until: str | None,
        subject: str | None,
        as_json: bool,
        **options: Any,
    ) -> None:
        if as_json and file == "-":
            raise self.wrong("--json answers on standard output: write the export to a file.")
        filters = trail.Filters(
            since=self._day(since, "--from"), until=self._day(until, "--until"), reference=(subject or "").upper()
        )
        if filters.since and filters.until and filters.since > filters.until:
            raise self.wrong("--from is after --until.")
        schemes = self._schemes(scheme)
        if filters.reference and not any(self._knows(each, filters.reference) for each in schemes):
            raise self.wrong(f"There is no case or nomination {filters.reference!r}.")
        with self._opened(file) as out:
            writer = _Writer(out, format)
            counts = {each.slug: self._one(each, filters, writer) for each in schemes}
        answer = {"events": sum(counts.values()), "schemes": counts, "format": format, "sha256": writer.digest()}
        if file != "-":
            lines = [f"{slug}: {count} events" for slug, count in counts.items()]
            self.answer(answer, [*lines, f"SHA-256 of the lines {answer['sha256']}"], as_json=as_json)

    def _day(self, text: str | None, option: str) -> date | None:
        if text is None:
            return None
        try:
            # The other forms of ISO 8601 are easily misread.
            return date.fromisoformat(text if DAY.fullmatch(text) else "")
        except ValueError:
            raise self.wrong(f"{option} takes a day as YYYY-MM-DD.") from None

    def _schemes(self, slug: str | None) -> list[Scheme]:
        rows = Scheme.objects.order_by("slug")
        found = list(rows.filter(slug=slug) if slug is not None else rows)
        if slug is not None and not found:
            raise self.wrong(f"There is no scheme {slug!r}.")
        return found

    def _knows(self, scheme: Scheme, reference: str) -> bool:
        with walls.within(scheme, cause="command audit_export"):
            return reference in trail.whom(None, [reference])

    @contextmanager
    def _opened(self, file: str) -> Iterator[TextIO]:
        """A new file that its owner alone may read; what breaks in the middle leaves none behind."""
        if file == "-":
            yield sys.stdout
            return
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise self.wrong(f"{file} is there already: name a new file.") from None
        except OSError as error:
            raise self.failed(f"{file} cannot be written ({error.strerror}).") from None
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
                yield out
        except BaseException as error:
            Path(file).unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise self.failed(f"{file} cannot be written ({error.strerror}).") from None
            raise

    def _one(self, scheme: Scheme, filters: trail.Filters, writer: _Writer) -> int:
        """One scheme's events, and the event that says that they were exported: with count, filter and digest."""
        by = task_actor(scheme, "command audit_export")
        with walls.within(scheme, by=by):
            agencies = {str(pk): slug for pk, slug in Agency.objects.in_scheme_of(by).values_list("pk", "slug")}
            events = trail.events(filters, None).annotate(hash=HASH).order_by("sequence")
            count = 0
            digest = hashlib.sha256()
            for some in _batches(events.iterator(chunk_size=BATCH), BATCH):
                people = trail.whom(None, {token for event in some for token in trail.tokens_of(event)})
                for event in some:
                    digest.update(writer.write(_row(event, scheme, people, agencies)))
                    count += 1
            audit.record(
                "export_audit",
                scheme,
                by=by,
                subjects=[filters.reference] if filters.reference else [],
                count=count,
                format=writer.kind,
                sha256=digest.hexdigest(),
                **filters.context(),
            )
        return count


def _row(event: AuditEvent, scheme: Scheme, people: dict[str, trail.Whom], agencies: dict[str, str]) -> dict[str, Any]:
    """One event with the columns of docs/audit.md."""
    return {
        "scheme": scheme.slug,
        "sequence": event.sequence,
        "time": event.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "kind": event.kind,
        "action": event.verb,
        "outcome": event.outcome,
        "actor": event.actor,
        "cause": event.caused_by,
        "roles": [role for role in event.roles.split(",") if role],
        "agency": agencies.get(event.agency, event.agency),
        "database_role": event.role,
        "object": event.object_type,
        "object_reference": event.object_ref,
        "subjects": _subjects(event, people),
        "fields": sorted(event.fields) or sorted(trail.changed_columns(event)),
        "rows": event.body.get("count", ""),
        "before": event.before,
        "after": event.after,
        "reason_given": event.has_reason,
        "reason_digest": event.body.get("reason_digest", ""),
        "context": event.context,
        "request": event.request_id,
        "address": event.address,
        "hash": bytes(event.hash).hex(),
    }


def _subjects(event: AuditEvent, people: dict[str, trail.Whom]) -> list[str]:
    """References in place of numbers; a number stays where nobody knows it any more."""
    found: set[str] = set()
    for token in event.subjects:
        found.update((people[token].references if token in people else ()) or (token,))
    return sorted(found)


class _Writer:
    """Lines of one kind, and a digest of all of them."""

    def __init__(self, out: TextIO, kind: str) -> None:
        self.out, self.kind = out, kind
        self._digest = hashlib.sha256()
        if kind == "csv":
            self._put(_csv_line(COLUMNS))

    def write(self, row: dict[str, Any]) -> bytes:
        """Write one event; returns the bytes of its line."""
        if self.kind == "csv":
            return self._put(_csv_line(_cell(row[name]) for name in COLUMNS))
        return self._put(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")

    def _put(self, line: str) -> bytes:
        self.out.write(line)
        self._digest.update(line.encode())
        return line.encode()

    def digest(self) -> str:
        """SHA-256 of everything that was written."""
        return self._digest.hexdigest()


def _csv_line(cells: Iterable[Any]) -> str:
    """One record of RFC 4180."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _batches(events: Iterable[AuditEvent], size: int) -> Iterator[list[AuditEvent]]:
    rows = iter(events)
    while some := list(islice(rows, size)):
        yield some


def _cell(value: Any) -> str | int:
    """A value as a cell: lists by semicolons, the context as JSON, and no text that a spreadsheet would compute."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        value = json.dumps(value, sort_keys=True) if value else ""
    elif isinstance(value, Iterable) and not isinstance(value, str):
        value = ";".join(map(str, value))
    return f"'{value}" if str(value).startswith(FORMULA) else str(value)

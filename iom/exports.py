"""Files made on request (security.md E1, E2): for their maker alone, with a reason, ended after a day.

A page that offers one asks for `reason` and `recipient`, guards its view with a fresh code, and calls `make` with what
its reader may see. The file waits at its own address until it ends.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from iom import audit, clock, sweeps
from iom.access import Actor
from iom.models import Export, Scheme
from iom.steps import StepRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ROWS = 10_000
LASTS = timedelta(hours=24)
# What a spreadsheet would take for a formula at the start of a cell, full-width forms too (security.md E2).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

Cell = str | int | date | None


def escaped(cell: Cell) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and dates stay what they are."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return str(cell)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """RFC 4180, in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([escaped(cell) for cell in header])
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


@transaction.atomic
def make(
    *,
    by: Actor,
    kind: str,
    name: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    reason: str,
    recipient: str,
    chosen: Mapping[str, str | int],
    subjects: Iterable[str],
) -> Export:
    """Make a CSV file for whoever asks, and keep in one event how many rows, of what, and its digest.

    `chosen` is the filter; `subjects` are references of the people in it. Raises StepRefused without a reason or a
    recipient, and over 10,000 rows, of which nothing is made.
    """
    at = clock.now()
    return make_file(
        by=by,
        kind=kind,
        name=f"{name}-{at.astimezone(clock.LONDON):%Y-%m-%d}.csv",
        content=csv_bytes(header, rows) if len(rows) <= MOST_ROWS else b"",
        rows=len(rows),
        reason=reason,
        recipient=recipient,
        chosen=chosen,
        subjects=subjects,
    )


@transaction.atomic
def make_file(
    *,
    by: Actor,
    kind: str,
    name: str,
    content: bytes,
    rows: int,
    reason: str,
    recipient: str,
    chosen: Mapping[str, str | int],
    subjects: Iterable[str],
) -> Export:
    """Keep a finished file for whoever asks, as `make` does; `name` ends in its kind: .csv or .pdf."""
    problems = []
    if not reason.strip():
        problems.append("Enter why you need the file.")
    if not recipient.strip():
        problems.append("Enter who will receive the file.")
    if rows > MOST_ROWS:
        problems.append(f"That is more than {MOST_ROWS:,} rows. Narrow what you ask for.")
    if problems:
        raise StepRefused(problems)
    at = clock.now()
    export = Export.objects.create(
        scheme=by.scheme,
        maker=by.membership,
        kind=kind,
        name=name,
        rows=rows,
        sha256=hashlib.sha256(content).hexdigest(),
        reason=reason.strip(),
        recipient=recipient.strip(),
        content=content,
        made_at=at,
        ends_at=at + LASTS,
    )
    audit.record(
        "export",
        export,
        by=by,
        after=kind,
        reason=reason,
        subjects=subjects,
        rows=export.rows,
        sha256=export.sha256,
        **{f"by_{name}": value for name, value in chosen.items()},
    )
    return export


def downloaded(export: Export, *, by: Actor) -> bytes:
    """The file for its maker, with an event for each time that it is taken."""
    audit.record("download_export", export, by=by, after=export.kind, rows=export.rows, sha256=export.sha256)
    return bytes(export.content)


def type_of(export: Export) -> str:
    """What the file is, for the browser."""
    return "application/pdf" if export.name.endswith(".pdf") else "text/csv; charset=utf-8"


@sweeps.tidies
def end_exports(scheme: Scheme, today: date, by: Actor) -> None:
    """Files that have ended are gone, with what they held."""
    Export.objects.filter(scheme=scheme, ends_at__lte=clock.now()).delete()

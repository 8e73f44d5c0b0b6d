"""Changing which days are without work: a scheme for itself, a new list from the government for everybody.

security.md T3. Whatever changes here moves the dates that are still open, and answers with what moved (T4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, walls
from iom.forms import FIRST_YEAR, LAST_YEAR
from iom.models import BankHoliday, Counter, SchemeHoliday
from iom.models.dates import version_of
from iom.steps import StepRefused
from iom.stored_dates import Moved, restore
from iom.working_days import Listed

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Published:
    """What a new list of bank holidays changed; `version` is that of the table afterwards."""

    version: int
    added: tuple[date, ...]
    withdrawn: tuple[date, ...]


def add_holiday(day: date, name: str, source: str, *, by: Actor) -> list[Moved]:
    """Nobody of the scheme works on `day`. Returns the open dates that moved.

    Raises PermissionDenied; StepRefused without a name or a source, for a year before 1900 or after 2100, or where the
    day is one already.
    """
    _may_change(by)
    problems = [
        *([] if name.strip() else ["Enter what the day is called."]),
        *([] if source.strip() else ["Enter where it is announced."]),
        *([] if FIRST_YEAR <= day.year <= LAST_YEAR else [f"The day must be between {FIRST_YEAR} and {LAST_YEAR}."]),
    ]
    if problems:
        raise StepRefused(problems)
    with walls.within(by.scheme, by=by):
        version = Counter.next(by.scheme, "holidays")
        said = _said(by, day)
        national = BankHoliday.objects.filter(date=day, withdrawn_in=None).exists()
        if national if said is None else said.closed:
            raise StepRefused(["That day is in the table already."])
        if said is not None:
            _withdraw(said, version)
        row = (
            said
            if national
            else SchemeHoliday.objects.create(
                scheme=by.scheme, date=day, name=name.strip(), source=source.strip(), added_in=version
            )
        )
        audit.record("add_holiday", row, by=by, fields=["date", "name", "source"], holidays=version)
        return restore(by.scheme, by=by)


def remove_holiday(day: date, source: str, *, by: Actor) -> list[Moved]:
    """The scheme works on `day`: its own day is taken back, or a bank holiday does not hold for it.

    `source` says where that is announced. Returns the open dates that moved. Raises PermissionDenied; StepRefused
    without a source or where the day is none.
    """
    _may_change(by)
    if not source.strip():
        raise StepRefused(["Enter where it is announced."])
    with walls.within(by.scheme, by=by):
        version = Counter.next(by.scheme, "holidays")
        said = _said(by, day)
        national = BankHoliday.objects.filter(date=day, withdrawn_in=None).first()
        if said is not None and said.closed:
            _withdraw(said, version)
            row = said
        elif said is None and national is not None:
            row = SchemeHoliday.objects.create(
                scheme=by.scheme, date=day, name=national.name, source=source.strip(), closed=False, added_in=version
            )
        else:
            raise StepRefused(["That day is not in the table."])
        audit.record("remove_holiday", row, by=by, fields=["date"], reason=source, holidays=version)
        return restore(by.scheme, by=by)


@transaction.atomic
def publish(listed: Iterable[Listed]) -> Published:
    """Make the bank holidays of the years that `listed` covers those of the list, for every scheme.

    What is no longer listed is withdrawn, not deleted. The dates of each scheme follow by `restore`. ValueError for a
    list that names a day twice, or leaves a year out between its own or between them and the table's.
    """
    rows = sorted(listed, key=lambda row: row.date)
    days = {row.date: row for row in rows}
    years = {row.date.year for row in rows}
    if len(days) != len(rows):
        raise ValueError("A day stands in the list twice.")
    held = list(BankHoliday.objects.select_for_update().order_by("pk"))
    present = {row.date: row for row in held if row.withdrawn_in is None}
    whole = years | {day.year for day in present}
    if not years or whole != set(range(min(whole), max(whole) + 1)):
        raise ValueError("The list must name whole years, and leave none out.")
    gone = [
        row for day, row in present.items() if day.year in years and (day not in days or _says_other(row, days[day]))
    ]
    new = [row for day, row in days.items() if day not in present or _says_other(present[day], row)]
    version = version_of(held)
    if gone or new:
        version += 1
        for row in gone:
            row.withdrawn_in = version
        BankHoliday.objects.bulk_update(gone, ["withdrawn_in"])
        BankHoliday.objects.bulk_create(
            BankHoliday(date=row.date, name=row.name, source=row.source, added_in=version) for row in new
        )
    return Published(version, tuple(row.date for row in new), tuple(row.date for row in gone))


def _says_other(row: BankHoliday, listed: Listed) -> bool:
    return (row.name, row.source) != (listed.name, listed.source)


def _may_change(by: Actor) -> None:
    if not by.holds("iom.change_holidays"):
        raise PermissionDenied


def _said(by: Actor, day: date) -> SchemeHoliday | None:
    return SchemeHoliday.objects.filter(scheme=by.scheme, date=day, withdrawn_in=None).first()


def _withdraw(row: SchemeHoliday, version: int) -> None:
    row.withdrawn_in = version
    row.version += 1
    row.save(update_fields=["withdrawn_in", "version"])

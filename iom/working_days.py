"""Counting days: calendar days, working days of England, calendar months.

Pure: the dates, the holidays and the scheme's own extra days are arguments. The table of bank holidays ships
in `iom/data/bank_holidays.csv` with the source of each row; what an installation has made of it stands in its
database (`iom.models.dates`, security.md T3), and commands that need no database read the file.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

from iom.policy.schema import Policy

Unit = Literal["calendar", "working"]
Relation = Literal["before", "after"]

LARGEST_COUNT = 365
SHIPPED = "shipped"

Day = date  # fields called `date` hide the type inside their class


@dataclass(frozen=True, slots=True)
class Skipped:
    """A day that was stepped over without being counted, and why."""

    date: Day
    why: str


@dataclass(frozen=True, slots=True)
class Computed:
    """Where a count of days ends: `skipped` in the order of stepping, `warnings` as sentences for people."""

    date: Day
    skipped: tuple[Skipped, ...]
    holidays_known_to: Day
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holidays:
    """Named days without work, and between which days (both included) the table is complete.

    `version` names the state of the table, and is kept with each date that was counted with it (security.md T4).
    """

    days: Mapping[date, str]
    known_from: date
    known_to: date
    extra: Mapping[date, str] = field(default_factory=dict)
    version: str = SHIPPED

    def with_extra(self, extra: Mapping[date, str]) -> Holidays:
        """The same table with a scheme's own days; they do not lengthen what is known."""
        return replace(self, extra={**self.extra, **extra})

    def why_closed(self, day: date) -> str | None:
        """Why nobody works on `day`, in words; None for a working day."""
        if name := self.days.get(day):
            return f"bank holiday ({name})"
        if day.weekday() >= 5:
            return f"weekend ({day:%A})"
        if name := self.extra.get(day):
            return f"scheme's own day ({name})"
        return None

    def knows(self, day: date) -> bool:
        """Whether the table says for certain if `day` is a bank holiday."""
        return self.known_from <= day <= self.known_to

    def unknown(self, day: date) -> str:
        """The warning for a day that the table does not cover (security.md T3)."""
        return (
            f"Bank holidays not yet known for {day.isoformat()}: the table runs from "
            f"{self.known_from.isoformat()} to {self.known_to.isoformat()}. Only weekends are skipped there."
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A bank holiday as the shipped table has it."""

    date: Day
    name: str
    source: str


@cache
def shipped() -> tuple[Listed, ...]:
    """The rows of the shipped table, in the order of their days."""
    table = files("iom").joinpath("data/bank_holidays.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return tuple(Listed(date.fromisoformat(row["date"]), row["name"], row["source"]) for row in rows)


def whole_years(days: Mapping[date, str], *, extra: Mapping[date, str], version: str) -> Holidays:
    """A table that is complete from the first to the last year that it lists. ValueError for an empty one."""
    return Holidays(days, date(min(days).year, 1, 1), date(max(days).year, 12, 31), extra, version)


@cache
def english_holidays() -> Holidays:
    """The shipped bank holidays of England and Wales; known to the end of the last year listed."""
    return whole_years({row.date: row.name for row in shipped()}, extra={}, version=SHIPPED)


def holidays_of(policy: Policy, table: Holidays | None = None) -> Holidays:
    """The table, or England's as it ships, with the days added that the scheme's rules name."""
    return (table or english_holidays()).with_extra({extra.day: extra.name for extra in policy.extra_days})


def step(start: date, count: int, unit: Unit, relation: Relation, holidays: Holidays) -> Computed:
    """The day `count` calendar or working days before or after `start`, which itself is not counted.

    Working days are counted one by one from the day next to `start` and skip weekends and bank holidays; a
    count of 0 is `start`, whatever day that is. Where the table does not reach, `warnings` say so, of calendar
    days too. ValueError for a count outside 0 to 365 (security.md T2); OverflowError where the calendar ends.
    """
    if not 0 <= count <= LARGEST_COUNT:
        raise ValueError(f"The count must be 0 to {LARGEST_COUNT} days, not {count}.")
    direction = timedelta(days=1 if relation == "after" else -1)
    if unit == "calendar":
        end = start + direction * count
        return Computed(end, (), holidays.known_to, _unknown([end], holidays))
    day, left = start, count
    passed, skipped = [start], []
    while left:
        day += direction
        passed.append(day)
        if why := holidays.why_closed(day):
            skipped.append(Skipped(day, why))
        else:
            left -= 1
    # The day from which one counts is not counted, unless it is also where the count ends.
    return Computed(day, tuple(skipped), holidays.known_to, _unknown(passed[1:] or passed, holidays))


def _unknown(days: list[date], holidays: Holidays) -> tuple[str, ...]:
    first = next((day for day in days if not holidays.knows(day)), None)
    return () if first is None else (holidays.unknown(first),)


def add_months(day: date, months: int) -> date:
    """`day` moved by calendar months: the same day number, else the month's last.

    31 August and six months is 28 or 29 February. OverflowError where the calendar ends.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("the calendar ends there")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

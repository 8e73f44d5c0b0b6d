"""`manage.py bank_holidays FILE`: the bank holidays of the years that the file lists, for every scheme."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from iom.forms import FIRST_YEAR, LAST_YEAR
from iom.holidays import publish
from iom.management.policy_command import PolicyCommand
from iom.models import Scheme
from iom.stored_dates import Moved, restore
from iom.working_days import Listed

COLUMNS = ("date", "name", "source")
LONGEST = {"name": 120, "source": 200}


class Command(PolicyCommand):
    help = "Takes a new list of bank holidays, and lets the open dates of every scheme follow it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV with the columns date, name and source")
        parser.add_argument("--json", action="store_true", help="accepted for sameness; the answer is JSON")

    def handle(self, *, file: Path, **_options: Any) -> None:
        try:
            published = publish(self._listed(file))
        except ValueError as error:
            raise self.wrong(f"{file.name}: {error}") from error
        moved = {scheme.slug: [_told(each) for each in restore(scheme)] for scheme in Scheme.objects.order_by("pk")}
        self.answer(
            {
                "version": published.version,
                "added": [day.isoformat() for day in published.added],
                "withdrawn": [day.isoformat() for day in published.withdrawn],
                "moved": moved,
            }
        )

    def _listed(self, file: Path) -> list[Listed]:
        try:
            rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
        except OSError as error:
            raise self.wrong(f"Cannot read {file.name}: {error.strerror}.") from error
        except (UnicodeDecodeError, csv.Error):
            raise self.wrong(f"{file.name} is not a CSV file in UTF-8.") from None
        return [self._row(number, row) for number, row in enumerate(rows, start=2)]

    def _row(self, number: int, row: dict[str, str | None]) -> Listed:
        day, name, source = ((row.get(column) or "").strip() for column in COLUMNS)
        if not (day and name and source):
            raise self.wrong(f"Line {number}: each row needs a date, a name and a source.")
        if len(name) > LONGEST["name"] or len(source) > LONGEST["source"]:
            raise self.wrong(f"Line {number}: a name has at most 120 characters, a source 200.")
        when = self.day(day)
        if not FIRST_YEAR <= when.year <= LAST_YEAR:
            raise self.wrong(f"Line {number}: the date must be between {FIRST_YEAR} and {LAST_YEAR}.")
        return Listed(when, name, source)


def _told(moved: Moved) -> dict[str, str | None]:
    return {
        "meeting": moved.meeting,
        "date": moved.name,
        "before": moved.before and moved.before.isoformat(),
        "after": moved.after and moved.after.isoformat(),
    }

"""`manage.py workdays DATE COUNT calendar|working before|after`: the day, and what was stepped over."""

from typing import Any

from django.core.management.base import CommandParser

from iom.management.policy_command import PolicyCommand
from iom.working_days import english_holidays, step


class Command(PolicyCommand):
    help = "Counts calendar or working days of England from a date. Needs no database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("date", metavar="DATE", help="where to start, YYYY-MM-DD; not counted itself")
        parser.add_argument("count", metavar="COUNT", type=int, help="0 to 365; 0 is DATE")
        parser.add_argument("unit", choices=["calendar", "working"])
        parser.add_argument("relation", choices=["before", "after"])
        parser.add_argument("--json", action="store_true", help="accepted for sameness; the answer is JSON")

    def handle(self, *, date: str, count: int, unit: str, relation: str, **_options: Any) -> None:
        start = self.day(date)
        try:
            computed = step(start, count, unit, relation, english_holidays())  # type: ignore[arg-type]
        except ValueError as error:
            raise self.wrong(str(error)) from error
        except OverflowError:
            raise self.wrong(f"{date} lies too near the end of the calendar to count from.") from None
        answer: dict[str, Any] = {
            "date": computed.date.isoformat(),
            "skipped": [{"date": day.date.isoformat(), "why": day.why} for day in computed.skipped],
            "holidays_known_to": computed.holidays_known_to.isoformat(),
        }
        if computed.warnings:
            answer["warnings"] = list(computed.warnings)
        self.answer(answer)

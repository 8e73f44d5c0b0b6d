"""`manage.py panel_dates --scheme merton --meeting 2026-12-15 [--body SLUG]`: the deadlines of a meeting."""

from typing import Any

from django.core.management.base import CommandParser

from iom.deadlines import meeting_dates
from iom.management.policy_command import PolicyCommand
from iom.policy import BodyPolicy, Policy
from iom.working_days import holidays_of


class Command(PolicyCommand):
    help = "Prints when nominations close and when agenda, checks and minutes are due. Needs no database."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_scheme_argument(parser)
        parser.add_argument("--meeting", required=True, metavar="DATE", help="day of the meeting, YYYY-MM-DD")
        parser.add_argument("--body", metavar="SLUG", help="panel or board; the scheme's first if not given")
        parser.add_argument("--json", action="store_true", help="accepted for sameness; the answer is JSON")

    def handle(self, *, scheme: str, meeting: str, body: str | None, **_options: Any) -> None:
        policy = self.preset(scheme)
        meeting_day = self.day(meeting)
        try:
            dates = meeting_dates(self._body(policy, body), meeting_day, holidays_of(policy))
        except OverflowError:
            raise self.wrong(f"{meeting} lies too near the end of the calendar to count from.") from None
        self.answer(
            {deadline.name: deadline.date and deadline.date.isoformat() for deadline in dates}
            | {"sources": {deadline.name: deadline.source for deadline in dates}}
            | {"warnings": list(dates.warnings)}
        )

    def _body(self, policy: Policy, slug: str | None) -> BodyPolicy:
        try:
            return policy.default_body if slug is None else policy.body(slug)
        except KeyError as error:
            raise self.wrong(f"{policy.slug} has {error.args[0]}.") from None

"""The clocks of a rating: since when somebody is Green without a break, and which panel looks at leaving. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from iom.deadlines import first_on_or_after, last_on_or_before
from iom.policy.managing import ExitRule
from iom.working_days import add_months


@dataclass(frozen=True, slots=True)
class Inside:
    """Days in custody, from `starts_on` until `released_on`; None while still inside."""

    starts_on: date
    released_on: date | None


@dataclass(frozen=True, slots=True)
class GreenClock:
    """Where the Green clock of a case stands. `meeting` is None where no panel is planned that could take the exit."""

    since: date
    due: date
    meeting: date | None
    source: str

    def expired(self, today: date) -> bool:
        """Whether the scheme's months of Green are over."""
        return today >= self.due


def green_due(since: date, months: int) -> date:
    """The day on which `months` calendar months of Green are over (Merton, Roles).

    From 31 August, six months are over on 28 or 29 February.
    """
    return add_months(since, months)


def green_since(rated_green_on: date, inside: Iterable[Inside] = ()) -> date | None:
    """The first day of the unbroken run, given when the present Green rating began.

    `inside` are custody periods that the scheme has no colour for: such custody ends the run, which starts again on the
    day after release. None while the person is inside: no clock runs.
    """
    since = rated_green_on
    for period in inside:
        if period.released_on is None:
            return None
        if period.released_on >= since:
            since = period.released_on + timedelta(days=1)
    return since


def exit_meeting(rule: ExitRule, due: date, meetings: Iterable[date]) -> date | None:
    """The panel that looks at the exit, of those still to come.

    "Expected at" (Merton) is the first on or after the due day. "Up to" (Waltham Forest, 2.3) is the last on or before
    it, or the next one once that has passed. Other schemes agree the period case by case, so none is named for them.
    """
    meetings = list(meetings)
    if rule.force == "up_to":
        return last_on_or_before(meetings, due) or first_on_or_after(meetings, due)
    if rule.force == "expected_at":
        return first_on_or_after(meetings, due)
    return None


def green_clock(
    rule: ExitRule, *, rated_green_on: date, meetings: Iterable[date], inside: Iterable[Inside] = ()
) -> GreenClock | None:
    """The clock of somebody rated Green; None where the scheme counts no months or the person is inside."""
    since = green_since(rated_green_on, inside)
    if rule.green_months is None or since is None:
        return None
    due = green_due(since, rule.green_months)
    return GreenClock(since, due, exit_meeting(rule, due, meetings), rule.source)

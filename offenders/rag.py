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
class Agreed:
    """A time of lighter watching `until` a day, agreed by a panel for one person `on` another (London, RAG Rating)."""

    on: date
    until: date


@dataclass(frozen=True, slots=True)
class GreenClock:
    """Where the Green clock of a case stands. `meeting` is None where no panel is planned that could take the exit.

    `months` are the scheme's; None where a panel agreed the end for this person.
    """

    since: date
    due: date
    meeting: date | None
    source: str
    months: int | None = None

    def expired(self, today: date) -> bool:
        """Whether the months of Green, or the time agreed, are over."""
        return today >= self.due

    @property
    def words(self) -> str:
        """What is over on the day that it is due."""
        return f"Green for {self.months} months" if self.months else "Green for the time agreed"


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

    "Expected at" (Merton) is the first on or after the due day, and so is the end of a time that was agreed. "Up to"
    (Waltham Forest, 2.3) is the last on or before it, or the next one once that has passed. The end of supervision
    waits for no panel (Hampshire, When IOM Ends).
    """
    meetings = list(meetings)
    if rule.force == "up_to":
        return last_on_or_before(meetings, due) or first_on_or_after(meetings, due)
    if rule.force == "end_of_supervision":
        return None
    return first_on_or_after(meetings, due)


def green_clock(
    rule: ExitRule,
    *,
    rated_green_on: date,
    meetings: Iterable[date],
    inside: Iterable[Inside] = (),
    agreed: Agreed | None = None,
) -> GreenClock | None:
    """The clock of somebody rated Green.

    None while the person is inside, where the scheme counts nothing, and where a panel has to agree the time and has
    not: what it agreed for an earlier run does not hold for the one that began after it.
    """
    since = green_since(rated_green_on, inside)
    if since is None:
        return None
    if rule.force == "agreed_period":
        if agreed is None or agreed.on < since:
            return None
        return GreenClock(since, agreed.until, exit_meeting(rule, agreed.until, meetings), rule.source)
    if rule.green_months is None:
        return None
    due = green_due(since, rule.green_months)
    return GreenClock(since, due, exit_meeting(rule, due, meetings), rule.source, rule.green_months)

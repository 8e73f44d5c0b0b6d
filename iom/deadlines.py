"""The dates around a meeting, computed from its day and the body's rules; never a countdown.

Pure: today and the bank holidays are arguments. Dates are Europe/London dates. `iom.stored_dates` keeps what was
computed, with the rule, the rules' version and the holidays' version (security.md T4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from iom.policy.base import DEFAULT_SOURCE
from iom.policy.bodies import BodyPolicy, DeadlineRule
from iom.working_days import Day, Holidays, Skipped, add_months, step

LONDON = ZoneInfo("Europe/London")
END_OF_WORK = time(17, 0)

Name = Literal["nominations_close", "agenda_due", "checks_due", "minutes_due"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """One date of a meeting. `date` is None where the body has no such date; `rule` says it in words.

    `due_at` is the London time by which it must be done; None means at the end of that day. `moved_from` is where a
    stored date stood before the rules or the bank holidays changed, if it moved then.
    """

    name: Name
    date: Day | None
    due_at: time | None
    source: str
    kind: Literal["must", "usual"] | None
    rule: str
    skipped: tuple[Skipped, ...] = ()
    moved_from: Day | None = None

    @property
    def moment(self) -> datetime | None:
        """The first instant (UTC) at which it is too late; None where there is no such date."""
        if self.date is None:
            return None
        if self.due_at is None:
            return datetime.combine(self.date + timedelta(days=1), time.min, LONDON).astimezone(UTC)
        return datetime.combine(self.date, self.due_at, LONDON).astimezone(UTC)

    def passed(self, now: datetime) -> bool:
        """Whether it is too late at that instant; never for a date that the body does not have."""
        return self.moment is not None and now >= self.moment


@dataclass(frozen=True, slots=True)
class MeetingDates:
    """The four deadlines of a meeting, and what a person should know about how they were found.

    `rules` is the number of the policy version by which stored dates were counted; None where nothing is stored.
    """

    meeting: date
    nominations_close: Deadline
    agenda_due: Deadline
    checks_due: Deadline
    minutes_due: Deadline
    holidays_known_to: date
    warnings: tuple[str, ...]
    rules: int | None = None
    holidays: str = ""

    @property
    def takes_nominations_until(self) -> datetime | None:
        """The first instant at which a nomination is too late: without a closing date, the end of the meeting's day."""
        closing = self.nominations_close
        return closing.moment if closing.date else replace(closing, date=self.meeting, due_at=None).moment

    def __iter__(self) -> Iterator[Deadline]:
        """The deadlines in the order in which a meeting is prepared."""
        yield from (self.nominations_close, self.agenda_due, self.checks_due, self.minutes_due)


def meeting_dates(body: BodyPolicy, meeting: date, holidays: Holidays) -> MeetingDates:
    """Every deadline of a meeting of `body` on `meeting`.

    "10 days before" a meeting on the 25th is the 15th, also when that is a weekend. Nominations close at the
    end of their day, everything else is due at 17:00 in London.
    """
    rules = body.deadlines
    nominations = _deadline("nominations_close", rules.nominations, None, meeting, holidays)
    agenda = _deadline("agenda_due", rules.agenda, END_OF_WORK, meeting, holidays)
    checks = _deadline("checks_due", rules.checks, END_OF_WORK, meeting, holidays)
    minutes = _deadline("minutes_due", rules.minutes, END_OF_WORK, meeting, holidays)
    warnings = []
    if why := holidays.why_closed(meeting):
        warnings.append(f"The meeting on {meeting.isoformat()} falls on a day without work: {why}.")
    computed = [
        meeting,
        *(deadline.date for deadline in (nominations, agenda, checks, minutes) if deadline.date),
    ]
    if unknown := next((day for day in computed if not holidays.knows(day)), None):
        warnings.append(holidays.unknown(unknown))
    return MeetingDates(
        meeting,
        nominations,
        agenda,
        checks,
        minutes,
        holidays.known_to,
        tuple(warnings),
        holidays=holidays.version,
    )


def in_words(rule: DeadlineRule) -> str:
    """The rule as people say it: "10 calendar days before the meeting"."""
    if rule.count == 0:
        return "on the day of the meeting"
    days = "day" if rule.count == 1 else "days"
    return f"{rule.count} {rule.unit} {days} {rule.relation} the meeting"


def deciding_meeting(calendar: Iterable[MeetingDates], now: datetime) -> date | None:
    """The first of a body's meetings whose nominations are still open at `now`; None if there is none."""
    still_open = (dates for dates in calendar if (until := dates.takes_nominations_until) and now < until)
    return min((dates.meeting for dates in still_open), default=None)


def first_on_or_after(meetings: Iterable[date], day: date) -> date | None:
    """The meeting that takes what is "expected at" a day (Merton, Roles)."""
    return min((meeting for meeting in meetings if meeting >= day), default=None)


def last_on_or_before(meetings: Iterable[date], day: date) -> date | None:
    """The meeting that takes what may last "up to" a day (Waltham Forest, 2.3)."""
    return max((meeting for meeting in meetings if meeting <= day), default=None)


def first_review_meeting(accepted: date, months: int, meetings: Iterable[date]) -> date | None:
    """The meeting of the first review: the last after acceptance and not after the due day, else the next.

    Merton, Roles: a review one month after somebody was taken on.
    """
    due = add_months(accepted, months)
    after = [meeting for meeting in meetings if meeting > accepted]
    return last_on_or_before(after, due) or first_on_or_after(after, due)


def _deadline(
    name: Name, rule: DeadlineRule | None, due_at: time | None, meeting: date, holidays: Holidays
) -> Deadline:
    if rule is None:
        return Deadline(name, None, due_at, DEFAULT_SOURCE, None, "This body has no such date.")
    computed = step(meeting, rule.count, rule.unit, rule.relation, holidays)
    return Deadline(name, computed.date, due_at, rule.source, rule.kind, in_words(rule), computed.skipped)

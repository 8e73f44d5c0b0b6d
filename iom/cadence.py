"""When a body meets next: by its cadence, or so many days after somebody else's meeting.

Pure: today and what is closed are arguments. Nothing here moves a day because it is a holiday; only a daily contact,
which is of working days, steps over those on which nobody works.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from iom.policy.bodies import Ahead, Cadence
from iom.working_days import Holidays, add_months

# For the search in a diary that was left alone for years; a daily body steps over so many days at most.
_LONGEST = 4000


def following(day: date, cadence: Cadence, holidays: Holidays | None = None) -> date:
    """The next day of meeting by the body's cadence alone: the second Thursday follows the second Thursday.

    A daily body meets again on the next working day where `holidays` are given. OverflowError where the calendar ends.
    """
    if cadence.unit == "month":
        first = add_months(day.replace(day=1), cadence.every)
        same_weekday = first + timedelta(days=(day.weekday() - first.weekday()) % 7 + (day.day - 1) // 7 * 7)
        # Not every month has a fifth one: the last is meant.
        return same_weekday if same_weekday.month == first.month else same_weekday - timedelta(days=7)
    day += timedelta(days=cadence.every * (7 if cadence.unit == "week" else 1))
    while cadence.unit == "day" and holidays is not None and holidays.why_closed(day):
        day += timedelta(days=1)
    return day


def to_plan(
    last: date,
    cadence: Cadence,
    ahead: Ahead,
    *,
    planned: int,
    taken: Collection[date],
    today: date,
    holidays: Holidays,
) -> Iterator[date]:
    """The days on which meetings are wanting, in order: `last` is the latest known day of the rhythm.

    `planned` of them stand already from `today` on. As many are added as the rules keep planned, none further ahead
    than they say, except that there is always a next one. Days before today, and `taken` ones (of a meeting that was
    called off, or moved there), are stepped over and not made up for.
    """
    day = last
    for _ in range(_LONGEST):
        if planned >= ahead.meetings:
            return
        day = following(day, cadence, holidays)
        if day < today or day in taken:
            continue
        if planned and day > today + timedelta(days=ahead.days):
            return
        planned += 1
        yield day


def half(cadence: Cadence) -> timedelta:
    """Half of the time between two meetings: what is nearer than this to a day stands for that day."""
    days = {"day": 1, "week": 7, "month": 30}[cadence.unit] * cadence.every
    return timedelta(days=days // 2)

"""Instants in UTC, days in London, and the two nights on which London's clocks change (security.md T1)."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine

from iom import clock
from iom.forms import DateField, SaneForm
from iom.models import Meeting
from iom.forms import ClockField
from panels.papers import timetable

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


class MomentForm(SaneForm):
    nouns = {"starts_at": "the start time"}
    moments = (("day", "starts_at"),)

    day = DateField(label="Day", clock=lambda: date(2026, 1, 1))
    starts_at = ClockField(label="Start time")


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-06-30T22:59:59", date(2026, 6, 30)),
        ("2026-06-30T23:00:00", date(2026, 7, 1)),
        ("2026-12-31T23:59:59", date(2026, 12, 31)),
        ("2027-01-01T00:00:00", date(2027, 1, 1)),
    ],
    ids=["last-second-of-june", "july-in-london", "last-second-of-the-year", "new-year"],
)
def test_today_is_the_day_in_london(instant, day):
    with time_machine.travel(datetime.fromisoformat(instant).replace(tzinfo=UTC), tick=False):
        assert clock.today() == day


def test_present_is_told_in_utc_whatever_zone_it_was_given_in():
    with clock.as_of(datetime(2026, 7, 1, 0, 30, tzinfo=clock.LONDON)):
        assert clock.now() == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
        assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "wall", "instant"),
    [
        (SPRING, time(0, 59), datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        (SPRING, time(2, 0), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (AUTUMN, time(0, 59), datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
        (AUTUMN, time(2, 0), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
    ids=["before-forward", "after-forward", "before-back", "after-back"],
)
def test_time_that_a_clock_shows_once_is_an_instant(day, wall, instant):
    assert clock.exactly(day, wall) == instant


@pytest.mark.parametrize("wall", [time(1, 0), time(1, 30), time(1, 59, 59)])
@pytest.mark.parametrize(
    ("day", "words"), [(SPRING, "does not exist on that day"), (AUTUMN, "comes twice on that day")]
)
def test_time_that_a_clock_shows_never_or_twice_is_refused(day, wall, words):
    with pytest.raises(clock.NoSuchTime, match=words):
        clock.exactly(day, wall)


@pytest.mark.parametrize(
    ("day", "typed", "error"),
    [
        (
            "29 3 2026",
            "1:30am",
            "The start time does not exist on that day: the clocks go forward. Choose another time",
        ),
        ("25 10 2026", "1am", "The start time comes twice on that day: the clocks go back. Choose another time"),
    ],
)
def test_form_refuses_such_a_time_beside_its_field(day, typed, error):
    form = MomentForm({"day": day, "starts_at": typed})

    assert form.errors == {"starts_at": [error]}


@pytest.mark.parametrize(("day", "typed"), [("29 3 2026", "2am"), ("25 10 2026", "2am"), ("28 3 2026", "1:30am")])
def test_form_takes_the_hours_beside_it(day, typed):
    assert MomentForm({"day": day, "starts_at": typed}).is_valid()


def test_form_without_a_real_day_says_only_that():
    assert list(MomentForm({"day": "31 2 2026", "starts_at": "1:30am"}).errors) == ["day"]


@pytest.mark.parametrize(
    ("day", "ends"),
    [(SPRING, time(3, 30)), (AUTUMN, time(1, 30)), (date(2026, 3, 28), time(2, 30))],
    ids=["forward", "back", "ordinary"],
)
def test_two_hours_are_two_hours_also_in_the_night_of_the_change(day, ends):
    meeting = Meeting(date=day, starts_at=time(0, 30), minutes_long=120)

    assert meeting.ends_at.time() == ends
    assert timetable(meeting, [30, 90])[-1][1] == ends

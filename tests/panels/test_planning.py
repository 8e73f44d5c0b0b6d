"""Meetings that plan themselves: ahead, once, never moved by themselves, and one after another on a common day."""

from datetime import date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from iom import sweeps
from iom.access import task_actor
from iom.cadence import following, to_plan
from iom.clock import LONDON, as_of
from iom.models import AuditEvent, Body, Meeting, Notification
from iom.policy.bodies import Ahead, Cadence
from iom.steps import StepRefused
from iom.working_days import english_holidays
from panels import meetings, planning
from panels.models import AgendaItem
from tests import factories

TODAY = date(2026, 3, 2)  # a Monday


@pytest.fixture(autouse=True)
def in_march():
    with as_of(datetime.combine(TODAY, time(9), LONDON)):
        yield


def cadence(unit, every=1):
    return Cadence(every=every, unit=unit, words="as said", source="default")


def days_of(body, **lookup):
    return list(Meeting.objects.filter(body=body, **lookup).order_by("date").values_list("date", flat=True))


def plan(by, body, on, at=time(10), minutes=120, **fields):
    return meetings.plan(body=body, on=on, starts_at=at, minutes_long=minutes, by=by, **fields)


def body(scheme, slug):
    found = Body.objects.get(scheme=scheme, slug=slug)
    found.scheme = scheme
    return found


# --- The rhythm --------------------------------------------------------------------------


def test_daily_contact_is_of_working_days_and_nothing_else_is_moved():
    holidays = english_holidays()
    # Thursday before Easter 2026: Good Friday, the weekend and Easter Monday are stepped over.
    assert following(date(2026, 4, 2), cadence("day"), holidays) == date(2026, 4, 7)
    assert following(date(2026, 3, 6), cadence("month")) == date(2026, 4, 3)  # Good Friday stays
    assert following(date(2026, 3, 20), cadence("week", 2), holidays) == date(2026, 4, 3)


@pytest.mark.parametrize(
    ("ahead", "planned", "taken", "expected"),
    [
        (Ahead(meetings=3, days=92, source="default"), 0, (), ["2026-03-09", "2026-03-16", "2026-03-23"]),
        (Ahead(meetings=3, days=92, source="default"), 2, (), ["2026-03-09"]),
        (Ahead(meetings=3, days=92, source="default"), 3, (), []),
        (Ahead(meetings=3, days=7, source="default"), 0, (), ["2026-03-09"]),
        (Ahead(meetings=3, days=6, source="default"), 0, (), ["2026-03-09"]),
        (Ahead(meetings=2, days=92, source="default"), 0, ("2026-03-09",), ["2026-03-16", "2026-03-23"]),
    ],
)
def test_as_many_are_wanting_as_the_rules_keep_planned(ahead, planned, taken, expected):
    found = to_plan(
        TODAY,
        cadence("week"),
        ahead,
        planned=planned,
        taken={date.fromisoformat(day) for day in taken},
        today=TODAY,
        holidays=english_holidays(),
    )
    assert [day.isoformat() for day in found] == expected


def test_diary_left_alone_for_a_year_is_not_made_up_for():
    found = to_plan(
        date(2025, 1, 8),
        cadence("month"),
        Ahead(meetings=1, days=92, source="default"),
        planned=0,
        taken=(),
        today=TODAY,
        holidays=english_holidays(),
    )
    assert list(found) == [date(2026, 3, 11)]


# --- The sweep ----------------------------------------------------------------------------


@pytest.mark.feature(57, 14, 16)
def test_sweep_keeps_the_next_meetings_of_each_body_planned(db):
    london = factories.scheme("london")
    by, chair = factories.actor(london, "coordinator"), factories.member(london, "chair", agency_kind="probation")
    for slug in ("panel", "weekly", "daily", "iom-board"):
        plan(by, body(london, slug), date(2026, 3, 4), place="Room 1", chair=chair)

    assert sweeps.tidy(TODAY) == []
    assert sweeps.tidy(TODAY) == []

    assert days_of(body(london, "panel")) == [date(2026, 3, 4), date(2026, 3, 18), date(2026, 4, 1)]
    assert days_of(body(london, "weekly")) == [date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 18)]
    assert days_of(body(london, "daily")) == [date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)]
    assert days_of(body(london, "iom-board")) == [date(2026, 3, 4), date(2026, 5, 6)]
    # No first meeting, no day to go by.
    assert days_of(body(london, "rrb")) == []
    made = Meeting.objects.get(body__slug="panel", date=date(2026, 3, 18))
    assert (made.starts_at, made.place, made.chair, made.planned_by_cadence) == (time(10), "Room 1", chair, True)
    assert AgendaItem.objects.filter(meeting=made).count() == 3
    assert made.stored_dates.count() == 4
    told = Notification.objects.filter(recipient=by.user, kind="planned_by_cadence")
    assert told.filter(text="Planned by its cadence: IOM Panel, 18 March, 1 April").exists()
    event = AuditEvent.objects.filter(verb="plan_meeting", context__meeting="2026-03-18").get()
    assert (event.actor, event.caused_by) == ("task", "keep_meetings_planned")


def test_day_that_was_called_off_is_not_planned_again_and_a_moved_one_keeps_the_rhythm(merton, as_coordinator):
    panel = factories.of_first_body(merton)
    plan(as_coordinator, panel, date(2026, 3, 12))
    planning.keep_planned(panel, TODAY, by=as_coordinator)
    april = Meeting.objects.get(body=panel, date=date(2026, 4, 9))
    may = Meeting.objects.get(body=panel, date=date(2026, 5, 14))

    meetings.cancel(april, reason="Easter", by=as_coordinator)
    facts = {"starts_at": may.starts_at, "minutes_long": 120, "place": "", "chair": None, "by": as_coordinator}
    meetings.change(may, on=date(2026, 5, 18), **facts)
    planning.keep_planned(panel, TODAY, by=as_coordinator)
    planning.keep_planned(panel, TODAY, by=as_coordinator)
    # The second Thursday goes on from May's, which stands for the 14th; 11 June is further than 92 days ahead on 2 March.
    assert days_of(panel, status="draft") == [date(2026, 3, 12), date(2026, 5, 18)]
    planning.keep_planned(panel, date(2026, 3, 11), by=as_coordinator)
    assert days_of(panel, status="draft") == [date(2026, 3, 12), date(2026, 5, 18), date(2026, 6, 11)]

    june = Meeting.objects.get(body=panel, date=date(2026, 6, 11))
    meetings.change(june, on=date(2026, 6, 9), new_rhythm=True, **facts)
    assert planning.next_day(panel) == date(2026, 7, 14)


def test_holiday_and_weekend_are_said_and_left(merton, as_coordinator):
    panel = factories.of_first_body(merton)
    plan(as_coordinator, panel, date(2026, 3, 6))
    made = planning.keep_planned(panel, TODAY, by=as_coordinator)
    assert [one.date for one in made] == [date(2026, 4, 3), date(2026, 5, 1)]
    assert planning.problem_of(made[0]) == "falls on Good Friday, a bank holiday"
    assert planning.problem_of(made[1]) == ""
    assert planning.day_problem(merton, date(2026, 3, 7)) == "falls on a Saturday"

    stays = planning.agree_day(made[0], by=as_coordinator, version=made[0].version)
    assert planning.problem_of(stays) == ""
    moved = meetings.change(
        stays, on=date(2026, 5, 25), starts_at=time(10), minutes_long=60, place="", chair=None, by=as_coordinator
    )
    assert planning.problem_of(moved) == "falls on Spring bank holiday, a bank holiday"


def test_body_that_does_not_plan_by_itself_is_left_alone(merton, as_coordinator, as_police):
    panel = factories.of_first_body(merton)
    plan(as_coordinator, panel, date(2026, 3, 12))
    assert planning.change_planning(panel, plans_itself=False, areas=[], by=as_coordinator) == []
    sweeps.tidy(TODAY)
    assert days_of(panel) == [date(2026, 3, 12)]
    assert len(planning.change_planning(panel, plans_itself=True, areas=[], by=as_coordinator)) == 2
    with pytest.raises(PermissionDenied):
        planning.change_planning(panel, plans_itself=True, areas=[], by=as_police)
    with pytest.raises(PermissionDenied):
        planning.keep_planned(panel, TODAY, by=task_actor(merton, "something_else"))


# --- A fortnight after the Youth Panel (Merton, Frequency) -----------------------------------


@pytest.mark.feature(13)
def test_meeting_follows_the_other_body_and_is_not_moved_by_itself(merton, as_coordinator):
    panel = factories.of_first_body(merton)

    made = planning.record_other_meeting(panel, date(2026, 3, 5), by=as_coordinator)

    # The first one, planned with no meeting before it: the other body's day is day enough. Those after go by the cadence.
    assert [one.date for one in made] == [date(2026, 3, 19), date(2026, 4, 16), date(2026, 5, 21)]
    first, second, _ = made
    assert planning.why_then(first) == "A fortnight after the Youth Panel of the OMP of 5 March"
    assert "no date of the Youth Panel of the OMP is entered" in planning.why_then(second)
    assert planning.target_of(first) is None

    # The next Youth Panel is entered: the meeting that stands near it follows it, and the coordinator is asked.
    assert planning.record_other_meeting(panel, date(2026, 4, 9), by=as_coordinator) == []
    second.refresh_from_db()
    assert (second.date, planning.target_of(second)) == (date(2026, 4, 16), date(2026, 4, 23))
    moved = planning.move_to_target(second, by=as_coordinator)
    assert (moved.date, planning.target_of(moved)) == (date(2026, 4, 23), None)

    # The other body moves: ours stays until somebody says so, and "stays" is an answer too.
    other = moved.follows
    planning.move_other_meeting(other, date(2026, 4, 16), by=as_coordinator)
    moved.refresh_from_db()
    assert (moved.date, planning.target_of(moved)) == (date(2026, 4, 23), date(2026, 4, 30))
    left = planning.agree_day(moved, by=as_coordinator)
    assert (left.date, planning.target_of(left)) == (date(2026, 4, 23), None)
    with pytest.raises(StepRefused, match="where it belongs"):
        planning.move_to_target(left, by=as_coordinator)
    with pytest.raises(StepRefused, match="entered already"):
        planning.record_other_meeting(panel, date(2026, 4, 16), by=as_coordinator)
    planning.remove_other_meeting(other, by=as_coordinator)
    assert Meeting.objects.get(pk=left.pk).follows is None


# --- Several on one day (Richmond), several areas (Hampshire) ---------------------------------


@pytest.mark.feature(12)
def test_panels_of_one_day_follow_one_another(db):
    richmond = factories.scheme("richmond")
    by = factories.actor(richmond, "coordinator")
    iom, asb, dyo = (body(richmond, slug) for slug in ("iom", "asb", "dyo"))
    plan(by, iom, date(2026, 3, 10), at=time(10), minutes=120)
    plan(by, iom, date(2026, 4, 14), at=time(10), minutes=90)
    first = planning.proposed(iom, date(2026, 3, 10))
    assert [(one.body.slug, one.starts_at) for one in planning.chained(first)] == [
        ("asb", time(11, 30)),
        ("dyo", time(13, 30)),
    ]
    plan(by, asb, date(2026, 4, 21), pattern_date=date(2026, 4, 14))  # moved on purpose

    sweeps.tidy(TODAY)
    sweeps.tidy(TODAY)

    assert days_of(iom) == [date(2026, 3, 10), date(2026, 4, 14), date(2026, 5, 12)]
    assert days_of(asb) == [date(2026, 3, 10), date(2026, 4, 21), date(2026, 5, 12)]
    assert days_of(dyo) == [date(2026, 3, 10), date(2026, 4, 14), date(2026, 5, 12)]
    march = planning.together(Meeting.objects.filter(scheme=richmond).select_related("body", "scheme"))[0]
    assert march.words == "IOM Panel at 10:00, then ASB Panel at 12:00, then Deter Young Offenders Panel at 14:00"


def test_transfer_panel_meets_every_three_months_in_each_area(db):
    hampshire = factories.scheme("hampshire")
    by = factories.actor(hampshire, "coordinator")
    transfer = body(hampshire, "transfer")
    areas = ["North", "South", "East", "West"]
    planning.change_planning(transfer, plans_itself=True, areas=areas, by=by)
    for number, area in enumerate(areas[:3]):
        plan(by, transfer, TODAY + timedelta(days=number), area=area)
    with as_of(datetime(2026, 3, 20, 9, tzinfo=LONDON)):
        sweeps.tidy(date(2026, 3, 20))
    found = Meeting.objects.filter(body=transfer, date__gt=date(2026, 3, 20)).order_by("date")
    # The fourth area has had no first meeting.
    assert [(one.area, one.date) for one in found] == [
        ("North", date(2026, 6, 1)),
        ("South", date(2026, 6, 2)),
        ("East", date(2026, 6, 3)),
    ]
    with pytest.raises(StepRefused, match="once"):
        planning.change_planning(transfer, plans_itself=True, areas=["North", "north "], by=by)

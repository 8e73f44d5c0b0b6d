"""Planning, moving and calling off: what follows for nominations, checks and people."""

from datetime import date, datetime, time

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.clock import LONDON
from iom.models import Notification
from iom.steps import StepRefused
from panels import agenda, meetings
from iom.forms import read_time
from panels.models import AgendaItem, Section
from referrals import actions as referral_actions
from referrals.models import CheckRequest
from tests import factories

PANEL_DAY = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


@pytest.fixture
def item(merton, meeting, police, housing, as_coordinator):
    """A nomination on the agenda, about which housing was asked."""
    referral = factories.referral(merton, police, status="with_coordinator")
    referral_actions.put_to_panel(referral, meeting=meeting, agencies=[housing.agency], by=as_coordinator)
    return AgendaItem.objects.get(referral=referral)


def moved(meeting, by, **changes):
    facts = {
        "on": meeting.date,
        "starts_at": meeting.starts_at,
        "minutes_long": meeting.minutes_long,
        "place": meeting.place,
        "chair": meeting.chair,
    }
    return meetings.change(meeting, by=by, **facts | changes)


def test_chair_is_proposed_who_sits_on_the_body(merton, chair):
    factories.member(merton, "chair", agency_kind="health", name="Aaron Sample", seat=False)

    assert meetings.default_chair(factories.of_first_body(merton)) == chair


def test_nobody_is_proposed_where_nobody_chairs(merton):
    assert meetings.default_chair(factories.of_first_body(merton)) is None


def test_moving_a_meeting_moves_the_day_by_which_agencies_answer(meeting, item, as_coordinator):
    assert CheckRequest.objects.get().due_on == date(2026, 3, 9)

    moved(meeting, as_coordinator, on=date(2026, 3, 19))

    assert CheckRequest.objects.get().due_on == date(2026, 3, 16)


def test_moving_tells_whoever_has_the_agenda(meeting, police, as_coordinator):
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    moved(meeting, as_coordinator, place="Room 4")
    assert not Notification.objects.filter(kind="meeting_changed").exists()

    sent = agenda.send_agenda(meeting, by=as_coordinator)
    moved(sent, as_coordinator, on=date(2026, 3, 19))

    told = Notification.objects.get(kind="meeting_changed", recipient=police.user)
    assert (told.text, told.url) == ("Date or place changed: IOM panel 19 March", "/meetings/2026-03-19/")


def test_changing_nothing_writes_nothing(meeting, as_coordinator):
    assert moved(meeting, as_coordinator).version == meeting.version


@pytest.mark.parametrize("status", ["live", "minutes_drafted", "signed", "cancelled"])
def test_meeting_that_began_is_not_moved(meeting, as_coordinator, status):
    meeting.status = status
    meeting.save(update_fields=["status"])

    with pytest.raises(StepRefused, match="date and place stay"):
        moved(meeting, as_coordinator, on=date(2026, 3, 19))


def test_planning_is_the_coordinator_s(merton, meeting, as_chair, as_police):
    for actor in (as_chair, as_police):
        with pytest.raises(PermissionDenied):
            moved(meeting, actor, place="Elsewhere")
        with pytest.raises(PermissionDenied):
            meetings.plan(
                body=factories.of_first_body(merton),
                on=date(2026, 4, 9),
                starts_at=time(10),
                minutes_long=120,
                by=actor,
            )


def test_nominations_of_a_meeting_called_off_go_to_the_next_one(merton, meeting, item, as_coordinator):
    later = factories.meeting(merton, date(2026, 4, 9))

    meetings.cancel(meeting, reason="No quorum expected", by=as_coordinator)

    item.referral.refresh_from_db()
    assert (item.referral.status, item.referral.meeting) == ("on_agenda", later)
    assert later.items.get(referral=item.referral).why == "From the meeting called off on Thursday 12 March 2026"
    request = CheckRequest.objects.get()
    assert (request.meeting, request.due_on) == (later, later.dates.checks_due.date)


def test_meeting_with_nominations_is_not_called_off_before_the_next_is_planned(meeting, item, as_coordinator):
    with pytest.raises(StepRefused, match="Plan the next meeting first: 1 nomination"):
        meetings.cancel(meeting, reason="No quorum expected", by=as_coordinator)
    meeting.refresh_from_db()
    assert meeting.status == "draft"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("10", time(10)),
        ("10:30", time(10, 30)),
        ("9.15", time(9, 15)),
        ("2pm", time(14)),
        ("12 am", time(0)),
        ("12:05pm", time(12, 5)),
    ],
)
def test_times_are_read_as_people_type_them(typed, expected):
    assert read_time(typed) == expected


@pytest.mark.parametrize("typed", ["", "24:00", "10:60", "13pm", "0am", "noon", "10:3"])
def test_what_is_no_time_is_refused(typed):
    with pytest.raises(ValueError):
        read_time(typed)

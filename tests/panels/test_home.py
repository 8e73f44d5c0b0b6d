"""What meetings put on the home page, and what the clock says about them."""

from datetime import date, datetime

import pytest
import time_machine

from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom import blocks, reminders, together
from iom.clock import LONDON
from iom.models import Notification
from panels import agenda, agreement, circulation
from panels.blocks import on_agendas
from panels.models import Section
from panels.readiness import readiness
from tests import factories

PANEL_DAY = date(2026, 3, 12)
TODAY = date(2026, 2, 26)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


@pytest.fixture
def sent(meeting, merton, as_coordinator, police):
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    return agenda.send_agenda(meeting, by=as_coordinator)


def tasks(actor):
    # Those of other apps come beside them.
    return [task.text for task in blocks.tasks_for(actor, TODAY) if "panel" in task.text.lower()]


def test_coordinator_is_to_send_the_agenda_by_its_day(meeting, as_coordinator):
    task = next(task for task in blocks.tasks_for(as_coordinator, TODAY) if "Send agenda" in task.text)

    assert (task.due, task.url) == (date(2026, 3, 5), "/meetings/2026-03-12/agenda/")
    assert task.text == "Send agenda: IOM panel 12 March, 0 items so far"


def test_coordinator_is_to_plan_when_nothing_is_planned(merton, as_coordinator):
    assert "Plan the next meeting of the IOM Case Panel" in tasks(as_coordinator)


def test_member_is_to_read_answer_and_sign_until_it_is_done(sent, as_police):
    assert tasks(as_police) == [
        "Read the agenda and say if you will attend: IOM panel 12 March",
        "Sign the information sharing agreement: IOM panel 12 March",
    ]

    circulation.mark_read(sent, by=as_police)
    assert tasks(as_police)[0] == "Say if you will attend: IOM panel 12 March"

    circulation.answer(sent, "yes", by=as_police)
    agreement.sign(sent, by=as_police, typed_name="Tom Dunn", agreed=[True, True])
    assert tasks(as_police) == []


def test_chair_is_to_agree_late_items(sent, merton, as_coordinator, as_chair):
    agenda.add_item(sent, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))

    assert "Agree 1 late item: IOM panel 12 March" in tasks(as_chair)
    assert not any("late item" in text for text in tasks(as_coordinator))


@pytest.mark.feature(303)
def test_home_page_counts_down_to_the_panel(sent, merton, coordinator, police, sign_in):
    for person in (coordinator, police):
        html = sign_in(person).get("/").content.decode()
        assert "Referrals close" in html and "Mon 2 Mar" in html and "due Monday" in html
        assert "Thu 12 Mar" in html


def test_readiness_says_what_is_not_settled(merton, as_coordinator):
    meeting = factories.meeting(merton, PANEL_DAY)

    lines = {line.text: line.done for line in readiness(meeting, as_coordinator)}

    assert lines == {
        "Nobody is named to chair": False,
        "0 agencies asked for checks": False,
        "No nomination waits for checks": True,
        "0 of 120 minutes planned": True,
    }


@pytest.mark.parametrize(
    ("day", "told"),
    [
        pytest.param(date(2026, 3, 2), 0, id="three_days_before_it_is_due"),
        pytest.param(date(2026, 3, 3), 1, id="two_days_before"),
        pytest.param(date(2026, 3, 9), 1, id="late_after_missed_days"),
        pytest.param(date(2026, 3, 13), 0, id="the_panel_is_over"),
    ],
)
def test_coordinator_is_reminded_of_the_agenda_once(meeting, coordinator, police, day, told):
    for _ in range(2):
        reminders.sweep(day)

    sent = Notification.objects.filter(kind="agenda_due")
    assert [notice.recipient for notice in sent] == [coordinator.user] * told
    assert all(notice.text == "Agenda due Thu 5 March: IOM panel 12 March" for notice in sent)


def test_no_reminder_once_the_agenda_is_out(sent, coordinator):
    reminders.sweep(date(2026, 3, 5))

    assert not Notification.objects.filter(kind="agenda_due").exists()


def lives_through(merton, police, chair, as_coordinator, number):
    """One more of everything that the home page speaks of."""
    coming = factories.meeting(merton, date(2026, 3, 12 + number), chair=chair)
    agenda.add_item(coming, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton, colour="GREEN"))
    factories.referral(merton, police, status="sent", meeting=coming)
    held = factories.meeting(merton, date(2026, 1, number), chair=chair, status="minutes_drafted")
    factories.minutes(held, status="with_chair")


@pytest.mark.parametrize("who", ["coordinator", "chair", "police"])
def test_home_page_costs_the_same_whatever_it_shows(
    who, request, merton, police, chair, as_coordinator, sign_in, django_assert_num_queries
):
    browser = sign_in(request.getfixturevalue(who))
    lives_through(merton, police, chair, as_coordinator, 1)
    browser.get("/")
    with CaptureQueriesContext(connection) as one:
        browser.get("/")

    for number in (2, 3):
        lives_through(merton, police, chair, as_coordinator, number)

    with django_assert_num_queries(len(one)):
        browser.get("/")


def test_board_costs_the_same_however_many_agendas(merton, chair, as_coordinator, django_assert_num_queries):
    cases = [factories.case(merton) for _ in range(3)]
    for day in (5, 6, 7):
        coming = factories.meeting(merton, date(2026, 4, day), chair=chair)
        for case in cases:
            agenda.add_item(coming, section=Section.REVIEWS, by=as_coordinator, case=case)

    with django_assert_num_queries(1):
        found = together.run(on_agendas(as_coordinator, cases, TODAY))

    assert found == {case.pk: {"next_meeting": [(date(2026, 4, 5), "Panel")]} for case in cases}

"""Reminders of actions."""

from datetime import date, timedelta

import pytest
from django.core import mail

from actionplans.actions import add_action, update_action
from actionplans.models import Action
from iom import outbox, reminders
from iom.models import Notification
from tests import factories

DUE = date(2026, 3, 13)


@pytest.fixture
def add(merton, housing, as_coordinator):
    case = factories.case(merton)

    def add(due=DUE, **changed):
        given = {"case": case, "text": "Ring", "agency": housing.agency, "due_on": due, "by": as_coordinator}
        return add_action(**given | changed)

    return add


def told():
    rows = Notification.objects.filter(kind="actions_due").order_by("pk")
    return [(each.recipient.name, each.text) for each in rows]


@pytest.mark.feature(200)
@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(-3, [], id="three days before"),
        pytest.param(-2, [("Jo Reid", "2 actions due by 13 March")], id="two days before"),
        pytest.param(9, [("Jo Reid", "2 actions due by 13 March")], id="missed, a week late"),
    ],
)
def test_agency_hears_two_days_before(add, days, expected):
    add()
    add()

    reminders.sweep(DUE + timedelta(days=days))

    assert told() == expected


def test_reminder_is_sent_once_however_often_the_clock_runs(add):
    add()
    for days in (-2, -2, -1, 0, 4):
        reminders.sweep(DUE + timedelta(days=days))

    assert len(told()) == 1


def test_finished_action_reminds_nobody(add, as_housing):
    update_action(add(), status="done", by=as_housing)

    reminders.sweep(DUE)

    assert told() == []


def test_named_owner_hears_instead_of_their_colleagues(merton, add, housing):
    factories.member(merton, "member", agency_kind="housing", name="Lee Colleague")
    add(owner=housing)

    reminders.sweep(DUE)

    assert [name for name, _ in told()] == ["Jo Reid"]


def test_nobody_hears_of_a_case_they_may_not_read(merton, housing):
    hidden = factories.case(merton, restricted=True)
    Action.objects.create(scheme=merton, case=hidden, text="Ring", agency=housing.agency, due_on=DUE)

    reminders.sweep(DUE)

    assert told() == []


def test_email_names_nobody(add, time_machine):
    time_machine.move_to("2026-03-11T09:00:00+00:00")
    action = add()
    reminders.sweep(date(2026, 3, 11))
    outbox.drain()

    [message] = [each for each in mail.outbox if "action" in each.subject]
    assert message.subject == "1 action due by 13 March"
    assert "Fri 13 March" in message.body
    assert action.case.offender.family_name not in message.body
    assert "/actions/?in=merton" in message.body

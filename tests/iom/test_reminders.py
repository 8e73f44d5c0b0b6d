"""Reminders: once for each kind, subject, day and person, whatever the clock does."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.core import mail
from django.db import connection

from iom import outbox, reminders
from iom.models import Membership, Notification
from tests import factories

DUE = date(2031, 3, 5)


@pytest.fixture
def one_source(monkeypatch):
    """Only this source: something due on 5 March 2031 that matters from the 3rd on."""

    def find(scheme, on):
        if on >= date(2031, 3, 3):
            people = tuple(m.user for m in Membership.objects.filter(scheme=scheme).select_related("user"))
            yield reminders.Due(
                "test_due", "meeting:1", DUE, people, "Agenda due Wed 5 March", "/meetings/", "The agenda is due."
            )

    monkeypatch.setattr(reminders, "_sources", [find])


@pytest.mark.django_db
def test_sweep_before_the_day_sends_nothing(merton, coordinator, one_source):
    assert reminders.sweep(date(2031, 3, 2)) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "days",
    [
        pytest.param([3, 3], id="twice on one day"),
        pytest.param([3, 4, 5, 6, 9], id="every day and after"),
        pytest.param([8], id="late, after three missed days"),
    ],
)
def test_sweep_sends_each_reminder_once(merton, coordinator, one_source, days):
    sent = sum(reminders.sweep(date(2031, 3, day)) for day in days)
    outbox.drain()

    assert (sent, Notification.objects.filter(kind="test_due").count(), len(mail.outbox)) == (1, 1, 1)


@pytest.mark.django_db
def test_reminder_email_holds_a_link_with_the_scheme_and_no_name(merton, coordinator, one_source):
    reminders.sweep(DUE)
    outbox.drain()

    message = mail.outbox[0]
    assert message.subject == "Agenda due Wed 5 March"
    assert message.body == "The agenda is due.\n\nhttp://testserver/meetings/?in=merton\n"
    assert coordinator.user.name not in message.body


@pytest.mark.django_db
def test_person_who_left_is_not_mailed(merton, coordinator, one_source):
    reminders.sweep(DUE)
    coordinator.user.is_active = False
    coordinator.user.save()

    outbox.drain()

    assert mail.outbox == []


def test_two_sweeps_at_once_remind_each_person_once(committed, one_source):
    scheme = factories.scheme()
    for _ in range(8):
        factories.member(scheme, "member", agency_kind="police", seat=False)
    barrier, sent = threading.Barrier(2), []

    def sweep():
        barrier.wait()
        sent.append(reminders.sweep(DUE))
        connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == Notification.objects.filter(kind="test_due").count() == 8

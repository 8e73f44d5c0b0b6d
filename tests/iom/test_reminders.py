"""Reminders: once for each kind, subject, day and person, whatever the clock does."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection

from iom import walls, outbox, reminders
from iom.models import AuditEvent, Membership, Notification, Reminder
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

    with walls.within(scheme, cause="test"):
        assert sum(sent) == Notification.objects.filter(kind="test_due").count() == 8


@pytest.mark.django_db
def test_each_email_leaves_an_event_with_its_recipient_and_no_address(merton, coordinator, one_source):
    reminders.sweep(DUE)
    outbox.drain()

    event = AuditEvent.objects.get(verb="send_email")
    assert event.context["recipient"] == f"user:{coordinator.user_id}"
    assert coordinator.user.email not in str(event.body)


@pytest.mark.django_db
def test_source_that_breaks_keeps_nobody_else_from_their_reminder(merton, coordinator, one_source, monkeypatch, caplog):
    def broken(scheme, on):
        raise ZeroDivisionError("somebody's name that must not be logged")

    monkeypatch.setattr(reminders, "_sources", [broken, *reminders._sources])

    with pytest.raises(reminders.SweepFailed, match=r"^1 sent\. Not asked: merton: .*broken$"):
        reminders.sweep(DUE)

    assert Notification.objects.get().recipient == coordinator.user
    assert [(record.verb, record.scheme_id) for record in caplog.records] == [("broken", merton.pk)]


@pytest.mark.django_db
def test_sweep_asks_for_what_was_sent_once_however_much_that_is(
    merton, coordinator, one_source, django_assert_num_queries
):
    for number in range(30):
        Reminder.objects.create(
            scheme=merton, kind="test_due", subject=f"meeting:{number + 2}", due=DUE, recipient=coordinator.user
        )
    reminders.sweep(DUE)

    # The schemes, whom it concerns, what was sent; and a transaction inside the wall of the scheme.
    with django_assert_num_queries(3 + 4):
        assert reminders.sweep(DUE) == 0


@pytest.mark.django_db
def test_command_sweeps_a_given_day(merton, coordinator, one_source, capsys):
    call_command("sweep_reminders", "--on", "2031-03-05")
    call_command("sweep_reminders", "--on", "2031-03-05")

    assert capsys.readouterr().out == "1 reminder sent\n0 reminders sent\n"

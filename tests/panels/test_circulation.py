"""Who has the agenda, and what they said."""

from datetime import date, datetime

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import PermissionDenied

from iom import outbox
from iom.access import actor_for
from iom.clock import LONDON
from iom.models import MeetingStatus, Notification
from iom.steps import StepRefused
from panels import agenda, circulation
from panels.models import Circulation, Section
from tests import factories

PANEL_DAY = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_march():
    with time_machine.travel(datetime(2026, 3, 4, 9, 0, tzinfo=LONDON), tick=False) as traveller:
        yield traveller


@pytest.fixture
def meeting(merton, chair, as_coordinator):
    made = factories.meeting(merton, PANEL_DAY, chair=chair)
    agenda.add_item(made, section=Section.APOLOGIES, by=as_coordinator)
    agenda.add_item(made, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    return made


@pytest.mark.feature(64)
def test_sending_reaches_seat_holders_coordinator_and_chair(meeting, coordinator, chair, police, housing, merton):
    factories.member(merton, "researcher")
    factories.member(merton, "referrer")

    agenda.send_agenda(meeting, by=actor_for(coordinator))

    assert set(Circulation.objects.values_list("membership", flat=True)) == {
        person.pk for person in (coordinator, chair, police, housing)
    }


def test_email_says_how_much_and_names_nobody(meeting, as_coordinator, police):
    agenda.send_agenda(meeting, by=as_coordinator)
    outbox.drain()

    message = next(message for message in mail.outbox if message.to == [police.user.email])
    assert message.subject == "Agenda ready: IOM panel 12 March"
    assert "2 items, 2 hours. Read it and tell us if you will attend:" in message.body
    assert "/meetings/2026-03-12/?in=merton" in message.body
    assert "IOM-0" not in message.body and "EXAMPLE" not in message.body.upper().replace("EXAMPLE.ORG", "")


def test_number_of_items_does_not_tell_of_a_restricted_case(meeting, merton, as_coordinator, police):
    hidden = factories.case(merton)
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=hidden)
    hidden.restricted = True
    hidden.save()

    agenda.send_agenda(meeting, by=as_coordinator)

    told = Notification.objects.get(kind="agenda_ready", recipient=police.user)
    assert told.email_body.startswith("2 items, 2 hours")


def test_agencies_without_account_are_listed(meeting, police, housing):
    missing = {agency.name for agency in circulation.table_of(meeting).without_account}

    assert "Jobcentre Plus" in missing
    assert missing.isdisjoint({"Police", "Housing", "Probation"})


def test_draft_mails_nobody(meeting, as_coordinator):
    outbox.drain()

    assert mail.outbox == []
    with pytest.raises(StepRefused):
        circulation.circulate(meeting, by=as_coordinator)


def test_reading_and_answering_are_one_s_own(meeting, as_coordinator, as_police, as_housing):
    sent = agenda.send_agenda(meeting, by=as_coordinator)

    circulation.mark_read(sent, by=as_police)
    circulation.answer(sent, "substitute", substitute_name="Pat Sample", by=as_police)
    circulation.answer(sent, "no", substitute_name="ignored", by=as_housing)

    mine = circulation.copy_of(as_police, sent)
    theirs = circulation.copy_of(as_housing, sent)
    assert (mine.read_at is not None, mine.answer, mine.substitute_name) == (True, "substitute", "Pat Sample")
    assert (theirs.read_at, theirs.answer, theirs.substitute_name) == (None, "no", "")


def test_answer_is_refused_once_the_meeting_has_begun(meeting, as_coordinator, as_police):
    sent = agenda.send_agenda(meeting, by=as_coordinator)
    sent.status = MeetingStatus.LIVE
    sent.save(update_fields=["status"])

    with pytest.raises(StepRefused, match="has begun"):
        circulation.answer(sent, "yes", by=as_police)


def test_reading_is_refused_before_it_is_sent(meeting, as_police):
    with pytest.raises(PermissionDenied):
        circulation.mark_read(meeting, by=as_police)


def test_chasing_reminds_the_quiet_once_a_day_and_reaches_who_joined(
    meeting, merton, as_coordinator, as_chair, as_police, in_march
):
    sent = agenda.send_agenda(meeting, by=as_coordinator)
    for actor in (as_coordinator, as_chair):
        circulation.mark_read(sent, by=actor)
        circulation.answer(sent, "yes", by=actor)
    newcomer = factories.member(merton, "member", agency_kind="health")

    first = circulation.chase(sent, by=as_coordinator)
    again = circulation.chase(sent, by=as_coordinator)
    in_march.shift(86400)
    next_day = circulation.chase(sent, by=as_coordinator)

    assert (first, again, next_day) == (2, 1, 2)
    assert Circulation.objects.filter(membership=newcomer).exists()
    chased = Notification.objects.filter(kind="agenda_chase", recipient=as_police.user)
    assert [notice.due for notice in chased.order_by("due")] == [date(2026, 3, 4), date(2026, 3, 5)]


def test_chasing_is_the_coordinator_s(meeting, as_coordinator, as_police):
    sent = agenda.send_agenda(meeting, by=as_coordinator)

    with pytest.raises(PermissionDenied):
        circulation.chase(sent, by=as_police)


@pytest.mark.feature(64)
def test_circulation_page_says_who_read_it_and_reminds(meeting, coordinator, as_police, sign_in, as_coordinator):
    sent = agenda.send_agenda(meeting, by=as_coordinator)
    circulation.mark_read(sent, by=as_police)
    client = sign_in(coordinator)

    html = client.get("/meetings/2026-03-12/circulation/").content.decode()
    after = client.post("/meetings/2026-03-12/circulation/", follow=True).content.decode()

    assert "1 of 3 have read it" in html and "Remind 3 people" in html and "Jobcentre Plus" in html
    assert "Reminded 3 people" in after

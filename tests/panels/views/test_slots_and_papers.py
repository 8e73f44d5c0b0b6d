"""Attend only your slot, the agenda pack, the 60-second brief, and dates in one's own calendar."""

from datetime import date, datetime
from io import BytesIO

import pytest
import time_machine
from django.core import mail
from icalendar import Calendar
from pypdf import PdfReader

from iom import outbox
from iom.access import actor_for
from iom.clock import LONDON
from iom.models import Body, CalendarFeed
from offenders import asks
from offenders.models import Assignment, RagRating
from panels import agenda, circulation
from panels.models import Section
from tests import factories

PANEL_DAY = date(2026, 3, 12)
AGENDA = "/meetings/2026-03-12/agenda/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_march():
    with time_machine.travel(datetime(2026, 3, 4, 9, 0, tzinfo=LONDON), tick=False) as traveller:
        yield traveller


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair, place="Civic Centre")


@pytest.fixture
def led(merton, meeting, police, housing, as_coordinator):
    """Apologies, one review led by police, one led by housing, any other business."""
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    cases = []
    for holder, colour in ((police, "AMBER"), (housing, "RED")):
        case = factories.case(merton, colour=colour)
        Assignment.objects.create(
            scheme=merton, case=case, role="lead_agency", agency=holder.agency, starts_on=date(2026, 1, 5)
        )
        agenda.add_item(meeting, section=Section.REVIEWS, case=case, minutes=20, by=as_coordinator)
        cases.append(case)
    agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    return cases


def events(content):
    return list(Calendar.from_ical(content).walk("VEVENT"))


@pytest.mark.feature(69)
@pytest.mark.feature(311)
def test_grouped_by_agency_each_has_a_time_on_page_in_mail_and_calendar_and_no_name(
    meeting, led, merton, coordinator, police, housing, sign_in, as_coordinator
):
    desk = sign_in(coordinator)
    version = meeting.version
    built = desk.post(f"{AGENDA}group/", {"grouping": "agency", "version": version}, follow=True).content.decode()
    arranged = f"{AGENDA}items/{meeting.items.get(case=led[0]).pk}/"
    form = desk.get(arranged).content.decode()
    desk.post(f"{AGENDA}send/", {})
    outbox.drain()
    seen = sign_in(police).get("/meetings/2026-03-12/").content.decode()

    assert "The cases stand by agency" in built and "When each agency comes" in built
    assert "Police" in form and "Agencies that come for it" in form
    # 10:00 apologies 5 minutes, housing and police 20 minutes each, in the order of their names.
    assert "Police is asked to be there from 10:25" in seen and "to 10:45" in seen
    message = next(each for each in mail.outbox if each.to == [police.user.email])
    assert "Your agency is asked to be there from 10:25" in message.body
    one = events(sign_in(police).get("/meetings/2026-03-12/meeting.ics").content)
    assert [str(event["summary"]) for event in one] == ["IOM panel", "IOM panel: your part"]
    assert one[1]["dtstart"].dt == datetime(2026, 3, 12, 10, 25, tzinfo=LONDON)
    assert one[1]["dtend"].dt == datetime(2026, 3, 12, 10, 45, tzinfo=LONDON)
    for case in led:
        family = case.offender.family_name
        assert family not in message.body and case.reference not in message.body
        assert family.encode() not in sign_in(police).get("/meetings/2026-03-12/meeting.ics").content


@pytest.mark.feature(58)
def test_private_calendar_tells_dates_and_stops_when_replaced(meeting, led, coordinator, police, sign_in, client):
    desk = sign_in(coordinator)
    agenda.send_agenda(meeting, by=actor_for(coordinator))
    shown = desk.post("/account/calendar/", {"do": "make"}).content.decode()
    path = shown.partition("/calendar/")[2].partition(".ics")[0]
    address = f"/calendar/{path}.ics"
    feed = CalendarFeed.objects.get()

    first = client.get(address)
    told = {str(event["summary"]) for event in events(first.content)}
    again = desk.get("/account/calendar/").content.decode()
    other = desk.post("/account/calendar/", {"do": "make"}).content.decode()

    assert path not in feed.digest and len(feed.digest) == 64
    assert first["Content-Type"].startswith("text/calendar") and "no-store" in first["Cache-Control"]
    assert told == {"IOM panel", "IOM referrals close", "IOM agenda due", "IOM checks due", "IOM minutes due"}
    assert path not in again, "it is shown once"
    assert client.get(address).status_code == 404
    renewed = other.partition("/calendar/")[2].partition(".ics")[0]
    assert client.get(f"/calendar/{renewed}.ics").status_code == 200
    desk.post("/account/calendar/", {"do": "stop"})
    assert client.get(f"/calendar/{renewed}.ics").status_code == 404
    text = first.content.decode()
    assert all(case.reference not in text and case.offender.family_name not in text for case in led)


def test_calendar_of_a_closed_account_or_an_ended_membership_is_empty_or_gone(meeting, police, sign_in, client):
    shown = sign_in(police).post("/account/calendar/", {"do": "make"}).content.decode()
    address = f"/calendar/{shown.partition('/calendar/')[2].partition('.ics')[0]}.ics"
    assert events(client.get(address).content)

    police.until = date(2026, 3, 4)
    police.save(update_fields=["until"])
    assert events(client.get(address).content) == []
    police.user.is_active = False
    police.user.save(update_fields=["is_active"])
    assert client.get(address).status_code == 404


@pytest.mark.feature(312)
def test_brief_says_in_a_line_what_changed_on_each_case_since_the_last_panel(merton, meeting, led, police, sign_in):
    earlier = factories.meeting(merton, date(2026, 2, 12))
    earlier.status = "signed"
    earlier.save(update_fields=["status"])
    amber, red = led
    RagRating.objects.filter(case=amber).update(until=date(2026, 3, 2))
    RagRating.objects.create(
        scheme=merton,
        case=amber,
        colour="RED",
        starts_on=date(2026, 3, 2),
        follows_from=date(2026, 3, 2),
        reason="New offences",
    )
    hidden = factories.case(merton, since=date(2026, 2, 20))
    hidden.restricted = True
    hidden.save()
    meeting.status = "agenda_sent"
    meeting.save(update_fields=["status"])
    reader = sign_in(police)

    page = reader.get("/meetings/2026-03-12/brief/").content.decode()

    assert "what changed since Thursday 12 February 2026" in page
    assert "Amber to Red on 2 March" in page and "1 rated anew" in page
    assert hidden.reference not in page
    assert "Nothing recorded on the other 1 case" in page


@pytest.mark.feature(65)
@pytest.mark.feature(92)
def test_agenda_pack_shows_its_reader_what_they_may_read_with_classification_and_page_numbers(
    merton, meeting, led, police, coordinator, sign_in, as_coordinator
):
    hidden = factories.case(merton, colour="RED")
    agenda.add_item(meeting, section=Section.REVIEWS, case=hidden, by=as_coordinator)
    hidden.restricted = True
    hidden.save()
    agenda.send_agenda(meeting, by=as_coordinator)

    answer = sign_in(police).get("/meetings/2026-03-12/agenda.pdf")

    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    assert answer["Content-Disposition"] == 'attachment; filename="agenda-2026-03-12.pdf"'
    assert "Civic Centre" in text and "Running order" in text and "What changed since" in text
    assert all(case.offender.family_name.upper() in text.upper() for case in led)
    assert hidden.reference not in text and hidden.offender.family_name not in text
    assert "OFFICIAL-SENSITIVE" in text and "Page 1 of" in text and f"Printed by {police.user.name}" in text


@pytest.mark.feature(64)
@pytest.mark.feature(63)
def test_circulation_says_who_opened_it_and_who_was_reminded_when(meeting, led, coordinator, police, sign_in):
    agenda.send_agenda(meeting, by=actor_for(coordinator))
    sign_in(police).get("/meetings/2026-03-12/")
    desk = sign_in(coordinator)

    desk.post("/meetings/2026-03-12/circulation/")
    page = desk.get("/meetings/2026-03-12/circulation/").content.decode()

    mine = circulation.copy_of(actor_for(police), meeting)
    assert (mine.opened_at is not None, mine.read_at, mine.chased) == (True, None, 1)
    assert "1 time, last" in page


@pytest.mark.feature(60)
@pytest.mark.feature(67)
def test_chair_says_on_the_page_why_a_late_item_is_not_taken(
    meeting, led, merton, coordinator, chair, sign_in, as_coordinator
):
    agenda.send_agenda(meeting, by=as_coordinator)
    late = agenda.add_item(meeting, section=Section.EXITS, case=factories.case(merton), by=as_coordinator)
    desk, seat = sign_in(coordinator), sign_in(chair)
    desk.post(f"{AGENDA}items/{late.pk}/ask/")

    asked = seat.get("/meetings/2026-03-12/").content.decode()
    empty = seat.post(f"{AGENDA}items/{late.pk}/refuse/", {"because": ""}, follow=True).content.decode()
    seat.post(f"{AGENDA}items/{late.pk}/refuse/", {"because": "Nobody has checked yet"})
    built = desk.get(AGENDA).content.decode()

    assert "Or say why the panel does not take it now" in asked
    assert "Enter why the panel does not take it now" in empty
    assert "The chair does not take it now: Nobody has checked yet" in built


@pytest.mark.feature(303)
def test_each_role_sees_the_panel_clock_on_the_home_page(meeting, merton, coordinator, chair, police, sign_in):
    referrer = factories.member(merton, "referrer", agency_kind="health")
    factories.meeting(merton, date(2026, 4, 9))
    for person in (coordinator, chair, police, referrer):
        page = sign_in(person).get("/").content.decode()
        assert "Referrals close" in page and "Dates of the" in page, person.roles
        assert ("Agenda due" in page) is (person is not referrer)


def test_adjourned_meeting_goes_on_where_it_stopped(meeting, led, coordinator, police, sign_in, in_march):
    agenda.send_agenda(meeting, by=actor_for(coordinator))
    in_march.move_to(datetime(2026, 3, 12, 10, 5, tzinfo=LONDON))
    desk = sign_in(coordinator)
    desk.post("/meetings/2026-03-12/live/start/")

    past = desk.post("/meetings/2026-03-12/adjourn/", {"date": "12 3 2026", "starts_at": "10:00"}).content.decode()
    told = desk.post("/meetings/2026-03-12/adjourn/", {"date": "19 3 2026", "starts_at": "10:00"}, follow=True)
    outbox.drain()
    dates = {str(event["summary"]): event for event in events(desk.get("/meetings/2026-03-12/meeting.ics").content)}
    home = desk.get("/").content.decode()
    desk.post("/meetings/2026-03-12/resume/")
    meeting.refresh_from_db()

    assert "must go on at a time that is still to come" in past
    assert (
        "It goes on on 19 March 2026, 10:00" in told.content.decode() or "It goes on on 19 Mar" in told.content.decode()
    )
    message = next(each for each in mail.outbox if each.to == [police.user.email] and "Adjourned" in each.subject)
    assert "It goes on on Thursday 19 March 2026 at 10am" in message.body
    assert dates["IOM panel, continued"]["dtstart"].dt == datetime(2026, 3, 19, 10, 0, tzinfo=LONDON)
    assert str(dates["IOM panel"]["status"]) == "CONFIRMED"
    assert "Go on with the meeting" in home
    assert (meeting.status, meeting.recorder) == ("live", coordinator.user)
    assert [item.number for item in agenda.ordered(meeting)] == ["1", "2", "3", "4"]


@pytest.mark.feature(15)
@pytest.mark.feature(68)
def test_casework_page_names_its_week_and_a_panel_by_exception_only_what_has_a_reason(db, sign_in, monkeypatch):
    waltham, london = factories.scheme("waltham_forest"), factories.scheme("london")
    casework = Body.objects.get(scheme=waltham, slug="casework")
    factories.meeting(waltham, date(2026, 3, 5), body=casework)
    second = factories.meeting(waltham, PANEL_DAY, body=casework)
    amber = factories.case(waltham, colour="AMBER")
    red = factories.case(waltham, colour="RED")
    page = sign_in(factories.member(waltham, "coordinator")).get(f"/meetings/{second.key}/agenda/").content.decode()

    assert "Week 2 of 4: Amber" in page and "Waltham Forest, 3.2" in page
    assert amber.reference in page and red.reference not in page

    panel = factories.meeting(london, PANEL_DAY)
    # What each app asks of a panel is shown where that app is tested.
    monkeypatch.setattr(asks, "_asking", [])
    plain, leaving = factories.case(london, colour="RED"), factories.case(london, colour="AMBER")
    desk = sign_in(factories.member(london, "coordinator"))
    desk.post(f"/cases/{leaving.reference}/custody/supervision/", {"kind": "licence", "ends_on": "20 3 2026"})
    page = desk.get(f"/meetings/{panel.key}/agenda/").content.decode()

    assert "Supervision ends on 20 March" in page and leaving.reference in page
    assert plain.reference not in page, "nothing is to be decided on it"
    assert "Licence: ends on 20 Mar 2026" in desk.get(f"/cases/{leaving.reference}/custody/").content.decode()

"""Who is here, for whom, and what follows for the quorum; the sharing agreement."""

from datetime import date, datetime

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.clock import LONDON
from iom.models import Agency, MeetingStatus, Seat
from iom.steps import StepRefused
from panels import agenda, agreement, attendance, circulation
from panels.attendance import Came
from panels.models import AgreementSignature, Attendance, Section
from tests import factories

PANEL_DAY = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(datetime(2026, 3, 12, 9, 50, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair, police, housing, as_coordinator):
    made = factories.meeting(merton, PANEL_DAY, chair=chair)
    agenda.add_item(made, section=Section.APOLOGIES, by=as_coordinator)
    return agenda.send_agenda(made, by=as_coordinator)


def key_of(meeting, membership):
    return next(place.key for place in attendance.places(meeting) if place.membership == membership)


def vacant(meeting):
    return next(place for place in attendance.places(meeting) if place.membership is None)


@pytest.mark.parametrize(
    ("answer", "how"),
    [("yes", "present"), ("substitute", "substitute"), ("no", "apologies"), (None, "")],
)
def test_rows_are_ticked_from_the_replies(meeting, police, answer, how):
    if answer:
        circulation.answer(meeting, answer, substitute_name="Pat Sample", by=actor_for(police))

    place = next(place for place in attendance.places(meeting) if place.membership == police)

    assert (place.how, place.from_reply) == (how, bool(answer))
    assert not Attendance.objects.exists()


def test_each_seat_holder_has_one_row(meeting, police, merton):
    body = factories.of_first_body(merton)
    Seat.objects.create(scheme=merton, body=body, agency=police.agency, post="Second seat", holder=police, position=90)

    rows = [place for place in attendance.places(meeting) if place.membership == police]

    assert len(rows) == 1
    assert len(attendance.places(meeting)) == Seat.objects.filter(body=body).count() - 1


def test_taking_attendance_counts_organisations(meeting, police, housing, chair, as_coordinator, merton):
    colleague = factories.member(merton, "member", agency_kind="police")
    attendance.take_attendance(
        meeting,
        [
            Came(key_of(meeting, police), "present"),
            Came(key_of(meeting, colleague), "remote"),
            Came(key_of(meeting, chair), "apologies"),
            Came(key_of(meeting, housing), "substitute", substitute_name="Pat Sample", delegated_authority=True),
        ],
        by=as_coordinator,
    )
    attendance.add_visitor(meeting, standing="guest", name="Gia Guest", by=as_coordinator)

    counted = attendance.quorum_of(meeting)

    assert (counted.here, counted.needed, counted.met) == (2, None, True)
    assert counted.agencies == ("Housing", "Police")


def test_attendance_can_be_corrected_and_taken_back(meeting, police, as_coordinator):
    key = key_of(meeting, police)
    attendance.take_attendance(meeting, [Came(key, "substitute", substitute_name="Pat Sample")], by=as_coordinator)
    attendance.take_attendance(meeting, [Came(key, "present", substitute_name="Pat Sample")], by=as_coordinator)

    row = Attendance.objects.get()
    assert (row.how, row.substitute_name, row.delegated_authority) == ("present", "", False)

    attendance.take_attendance(meeting, [Came(key, "")], by=as_coordinator)
    assert not Attendance.objects.exists()


def test_unchanged_rows_are_not_written_again(meeting, police, as_coordinator):
    came = [Came(key_of(meeting, police), "present")]
    attendance.take_attendance(meeting, came, by=as_coordinator)

    assert attendance.take_attendance(meeting, came, by=as_coordinator) == []


def test_seat_of_an_agency_without_account_is_taken_by_name(meeting, as_coordinator):
    place = vacant(meeting)

    with pytest.raises(StepRefused, match="Enter who came from"):
        attendance.take_attendance(meeting, [Came(place.key, "present")], by=as_coordinator)
    attendance.take_attendance(meeting, [Came(place.key, "present", name="Alex Specimen")], by=as_coordinator)

    row = Attendance.objects.get()
    assert (row.name, row.agency, row.membership) == ("Alex Specimen", place.seat.agency, None)
    assert vacant(meeting).row == row


@pytest.mark.parametrize(
    ("came", "words"),
    [
        pytest.param(Came("seat-0", "present"), "seats have changed", id="unknown_seat"),
        pytest.param(Came("", "substitute"), "Enter who came for Tom Dunn", id="substitute_without_name"),
    ],
)
def test_attendance_says_what_is_missing(meeting, police, as_coordinator, came, words):
    came = came if came.key else Came(key_of(meeting, police), came.how)

    with pytest.raises(StepRefused, match=words):
        attendance.take_attendance(meeting, [came], by=as_coordinator)
    assert not Attendance.objects.exists()


def test_attendance_waits_for_the_agenda(merton, chair, police, as_coordinator):
    draft = factories.meeting(merton, date(2026, 4, 9), chair=chair)

    with pytest.raises(StepRefused, match="Send the agenda first"):
        attendance.take_attendance(draft, [Came(key_of(draft, police), "present")], by=as_coordinator)


def test_attendance_stays_once_the_minutes_are_signed(meeting, police, as_coordinator):
    meeting.status = MeetingStatus.SIGNED
    meeting.save(update_fields=["status"])

    with pytest.raises(StepRefused, match="stays as it is"):
        attendance.take_attendance(meeting, [Came(key_of(meeting, police), "present")], by=as_coordinator)


def test_attendance_is_taken_by_the_coordinator_alone(meeting, police, as_police):
    with pytest.raises(PermissionDenied):
        attendance.take_attendance(meeting, [Came(key_of(meeting, police), "present")], by=as_police)


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        pytest.param(datetime(2026, 3, 12, 9, 50, tzinfo=LONDON), True, id="on_the_day"),
        pytest.param(datetime(2026, 3, 11, 23, 59, tzinfo=LONDON), False, id="the_evening_before"),
        pytest.param(datetime(2026, 3, 13, 0, 0, tzinfo=LONDON), False, id="the_day_after"),
    ],
)
def test_checking_in_from_one_s_own_device(meeting, police, when, allowed):
    with time_machine.travel(when, tick=False):
        if allowed:
            assert attendance.check_in(meeting, "remote", by=actor_for(police)).how == "remote"
        else:
            with pytest.raises(StepRefused, match="on the day"):
                attendance.check_in(meeting, "remote", by=actor_for(police))


def test_forecast_counts_those_who_said_they_come(meeting, police, housing, chair):
    circulation.answer(meeting, "yes", by=actor_for(police))
    circulation.answer(meeting, "substitute", by=actor_for(housing))
    circulation.answer(meeting, "no", by=actor_for(chair))

    assert attendance.forecast(meeting).agencies == ("Housing", "Police")


# --- On the page


def row(meeting, membership, **answers):
    key = key_of(meeting, membership)
    return {f"{key}-{name}": value for name, value in answers.items()}


@pytest.mark.feature(71)
@pytest.mark.feature(74)
@pytest.mark.feature(47)
def test_attendance_page_saves_the_sheet_and_counts(meeting, coordinator, police, housing, sign_in):
    client = sign_in(coordinator)
    typed = row(meeting, police, how="present") | row(
        meeting, housing, how="substitute", substitute_name="Pat Sample", delegated_authority="on"
    )

    html = client.post("/meetings/2026-03-12/attendance/", typed, follow=True).content.decode()

    assert "Attendance saved" in html and "2 agencies here. No quorum is set" in html
    assert Attendance.objects.get(membership=housing).delegated_authority


def test_attendance_page_marks_the_rest_absent(meeting, coordinator, police, housing, sign_in):
    typed = row(meeting, police, how="present") | {"rest_absent": "1"}

    sign_in(coordinator).post("/meetings/2026-03-12/attendance/", typed)

    assert Attendance.objects.get(membership=police).how == "present"
    assert Attendance.objects.get(membership=housing).how == "absent"


def test_attendance_page_keeps_what_was_typed_when_something_is_missing(meeting, coordinator, police, housing, sign_in):
    typed = row(meeting, police, how="substitute") | row(meeting, housing, how="apologies")

    html = sign_in(coordinator).post("/meetings/2026-03-12/attendance/", typed).content.decode()

    assert "Enter who came for Tom Dunn" in html
    assert html.count('value="substitute" checked') == html.count('value="apologies" checked') == 1
    assert not Attendance.objects.exists()


@pytest.mark.feature(48)
def test_guest_needs_the_meeting_that_agreed(meeting, merton, chair, coordinator, sign_in):
    factories.meeting(merton, date(2026, 2, 12), chair=chair, status="signed")
    client = sign_in(coordinator)
    guest = {"standing": "guest", "name": "Gia Guest", "how": "present", "post": "Court officer"}

    refused = client.post("/meetings/2026-03-12/attendance/visitors/", guest).content.decode()
    client.post("/meetings/2026-03-12/attendance/visitors/", guest | {"agreed_at": "2026-02-12"})

    assert "Choose the meeting that agreed to the invitation" in refused
    row = Attendance.objects.get()
    assert (row.standing, row.name, row.agreed_at) == ("guest", "Gia Guest", date(2026, 2, 12))
    client.post(f"/meetings/2026-03-12/attendance/visitors/{row.pk}/remove/")
    assert not Attendance.objects.exists()


@pytest.mark.feature(74)
def test_quorum_line_names_the_rule_of_the_scheme(coordinator, sign_in):
    richmond = factories.scheme("merton", "with-quorum")
    factories.act_in(richmond)
    policy = richmond.policy_version
    policy.document["bodies"][0]["quorum"]["organisations"] = 4
    type(policy).objects.bulk_create(
        [type(policy)(scheme=richmond, number=2, valid_from=date(2021, 1, 1), document=policy.document, reason="4")]
    )
    clerk = factories.member(richmond, "coordinator")
    made = factories.meeting(richmond, PANEL_DAY)
    agenda.add_item(made, section=Section.APOLOGIES, by=actor_for(clerk))
    agenda.send_agenda(made, by=actor_for(clerk))
    client = sign_in(clerk)

    short = client.get("/meetings/2026-03-12/attendance/").content.decode()
    for agency in Agency.objects.filter(scheme=richmond)[:4]:
        Attendance.objects.create(scheme=richmond, meeting=made, agency=agency, name="X", how="present")
    enough = client.get("/meetings/2026-03-12/attendance/").content.decode()

    assert "Not quorate" in short and "0 of 4 agencies" in short
    assert "4 agencies here, 4 needed: <strong>quorate</strong>" in enough


# --- The sharing agreement


@pytest.mark.feature(79)
@pytest.mark.feature(308)
@pytest.mark.feature(186)
def test_agreement_is_signed_with_time_version_and_person(meeting, police, sign_in):
    client = sign_in(police)
    signed = {"statement_1": "on", "statement_2": "on", "typed_name": "tom  dunn"}

    html = client.post("/meetings/2026-03-12/sign-agreement/", signed, follow=True).content.decode()
    client.post("/meetings/2026-03-12/sign-agreement/", signed)

    assert "Agreement signed" in html
    signature = AgreementSignature.objects.get()
    assert (signature.membership, signature.agreement_version) == (police, "1")
    assert signature.signed_at == datetime(2026, 3, 12, 9, 50, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param({"typed_name": "Tom Dunn"}, "Tick both statements to sign.", id="nothing_ticked"),
        pytest.param({"statement_1": "on", "typed_name": "Tom Dunn"}, "Tick both statements to sign.", id="one_ticked"),
        pytest.param({"statement_1": "on", "statement_2": "on"}, "Enter your full name", id="no_name"),
        pytest.param(
            {"statement_1": "on", "statement_2": "on", "typed_name": "Pat Sample"},
            "Type your name as it stands on your account: Tom Dunn.",
            id="another_name",
        ),
    ],
)
def test_agreement_is_not_signed_by_halves(meeting, police, sign_in, typed, words):
    html = sign_in(police).post("/meetings/2026-03-12/sign-agreement/", typed).content.decode()

    assert "There is a problem" in html and words in html
    assert not AgreementSignature.objects.exists()


def test_agreement_of_one_meeting_does_not_serve_the_next(meeting, merton, chair, police, as_coordinator):
    by = actor_for(police)
    agreement.sign(meeting, by=by, typed_name="Tom Dunn", agreed=[True, True])
    later = factories.meeting(merton, date(2026, 4, 9), chair=chair, status=MeetingStatus.LIVE)

    assert agreement.signature_of(police, meeting) is not None
    assert agreement.signature_of(police, later) is None
    assert not agreement.opens_restricted(by, later)


def test_last_signature_counts_between_meetings(meeting, merton, chair, police):
    by = actor_for(police)
    later = factories.meeting(merton, date(2026, 4, 9), chair=chair, status=MeetingStatus.AGENDA_SENT)
    assert not agreement.opens_restricted(by, later)

    agreement.sign(meeting, by=by, typed_name="Tom Dunn", agreed=[True, True])

    assert agreement.opens_restricted(by, later)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "Tick the statement to sign."),
        (2, "Tick both statements to sign."),
        (3, "Tick all three statements to sign."),
        (5, "Tick all statements to sign."),
    ],
)
def test_tick_words_fit_the_number_of_statements(count, words):
    assert agreement.tick_words(count) == words

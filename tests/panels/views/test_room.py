"""The room, driven by its pages: who comes and goes, interests, the chair, guests, signatures, the room screen."""

from datetime import date, datetime

import pytest
import time_machine
from django.urls import reverse

from iom import bodies
from iom.access import actor_for
from iom.clock import LONDON
from iom.models import AuditEvent, Seat
from panels import agenda, attendance, chairing, circulation, presence, recording
from panels.decide import Choice, decide, holding
from panels.models import Attendance, GuestInvitation, Interest, Movement, Section, TableSignature
from panels.record import record_of
from tests import factories

PANEL_DAY = date(2026, 3, 12)
KEY = "2026-03-12"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_the_meeting():
    with time_machine.travel(datetime(2026, 3, 12, 10, 20, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def richmond(db):
    return factories.scheme("richmond")


@pytest.fixture
def clerk(richmond):
    return factories.member(richmond, "coordinator", name="Clare Specimen")


@pytest.fixture
def people(richmond):
    kinds = {"police": "Pat Sample", "probation": "Prue Sample", "housing": "Hal Sample", "council": "Cora Sample"}
    found = {
        kind: factories.member(richmond, "chair" if kind == "probation" else "member", agency_kind=kind, name=name)
        for kind, name in kinds.items()
    }
    return found | {"inspector": factories.member(richmond, "member", agency_kind="police", name="Ines Sample")}


@pytest.fixture
def meeting(richmond, clerk, people):
    made = factories.live_meeting(richmond, PANEL_DAY, recorder=clerk, chair=people["probation"])
    for _ in range(10):
        factories.agenda_item(made, Section.AOB)
    return made


@pytest.fixture
def recorder(clerk, sign_in):
    return sign_in(clerk)


def item(meeting, number):
    return meeting.items.get(number=str(number))


def here(meeting, *people):
    return factories.attended(meeting, *people)


def move(client, meeting, number, row, *, arrives):
    address = reverse("move_person", args=[KEY, item(meeting, number).pk])
    who = row if isinstance(row, str) else f"row-{row.pk}"
    return client.post(address, {"who": who, "here": "1" if arrives else "0"}, follow=True).content.decode()


def live(client, number):
    return client.get(reverse("live", args=[KEY]), {"item": str(number)}).content.decode()


@pytest.mark.feature(71)
@pytest.mark.feature(73)
@pytest.mark.feature(74)
@pytest.mark.feature(301)
def test_quorum_lost_at_item_8_and_regained_at_item_10_is_said_and_decides(meeting, people, clerk, recorder):
    police, inspector, *others = here(meeting, people["police"], people["inspector"], people["probation"])
    (housing,) = here(meeting, people["housing"])
    (council,) = here(meeting, people["council"])
    assert "4 agencies here, 4 needed" in live(recorder, 1)

    gone = move(recorder, meeting, 8, housing, arrives=False)
    back = move(recorder, meeting, 10, housing, arrives=True)

    assert "Hal Sample is not here from item 8 on" in gone and "Hal Sample is here from item 10 on" in back
    words = "Not quorate from item 8 (3 of 4 agencies). Quorate again from item 10."
    assert words in live(recorder, 1) and "Not quorate</strong>: 3 of 4 agencies" in live(recorder, 9)
    assert words in recorder.get(reverse("attendance", args=[KEY])).content.decode()
    for number in (7, 8, 10):
        decide(item(meeting, number), Choice("noted"), by=actor_for(clerk))
    assert [holding(item(meeting, n)).quorate for n in (7, 8, 10)] == [True, False, True]
    record = record_of(recording.close(meeting, by=actor_for(clerk)))
    assert record["quorum_turns"] == words
    came = {row["name"]: row["came"] for row in record["attendance"]}
    assert came["Hal Sample"] == "left at item 8, back at item 10" and came["Pat Sample"] == ""


def test_late_comer_without_a_row_arrives_and_a_wrong_press_is_taken_back(meeting, people, recorder):
    (apologies,) = factories.attended(meeting, people["council"], how="apologies")
    seat = Seat.objects.get(holder=people["housing"])

    move(recorder, meeting, 3, f"seat-{seat.pk}", arrives=True)
    move(recorder, meeting, 5, apologies, arrives=True)
    move(recorder, meeting, 5, apologies, arrives=False)
    again = move(recorder, meeting, 5, apologies, arrives=False)

    row = Attendance.objects.get(membership=people["housing"])
    assert [presence.quorum_at(meeting, item(meeting, n)).here for n in (2, 3)] == [0, 1]
    assert (row.how, row.at_start) == ("present", False)
    apologies.refresh_from_db()
    assert not apologies.here and "is not here at item 5 already" in again
    assert Movement.objects.count() == 1


def test_interest_is_recorded_read_out_and_takes_the_vote(meeting, people, clerk, recorder):
    (housing,) = here(meeting, people["housing"])
    address = reverse("declare_interest", args=[KEY, item(meeting, 2).pk])

    nobody = recorder.post(address, {"attendance": "", "words": "A landlord, kept"}, follow=True).content.decode()
    silent = recorder.post(address, {"attendance": housing.pk, "words": " "}, follow=True).content.decode()
    page = recorder.post(
        address, {"attendance": housing.pk, "words": "Is the landlord of the family."}, follow=True
    ).content.decode()

    assert "Choose who declares an interest" in nobody and "A landlord, kept" in nobody
    assert "Enter what interest they have" in silent and f'value="{housing.pk}" selected' in silent
    assert "Interest of Hal Sample recorded" in page and "No vote at this item: Housing" in page
    assert presence.voters_at(meeting, item(meeting, 2)) == ()
    decide(item(meeting, 2), Choice("noted"), by=actor_for(clerk))
    minutes = recording.close(meeting, by=actor_for(clerk))
    entry = next(each for each in record_of(minutes)["items"] if each["number"] == "2")
    assert entry["interests"][0]["words"] == "Is the landlord of the family."
    assert entry["without_vote"] == ["Housing"]
    draft = recorder.get(reverse("minutes", args=[KEY])).content.decode()
    assert "Interest declared:" in draft and "Is the landlord of the family." in draft
    recorder.post(reverse("take_back_interest", args=[KEY, Interest.objects.get().pk]))
    assert not Interest.objects.exists()


@pytest.mark.feature(28)
def test_without_chair_and_vice_chair_the_senior_police_or_council_person_present_takes_the_chair(
    meeting, people, clerk, richmond, recorder, sign_in
):
    people["inspector"].post, people["police"].post = "Detective Inspector", "PPO Officer"
    for each in (people["inspector"], people["police"]):
        each.save()
    bodies.appoint(
        meeting.body, people["housing"], bodies.VICE_CHAIR, on=date(2026, 1, 5), by=actor_for(clerk), words="Agreed"
    )
    here(meeting, people["police"], people["inspector"], people["council"])
    factories.attended(meeting, people["probation"], people["housing"], how="apologies")
    page = recorder.get(reverse("attendance", args=[KEY])).content.decode()
    assert "By the rule: Ines Sample" in page and "Richmond, 4.6" in page and "Not recorded as here" in page

    address = reverse("take_the_chair", args=[KEY])
    missing = recorder.post(address, {"who": people["inspector"].pk}).content.decode()
    taken = recorder.post(
        address, {"who": people["inspector"].pk, "because": "Prue Sample is ill.", "item": "2"}, follow=True
    ).content.decode()

    assert "Enter why they take the chair" in missing
    assert "Ines Sample is in the chair" in taken and "from item 2: Prue Sample is ill." in taken
    minutes = recording.close(meeting, by=actor_for(clerk))
    took = record_of(minutes)["chair_taken"][0]
    assert (took["name"], took["source"], took["from_item"]) == ("Ines Sample", "Richmond, 4.6", "2")
    assert record_of(minutes)["meeting"]["chair"] == "Ines Sample"
    recorder.post(reverse("send_minutes", args=[KEY]), {"version": minutes.version})
    review = sign_in(people["inspector"]).get(reverse("review_minutes", args=[KEY]))
    assert review.status_code == 200 and "Sign minutes" in review.content.decode()
    assert sign_in(people["council"]).get(reverse("review_minutes", args=[KEY])).status_code == 403


def test_vice_chair_who_is_here_is_proposed_before_anybody_else(meeting, people, clerk):
    bodies.appoint(
        meeting.body, people["housing"], bodies.VICE_CHAIR, on=date(2026, 1, 5), by=actor_for(clerk), words="Agreed"
    )
    here(meeting, people["inspector"], people["housing"])

    by_rule = chairing.succession(meeting)

    assert [row.who for row in by_rule.proposed] == ["Hal Sample"] and by_rule.away
    assert by_rule.words == "The vice-chair."


# --- Before the meeting starts: the sheet, substitutes, guests, signatures


@pytest.fixture
def merton_meeting(merton, chair, police, housing, as_coordinator):
    made = factories.meeting(merton, PANEL_DAY, chair=chair)
    agenda.add_item(made, section=Section.APOLOGIES, by=as_coordinator)
    agenda.add_item(made, section=Section.AOB, title="Rooms", by=as_coordinator)
    return agenda.send_agenda(made, by=as_coordinator)


@pytest.mark.feature(46)
@pytest.mark.feature(47)
def test_named_substitute_stands_ready_and_checks_in_with_delegated_authority(
    merton_meeting, merton, housing, coordinator, sign_in
):
    deputy = factories.member(merton, "member", agency_kind="housing", name="Dee Sample", seat=False)
    Seat.objects.filter(holder=housing).update(substitute=deputy, substitute_authority=True, substitute_briefed=True)

    page = sign_in(coordinator).get(reverse("attendance", args=[KEY])).content.decode()
    sign_in(deputy).post(reverse("check_in", args=[KEY]), {"how": "present"})

    assert 'value="Dee Sample"' in page
    row = Attendance.objects.get(membership=housing)
    assert (row.how, row.who, row.account, row.delegated_authority) == ("substitute", "Dee Sample", deputy, True)
    assert attendance.quorum_of(merton_meeting).agencies == (housing.agency.name,)


@pytest.mark.feature(71)
def test_all_who_said_yes_are_here_in_one_press(merton_meeting, chair, police, housing, coordinator, sign_in):
    for person, answer in ((police, "yes"), (chair, "yes"), (housing, "no")):
        circulation.answer(merton_meeting, answer, by=actor_for(person))
    client, address = sign_in(coordinator), reverse("attendance", args=[KEY])

    page = client.get(address).content.decode()
    client.post(address, {"all_who_said_yes": "1"})

    assert "All who said yes are here" in page and "2 people" in page
    assert set(Attendance.objects.values_list("membership", "how")) == {(police.pk, "present"), (chair.pk, "present")}


@pytest.mark.feature(48)
def test_meeting_agrees_on_a_guest_and_the_next_one_has_them_for_their_item(
    merton_meeting, merton, chair, coordinator, as_coordinator, sign_in
):
    client = sign_in(coordinator)
    before = factories.live_meeting(merton, date(2026, 2, 12), recorder=coordinator, chair=chair)
    address = reverse("invite_guest", args=["2026-02-12"])
    refused = client.post(address, {"name": "Lee Guest"}).content.decode()
    client.post(address, {"name": "Lee Guest", "post": "Welfare adviser", "purpose": "Benefits after release"})
    before.status = "signed"
    before.save()

    page = client.get(reverse("attendance", args=[KEY])).content.decode()
    client.post(reverse("invited_guest", args=[KEY, GuestInvitation.objects.get().pk]))
    guest = {"standing": "guest", "name": "Ona Guest", "how": "present", "agreed_at": "2026-02-12", "items": "2"}
    client.post(reverse("add_visitor", args=[KEY]), guest)

    assert "Enter what they are invited for" in refused
    assert "Lee Guest, Welfare adviser" in page and "Agreed at the meeting of" in page
    invited, for_one = Attendance.objects.filter(standing="guest").order_by("pk")
    assert invited.agreed_at == date(2026, 2, 12)
    first, second = merton_meeting.items.order_by("position")
    assert [row.who for row in presence.here_at(merton_meeting, first)] == ["Lee Guest"]
    assert [row.who for row in presence.here_at(merton_meeting, second)] == ["Lee Guest", "Ona Guest"]
    wrong = client.post(reverse("add_visitor", args=[KEY]), guest | {"items": "9"}).content.decode()
    assert "There is no item 9 on this agenda" in wrong


@pytest.mark.feature(79)
@pytest.mark.feature(308)
def test_guest_and_substitute_without_account_sign_at_the_table_seen_by_the_recorder(
    merton_meeting, police, housing, coordinator, as_coordinator, sign_in
):
    client = sign_in(coordinator)
    factories.attended(merton_meeting, housing, how="substitute", substitute_name="Sue Sample")
    (mine,) = factories.attended(merton_meeting, police)
    guest = attendance.add_visitor(merton_meeting, standing="guest", name="Gia Guest", by=as_coordinator)
    recording.start(merton_meeting, by=as_coordinator)
    first = merton_meeting.items.order_by("position").first()
    assert presence.block(merton_meeting, first, []).unsigned == ("Sue Sample", "Tom Dunn", "Gia Guest")

    for row in Attendance.objects.exclude(pk=mine.pk):
        client.post(reverse("signed_at_the_table", args=[KEY, row.pk]))
    own = client.post(reverse("signed_at_the_table", args=[KEY, mine.pk]), follow=True).content.decode()

    assert "Tom Dunn has an account and signs there" in own
    assert set(TableSignature.objects.values_list("name", "agreement_version", "seen_by__name")) == {
        ("Sue Sample", "1", "Priya Shah"),
        ("Gia Guest", "1", "Priya Shah"),
    }
    page = client.get(reverse("attendance", args=[KEY])).content.decode()
    assert page.count("seen by Priya Shah") == 2
    seen_by_chair = sign_in(merton_meeting.chair).get(reverse("live", args=[KEY])).content.decode()
    assert "Agreement not signed: Tom Dunn" in seen_by_chair
    client.post(reverse("remove_visitor", args=[KEY, guest.pk]))
    assert TableSignature.objects.count() == 1


# --- The room screen


@pytest.fixture
def review(meeting, richmond):
    return factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(richmond))


def reads(of):
    return AuditEvent.objects.filter(kind="read", subjects__contains=[of.audit_subject]).count()


def show(client, item):
    return client.post(reverse("show_on_screen", args=[KEY]), {"item": item.number})


@pytest.mark.feature(301)
def test_room_screen_shows_the_recorders_item_once_and_says_304_when_nothing_changed(
    meeting, review, people, clerk, recorder, sign_in
):
    here(meeting, people["police"], people["housing"], people["council"], people["probation"])
    person, viewer, address = review.case.offender, sign_in(people["police"]), reverse("screen", args=[KEY])
    show(recorder, review)
    before = reads(person)

    first = viewer.get(address)
    same = viewer.get(address, headers={"If-None-Match": first["ETag"]})
    again = viewer.get(address)
    decide(review, Choice("no_change", note="Not for the screen"), by=actor_for(clerk))
    changed = viewer.get(address, headers={"If-None-Match": first["ETag"]})

    page = first.content.decode()
    assert person.name in page and "4 agencies here, 4 needed: quorate" in page
    assert 'http-equiv="refresh" content="3"' in page and "Item 11 of 11" in page
    assert (same.status_code, same.content, again.status_code, changed.status_code) == (304, b"", 200, 200)
    assert "No change" in changed.content.decode() and "Not for the screen" not in changed.content.decode()
    assert reads(person) == before + 1


def test_following_never_moves_the_meeting_and_saving_does(meeting, review, people, recorder, sign_in):
    here(meeting, people["police"])
    show(recorder, item(meeting, 4))
    follower = sign_in(people["police"])

    live(follower, 9)
    live(recorder, 8)
    refused = show(follower, review).status_code

    assert refused == 403
    assert "Item 4 of 11" in follower.get(reverse("screen", args=[KEY])).content.decode()
    version = item(meeting, 4).version
    recorder.post(reverse("live", args=[KEY]), {"item": "4", "outcome": "noted", "version": version, "then": "next"})
    assert "Item 5 of 11" in follower.get(reverse("screen", args=[KEY])).content.decode()


def test_item_of_a_restricted_case_is_only_called_so_even_for_who_is_named_on_it(
    meeting, richmond, people, clerk, recorder, sign_in
):
    case = factories.case(richmond, restricted=True)
    factories.named(case, people["police"])
    hidden = factories.agenda_item(meeting, Section.REVIEWS, case=case)
    factories.named(case, clerk)
    show(recorder, hidden)

    page = sign_in(people["police"]).get(reverse("screen", args=[KEY])).content.decode()

    assert "Restricted item" in page
    assert case.offender.family_name not in page and case.reference not in page
    assert reads(case.offender) == 0


@pytest.mark.feature(308)
def test_unsigned_reads_no_marked_answer_on_the_live_page_and_a_guest_with_an_account_reads_nothing(
    merton, chair, police, coordinator, sign_in
):
    meeting = factories.live_meeting(merton, PANEL_DAY, recorder=coordinator, chair=chair)
    case = factories.case(merton)
    factories.agenda_item(meeting, Section.REVIEWS, case=case)
    asked = factories.check_request(meeting, chair.agency, case.offender)
    factories.agency_return(asked, chair, handling="police_probation", summary="Recalled twice for the same thing.")
    client, guest = sign_in(police), sign_in(factories.member(merton, "referrer", agency_kind="housing"))

    before = live(client, 1)
    signed = {"statement_1": "on", "statement_2": "on", "typed_name": "Tom Dunn"}
    client.post(reverse("sign_agreement", args=[KEY]), signed)

    assert "Recalled twice" not in before and "Recalled twice" in live(client, 1)
    assert "Recalled twice" not in client.get(reverse("screen", args=[KEY])).content.decode()
    for page in ("live", "screen", "attendance", "sign_agreement"):
        assert guest.get(reverse(page, args=[KEY])).status_code == 403

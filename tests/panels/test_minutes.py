"""Minutes from draft to signature: who may do what, what freezes, what is refused."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction

from iom import outbox
from iom.access import actor_for
from iom.clock import as_of
from iom.models import Document, MeetingStatus, Notification
from iom.printing import sha256
from iom.steps import Stale, StepRefused
from panels import minutes as verbs
from panels import pdf, recording
from panels.decide import Choice, decide
from panels.minutes_steps import STEPS
from panels.models import ItemState, Minutes, Outcome, Section
from panels.record import fingerprint, record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
WORKFLOW = {
    ("draft", "send_minutes_to_chair", "with_chair"),
    ("with_chair", "return_minutes", "draft"),
    ("with_chair", "sign", "signed"),
}


def test_workflow_is_the_one_agreed():
    assert {(source, verb, step.target) for verb, step in STEPS.items() for source in step.sources} == WORKFLOW


@pytest.fixture
def meeting(merton, coordinator, chair, police):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police)
    item = factories.agenda_item(made, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    decide(item, Choice(Outcome.NO_CHANGE), by=actor_for(coordinator))
    return made


@pytest.fixture
def draft(meeting, as_coordinator):
    return recording.close(meeting, by=as_coordinator)


@pytest.fixture
def with_chair(draft, as_coordinator):
    return verbs.send_to_chair(draft, by=as_coordinator)


def sign(minutes, by, **given):
    asked = {"typed_name": "grace  adeyemi", "record_sha256": fingerprint(record_of(minutes)), "fresh": True}
    return verbs.sign(minutes, by=by, **asked | given)


# --- Closing -----------------------------------------------------------------


def test_closing_drafts_the_minutes_by_themselves(draft, meeting):
    meeting.refresh_from_db()

    assert (meeting.status, draft.status, draft.number) == (MeetingStatus.MINUTES_DRAFTED, "draft", 1)
    assert [item["decision"]["words"] for item in record_of(draft)["items"]] == ["No change"]


def test_closing_twice_is_refused(draft, meeting, as_coordinator):
    with pytest.raises(StepRefused):
        recording.close(meeting, by=as_coordinator)


def test_item_that_was_not_reached_goes_to_the_next_agenda(meeting, merton, as_coordinator, monkeypatch):
    following = factories.meeting(merton, date(2026, 4, 9))
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))

    recording.close(meeting, by=as_coordinator)

    item.refresh_from_db()
    assert item.state == ItemState.CARRIED
    assert [(each.case, each.why) for each in following.items.all()] == [(item.case, "Not reached on 12 March")]


def test_nomination_that_was_not_reached_is_deferred_until_a_panel_is_planned(meeting, merton, police, as_coordinator):
    referral = factories.referral(merton, police, status="on_agenda", meeting=meeting)
    factories.agenda_item(meeting, Section.REFERRALS, referral=referral)

    recording.close(meeting, by=as_coordinator)

    referral.refresh_from_db()
    assert referral.status == "deferred"


def test_nomination_that_goes_on_says_why_on_the_next_agenda(meeting, merton, police, as_coordinator):
    following = factories.meeting(merton, date(2026, 4, 9))
    referral = factories.referral(merton, police, status="on_agenda", meeting=meeting)
    factories.agenda_item(meeting, Section.REFERRALS, referral=referral)

    with as_of(datetime(2026, 3, 12, 12, tzinfo=UTC)):
        recording.close(meeting, by=as_coordinator)

    carried = following.items.get(referral=referral)
    assert (carried.section, carried.why) == (Section.REFERRALS, "Not reached on 12 March")


def test_open_action_is_counted_forward_once(meeting, merton, housing, as_coordinator):
    from actionplans.models import Action

    due = Action.objects.create(scheme=merton, text="Visit", agency=housing.agency, due_on=DAY)
    later = Action.objects.create(scheme=merton, text="Ring", agency=housing.agency, due_on=date(2026, 4, 1))

    recording.close(meeting, by=as_coordinator)

    assert [Action.objects.get(pk=action.pk).carried_forward for action in (due, later)] == [1, 0]


# --- The draft ---------------------------------------------------------------


def test_words_are_added_by_item_and_blank_takes_them_away(draft, meeting, as_coordinator):
    item = meeting.items.get()

    draft = verbs.set_words(draft, {item.pk: " The panel heard from police. ", 999999: "nobody's"}, by=as_coordinator)
    assert draft.narrative == {str(item.pk): "The panel heard from police."}
    draft = verbs.set_words(draft, {item.pk: ""}, by=as_coordinator)

    assert draft.narrative == {}


def test_words_of_a_stale_page_are_refused(draft, meeting, as_coordinator):
    item = meeting.items.get()
    verbs.set_words(draft, {item.pk: "First"}, by=as_coordinator, version=draft.version)

    with pytest.raises(Stale):
        verbs.set_words(draft, {item.pk: "Second"}, by=as_coordinator, version=draft.version)


def test_words_are_not_changed_while_the_chair_has_them(with_chair, meeting, as_coordinator):
    with pytest.raises(StepRefused, match="already with chair"):
        verbs.set_words(with_chair, {meeting.items.get().pk: "Late"}, by=as_coordinator)


def test_sending_tells_the_chair_without_personal_data(with_chair, chair):
    told = Notification.objects.get(recipient=chair.user, kind="minutes_to_sign")

    assert told.text == "Minutes to sign: panel of 12 March"
    assert told.url == "/meetings/2026-03-12/minutes/review/"


def test_minutes_of_a_meeting_nobody_came_to_are_not_sent(draft, as_coordinator, meeting):
    meeting.attendance.all().delete()

    with pytest.raises(StepRefused, match="Nobody is marked as here"):
        verbs.send_to_chair(draft, by=as_coordinator)


def test_checks_say_what_is_not_in_order(draft, merton):
    checks = {check.words: check.good for check in verbs.checks(draft, record_of(draft))}

    assert checks["2 people marked as here"]
    assert checks["Every action has an owner and a date"]
    assert not checks["2 people here did not sign the information sharing agreement"]


def test_chair_returns_with_comments_and_the_coordinator_hears(with_chair, meeting, as_chair, coordinator):
    with pytest.raises(StepRefused, match="what should be changed"):
        verbs.return_to_coordinator(with_chair, by=as_chair)
    verbs.set_comments(with_chair, "", {meeting.items.get().pk: "Name the officer"}, by=as_chair)

    returned = verbs.return_to_coordinator(with_chair, by=as_chair)

    assert (returned.status, list(returned.item_comments.values())) == ("draft", ["Name the officer"])
    assert Notification.objects.filter(recipient=coordinator.user, kind="minutes_returned").exists()


# --- Signing -----------------------------------------------------------------


def test_signing_freezes_the_record_and_signs_the_meeting(with_chair, meeting, as_chair, police):
    seen = fingerprint(record_of(with_chair))

    signed = sign(with_chair, as_chair)

    meeting.refresh_from_db()
    assert (signed.status, meeting.status) == ("signed", MeetingStatus.SIGNED)
    assert signed.record_sha256 == fingerprint(signed.record) == seen
    assert (signed.signed_by, signed.signed_name) == (as_chair.user, "grace adeyemi")
    assert Notification.objects.filter(recipient=police.user, text="Minutes signed: panel of 12 March").exists()


def test_signed_record_is_changed_by_no_path(with_chair, as_chair):
    signed = sign(with_chair, as_chair)

    for change in ({"record": {}}, {"signed_name": "Someone"}, {"status": "draft"}, {"narrative": {"1": "x"}}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Minutes.objects.filter(pk=signed.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Minutes.objects.filter(pk=signed.pk).delete()


def test_what_happens_after_signing_does_not_reach_the_record(with_chair, meeting, as_chair):
    signed = sign(with_chair, as_chair)
    meeting.items.get().case.offender.__class__.objects.update(family_name="Renamed")

    assert "RENAMED" not in str(Minutes.objects.get(pk=signed.pk).record)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({"fresh": False}, "Enter your security code, then sign", id="no fresh code"),
        pytest.param({"typed_name": "Somebody Else"}, "Type your name as your account has it", id="another name"),
        pytest.param({"typed_name": ""}, "Type your name as your account has it", id="no name"),
    ],
)
def test_signature_without_proof_is_refused(with_chair, as_chair, given, problem):
    with pytest.raises(StepRefused, match=problem):
        sign(with_chair, as_chair, **given)
    assert Minutes.objects.get().status == "with_chair"


@pytest.mark.parametrize("given", [{"record_sha256": "0" * 64}, {"number": 2}], ids=["other record", "other version"])
def test_signature_under_something_else_than_was_read_is_stale(with_chair, as_chair, given):
    with pytest.raises(Stale):
        sign(with_chair, as_chair, **given)


def test_attendance_changed_after_the_chair_read_makes_the_signature_stale(with_chair, meeting, as_chair, housing):
    seen = fingerprint(record_of(with_chair))
    factories.attended(meeting, housing)

    with pytest.raises(Stale):
        sign(with_chair, as_chair, record_sha256=seen)


def test_second_signature_is_refused(with_chair, as_chair):
    seen = fingerprint(record_of(with_chair))
    sign(with_chair, as_chair)

    with pytest.raises(StepRefused, match="already signed"):
        sign(with_chair, as_chair, record_sha256=seen)


def test_recorder_does_not_sign_their_own_minutes(with_chair, meeting, coordinator):
    coordinator.roles = ["coordinator", "chair"]
    coordinator.save()
    meeting.refresh_from_db()
    meeting.chair = coordinator
    meeting.save()

    with pytest.raises(StepRefused, match="Nobody signs minutes that they recorded"):
        sign(with_chair, actor_for(coordinator), typed_name=coordinator.user.name)


def test_who_recorded_one_item_before_another_took_over_does_not_sign_either(with_chair, meeting, coordinator, chair):
    meeting.refresh_from_db()
    meeting.recorder = factories.member(meeting.scheme, "coordinator").user
    meeting.chair = coordinator
    meeting.save()
    coordinator.roles = ["coordinator", "chair"]
    coordinator.save()

    with pytest.raises(StepRefused, match="You recorded this meeting"):
        sign(with_chair, actor_for(coordinator), typed_name=coordinator.user.name)


def test_another_chair_does_not_sign(with_chair, merton):
    other = factories.actor(merton, "chair", agency_kind="police", name="Other Chair")

    with pytest.raises(StepRefused, match="Only the chair of the meeting"):
        sign(with_chair, other, typed_name="Other Chair")


def test_draft_that_was_not_sent_is_not_signed(draft, as_chair):
    with pytest.raises(StepRefused, match="already draft"):
        sign(draft, as_chair)


def test_member_may_not_send_or_comment(with_chair, as_police):
    with pytest.raises(PermissionDenied):
        verbs.set_comments(with_chair, "x", {}, by=as_police)


# --- The file ----------------------------------------------------------------


def test_worker_makes_the_pdf_once_and_keeps_its_bytes(with_chair, as_chair):
    signed = sign(with_chair, as_chair)

    outbox.drain()
    outbox.drain()

    signed.refresh_from_db()
    assert set(Document.objects.all()) == {signed.document, signed.accessible}
    assert signed.document.sha256 == sha256(bytes(signed.document.content))
    assert signed.document.name == "minutes-merton-2026-03-12-v1.pdf"
    assert pdf.claimed_fingerprints(bytes(signed.document.content)) == {signed.record_sha256}

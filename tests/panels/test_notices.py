"""Notices to referrers: from the decision that holds, with a reason meant for them, sent once."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from iom.access import actor_for
from iom.models import Notification
from iom.steps import StepRefused
from panels import notices, recording
from panels.decide import Choice, Lead, decide
from panels.models import Notice, Outcome, Section
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
KEY = "2026-03-12"


@pytest.fixture
def meeting(merton, coordinator, chair, police):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police)
    return made


def decided(meeting, police, by, outcome, **given):
    referral = factories.referral(meeting.scheme, police, status="on_agenda", meeting=meeting)
    item = factories.agenda_item(meeting, Section.REFERRALS, referral=referral)
    leads = {"lead_agency": Lead(police.agency)} if outcome == Outcome.ACCEPT else {}
    decide(item, Choice(outcome, reason="INNER REASON", leads=leads, **given), by=by)
    return referral


@pytest.fixture
def accepted(meeting, police, as_coordinator):
    return decided(meeting, police, as_coordinator, Outcome.ACCEPT, colour="RED")


@pytest.fixture
def declined(meeting, police, as_coordinator):
    return decided(meeting, police, as_coordinator, Outcome.NOT_ACCEPT, reason_for_referrer="Score below the mark.")


def close(meeting, by):
    recording.close(meeting, by=by)
    meeting.refresh_from_db()
    return meeting


def test_words_come_from_the_decision_and_not_from_the_minutes(meeting, accepted, declined, as_coordinator):
    yes, no = notices.drafts(meeting, seen_by=as_coordinator)

    assert yes.text.startswith("The IOM Case Panel of Thursday 12 March 2026 accepted this nomination.")
    assert "Rating: Red" in yes.text
    assert "Lead agency: Police" in yes.text
    assert "Reason: Score below the mark." in no.text
    assert "INNER REASON" not in yes.text + no.text


def test_sending_tells_each_referrer_once(meeting, accepted, declined, as_coordinator, police):
    close(meeting, as_coordinator)

    assert notices.send(meeting, {}, by=as_coordinator) == 2
    with pytest.raises(StepRefused, match="no notices to send"):
        notices.send(meeting, {}, by=as_coordinator)

    told = Notification.objects.filter(recipient=police.user, kind="decision")
    assert {each.text for each in told} == {f"Decision on referral {r.reference}" for r in (accepted, declined)}
    assert {each.url for each in told} == {f"/referrals/{r.reference}/decision/" for r in (accepted, declined)}


@pytest.mark.parametrize("text", ["", "No reason at all", "Reason:", "Reason:  \n\nYou can nominate again"])
def test_declining_needs_a_reason_that_the_referrer_may_see(meeting, accepted, declined, as_coordinator, text):
    close(meeting, as_coordinator)
    decision = notices.drafts(meeting, seen_by=as_coordinator)[1].decision

    with pytest.raises(StepRefused, match=declined.reference):
        notices.send(meeting, {decision.pk: text}, by=as_coordinator)

    assert not Notice.objects.exclude(status="draft").exists()


def test_nothing_is_sent_while_the_meeting_is_live(meeting, accepted, as_coordinator):
    with pytest.raises(StepRefused, match="Close the meeting first"):
        notices.send(meeting, {}, by=as_coordinator)


def test_words_are_kept_until_they_are_sent(meeting, declined, as_coordinator):
    close(meeting, as_coordinator)
    [draft] = notices.drafts(meeting, seen_by=as_coordinator)

    notices.save(draft, "Reason: other words", by=as_coordinator)
    notices.send(meeting, {}, by=as_coordinator)

    assert Notice.objects.get().text == "Reason: other words"
    with pytest.raises(StepRefused, match="has been sent"):
        notices.save(draft, "Too late", by=as_coordinator)


def test_corrected_decision_is_told_again_as_a_correction(meeting, declined, as_coordinator):
    close(meeting, as_coordinator)
    notices.send(meeting, {}, by=as_coordinator)
    item = meeting.items.get()
    decide(
        item,
        Choice(Outcome.DEFER, reason="x", reason_for_referrer="More to find out.", correction_reason="Misheard"),
        by=as_coordinator,
    )

    [draft] = notices.drafts(meeting, seen_by=as_coordinator)

    assert not draft.sent
    assert draft.text.startswith("This corrects the decision that you were sent before.")


def test_decision_to_be_ratified_has_no_notice(merton, as_coordinator, police, monkeypatch, coordinator):
    richmond = factories.scheme("richmond")
    factories.act_in(richmond)
    body = factories.Body.objects.get(
        scheme=richmond, slug=next(b.slug for b in richmond.policy.bodies if b.quorum.organisations)
    )
    by = factories.member(richmond, "coordinator")
    meeting = factories.live_meeting(richmond, DAY, recorder=by, body=body)
    referrer = factories.member(richmond, "member", agency_kind="police")
    decided(meeting, referrer, actor_for(by), Outcome.NOT_ACCEPT)

    assert notices.drafts(meeting, seen_by=actor_for(by)) == []


def test_member_may_not_send(meeting, accepted, as_coordinator, as_police):
    close(meeting, as_coordinator)

    with pytest.raises(PermissionDenied):
        notices.send(meeting, {}, by=as_police)


# --- The pages ---------------------------------------------------------------


@pytest.mark.feature(88)
def test_coordinator_sends_and_the_referrer_reads(
    meeting, accepted, declined, as_coordinator, sign_in, coordinator, police
):
    close(meeting, as_coordinator)
    office = sign_in(coordinator)
    page = office.get(reverse("notices", args=[KEY])).content.decode()
    assert "Send 2 notices" in page
    fields = {
        f"notice-{draft.decision.pk}-text": draft.text for draft in notices.drafts(meeting, seen_by=as_coordinator)
    }

    office.post(reverse("notices", args=[KEY]), fields | {"then": "send"})
    reader = sign_in(police)
    shown = reader.get(reverse("referral_decision", args=[declined.reference])).content.decode()

    assert "Score below the mark." in shown
    assert Notice.objects.get(referral=declined).status == "opened"
    assert Notice.objects.get(referral=accepted).status == "sent"
    assert "Opened" in office.get(reverse("notices", args=[KEY])).content.decode()


def test_missing_reason_is_said_beside_its_notice(meeting, police, as_coordinator, sign_in, coordinator):
    declined = decided(meeting, police, as_coordinator, Outcome.NOT_ACCEPT)
    close(meeting, as_coordinator)
    [draft] = notices.drafts(meeting, seen_by=as_coordinator)

    page = sign_in(coordinator).post(
        reverse("notices", args=[KEY]), {f"notice-{draft.decision.pk}-text": draft.text, "then": "send"}
    )

    assert f"{declined.reference}: Enter a reason that the referrer may see" in page.content.decode()
    assert not Notice.objects.exists()


def test_coordinator_who_looks_does_not_open_it_for_the_referrer(
    meeting, declined, as_coordinator, sign_in, coordinator
):
    close(meeting, as_coordinator)
    notices.send(meeting, {}, by=as_coordinator)

    sign_in(coordinator).get(reverse("referral_decision", args=[declined.reference]))

    assert Notice.objects.get().status == "sent"


def test_decision_page_of_somebody_elses_referral_is_not_found(meeting, declined, sign_in, housing):
    assert sign_in(housing).get(reverse("referral_decision", args=[declined.reference])).status_code == 404


def test_before_any_notice_the_page_says_so(meeting, declined, sign_in, police):
    page = sign_in(police).get(reverse("referral_decision", args=[declined.reference])).content.decode()

    assert "no decision to read yet" in page

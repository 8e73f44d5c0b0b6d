"""Decisions on urgent nominations between two meetings, and the panel that ratifies them (Hampshire)."""

from datetime import date, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.urls import reverse

from actionplans.models import Plan
from iom import clock
from iom.access import actor_for
from iom.models import Notification
from iom.sessions import CODE_AT
from iom.steps import StepRefused
from offenders.models import Case
from panels import agenda, corrections, meetings, notices, outside, ratifying, recording
from panels.accepting import Lead
from panels.decide import Choice, decide, holding, ratify_everything
from panels.models import AgendaItem, Consulted, Notice, Outcome, OutsideDecision, Section
from panels.outside import Asked, Urgent
from panels.record import record_of
from referrals import actions as referrals
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 3)
PANEL = date(2026, 3, 12)


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel("2026-03-03 11:00+00:00", tick=False):
        yield


@pytest.fixture
def hampshire():
    return factories.scheme("hampshire")


@pytest.fixture
def office(hampshire):
    return factories.member(hampshire, "coordinator", agency_kind="police")


@pytest.fixture
def by(office):
    return actor_for(office)


@pytest.fixture
def head(hampshire):
    return factories.member(hampshire, "chair", agency_kind="police", name="Robin Specimen")


@pytest.fixture
def officer(hampshire):
    return factories.member(hampshire, "member", agency_kind="probation")


@pytest.fixture
def panel(hampshire, head):
    return factories.meeting(hampshire, PANEL, chair=head)


@pytest.fixture
def nomination(hampshire, officer):
    return factories.referral(
        hampshire,
        officer,
        status="sent",
        supervision="yes",
        urgent_reason="Released on Friday.",
        facts={"statutory": True},
    )


def urgent(office, head, outcome=Outcome.ACCEPT, **given):
    police = office.agency
    defaults = {
        "urgent_because": "Released on Friday without an address.",
        "asked": (Asked(police, "Insp Sample", Consulted.By.PHONE, TODAY, "Two burglaries last week."),),
        "outcome": outcome,
        "reason": "Prolific, and nobody holds him after Friday.",
        "decided_by": head,
        "decided_on": TODAY,
        "colour": "RED" if outcome == Outcome.ACCEPT else "",
        "reason_for_referrer": "The panel agreed by telephone.",
        "leads": {"lead_agency": Lead(police)} if outcome == Outcome.ACCEPT else {},
    }
    return Urgent(**defaults | given)


@pytest.fixture
def accepted(nomination, office, head, by, panel):
    return outside.decide(nomination, urgent(office, head), by=by)


def held(panel, by):
    """The panel of the 12th, live on its day."""
    agenda.send_agenda(panel, by=by)
    return recording.start(panel, by=by)


# --- Deciding


def test_acceptance_takes_effect_at_once(accepted, nomination, head):
    nomination.refresh_from_db()

    assert nomination.status == "accepted"
    assert accepted.case.accepted_on == TODAY
    assert accepted.case.accepted_at is None
    assert accepted.case.ratings.get().colour == "RED"
    assert accepted.case.assigned("lead_agency").agency.kind == "police"
    assert Plan.objects.get(case=accepted.case).status == "agreed"
    assert accepted.decided_by == head
    assert [each.said for each in accepted.consulted.all()] == ["Two burglaries last week."]


def test_it_stands_on_the_next_agenda_by_itself(accepted, panel):
    item = AgendaItem.objects.get(meeting=panel, section=Section.OUTSIDE)

    assert item.outside == accepted
    assert item.why == "Decided on 3 March: accepted onto the scheme"
    assert not item.late
    assert not OutsideDecision.objects.waiting().exclude(pk=accepted.pk).exists()


def test_it_leaves_the_agenda_on_which_it_waited(nomination, office, head, by, panel):
    referrals.put_to_panel(nomination, meeting=panel, agencies=[office.agency], by=by)

    outside.decide(nomination, urgent(office, head, Outcome.NOT_ACCEPT), by=by)

    assert [item.section for item in panel.items.all()] == [Section.OUTSIDE]
    assert nomination.check_requests.filter(closed_at=None).count() == 0


def test_without_a_planned_meeting_it_waits_for_the_first(nomination, office, head, by, hampshire):
    outside.decide(nomination, urgent(office, head), by=by)

    made = meetings.plan(
        body=factories.of_first_body(hampshire), on=PANEL, starts_at="10:00", minutes_long=60, chair=head, by=by
    )

    assert made.items.filter(section=Section.OUTSIDE).count() == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"asked": ()}, "at least one agency"),
        ({"reason": " "}, "Enter a reason"),
        ({"urgent_because": ""}, "cannot wait"),
        ({"colour": ""}, "Choose a rating"),
        ({"leads": {}}, "Choose the lead agency"),
        ({"decided_on": TODAY + timedelta(days=1)}, "today or earlier"),
        ({"decided_on": date(2026, 2, 19)}, "before the nomination was sent"),
        ({"outcome": "defer"}, "Choose what was decided"),
    ],
)
def test_what_is_missing_is_named(nomination, office, head, by, changed, words):
    with pytest.raises(StepRefused, match=words):
        outside.decide(nomination, urgent(office, head, **changed), by=by)

    nomination.refresh_from_db()
    assert nomination.status == "sent"


def test_asking_the_referring_agency_alone_is_not_deciding_together(nomination, office, head, by, officer):
    alone = (Asked(officer.agency, "PO Sample", Consulted.By.EMAIL, TODAY, "We think so too."),)

    with pytest.raises(StepRefused, match="besides"):
        outside.decide(nomination, urgent(office, head, asked=alone), by=by)


def test_referrer_who_chairs_cannot_answer_for_it(hampshire, office, head, by):
    theirs = factories.referral(hampshire, head, status="sent")

    assert head not in outside.who_may_decide(theirs)
    with pytest.raises(StepRefused, match="did not make the nomination"):
        outside.decide(theirs, urgent(office, head), by=by)


def test_members_may_not_decide_outside(nomination, office, head, officer):
    with pytest.raises(PermissionDenied):
        outside.decide(nomination, urgent(office, head), by=actor_for(officer))


def test_other_schemes_decide_at_the_panel(merton, coordinator, chair, police):
    referral = factories.referral(merton, police, status="sent")
    asked = (Asked(coordinator.agency, "A Sample", Consulted.By.PHONE, TODAY, "Yes."),)

    with pytest.raises(StepRefused, match="decides nominations at the panel"):
        outside.decide(referral, urgent(coordinator, chair, asked=asked), by=actor_for(coordinator))


def test_a_known_exclusion_stops_it(nomination, office, head, by):
    nomination.mappa_level = 3
    nomination.save(update_fields=["mappa_level"])

    with pytest.raises(StepRefused, match="exclude"):
        outside.decide(nomination, urgent(office, head), by=by)

    assert not Case.objects.exists()


def test_who_answers_for_it_is_told(accepted, head, nomination):
    told = Notification.objects.get(recipient=head.user, kind="decided_outside")

    assert told.text == f"Check the decision recorded as yours: referral {nomination.reference}"


def test_it_is_never_changed(accepted):
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        OutsideDecision.objects.filter(pk=accepted.pk).update(reason="Another")


# --- Ratifying


def test_panel_ratifies_everything_in_one_step(accepted, hampshire, officer, office, head, by, panel):
    second = factories.referral(hampshire, officer, status="sent")
    outside.decide(second, urgent(office, head, Outcome.NOT_ACCEPT), by=by)
    meeting = held(panel, by)

    made = ratify_everything(meeting, by=by)

    assert [decision.outcome for decision in made] == ["ratify", "ratify"]
    assert not OutsideDecision.objects.waiting().exists()
    assert Case.objects.get(pk=accepted.case_id).status == "open"


def test_not_ratified_closes_the_case_and_hears_the_nomination_again(accepted, nomination, by, panel, officer):
    meeting = held(panel, by)
    item = meeting.items.get(section=Section.OUTSIDE)

    with pytest.raises(StepRefused, match="Enter a reason"):
        decide(item, Choice(Outcome.NOT_RATIFY), by=by)
    with time_machine.travel("2026-03-12 10:00+00:00", tick=False):
        recording.renew(meeting, by=by)
        decide(item, Choice(Outcome.NOT_RATIFY, reason="Nobody asked housing."), by=by)

    nomination.refresh_from_db()
    case = Case.objects.get(pk=accepted.case_id)
    assert nomination.status == "on_agenda"
    assert nomination.meeting == meeting
    assert (case.status, case.ended_on) == ("closed", PANEL)
    again = meeting.items.get(section=Section.REFERRALS)
    assert again.referral == nomination
    assert Notification.objects.filter(recipient=officer.user, kind="not_ratified").exists()
    decide(again, Choice(Outcome.NOT_ACCEPT, reason="x", reason_for_referrer="y"), by=by)
    assert ratifying.ruling(accepted).outcome == "not_ratify"


def test_what_was_undone_is_not_ratified_afterwards(accepted, by, panel):
    meeting = held(panel, by)
    item = meeting.items.get(section=Section.OUTSIDE)
    decide(item, Choice(Outcome.NOT_RATIFY, reason="Too soon."), by=by)

    with pytest.raises(StepRefused, match="was undone"):
        decide(item, Choice(Outcome.RATIFY, correction_reason="Misheard"), by=by)


def test_ratified_can_be_corrected_while_the_meeting_is_live(accepted, nomination, by, panel):
    meeting = held(panel, by)
    item = meeting.items.get(section=Section.OUTSIDE)
    decide(item, Choice(Outcome.RATIFY), by=by)

    decide(item, Choice(Outcome.NOT_RATIFY, reason="Not so.", correction_reason="Misheard"), by=by)

    nomination.refresh_from_db()
    assert nomination.status == "on_agenda"
    assert holding(item).outcome == "not_ratify"


def test_corrected_after_the_meeting_the_nomination_goes_to_the_next(accepted, nomination, by, panel, hampshire, head):
    meeting = held(panel, by)
    item = meeting.items.get(section=Section.OUTSIDE)
    decide(item, Choice(Outcome.RATIFY), by=by)
    recording.close(meeting, by=by)
    choice = Choice(Outcome.NOT_RATIFY, reason="Not so.", correction_reason="Misheard")

    with pytest.raises(StepRefused, match="Plan the next meeting first"):
        decide(item, choice, by=by)
    later = factories.meeting(hampshire, date(2026, 4, 9), chair=head)
    decide(item, choice, by=by)

    assert later.items.get().referral == nomination


def test_not_reached_it_goes_on_to_the_next_meeting(accepted, nomination, by, panel, hampshire, head):
    later = factories.meeting(hampshire, date(2026, 4, 9), chair=head)
    meeting = held(panel, by)

    recording.close(meeting, by=by)

    nomination.refresh_from_db()
    assert nomination.status == "accepted"
    assert later.items.get(section=Section.OUTSIDE).outside == accepted


def test_meeting_called_off_leaves_it_to_the_next(accepted, by, panel, hampshire, head):
    later = factories.meeting(hampshire, date(2026, 4, 9), chair=head)

    meetings.cancel(panel, reason="Snow", by=by)

    assert later.items.get(section=Section.OUTSIDE).outside == accepted


def test_it_cannot_be_left_off_the_agenda(accepted, by, panel):
    item = panel.items.get(section=Section.OUTSIDE)

    for leave in (agenda.remove, agenda.park):
        with pytest.raises(StepRefused, match="waits to be ratified"):
            leave(item, by=by)


def test_minutes_say_who_was_asked_and_that_it_was_ratified(accepted, by, panel, head):
    meeting = held(panel, by)
    ratify_everything(meeting, by=by)
    minutes = recording.close(meeting, by=by)

    record = record_of(minutes)

    [item] = [item for item in record["items"] if item["section"] == "outside"]
    assert item["decision"]["words"] == "Ratified"
    assert item["outside"]["decided_by"] == "Robin Specimen"
    assert item["outside"]["consulted"][0]["said"] == "Two burglaries last week."
    assert all("outside" not in each for each in record["items"] if each["section"] != "outside")


def test_a_case_closed_since_is_not_undone(accepted, by, panel):
    corrections.undo_acceptance(accepted.case, panel.items.get(section=Section.OUTSIDE), panel, because="Moved", by=by)
    meeting = held(panel, by)

    with pytest.raises(StepRefused, match="has been closed since"):
        decide(meeting.items.get(section=Section.OUTSIDE), Choice(Outcome.NOT_RATIFY, reason="x"), by=by)


# --- The pages


def typed(office, head, **changed):
    return {
        "version": 1,
        "urgent_because": "Released on Friday.",
        "asked-0-agency": office.agency.slug,
        "asked-0-name": "Insp Sample",
        "asked-0-how": "phone",
        "asked-0-on": "3 3 2026",
        "asked-0-said": "Two burglaries last week.",
        "outcome": "accept",
        "colour": "RED",
        "lead_agency": office.agency.slug,
        "lead_reason": "Police know him best.",
        "lead_professional": str(head.pk),
        "police_officer_name": "PC Sample",
        "reason": "Prolific, and nobody holds him after Friday.",
        "decided_by": str(head.pk),
        "decided_on": "3 3 2026",
    } | changed


@pytest.mark.feature(62)
def test_coordinator_decides_outside_and_the_panel_ratifies(nomination, office, head, panel, sign_in, by, officer):
    client = sign_in(office)
    triage = client.get(reverse("referral_triage", args=[nomination.reference])).content.decode()
    assert "Decide outside the meeting" in triage
    assert "Released on Friday." in triage

    page = client.post(reverse("decide_outside", args=[nomination.reference]), typed(office, head), follow=True)
    shown = page.content.decode()
    assert "To be ratified" in shown
    assert "Insp Sample" in shown
    assert Case.objects.get().rating.colour == "RED"

    # The notice may go before the panel ratifies.
    client.post(
        reverse("outside_notice", args=[nomination.reference]),
        {"outside-text": notices.compose_outside(OutsideDecision.objects.get())},
    )
    told = sign_in(officer).get(reverse("referral_decision", args=[nomination.reference])).content.decode()
    assert "accepted this nomination as urgent" in told
    assert "The next panel is asked to ratify this" in told

    meeting = held(panel, by)
    item = meeting.items.get(section=Section.OUTSIDE)
    live = client.get(reverse("live", args=[meeting.key]) + f"?item={item.number}").content.decode()
    assert "Two burglaries last week." in live
    client.post(
        reverse("live", args=[meeting.key]),
        {"item": item.number, "version": item.version, "outcome": "ratify", "how": "agreed", "then": "save"},
    )
    assert holding(item).outcome == "ratify"
    shown = client.get(reverse("decide_outside", args=[nomination.reference])).content.decode()
    assert "Ratified" in shown


def test_page_ratifies_all(accepted, hampshire, officer, office, head, by, panel, sign_in):
    outside.decide(
        factories.referral(hampshire, officer, status="sent"), urgent(office, head, Outcome.NOT_ACCEPT), by=by
    )
    meeting = held(panel, by)
    number = meeting.items.filter(section=Section.OUTSIDE).first().number
    client = sign_in(office)

    page = client.get(reverse("live", args=[meeting.key]) + f"?item={number}").content.decode()
    assert "Ratify all 2 decisions" in page
    page = client.post(reverse("ratify_all", args=[meeting.key]), {"item": number}, follow=True).content.decode()

    assert "2 decisions ratified" in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"asked-0-said": ""}, "Enter what they said"),
        ({"asked-0-agency": ""}, "Choose the agency that was asked"),
        ({"colour": ""}, "Choose a rating"),
        ({"outcome": "not_accept"}, "Enter a reason that the referrer may see"),
        ({"decided_by": ""}, "Choose who decided"),
        ({"decided_on": "4 3 2026"}, "must be"),
        ({"reason": ""}, "Enter a reason"),
    ],
)
def test_form_names_what_is_missing(nomination, office, head, sign_in, changed, words):
    client = sign_in(office)

    page = client.post(reverse("decide_outside", args=[nomination.reference]), typed(office, head, **changed))

    assert page.status_code == 200
    assert words in page.content.decode()
    assert not OutsideDecision.objects.exists()


def test_it_asks_for_a_fresh_code(nomination, office, head, sign_in):
    client = sign_in(office)
    session = client.session
    session[CODE_AT] = (clock.now() - timedelta(minutes=5)).timestamp()
    session.save()

    page = client.post(reverse("decide_outside", args=[nomination.reference]), typed(office, head))

    assert "fresh_code" in page.content.decode()
    assert not OutsideDecision.objects.exists()


def test_merton_says_that_it_decides_at_the_panel(merton, coordinator, police, sign_in):
    referral = factories.referral(merton, police, status="sent")
    client = sign_in(coordinator)

    page = client.get(reverse("decide_outside", args=[referral.reference])).content.decode()
    triage = client.get(reverse("referral_triage", args=[referral.reference])).content.decode()

    assert "decides nominations at the panel" in page
    assert "Decide outside the meeting" not in triage


def test_agenda_shows_it_to_members_of_the_panel(accepted, officer, by, panel, sign_in):
    agenda.send_agenda(panel, by=by)

    page = sign_in(officer).get(panel.get_absolute_url()).content.decode()

    assert "Decisions to ratify" in page
    assert "Decided on 3 March: accepted onto the scheme" in page


def test_home_says_for_how_long_it_has_waited(accepted, office, sign_in, nomination):
    with time_machine.travel("2026-03-08 11:00+00:00", tick=False):
        page = sign_in(office).get("/").content.decode()

    assert f"To be ratified, open for 5 days: referral {nomination.reference}" in page


def test_notice_of_what_was_not_ratified_is_corrected_by_the_next(accepted, by, panel, nomination):
    notices.send_outside(accepted, "It was accepted.", by=by)
    meeting = held(panel, by)
    decide(meeting.items.get(section=Section.OUTSIDE), Choice(Outcome.NOT_RATIFY, reason="Too soon."), by=by)
    again = meeting.items.get(section=Section.REFERRALS)
    decide(again, Choice(Outcome.NOT_ACCEPT, reason="x", reason_for_referrer="Not yet."), by=by)
    recording.close(meeting, by=by)

    [draft] = notices.drafts(meeting, seen_by=by)

    assert draft.text.startswith("This corrects the decision that you were sent before.")
    notices.send(meeting, {}, by=by)
    assert list(Notice.objects.filter(referral=nomination).values_list("number", flat=True)) == [1, 2]

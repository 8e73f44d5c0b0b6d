"""Deciding an item: what it changes, what a correction undoes, and what is refused."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from actionplans.models import Action
from iom import walls, clock
from iom.access import actor_for
from iom.models import Agency, AuditEvent, Body, Scheme
from iom.steps import Stale, StepRefused
from offenders.models import Case
from panels import recording
from panels.decide import Choice, Lead, LookedAt, NewAction, add_to_item, decide, holding, offered_on
from panels.models import AgendaItem, Decision, ItemAction, ItemState, MinutesStatus, Outcome, Section
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
SOON = timedelta(days=14)


@pytest.fixture
def probation(merton):
    return factories.member(merton, "member", agency_kind="probation", name="Kofi Osei")


@pytest.fixture
def meeting(merton, coordinator, chair, police, housing):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police, housing)
    return made


@pytest.fixture
def nomination(merton, police, meeting):
    return factories.referral(
        merton,
        police,
        status="on_agenda",
        meeting=meeting,
        supervision="yes",
        needs={"accommodation": "At risk of losing the tenancy"},
    )


@pytest.fixture
def item(meeting, nomination):
    return factories.agenda_item(meeting, Section.REFERRALS, referral=nomination)


@pytest.fixture
def review(meeting, merton):
    return factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))


@pytest.fixture
def leads(probation, police):
    return {
        "lead_agency": Lead(probation.agency, reason="Under statutory supervision, so probation leads."),
        "lead_professional": Lead(probation.agency, probation),
        "police_officer": Lead(police.agency, name="PC Specimen"),
    }


@pytest.fixture
def acceptance(leads, housing, probation):
    due = clock.today() + SOON
    return Choice(
        Outcome.ACCEPT,
        reason="Three burglaries since October; needs several agencies.",
        colour="RED",
        score_agreed=True,
        leads=leads,
        actions=(
            NewAction("Confirm tenancy reference", housing.agency, due, owner=housing),
            NewAction("Home visit", probation.agency, due),
        ),
        note="PC Dunn presented.",
    )


def test_accepting_opens_the_case_with_rating_leads_plan_and_actions(item, acceptance, as_coordinator, merton):
    decision = decide(item, acceptance, by=as_coordinator)

    case = Case.objects.get(pk=decision.case.pk)
    assert case.reference == "IOM-0001"
    assert (case.accepted_on, case.accepted_at, case.statutory) == (DAY, item.meeting, True)
    assert case.rating.colour == "RED"
    assert {role: case.assigned(role).holder for role in ("lead_agency", "lead_professional", "police_officer")} == {
        "lead_agency": "Probation",
        "lead_professional": "Kofi Osei",
        "police_officer": "PC Specimen",
    }
    assert [(need.pathway, need.level) for need in case.plan.needs.all()] == [("accommodation", "some")]
    assert (case.plan.status, case.plan.agreed_at) == ("agreed", item.meeting)
    assert [action.text for action in case.actions.all()] == ["Confirm tenancy reference", "Home visit"]
    item.refresh_from_db()
    assert (item.state, item.note, item.draft) == (ItemState.DECIDED, "PC Dunn presented.", {})
    item.referral.refresh_from_db()
    assert item.referral.status == "accepted"
    assert (decision.policy_version, decision.quorate, decision.to_ratify) == (merton.policy_version, True, False)
    assert decision.leads["lead_professional"] == {"agency": "Probation", "name": "Kofi Osei", "reason": ""}
    assert decision.score_agreed is True


def test_decision_is_audited_with_meeting_and_item_and_without_words(item, acceptance, as_coordinator):
    decide(item, acceptance, by=as_coordinator)

    event = AuditEvent.objects.get(verb="decide")
    assert (event.after, event.has_reason) == ("accept", True)
    assert event.context == {"meeting": "2026-03-12", "item": "1", "quorate": True, "rules": 1}
    assert "burglar" not in str(event.__dict__)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        pytest.param(Outcome.NOT_ACCEPT, "not_accepted", id="not accepted"),
        pytest.param(Outcome.DEFER, "deferred", id="deferred"),
        pytest.param(Outcome.ELSEWHERE, "referred_elsewhere", id="elsewhere"),
    ],
)
def test_other_outcomes_of_a_nomination_open_no_case(item, as_coordinator, outcome, status):
    decision = decide(item, Choice(outcome, reason="Not enough evidence yet"), by=as_coordinator)

    item.referral.refresh_from_db()
    assert (item.referral.status, decision.case) == (status, None)
    assert not Case.objects.exists()


def test_review_without_change_keeps_the_rating_in_the_minutes(review, as_coordinator):
    decision = decide(review, Choice(Outcome.NO_CHANGE), by=as_coordinator)

    assert (decision.colour, decision.case) == ("AMBER", review.case)
    assert review.case.ratings.count() == 1


def test_change_of_rating_starts_on_the_day_of_the_meeting(review, as_coordinator):
    decide(review, Choice(Outcome.CHANGE_RATING, colour="RED", reason="New offences"), by=as_coordinator)

    rating = review.case.ratings.get(until=None)
    assert (rating.colour, rating.starts_on, rating.meeting) == ("RED", DAY, review.meeting)


def test_removal_starts_leaving(meeting, merton, as_coordinator):
    exit_item = factories.agenda_item(meeting, Section.EXITS, case=factories.case(merton, colour="GREEN"))

    decide(exit_item, Choice(Outcome.REMOVE, reason="Six months Green"), by=as_coordinator)

    exit_item.case.refresh_from_db()
    assert exit_item.case.status == "leaving"


def test_last_actions_are_kept_as_they_were_reported(review, meeting, housing, merton, as_coordinator):
    action = Action.objects.create(
        scheme=merton, case=review.case, text="Visit", agency=housing.agency, due_on=DAY, status="open"
    )

    decide(review, Choice(Outcome.NO_CHANGE, looked_at=(LookedAt(action, "done", "Seen at home"),)), by=as_coordinator)
    Action.objects.filter(pk=action.pk).update(status="not_done")

    said = review.item_actions.get()
    assert (said.kind, said.status, said.note) == (ItemAction.Kind.REVIEWED, "done", "Seen at home")


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        pytest.param(Choice(Outcome.ACCEPT, reason="Why"), "Choose a rating.", id="no rating"),
        pytest.param(Choice(Outcome.ACCEPT, colour="RED"), "Enter a reason.", id="no reason"),
        pytest.param(Choice(Outcome.ACCEPT, colour="RED", reason="Why"), "Choose the lead agency.", id="no lead"),
        pytest.param(Choice(Outcome.NOT_ACCEPT), "Enter a reason.", id="declined without reason"),
        pytest.param(Choice(Outcome.NO_CHANGE), "Choose one of the decisions for this item.", id="of another section"),
    ],
)
def test_decision_that_lacks_something_is_refused_in_words(item, as_coordinator, choice, problem):
    with pytest.raises(StepRefused) as refused:
        decide(item, choice, by=as_coordinator)

    assert problem in refused.value.problems
    assert not Decision.objects.exists()


@pytest.mark.parametrize("section", Section)
def test_every_section_offers_something_to_decide(section, meeting):
    assert offered_on(AgendaItem(pk=0, meeting=meeting, section=section))


def test_only_the_recorder_decides(review, merton):
    other = factories.actor(merton, "coordinator", name="Ada Second")

    with pytest.raises(StepRefused, match="Priya Shah is recording this meeting"):
        decide(review, Choice(Outcome.NO_CHANGE), by=other)
    recording.take_over(review.meeting, by=other)
    decide(review, Choice(Outcome.NO_CHANGE), by=other)

    assert holding(review).decided_by == other.user


@pytest.mark.parametrize("role", ["as_police", "as_chair"])
def test_others_may_not_decide(review, role, request):
    with pytest.raises(PermissionDenied):
        decide(review, Choice(Outcome.NO_CHANGE), by=request.getfixturevalue(role))


def test_stale_item_is_not_decided(review, as_coordinator):
    with pytest.raises(Stale):
        decide(review, Choice(Outcome.NO_CHANGE, version=99), by=as_coordinator)


@pytest.mark.parametrize("status", ["draft", "agenda_sent", "signed", "cancelled"])
def test_nothing_is_decided_in_a_meeting_that_is_not_live(review, as_coordinator, status):
    review.meeting.status = status
    review.meeting.save()

    with pytest.raises(StepRefused, match="nothing can be decided"):
        decide(review, Choice(Outcome.NO_CHANGE), by=as_coordinator)


def test_action_due_in_the_past_is_refused_and_nothing_is_kept(review, housing, as_coordinator):
    late = NewAction("Too late", housing.agency, DAY - timedelta(days=1))

    with pytest.raises(StepRefused, match="today or later"):
        decide(review, Choice(Outcome.NO_CHANGE, actions=(late,)), by=as_coordinator)
    assert not Decision.objects.exists()


def test_actions_can_be_added_after_the_decision(review, housing, as_coordinator):
    decide(review, Choice(Outcome.NO_CHANGE), by=as_coordinator)

    add_to_item(review, (NewAction("Ring back", housing.agency, clock.today()),), by=as_coordinator)

    assert [(said.kind, said.action.case) for said in review.item_actions.all()] == [("agreed", review.case)]


# --- Not quorate -------------------------------------------------------------


@pytest.fixture
def richmond_item(db):
    scheme: Scheme = factories.scheme("richmond")
    body = next(body for body in scheme.policy.bodies if body.quorum.organisations)
    recorder = factories.member(scheme, "coordinator", name="Ria Recorder")
    referrer = factories.member(scheme, "member", "referrer", agency_kind="police", name="Pat Police")
    meeting = factories.live_meeting(
        scheme, DAY, recorder=recorder, body=Body.objects.get(scheme=scheme, slug=body.slug)
    )
    factories.attended(meeting, referrer)
    referral = factories.referral(scheme, referrer, status="on_agenda", meeting=meeting)
    return factories.agenda_item(meeting, Section.REFERRALS, referral=referral), actor_for(recorder), referrer


def test_the_plan_begins_with_what_the_team_found(item, acceptance, as_coordinator, police):
    found = {
        "accommodation": {"level": "high", "words": "Sofa."},
        "drugs_alcohol": {"level": "some", "words": "Wants a script."},
    }
    factories.engagement(item.referral, police, needs=found)
    decision = decide(item, acceptance, by=as_coordinator)

    needs = {need.pathway: (need.level, need.goal) for need in decision.case.plan.needs.all()}
    assert needs == {
        "accommodation": ("high", "At risk of losing the tenancy"),
        "drugs_alcohol": ("some", "Wants a script."),
    }


def test_without_a_quorum_nothing_changes_on_the_case_but_actions_start(richmond_item):
    item, by, referrer = richmond_item
    choice = Choice(
        Outcome.ACCEPT,
        reason="Why",
        colour="RED",
        leads={"lead_agency": Lead(referrer.agency)},
        actions=(NewAction("Begin at once", referrer.agency, clock.today()),),
    )

    decision = decide(item, choice, by=by)

    item.referral.refresh_from_db()
    assert (decision.to_ratify, decision.agencies_here, decision.agencies_needed) == (True, 1, 4)
    assert (item.referral.status, decision.case) == ("on_agenda", None)
    assert not Case.objects.exists()
    assert Action.objects.get().text == "Begin at once"


def test_quorum_reached_later_lets_the_decision_take_effect(richmond_item):
    item, by, referrer = richmond_item
    choice = Choice(Outcome.NOT_ACCEPT, reason="Not persistent enough")
    decide(item, choice, by=by)
    for kind in ("probation", "council", "housing"):
        factories.attended(item.meeting, factories.member(item.scheme, "member", agency_kind=kind))

    decision = decide(item, Choice(**_fields(choice) | {"correction_reason": "Quorum reached"}), by=by)

    item.referral.refresh_from_db()
    assert (decision.to_ratify, item.referral.status) == (False, "not_accepted")


def _fields(choice):
    return {name: getattr(choice, name) for name in choice.__dataclass_fields__}


# --- Corrections -------------------------------------------------------------


def correct(item, choice, by, **changes):
    return decide(item, Choice(**_fields(choice) | {"correction_reason": "Wrong button"} | changes), by=by)


def test_correction_needs_a_reason_and_keeps_the_first_decision(review, as_coordinator):
    first = decide(review, Choice(Outcome.NO_CHANGE), by=as_coordinator)

    with pytest.raises(StepRefused, match="why the decision is corrected"):
        decide(review, Choice(Outcome.DEFER, reason="No lead here"), by=as_coordinator)
    second = correct(review, Choice(Outcome.DEFER, reason="No lead here"), as_coordinator)

    assert second.supersedes == first
    assert holding(review) == second
    assert [each.outcome for each in review.decisions.all()] == ["no_change", "defer"]


def test_acceptance_corrected_to_not_accepted_closes_the_case_and_frees_the_person(item, acceptance, as_coordinator):
    case = decide(item, acceptance, by=as_coordinator).case

    decision = correct(item, Choice(Outcome.NOT_ACCEPT, reason="Score to be redone"), as_coordinator)

    case.refresh_from_db()
    item.referral.refresh_from_db()
    assert (case.status, case.ended_on) == ("closed", DAY)
    assert {action.status for action in case.actions.all()} == {"no_longer"}
    assert (item.referral.status, decision.case) == ("not_accepted", None)


def test_not_accepted_corrected_to_accepted_opens_a_case(item, acceptance, as_coordinator):
    decide(item, Choice(Outcome.NOT_ACCEPT, reason="Slip"), by=as_coordinator)

    decision = correct(item, acceptance, as_coordinator)

    item.referral.refresh_from_db()
    assert (item.referral.status, decision.case.status) == ("accepted", "open")


def test_acceptance_given_another_rating_and_lead_amends_the_same_case(
    item, acceptance, leads, housing, as_coordinator
):
    case = decide(item, acceptance, by=as_coordinator).case
    others = leads | {"lead_agency": Lead(housing.agency, reason="Knows the family best")}

    decision = correct(item, acceptance, as_coordinator, colour="AMBER", reason="Engaging", leads=others, actions=())

    case = Case.objects.get(pk=case.pk)
    assert (decision.case, Case.objects.count()) == (case, 1)
    assert (case.why, case.rating.colour) == ("Engaging", "AMBER")
    assert case.assigned("lead_agency").agency == housing.agency


def test_change_of_rating_corrected_to_no_change_leaves_the_old_rating_unbroken(review, as_coordinator):
    before = review.case.ratings.get()
    decide(review, Choice(Outcome.CHANGE_RATING, colour="RED", reason="Slip"), by=as_coordinator)

    correct(review, Choice(Outcome.NO_CHANGE), as_coordinator)

    assert review.case.ratings.get() == before


def test_rating_changed_since_the_meeting_is_left_alone(review, as_coordinator):
    from offenders.actions import rate

    decide(review, Choice(Outcome.CHANGE_RATING, colour="RED", reason="Offences"), by=as_coordinator)
    rate(review.case, "GREEN", on=DAY + timedelta(days=3), reason="Later", by=as_coordinator)

    with pytest.raises(StepRefused, match="changed again since this meeting"):
        correct(review, Choice(Outcome.NO_CHANGE), as_coordinator)


def test_removal_corrected_leaves_the_case_open(meeting, merton, as_coordinator):
    item = factories.agenda_item(meeting, Section.EXITS, case=factories.case(merton, colour="GREEN"))
    decide(item, Choice(Outcome.REMOVE, reason="Slip"), by=as_coordinator)

    correct(item, Choice(Outcome.NO_CHANGE), as_coordinator)

    item.case.refresh_from_db()
    assert item.case.status == "open"


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        pytest.param(MinutesStatus.DRAFT, False, id="still a draft"),
        pytest.param(MinutesStatus.WITH_CHAIR, True, id="with the chair"),
    ],
)
def test_decision_is_corrected_until_the_minutes_go_to_the_chair(review, as_coordinator, status, refused):
    decide(review, Choice(Outcome.NO_CHANGE), by=as_coordinator)
    factories.minutes(review.meeting, status=status)
    choice = Choice(Outcome.DEFER, reason="Not discussed")

    if refused:
        with pytest.raises(StepRefused, match="with the chair"):
            correct(review, choice, as_coordinator)
    else:
        assert correct(review, choice, as_coordinator).outcome == "defer"


# --- Restricted --------------------------------------------------------------


def test_restricted_case_is_not_decided_by_someone_not_named_on_it(meeting, merton, as_coordinator):
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, restricted=True))

    with pytest.raises(PermissionDenied):
        decide(item, Choice(Outcome.NO_CHANGE), by=as_coordinator)


def test_agency_of_another_scheme_is_refused(review, as_coordinator):
    london = factories.scheme("london")
    with walls.within(london, cause="test"):
        theirs = Agency.objects.first()

    with pytest.raises(StepRefused, match="agency of this scheme"):
        decide(review, Choice(Outcome.NO_CHANGE, actions=(NewAction("X", theirs, clock.today()),)), by=as_coordinator)


def test_decision_to_be_ratified_comes_back_at_the_next_meeting(richmond_item):
    item, by, referrer = richmond_item
    following = factories.meeting(item.scheme, DAY + timedelta(days=400), body=item.meeting.body)
    decide(item, Choice(Outcome.NOT_ACCEPT, reason="Not persistent enough"), by=by)

    recording.close(item.meeting, by=by)

    item.referral.refresh_from_db()
    [again] = following.items.all()
    assert (again.referral, item.referral.status) == (item.referral, "on_agenda")
    assert recording.carry_forward(item.meeting).people[0].why.startswith("Decided without a quorum")

"""Meeting the person: who records it, who reads it, what it means for the plan (Merton, step 4; London, step 4; London, HMP)."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from iom import clock
from iom.access import actor_for
from iom.models import Notification
from iom.policy import load_preset, parse_policy, preset_slugs
from iom.steps import Stale, StepRefused
from offenders import actions as cases
from referrals import engagement
from referrals.models import Engagement
from tests import factories

pytestmark = pytest.mark.django_db
WHOLE = {"met": "met", "met_on": date(2026, 3, 3), "where": "community", "met_by": "PC Dunn", "level": "willing"}


@pytest.fixture
def referral(merton, housing):
    return factories.referral(merton, housing, status="sent")


def finished(thing, by, **fields) -> Engagement:
    return engagement.save(engagement.begin(thing, kind="approach", by=by), by=by, done=True, **WHOLE | fields)


def reads(thing, *people) -> list[bool]:
    return [Engagement.objects.visible_to(actor_for(each)).filter(pk=thing.pk).exists() for each in people]


def test_it_is_a_draft_of_its_agency_until_it_is_finished(referral, as_housing, housing, coordinator):
    draft = engagement.begin(referral, kind="approach", by=as_housing)
    engagement.save(draft, by=as_housing, done=False, own_words="I want my own place.")

    assert reads(draft, housing, coordinator) == [True, False]
    engagement.save(draft, by=as_housing, done=True, **WHOLE)
    assert reads(draft, housing, coordinator) == [True, True]


def test_a_second_click_takes_up_the_same_draft(referral, as_housing):
    first, second = (engagement.begin(referral, kind="approach", by=as_housing) for _ in range(2))
    assert first == second


def test_team_and_referrer_and_coordinator_record_and_others_do_not(
    merton, referral, as_coordinator, as_housing, police, chair
):
    other = factories.member(merton, "member", agency_kind="health")
    colleague = factories.member(merton, "member", agency_kind="housing", seat=False)
    meeting = factories.meeting(merton, clock.today())
    for person in (police, other):
        with pytest.raises(PermissionDenied):
            engagement.begin(referral, kind="approach", by=actor_for(person))
        factories.check_request(meeting, person.agency, referral.offender, referral=referral)

    for by in (as_coordinator, as_housing, actor_for(police)):
        assert engagement.begin(referral, kind="approach", by=by).agency == by.agency
    for person in (other, colleague):
        with pytest.raises(PermissionDenied):
            engagement.begin(referral, kind="approach", by=actor_for(person))


@pytest.mark.parametrize("lost", ["met", "met_on", "where", "met_by", "level"])
def test_what_is_not_whole_is_not_finished(referral, as_housing, lost):
    draft = engagement.begin(referral, kind="approach", by=as_housing)
    with pytest.raises(StepRefused):
        engagement.save(draft, by=as_housing, done=True, **{**WHOLE, lost: None if lost == "met_on" else ""})
    draft.refresh_from_db()
    assert draft.finished_at is None


def test_somebody_who_would_not_come_has_no_level_and_no_needs(referral, as_housing):
    held = finished(referral, as_housing, met="declined", needs={"drugs": {"level": "high"}}, own_words="No.")
    assert (held.level, held.needs, held.own_words) == ("", {}, "")


def test_a_wrong_tick_on_the_way_wipes_nothing(referral, as_housing):
    draft = engagement.begin(referral, kind="approach", by=as_housing)
    held = engagement.save(draft, by=as_housing, done=False, met="declined", own_words="I want my own place.")
    assert held.own_words == "I want my own place."


def test_two_windows_meet_the_newer_version(referral, as_housing):
    draft = engagement.begin(referral, kind="approach", by=as_housing)
    engagement.save(draft, by=as_housing, done=False, version=1, own_words="First.")
    with pytest.raises(Stale):
        engagement.save(draft, by=as_housing, done=False, version=1, own_words="Second.")


def test_a_draft_can_be_thrown_away_and_what_is_finished_cannot(referral, as_housing):
    engagement.throw_away(engagement.begin(referral, kind="approach", by=as_housing), by=as_housing)
    assert not Engagement.objects.exists()
    held = finished(referral, as_housing)
    with pytest.raises(StepRefused, match="stays"):
        engagement.throw_away(held, by=as_housing)


def test_what_is_finished_is_put_right_by_its_agency_and_stays_whole(referral, as_housing, as_coordinator):
    held = finished(referral, as_housing)
    assert engagement.save(held, by=as_housing, done=False, level="motivated").level == "motivated"
    with pytest.raises(StepRefused):
        engagement.save(held, by=as_housing, done=False, level="")
    with pytest.raises(PermissionDenied):
        engagement.save(held, by=as_coordinator, done=True, level="hesitant")


def test_the_newest_meeting_is_the_one_that_counts(referral, as_housing):
    policy = referral.scheme.policy
    assert engagement.latest(referral.offender, policy) is None
    finished(referral, as_housing, met_on=date(2026, 3, 5), level="motivated")
    finished(referral, as_housing, met_on=date(2026, 3, 3), level="hesitant")
    engagement.begin(referral, kind="approach", by=as_housing)

    newest = engagement.latest(referral.offender, policy)
    assert (newest.level_name, newest.engagement.met_on) == ("Motivated", date(2026, 3, 5))


def test_a_plan_begins_with_the_teams_levels_and_the_nominations_words(referral, as_housing):
    first, second, third, *_ = (pathway.slug for pathway in referral.scheme.policy.pathways)
    referral.needs = {first: "A place of his own."}
    referral.save()
    policy = referral.scheme.policy
    assert engagement.needs_to_begin_with(referral, policy) == [(first, "some", "A place of his own.")]

    needs = {
        first: {"level": "high", "words": "Sleeps on a sofa."},
        second: {"level": "some", "words": "Wants work."},
        third: {"level": "not_assessed", "words": ""},
    }
    finished(referral, as_housing, needs=needs)
    finished(referral, as_housing, met="declined", met_on=date(2026, 3, 9))
    assert engagement.needs_to_begin_with(referral, policy) == [
        (first, "high", "A place of his own."),
        (second, "some", "Wants work."),
    ]


# --- Prison reception (London, HMP)


@pytest.fixture
def prison(merton):
    return factories.member(merton, "member", "referrer", agency_kind="prison", name="Officer Gate")


def test_a_prison_passes_on_what_it_found_to_coordinator_and_lead(
    merton, prison, police, coordinator, chair, as_coordinator
):
    case = factories.case(merton)
    cases.assign(
        case, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator
    )
    by = actor_for(prison)
    draft = engagement.begin(case, kind="reception", by=by)
    assert (draft.where, draft.met) == ("prison", "met")
    engagement.save(draft, by=by, done=False, risks="Self-harm watch.")
    assert not Notification.objects.filter(kind="prison_reception").exists()
    engagement.save(draft, by=by, done=True, **WHOLE | {"where": "prison"})
    engagement.save(draft, by=by, done=True, risks="Self-harm watch, until Monday.")

    told = Notification.objects.filter(kind="prison_reception")
    assert {each.recipient for each in told} == {coordinator.user, police.user}
    assert all(case.reference in each.text and "watch" not in each.text + each.email_body for each in told)
    assert reads(draft, police, coordinator, chair) == [True, True, True]


def test_only_a_prison_records_a_reception(merton, as_coordinator, as_police):
    case = factories.case(merton)
    for by in (as_coordinator, as_police):
        with pytest.raises(StepRefused, match="by the prison"):
            engagement.begin(case, kind="reception", by=by)


def test_of_a_restricted_case_nobody_else_reads_it(merton, police, coordinator):
    case = factories.case(merton, restricted=True)
    held = factories.engagement(case, police)
    assert reads(held, police, coordinator) == [False, False]
    factories.named(case, police)
    assert reads(held, police) == [True]


# --- The scheme's rules


def test_each_scheme_says_what_people_are_told_and_how_engagement_is_graded():
    sources = {slug: load_preset(slug).engagement.source for slug in preset_slugs()}
    assert sources == {
        "hampshire": "default",
        "london": "London, step 4",
        "merton": "Merton, step 4",
        "richmond": "Richmond, principle 3",
        "waltham_forest": "default",
    }
    for slug in preset_slugs():
        levels = load_preset(slug).engagement_levels
        assert len(levels) == 4
        assert all(level.definition for level in levels)


def test_a_version_stored_before_these_rules_still_loads():
    stored = load_preset("merton").model_dump(mode="json")
    del stored["engagement"], stored["engagement_levels"]

    policy = parse_policy(stored, origin="stored")
    assert (policy.engagement.team, len(policy.engagement_levels)) == (("police", "probation", "prison"), 4)

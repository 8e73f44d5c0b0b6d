"""Scores and findings of a nomination (Merton, step 3; ux.md 4.3)."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction

from iom.access import actor_for
from iom.models import AuditEvent
from iom.policy import load_preset
from iom.steps import Stale, StepRefused
from referrals import eligibility, scoring
from referrals.models import Finding, HarmJudgement, Score
from tests import factories

TODAY = "2026-02-24 10:00 +0000"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def referral(merton, police):
    return factories.scorable(merton, police)


# --- The score


def test_score_ogrs3_keeps_the_result_with_its_facts_and_version(as_coordinator, referral):
    score = scoring.score_ogrs3(referral, by=as_coordinator)

    # By ogrs.md 2.2: age 31 at conviction and 31 at follow-up; ln(32/27) = 0.169899; burglary (domestic) -0.1239;
    # total = -1.326 + 0.46306 + 1.25112 * 0.169899 - 0.1239 = -0.774277.
    assert (score.pct_1yr, score.pct_2yr, score.band) == (65, 79, "HIGH")
    assert score.model_version == "1.0 service"
    assert score.scored_on == date(2026, 2, 24)
    assert score.inputs == {
        "gender": "MALE",
        "date_of_birth": "1994-02-04",
        "date_of_current_conviction": "2025-11-20",
        "date_at_start_of_followup": "2026-01-15",
        "total_number_of_sanctions": 32,
        "age_at_first_sanction": 14,
        "current_offence_code": "02800",
    }


def test_score_effects_are_stored_largest_first(as_coordinator, referral):
    effects = scoring.score_ogrs3(referral, by=as_coordinator).effects

    sizes = [abs(effect["points"]) for effect in effects]
    assert sizes == sorted(sizes, reverse=True)
    assert effects[0]["fact"] == "total_number_of_sanctions"


def test_score_again_on_the_same_day_is_the_same_score(as_coordinator, referral):
    first = scoring.score_ogrs3(referral, by=as_coordinator)

    assert scoring.score_ogrs3(referral, by=as_coordinator) == first
    assert AuditEvent.objects.filter(verb="score").count() == 1


def test_score_with_other_facts_supersedes_and_keeps_the_first(as_coordinator, referral):
    first = scoring.score_ogrs3(referral, by=as_coordinator)
    changed = scoring.change_score_facts(referral, by=as_coordinator, sanctions=8)

    second = scoring.score_ogrs3(changed, by=as_coordinator)

    assert scoring.current_score(referral.offender) == second
    assert scoring.scores_of(referral.offender) == [second, first]


def test_score_is_immutable(as_coordinator, referral):
    score = scoring.score_ogrs3(referral, by=as_coordinator)

    with pytest.raises(DatabaseError), transaction.atomic():
        Score.objects.filter(pk=score.pk).update(pct_2yr=99)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"sanctions": None}, "Enter the number of sanctions.", id="missing fact"),
        pytest.param({"offence_code": ""}, "Enter the current offence.", id="no offence"),
        pytest.param({"convicted_on": date(2027, 1, 1)}, "in the future", id="conviction ahead"),
        pytest.param({"follow_up_from": date(2025, 1, 1)}, "Follow-up starts before", id="follow-up too early"),
        pytest.param({"first_sanction_age": 40}, "cannot have been at 40", id="first sanction too late"),
        pytest.param({"offence_code": "08800"}, "Choose the exact offence", id="offence not exact"),
    ],
)
def test_score_refused_says_what_to_put_right(merton, police, as_coordinator, changes, words):
    referral = factories.scorable(merton, police, **changes)

    with pytest.raises(StepRefused, match=words):
        scoring.score_ogrs3(referral, by=as_coordinator)
    assert not Score.objects.exists()


def test_obstacles_name_the_section_that_asks_for_the_fact(merton, police):
    person = factories.offender(merton, date_of_birth=None)
    referral = factories.scorable(merton, police, who=person, sanctions=None)

    obstacles = scoring.obstacles_to_score(referral, date(2026, 2, 24))

    assert [(each.fact, each.section) for each in obstacles] == [
        ("date_of_birth", "identity"),
        ("total_number_of_sanctions", "score-facts"),
    ]
    assert scoring.needed(obstacles) == "date of birth, number of sanctions"


@pytest.mark.parametrize(
    ("roles", "kind", "allowed"),
    [
        pytest.param(["coordinator"], "council", True, id="coordinator"),
        pytest.param(["researcher"], "council", True, id="researcher"),
        pytest.param(["member"], "police", True, id="police"),
        pytest.param(["member"], "housing", False, id="housing"),
        pytest.param(["chair"], "council", False, id="chair of another agency"),
    ],
)
def test_score_is_for_the_team_police_and_probation(merton, police, roles, kind, allowed):
    referral = factories.scorable(merton, police)
    actor = actor_for(factories.member(merton, *roles, agency_kind=kind))

    if allowed:
        assert scoring.score_ogrs3(referral, by=actor).pct_2yr == 79
    else:
        with pytest.raises(PermissionDenied):
            scoring.score_ogrs3(referral, by=actor)


def test_score_of_another_scheme_is_refused(referral):
    stranger = factories.actor(factories.scheme("merton", slug="elsewhere"), "coordinator")

    with pytest.raises(PermissionDenied):
        scoring.score_ogrs3(referral, by=stranger)


def test_score_is_out_of_date_once_a_fact_changes(as_coordinator, referral):
    score = scoring.score_ogrs3(referral, by=as_coordinator)
    assert not scoring.is_out_of_date(score, referral)

    changed = scoring.change_score_facts(referral, by=as_coordinator, sanctions=5)

    assert scoring.is_out_of_date(score, changed)


def test_change_score_facts_refuses_a_version_that_somebody_changed(as_coordinator, referral):
    scoring.change_score_facts(referral, by=as_coordinator, version=1, sanctions=5)

    with pytest.raises(Stale):
        scoring.change_score_facts(referral, by=as_coordinator, version=1, sanctions=6)


def test_change_score_facts_after_the_decision_is_refused(merton, police, as_coordinator):
    referral = factories.scorable(merton, police, status="accepted")

    with pytest.raises(StepRefused, match="already accepted"):
        scoring.change_score_facts(referral, by=as_coordinator, sanctions=5)


# --- The official score


def test_official_score_is_kept_with_its_own_date(as_coordinator, referral):
    score = scoring.record_official_score(
        referral.offender, pct_2yr=82, pct_1yr=64, scored_on=date(2026, 2, 1), by=as_coordinator, referral=referral
    )

    assert scoring.headline(score) == "82% within 2 years (64% within 1 year)"
    assert (score.model, score.scored_on, score.band) == ("official", date(2026, 2, 1), "HIGH")


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        pytest.param({"pct_2yr": 0}, "1 to 99", id="nobody is certain not to"),
        pytest.param({"pct_2yr": 100}, "1 to 99", id="nobody is certain to"),
        pytest.param({"pct_2yr": 60, "pct_1yr": 61}, "cannot be higher", id="one year above two"),
        pytest.param({"pct_2yr": 60, "scored_on": date(2026, 2, 25)}, "today or earlier", id="tomorrow"),
    ],
)
def test_official_score_refuses_figures_that_no_score_has(as_coordinator, referral, figures, words):
    given = {"scored_on": date(2026, 2, 24)} | figures

    with pytest.raises(StepRefused, match=words):
        scoring.record_official_score(referral.offender, by=as_coordinator, referral=referral, **given)


def test_official_score_belongs_to_the_person_it_is_given_for(merton, police, as_coordinator, referral):
    other = factories.offender(merton)

    with pytest.raises(PermissionDenied):
        scoring.record_official_score(
            other, pct_2yr=60, scored_on=date(2026, 2, 1), by=as_coordinator, referral=referral
        )


def test_official_score_of_a_case_without_a_nomination(merton, as_police):
    case = factories.case(merton)

    score = scoring.record_official_score(
        case.offender, pct_2yr=60, scored_on=date(2026, 2, 1), by=as_police, case=case
    )

    assert scoring.current_score(case.offender) == score


@pytest.mark.parametrize(
    ("official", "warned"),
    [pytest.param(81, False, id="2 points"), pytest.param(82, True, id="3 points"), pytest.param(76, True, id="below")],
)
def test_difference_warns_beyond_the_schemes_points(as_coordinator, referral, official, warned):
    scoring.score_ogrs3(referral, by=as_coordinator)
    scoring.record_official_score(
        referral.offender, pct_2yr=official, scored_on=date(2026, 2, 1), by=as_coordinator, referral=referral
    )

    words = scoring.difference(scoring.scores_of(referral.offender), referral.scheme.policy.scores.difference_points)

    assert (words is not None) == warned


def test_current_score_is_the_newest_by_its_date(as_coordinator, referral):
    ours = scoring.score_ogrs3(referral, by=as_coordinator)
    scoring.record_official_score(
        referral.offender, pct_2yr=82, scored_on=date(2025, 12, 1), by=as_coordinator, referral=referral
    )

    assert scoring.current_score(referral.offender) == ours
    assert scoring.current_scores([referral.offender.pk]) == {referral.offender.pk: ours}


def test_current_scores_take_one_query(merton, police, as_coordinator, django_assert_num_queries):
    people = []
    for _ in range(3):
        referral = factories.scorable(merton, police)
        scoring.score_ogrs3(referral, by=as_coordinator)
        people.append(referral.offender_id)

    with django_assert_num_queries(1):
        assert set(scoring.current_scores(people)) == set(people)


# --- What it means here


@pytest.mark.parametrize(
    ("preset", "percent", "reached", "words"),
    [
        pytest.param("merton", 75, True, "Meets the 75% rule: qualifies.", id="merton on the mark"),
        pytest.param("merton", 74, False, "Below the 75% rule.", id="merton below"),
        pytest.param("london", 75, True, "Meets the 75% rule: qualifies.", id="london on the upper mark"),
        pytest.param("london", 51, True, "Meets the 51% rule", id="london on the lower mark"),
        pytest.param("london", 50, False, "Below the 51% rule.", id="london below"),
        pytest.param("waltham_forest", 50, True, "Meets the 50% rule", id="waltham forest on the lower mark"),
    ],
)
def test_meaning_names_the_mark_that_was_reached(preset, percent, reached, words):
    found = scoring.meaning(load_preset(preset).scores, percent)

    assert (found.reached, found.words.startswith(words)) == (reached, True)
    assert found.source


# --- The rules


def test_assess_keeps_each_clause_with_its_source_and_the_version(as_coordinator, referral):
    scoring.score_ogrs3(referral, by=as_coordinator)

    finding = scoring.assess(referral, by=as_coordinator)

    assert (finding.outcome, finding.route) == ("eligible", "ogrs_75")
    assert [(each["clause"], each["met"], each["source"]) for each in finding.clauses] == [
        ("ogrs_75", True, "Merton, step 3"),
        ("high_risk_of_harm", None, "Merton, step 3"),
        ("mappa_2_3", False, "Merton, step 1"),
    ]
    assert finding.policy_version == as_coordinator.scheme.policy_version
    assert finding.criteria == "standard"
    assert finding.facts["ogrs2"] == 79


def test_assess_twice_keeps_one_finding(as_coordinator, referral):
    first = scoring.assess(referral, by=as_coordinator)

    assert scoring.assess(referral, by=as_coordinator) == first
    assert Finding.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "outcome", "route"),
    [
        pytest.param({"high_risk_of_harm": True}, "eligible", "high_risk_of_harm", id="judged high, not scored"),
        pytest.param({"high_risk_of_harm": False}, "not_known", "", id="not scored"),
        pytest.param({"mappa_level": 2, "high_risk_of_harm": True}, "excluded", "", id="MAPPA 2"),
        pytest.param({"mappa_level": 1, "high_risk_of_harm": True}, "eligible", "high_risk_of_harm", id="MAPPA 1"),
        pytest.param({"mappa_level": None, "high_risk_of_harm": True}, "not_known", "", id="MAPPA not known"),
    ],
)
def test_assess_of_a_nomination_that_is_not_scored(merton, police, as_coordinator, fields, outcome, route):
    referral = factories.scorable(merton, police, **{"mappa_level": 0} | fields)
    high = fields["high_risk_of_harm"]
    scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=high, harm_because="Two knives in a year.")

    finding = scoring.assess(referral, by=as_coordinator)

    assert (finding.outcome, finding.route) == (outcome, route)


def test_find_stores_nothing(referral):
    assert scoring.find(referral).outcome == "not_known"
    assert not Finding.objects.exists()


def test_record_facts_is_the_teams_own_judgement(as_coordinator, coordinator, referral):
    referral = scoring.record_facts(
        referral, by=as_coordinator, high_risk_of_harm=True, harm_because="Two knives in a year."
    )

    judged = HarmJudgement.objects.get()
    assert (judged.high, judged.reason, judged.judged_by) == (True, "Two knives in a year.", coordinator)
    assert referral.high_risk_of_harm is False, "what the referrer thought stays as it was said"
    assert Finding.objects.get().route == "high_risk_of_harm"
    assert AuditEvent.objects.get(verb="record_facts").fields == ["high_risk_of_harm"]
    assert AuditEvent.objects.get(verb="judge_harm").after == "high"


def test_referrers_view_of_harm_is_not_the_teams_judgement(merton, police):
    referral = factories.scorable(merton, police, high_risk_of_harm=True)

    assert {each.clause: each.met for each in scoring.find(referral).clauses}["high_risk_of_harm"] is None


def test_referrers_view_of_harm_does_where_no_team_is_to_judge(merton, police):
    referral = factories.scorable(merton, police, high_risk_of_harm=True)

    assert scoring.high_risk_of_harm(referral, load_preset("london").criteria()) is True


def test_judgement_of_harm_needs_a_reason_and_the_same_one_is_kept_once(as_coordinator, referral):
    with pytest.raises(StepRefused, match="why the risk of harm is judged so"):
        scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=False)

    for because in ("Nothing on record.", "Nothing on record.", ""):
        scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=False, harm_because=because)
    assert HarmJudgement.objects.count() == 1

    scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=True, harm_because="A knife since.")
    assert [each.high for each in HarmJudgement.objects.all()] == [True, False]


def test_judgement_of_harm_never_changes(as_coordinator, referral):
    scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=True, harm_because="Two knives in a year.")
    held = HarmJudgement.objects.get()
    held.reason = "Something else"

    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        held.save()


def test_record_facts_refuses_what_the_rules_cannot_read(as_coordinator, referral):
    with pytest.raises(StepRefused, match="mappa_level"):
        scoring.record_facts(referral, by=as_coordinator, mappa_level=7)


@pytest.fixture
def london(db):
    return factories.scheme("london")


@pytest.mark.parametrize(
    ("official", "asked"),
    [
        pytest.param(50, [], id="below the band"),
        pytest.param(51, ["offences", "exceptional_circumstances"], id="at the foot of the band"),
        pytest.param(74, ["offences", "exceptional_circumstances"], id="at the head of the band"),
        pytest.param(75, [], id="above the band"),
    ],
)
def test_questions_are_asked_only_where_they_decide(london, official, asked):
    by = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, by, status="sent")
    scoring.record_official_score(
        referral.offender, pct_2yr=official, scored_on=date(2026, 2, 1), by=actor_for(by), referral=referral
    )

    assert scoring.questions(referral) == asked


def test_questions_stay_once_they_are_answered(london):
    by = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, by, status="sent", facts={"offences": []})
    scoring.record_official_score(
        referral.offender, pct_2yr=62, scored_on=date(2026, 2, 1), by=actor_for(by), referral=referral
    )

    assert scoring.questions(referral) == ["offences", "exceptional_circumstances"]


def test_band_with_a_recent_burglary_is_eligible(london):
    by = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, by, status="sent")
    actor = actor_for(by)
    scoring.record_official_score(
        referral.offender, pct_2yr=62, scored_on=date(2026, 2, 1), by=actor, referral=referral
    )

    scoring.record_facts(
        referral, by=actor, offences=[{"type": "burglary", "date": "2025-10-03", "in_community": True}]
    )

    assert Finding.objects.first().route == "band_robbery_burglary"


@pytest.mark.parametrize(
    ("facts", "met"),
    [
        pytest.param({}, None, id="nobody was asked"),
        pytest.param({"history": []}, False, id="nothing on the record"),
        pytest.param({"history": ["theft"]}, True, id="theft on the record"),
        pytest.param({"history": ["violence", "sexual"]}, False, id="only what domestic abuse is recorded as"),
        pytest.param({"offences": []}, None, id="asked for robbery and burglary alone"),
        pytest.param({"offences": [{"type": "robbery", "date": "2025-10-03"}]}, True, id="a robbery is another type"),
        pytest.param({"offences": [], "history": ["burglary"]}, True, id="burglary further back"),
    ],
)
def test_other_offence_types_make_the_sub_cohort_of_waltham_forest(db, facts, met):
    scheme = factories.scheme("waltham_forest")
    by = factories.member(scheme, "coordinator", "referrer")
    referral = factories.referral(scheme, by, status="sent", facts={"domestic_abuse_perpetrator": True, **facts})
    cohort = scheme.policy.sub_cohorts[0]

    read = scoring.facts_for_rules(referral, None)

    assert eligibility.holds(cohort.when, read, date(2026, 2, 26)) is met
    assert eligibility.sub_cohorts(scheme.policy, read, date(2026, 2, 26)) == (("domestic_abuse",) if met else ())


def test_burglary_further_back_is_none_of_the_last_12_months(london):
    by = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, by, status="sent", facts={"offences": [], "history": ["burglary"]})
    clause = london.policy.criteria().clauses[1]

    read = scoring.facts_for_rules(referral, None)

    assert eligibility.holds(clause.when.of[1], read, date(2026, 2, 26)) is False


def test_exceptional_circumstances_need_somebody_to_present_them(london):
    by = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, by, status="sent", presenter="")
    words = "Out of prison for 2 of the last 12 months."

    with pytest.raises(StepRefused, match="who will present"):
        scoring.record_facts(referral, by=actor_for(by), exceptional_circumstances=words)

    told = scoring.record_facts(referral, by=actor_for(by), exceptional_circumstances=words, presenter="PC Dunn")
    assert told.presenter == "PC Dunn"


def test_offence_question_is_made_from_the_clauses():
    question = scoring.offence_question(load_preset("waltham_forest").criteria())

    assert question == scoring.OffenceQuestion(("robbery", "burglary"), within_months=12, in_community=True)
    assert scoring.offence_question(load_preset("merton").criteria()) is None

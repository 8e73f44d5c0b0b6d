"""OVP on the score page, where the scheme works with it (Waltham Forest, 7.3)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.steps import StepRefused
from referrals import ovp_scoring, scoring
from referrals.models import Finding, Score
from tests import factories

pytestmark = pytest.mark.django_db

# The worked example of docs/scores.md, section 5: 82 points, 80% within one year and 89% within two.
ASSESSED = {
    "total_number_of_violent_sanctions": 17,
    "recognises_impact_on_others": False,
    "no_fixed_abode_or_transient": True,
    "unemployed": True,
    "current_alcohol_use_problems": "SOME_PROBLEMS",
    "excessive_alcohol_use": "NO_PROBLEMS",
    "current_psychiatric_treatment": False,
    "temper_control": "SIGNIFICANT_PROBLEMS",
    "pro_criminal_attitudes": "SOME_PROBLEMS",
}
TYPED = {
    name: {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    for name, value in ASSESSED.items()
}


@pytest.fixture(autouse=True)
def february():
    with time_machine.travel("2026-02-26 10:00+00:00", tick=False):
        yield


@pytest.fixture
def forest(db):
    return factories.scheme("waltham_forest")


@pytest.fixture
def office(forest):
    return factories.member(forest, "coordinator", name="Priya Shah")


@pytest.fixture
def referral(forest):
    officer = factories.member(forest, "member", "referrer", agency_kind="police", name="Tom Dunn")
    someone = factories.offender(forest, date_of_birth=date(2006, 5, 1), gender="MALE")
    return factories.scorable(forest, officer, who=someone, sanctions=31, first_sanction_age=12)


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def address(referral) -> str:
    return f"/referrals/{referral.reference}/score/"


@pytest.mark.feature(104)
def test_the_assessment_is_entered_and_scored_in_one_go(sign_in, office, referral):
    client = sign_in(office)
    before = text_of(client.get(address(referral)))
    assert "You need: 9 answers of the assessment." in before
    assert "Marks here: 30% (asked for by the draft London criteria)." in before

    after = text_of(client.post(address(referral), {"do": "ovp", "version": referral.version, **TYPED}, follow=True))

    assert "Answers saved. Violence score: 89% within 2 years (80% within 1 year)" in after
    assert "Scored on 26 Feb 2026 by Priya Shah. 82 of 98 points." in after
    assert "Meets the 30% rule: asked for by the draft London criteria. Source: Waltham Forest, 7.3" in after
    assert "Model: OVP, version 1.0" in after
    # Its own facts with what each does, the largest first; the reoffending score keeps its own part of the page.
    places = [
        after.index(each) for each in ("Violent sanctions 17", "Age at start of follow-up 19", "Other sanctions 14")
    ]
    assert places == sorted(places)
    assert "Assessment (OASys), typed in" in after
    assert Score.objects.get().model == Score.Model.OVP


@pytest.mark.feature(104)
def test_the_score_answers_what_the_rules_ask(office, referral):
    by = actor_for(office)
    ovp_scoring.change_facts(referral, by=by, **ASSESSED)

    ovp_scoring.score(referral, by=by)

    referral.refresh_from_db()
    assert scoring.facts_for_rules(referral, None, ovp=scoring.current_ovp(referral)).ovp == 89
    assert Finding.objects.get().facts["ovp"] == 89
    # A score of one question never stands for another.
    assert scoring.current_score(referral.offender) is None


def test_the_same_facts_on_the_same_day_give_the_score_that_stands(office, referral):
    by = actor_for(office)
    ovp_scoring.change_facts(referral, by=by, **ASSESSED)

    assert ovp_scoring.score(referral, by=by) == ovp_scoring.score(referral, by=by)


def test_changed_facts_say_that_the_score_is_old(sign_in, office, referral):
    by = actor_for(office)
    ovp_scoring.change_facts(referral, by=by, **ASSESSED)
    ovp_scoring.score(referral, by=by)
    ovp_scoring.change_facts(referral, by=by, unemployed=False)

    page = text_of(sign_in(office).get(address(referral)))

    assert "The facts have changed since this score was worked out." in page
    assert "Work out the violence score again" in page


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"total_number_of_violent_sanctions": "32"}, "There cannot be 32 violent sanctions among 31."),
        ({"total_number_of_violent_sanctions": "-1"}, "Number of violent sanctions must be 0 or more."),
        ({"total_number_of_violent_sanctions": "many"}, "must be a whole number, such as 3"),
    ],
)
def test_impossible_answers_are_refused_with_the_fix(sign_in, office, referral, given, words):
    answer = sign_in(office).post(address(referral), {"do": "ovp", "version": referral.version, **TYPED, **given})

    assert words in text_of(answer)
    referral.refresh_from_db()
    assert referral.ovp_facts == {}
    assert not Score.objects.exists()


def test_the_verb_refuses_what_the_form_refuses(office, referral):
    with pytest.raises(StepRefused, match="There cannot be 32 violent sanctions"):
        ovp_scoring.change_facts(referral, by=actor_for(office), total_number_of_violent_sanctions=32)


def test_somebody_under_18_has_no_ovp_and_the_page_says_why(sign_in, office, referral):
    referral.offender.date_of_birth = date(2009, 1, 1)
    referral.offender.save()

    page = text_of(sign_in(office).get(address(referral)))

    assert "OVP is for people of 18 and over" in page


@pytest.mark.parametrize("preset", ["merton", "london", "richmond", "hampshire"])
def test_schemes_whose_documents_know_no_ovp_do_not_show_it(sign_in, preset):
    scheme = factories.scheme(preset)
    office = factories.member(scheme, "coordinator")
    officer = factories.member(scheme, "member", agency_kind="police")
    referral = factories.scorable(scheme, officer)
    client = sign_in(office)

    assert "OVP" not in client.get(address(referral)).content.decode()
    answer = client.post(address(referral), {"do": "score_ovp"}, follow=True)
    assert "This scheme does not use OVP." in text_of(answer)


def test_a_referrer_who_does_not_score_changes_nothing(forest, referral):
    stranger = factories.member(forest, "member", "referrer", agency_kind="housing")

    with pytest.raises(PermissionDenied):
        ovp_scoring.change_facts(referral, by=actor_for(stranger), **ASSESSED)

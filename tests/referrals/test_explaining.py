"""Eligibility that explains itself: what each clause was judged by, where it came from, what would settle it."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from iom.access import actor_for
from offenders.models import Case
from referrals import explaining, resourcing, scoring
from referrals.models import Finding
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


def lines(explained):
    return {line.label.split(",")[0]: line for line in explained.lines}


def told(line):
    return [(each.label, each.value, each.origin) for each in line.used]


def test_each_clause_names_its_facts_with_where_they_came_from(merton, police, as_coordinator):
    referral = factories.scorable(merton, police, mappa_level=1)
    scoring.score_ogrs3(referral, by=as_coordinator)
    scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=True, harm_because="Two knives in a year.")

    found = explaining.explain(as_coordinator, referral)

    score, harm, mappa = found.lines
    assert (score.state, score.source) == ("Met", "Merton, step 3")
    assert told(score) == [("Reoffending score within 2 years", "79%", "OGRS3 of 26 Feb 2026")]
    assert score.used[0].href == f"/referrals/{referral.reference}/score/"
    assert told(harm) == [
        ("High risk of harm", "Yes", "Judged for the IOM Team by Priya Shah on 26 Feb 2026: Two knives in a year.")
    ]
    assert (mappa.exclusion, mappa.state) == (True, "Not met")
    assert told(mappa) == [("MAPPA level", "1", "Nomination, before it started")]
    assert (found.criteria.label, found.rules) == ("Criteria of the panel", merton.policy_version)


def test_clause_that_is_not_known_says_what_would_settle_it_and_where(merton, police, as_coordinator):
    referral = factories.referral(merton, police, status="sent", mappa_level=None)

    score, harm, mappa = explaining.explain(as_coordinator, referral).lines

    at = f"/referrals/{referral.reference}/score/"
    assert [(each.words, each.href) for each in score.settles] == [("a reoffending score", at)]
    assert [(each.words, each.href) for each in harm.settles] == [
        ("whether the risk of harm is high", f"{at}#questions")
    ]
    assert [(each.words, each.href) for each in mappa.settles] == [("the MAPPA level", f"{at}#questions")]


def test_referrer_without_scores_reads_neither_the_score_nor_why_harm_was_judged(merton, housing, as_coordinator):
    referral = factories.scorable(merton, housing)
    scoring.score_ogrs3(referral, by=as_coordinator)
    scoring.record_facts(referral, by=as_coordinator, high_risk_of_harm=True, harm_because="Two knives in a year.")

    score, harm, _ = explaining.explain(actor_for(housing), referral).lines

    assert told(score) == [("Reoffending score within 2 years", "Kept to those who work with scores", "")]
    assert told(harm) == [("High risk of harm", "Yes", "Judged for the IOM Team by Priya Shah on 26 Feb 2026")]
    assert not any(each.href for each in (*score.used, *harm.used))


def test_author_of_a_draft_is_led_to_the_section(db):
    richmond = factories.scheme("richmond")
    officer = factories.member(richmond, "referrer", agency_kind="housing")
    referral = factories.referral(richmond, officer, facts={"ppo": False})

    found = lines(explaining.explain(actor_for(officer), referral))

    repeat = found["Identified as a repeat offender"]
    assert [each.href for each in repeat.settles] == [f"/referrals/{referral.reference}/offending/"]
    assert told(found["A prolific and priority offender (PPO)"]) == [
        ("Prolific and other priority offender", "No", "Nomination, offending and evidence")
    ]


def test_what_the_team_answered_says_so_with_its_day(db):
    richmond = factories.scheme("richmond")
    member = factories.member(richmond, "coordinator", "referrer")
    referral = factories.referral(richmond, member, status="sent", facts={"ppo": False, "marac": False})

    referral = scoring.record_facts(referral, by=actor_for(member), ppo=True, marac=False)

    found = lines(explaining.explain(actor_for(member), referral))
    assert told(found["A prolific and priority offender (PPO)"])[0][2] == "Answered by the team on 26 Feb 2026"
    assert told(found["Engaged by the MARAC"])[0][2] == "Nomination, offending and evidence"


def test_offences_are_told_with_their_days(db):
    forest = factories.scheme("waltham_forest")
    member = factories.member(forest, "coordinator", "referrer")
    facts = {"offences": [{"type": "burglary", "date": "2025-10-03", "in_community": True}], "history": ["theft"]}
    referral = factories.referral(forest, member, status="sent", facts=facts)

    line = explaining.explain(actor_for(member), referral).lines[1]

    assert told(line)[0][1] == "Burglary on 3 Oct 2025; theft, earlier"


def test_flex_that_is_not_open_says_for_what_it_waits(db):
    hampshire = factories.scheme("hampshire")
    member = factories.member(hampshire, "coordinator", "referrer")
    referral = factories.referral(hampshire, member, status="sent", supervision="yes", facts={"would_benefit": True})

    flex = explaining.explain(actor_for(member), referral).lines[1]
    assert (flex.state, flex.waits_href) == ("Not open yet", "/referrals/cohorts/")
    assert flex.waits_for.startswith("Fixed: under statutory supervision")

    resourcing.say_resourced("standard", "fixed", reason="Agreed.", by=actor_for(member))
    assert explaining.explain(actor_for(member), referral).lines[1].state == "Met"


@pytest.fixture
def taken_on(db):
    """Somebody in Waltham Forest taken on as a domestic abuse perpetrator with thefts, and the coordinator."""
    forest = factories.scheme("waltham_forest")
    member = factories.member(forest, "coordinator", "referrer")
    referral = factories.scorable(
        forest, member, status="sent", facts={"domestic_abuse_perpetrator": True, "history": ["theft"]}
    )
    scoring.score_ogrs3(referral, by=actor_for(member))
    referral.status = "accepted"
    referral.save()
    case = factories.case(forest, who=referral.offender, criterion="ogrs_75")
    return case, member


@pytest.mark.feature(109)
@pytest.mark.feature(305)
def test_case_shows_how_the_rules_stood_and_its_sub_cohort(sign_in, taken_on):
    case, member = taken_on

    page = sign_in(member).get(f"/cases/{case.reference}/").content.decode()

    assert "How the rules stood when this case was taken on" in page
    assert "Domestic abuse perpetrators (Operation Dauntless)" in page
    assert "Reported to: MOPAC." in page
    assert "Source: Waltham Forest, 3.3" in page


def test_board_names_sub_cohort_and_cohort(sign_in, taken_on):
    case, member = taken_on
    board = sign_in(member).get("/cases/").content.decode()
    assert "Domestic abuse perpetrators (Operation Dauntless)" in board


@pytest.mark.feature(106)
def test_board_and_case_name_fixed_flex_or_free(sign_in, db):
    hampshire = factories.scheme("hampshire")
    member = factories.member(hampshire, "coordinator")
    case = factories.case(hampshire, criterion="flex")
    client = sign_in(member)

    assert "Flex cohort" in client.get("/cases/").content.decode()
    assert "Flex cohort" in client.get(f"/cases/{case.reference}/").content.decode()


def test_kept_finding_is_that_of_the_rules_then(taken_on):
    case = Case.objects.get(pk=taken_on[0].pk)

    kept = explaining.kept_for(case)

    assert (kept.criteria.name, kept.rules, kept.finding.as_of) == (
        "standard", Finding.objects.first().policy_version, date(2026, 2, 26),
    )  # fmt: skip
    assert [line.state for line in kept.lines] == ["Met", "Not met", "Not met"]
    assert explaining.kept_for(factories.case(case.scheme)) is None


@pytest.mark.feature(305)
def test_referral_page_explains_each_clause(sign_in, merton, police):
    referral = factories.scorable(merton, police)

    page = sign_in(police).get(f"/referrals/{referral.reference}/").content.decode()

    assert "What the scheme&#39;s rules say" in page or "What the scheme's rules say" in page
    assert "Needs" in page
    assert "Merton, step 3" in page

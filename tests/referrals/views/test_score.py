"""The reoffending score of a nomination and of a case (ux.md 4.3)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from django.urls import reverse

from iom.access import actor_for
from referrals import scoring
from referrals.models import Finding, HarmJudgement, Score
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def referral(merton, police):
    return factories.scorable(merton, police)


@pytest.fixture
def client(sign_in, coordinator):
    return sign_in(coordinator)


def address(thing) -> str:
    return reverse("referral_score" if thing.reference.startswith("IOM-R") else "case_score", args=[thing.reference])


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.mark.feature(98)
def test_score_is_worked_out_and_never_shown_without_its_date(client, referral):
    before = text_of(client.get(address(referral)))
    assert "Not scored yet. Everything that is needed is there." in before

    after = text_of(client.post(address(referral), {"do": "score"}, follow=True))

    assert "79% within 2 years (65% within 1 year)" in after
    assert "Scored on 26 Feb 2026 by Priya Shah." in after
    assert "Meets the 75% rule: qualifies. Source: Merton, step 3" in after


@pytest.mark.feature(99)
def test_score_shows_the_facts_largest_effect_first_with_the_caution(client, referral):
    client.post(address(referral), {"do": "score"})

    page = text_of(client.get(address(referral)))

    order = ["Number of sanctions", "Age at first sanction", "Current offence", "Age at start of follow-up"]
    places = [page.index(each) for each in order]
    assert places == sorted(places)
    assert "OGRS rises slowly and falls slowly." in page
    assert "Model: OGRS3, version 1.0" in page


def test_missing_facts_are_named_with_the_place_to_fix_them(client, merton, police):
    referral = factories.scorable(merton, police, sanctions=None, offence_code="")

    page = client.get(address(referral)).content.decode()

    assert "You need: number of sanctions, current offence." in " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert '<a class="govuk-link" href="#change-facts">Enter the number of sanctions.</a>' in page


def test_a_referrer_is_led_to_their_own_section(sign_in, merton, police):
    referral = factories.scorable(merton, police, status="draft", sanctions=None)

    page = sign_in(police).get(address(referral)).content.decode()

    assert f'href="/referrals/{referral.reference}/score-facts/"' in page


def test_facts_are_changed_and_scored_in_one_go(client, referral):
    client.post(address(referral), {"do": "score"})

    answer = client.post(
        address(referral),
        {
            "do": "change",
            "version": referral.version,
            "offence": "028/00",
            "convicted_on": "20 11 2025",
            "follow_up_from": "15 1 2026",
            "sanctions": "8",
            "first_sanction_age": "14",
        },
        follow=True,
    )

    assert "Facts saved. Score:" in text_of(answer)
    assert Score.objects.count() == 2


def test_impossible_facts_are_named_and_nothing_is_kept(client, referral):
    answer = client.post(
        address(referral),
        {"do": "change", "version": 1, "offence": "028/00", "convicted_on": "20 11 2027", "sanctions": "8"},
    )

    assert "The current conviction is in the future." in text_of(answer)
    referral.refresh_from_db()
    assert referral.sanctions == 32


def test_official_score_warns_when_it_is_far_from_ours(client, referral):
    client.post(address(referral), {"do": "score"})

    page = text_of(
        client.post(
            address(referral),
            {"do": "official", "pct_2yr": "85", "pct_1yr": "70", "scored_on": "1 2 2026"},
            follow=True,
        )
    )

    assert "Official score saved: 85% on 1 Feb 2026" in page
    assert "The official score is 85% and ours is 79%: 6 points apart." in page


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"pct_2yr": "100"}, "A score must be 1 to 99 per cent", id="certain"),
        pytest.param({"pct_2yr": "about 80"}, "The score must be a whole number, such as 82", id="words"),
        pytest.param({"pct_2yr": "60", "pct_1yr": "61"}, "cannot be higher than the score within 2 years", id="order"),
        pytest.param({"pct_2yr": "60", "scored_on": "27 2 2026"}, "must be today or earlier", id="tomorrow"),
        pytest.param({"pct_2yr": "60", "scored_on": ""}, "Enter the date of the official score", id="no date"),
    ],
)
def test_official_score_errors_are_said(client, referral, given, words):
    answer = client.post(address(referral), {"do": "official", "scored_on": "1 2 2026"} | given)

    assert words in text_of(answer)
    assert not Score.objects.exists()


@pytest.mark.feature(103)
def test_the_team_judges_the_risk_of_harm(client, merton, police):
    referral = factories.referral(merton, police, status="sent", high_risk_of_harm=None)
    page = text_of(client.get(address(referral)))
    assert "Does the IOM Team judge the risk of harm to be high?" in page

    answer = {"do": "facts", "version": referral.version, "high_risk_of_harm": "yes"}
    assert "Enter why the risk of harm is judged so" in text_of(client.post(address(referral), answer))
    client.post(address(referral), answer | {"harm_because": "Two knives in a year."})

    assert HarmJudgement.objects.get().judged_by.user.name == "Priya Shah"
    assert Finding.objects.get().route == "high_risk_of_harm"


@pytest.fixture
def in_the_band(db):
    """Someone in London with 62%, and their coordinator."""
    london = factories.scheme("london")
    member = factories.member(london, "coordinator", "referrer")
    referral = factories.referral(london, member, status="sent")
    scoring.record_official_score(
        referral.offender, pct_2yr=62, scored_on=date(2026, 2, 1), by=actor_for(member), referral=referral
    )
    return member, referral


@pytest.mark.feature(101)
@pytest.mark.feature(102)
def test_in_the_band_two_questions_are_asked_and_no_more(sign_in, in_the_band):
    member, referral = in_the_band

    page = text_of(sign_in(member).get(address(referral)))

    assert "Has there been a robbery or a burglary in the last 12 months?" in page
    assert "Are there exceptional circumstances?" in page
    assert "Presented at the panel by" in page
    form = page[page.index("What else the rules ask") :]
    assert form.count("?") - form.count("Which offence was it?") - form.count("When was it committed?") == 2


@pytest.mark.feature(101)
def test_a_recent_burglary_opens_the_band(sign_in, in_the_band):
    member, referral = in_the_band

    sign_in(member).post(
        address(referral),
        {
            "do": "facts",
            "version": referral.version,
            "offences": "yes",
            "offence_type": "burglary",
            "offence_date": "3 10 2025",
        },
    )

    assert (Finding.objects.first().outcome, Finding.objects.first().route) == ("eligible", "band_robbery_burglary")


@pytest.mark.feature(102)
def test_exceptional_circumstances_open_the_band(sign_in, in_the_band):
    member, referral = in_the_band
    client = sign_in(member)

    missing = client.post(address(referral), {"do": "facts", "version": referral.version, "exceptional": "yes"})
    assert "Enter what the exceptional circumstances are" in text_of(missing)

    client.post(
        address(referral),
        {
            "do": "facts",
            "version": referral.version,
            "offences": "no",
            "exceptional": "yes",
            "exceptional_circumstances": "Out of prison for 10 of the last 12 months.",
            "presenter": "PC Dunn",
        },
    )

    assert Finding.objects.first().route == "band_exceptional"


def test_the_score_of_a_case_without_a_nomination_can_be_typed_in(client, merton):
    case = factories.case(merton)

    assert "Not scored yet." in text_of(client.get(address(case)))
    page = text_of(
        client.post(address(case), {"do": "official", "pct_2yr": "85", "scored_on": "1 2 2026"}, follow=True)
    )

    assert "85% within 2 years" in page
    assert Score.objects.get().offender == case.offender


def test_the_score_of_a_case_is_that_of_its_nomination(client, merton, police, as_coordinator):
    referral = factories.scorable(merton, police, status="accepted")
    scoring.score_ogrs3(referral, by=as_coordinator)
    case = factories.case(merton, who=referral.offender)

    page = text_of(client.get(address(case)))

    assert "79% within 2 years (65% within 1 year)" in page
    assert "Change facts" not in page


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param("police", 200, id="police, the author"),
        pytest.param("chair", 200, id="chair"),
        pytest.param("housing", 403, id="housing"),
    ],
)
def test_scores_are_for_the_team_police_probation_and_the_chair(request, sign_in, referral, who, status):
    client = sign_in(request.getfixturevalue(who))

    assert client.get(address(referral)).status_code == status


def test_a_button_of_a_form_that_is_not_there_is_refused(client, merton, police):
    decided = factories.scorable(merton, police, status="accepted")

    assert client.post(address(decided), {"do": "change", "version": 1, "sanctions": 3}).status_code == 403


def test_score_takes_a_constant_number_of_queries(client, referral, as_coordinator, django_assert_max_num_queries):
    for percent in range(60, 70):
        scoring.record_official_score(
            referral.offender, pct_2yr=percent, scored_on=date(2026, 2, 1), by=as_coordinator, referral=referral
        )

    with django_assert_max_num_queries(25 + factories.AROUND):
        client.get(address(referral))

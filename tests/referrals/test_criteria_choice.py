"""A nomination is for some criteria: they say what bars a person, who decides, and what else is asked."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from iom.access import actor_for
from iom.models import Body
from iom.policy import load_preset
from iom.steps import StepRefused
from referrals import actions, deciding, eligibility, scoring
from referrals.forms import clause_facts
from referrals.models import Finding, Referral
from tests import factories

pytestmark = pytest.mark.django_db
START = {
    "mappa": "0",
    "given_names": "Kit",
    "family_name": "Specimen",
    "date_of_birth_0": "4",
    "date_of_birth_1": "2",
    "date_of_birth_2": "2010",
    "date_of_birth": "4 2 2010",
}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def richmond(db):
    return factories.scheme("richmond")


@pytest.fixture
def officer(richmond):
    return factories.member(richmond, "coordinator", "referrer", name="Priya Shah")


@pytest.fixture
def panels(richmond):
    """One coming panel of each body."""
    made = {}
    for slug, on in (("iom", date(2026, 4, 14)), ("dyo", date(2026, 4, 15))):
        made[slug] = factories.meeting(richmond, on, body=Body.objects.get(scheme=richmond, slug=slug))
    return made


@pytest.mark.feature(110)
def test_new_asks_what_the_person_is_nominated_for(sign_in, officer, panels):
    page = sign_in(officer).get("/referrals/new/").content.decode()

    assert "What do you nominate the person for?" in page
    assert "Deter Young Offenders" in page
    assert "Decided by the" in page


@pytest.mark.feature(110)
def test_young_people_go_to_their_own_panel_and_are_not_barred_by_it(sign_in, officer, panels):
    answer = sign_in(officer).post("/referrals/new/", START | {"criteria": "dyo"})

    assert answer.status_code == 302, answer.content.decode()
    made = Referral.objects.get()
    assert (made.criteria, made.meeting, made.facts) == ("dyo", panels["dyo"], {})


def test_each_criteria_asks_for_its_own_exclusions(sign_in, officer, panels):
    client = sign_in(officer)

    missing = client.post("/referrals/new/", START | {"criteria": "standard"}).content.decode()
    assert "Answer: Is the person engaged by the MARAC" in missing
    nothing = client.post("/referrals/new/", START).content.decode()
    assert "Choose what you nominate the person for" in nothing

    client.post("/referrals/new/", START | {"criteria": "standard", "fact_marac": "no", "fact_dyo": "no"})
    assert (Referral.objects.get().criteria, Referral.objects.get().meeting) == ("standard", panels["iom"])


def test_engaged_by_the_youth_panel_is_barred_from_one_and_not_from_the_other(richmond):
    facts = {"dyo": True, "marac": False}

    assert actions.barred_words(richmond.policy, 0, facts, "standard")
    assert not actions.barred_words(richmond.policy, 0, facts, "dyo")


def test_start_refuses_criteria_that_are_not_in_force():
    forest = factories.scheme("waltham_forest")
    by = actor_for(factories.member(forest, "coordinator", "referrer"))

    with pytest.raises(StepRefused, match="what you nominate"):
        actions.start(by=by, offender=factories.offender(forest), mappa_level=0, criteria="draft_london")


@pytest.mark.parametrize(
    ("facts", "outcome", "route"),
    [
        pytest.param({"on_yot_order": True, "asset_score": 24}, "eligible", "asset_24", id="Asset 24"),
        pytest.param({"on_yot_order": True, "asset_score": 23}, "not_known", "", id="Asset 23, harm not known"),
        pytest.param(
            {"on_yot_order": True, "asset_score": 23, "serious_harm": "medium"}, "not_eligible", "", id="neither"
        ),
        pytest.param(
            {"on_yot_order": True, "serious_harm": "very_high"}, "eligible", "serious_harm", id="very high harm"
        ),
        pytest.param({"on_yot_order": False, "asset_score": 40}, "not_eligible", "", id="no order"),
    ],
)
@pytest.mark.feature(110)
def test_finding_of_a_young_person_is_by_asset_or_serious_harm(richmond, officer, panels, facts, outcome, route):
    made = factories.referral(richmond, officer, status="sent", criteria="dyo", facts=facts, meeting=panels["dyo"])

    finding = scoring.assess(made, by=actor_for(officer))

    assert (finding.criteria, finding.outcome, finding.route) == ("dyo", outcome, route)
    assert finding.sub_cohorts == (["dyo"] if outcome == "eligible" else [])


def test_triage_offers_the_panels_of_the_criteria(sign_in, richmond, officer, panels):
    made = factories.referral(richmond, officer, status="sent", criteria="dyo", facts={})

    page = sign_in(officer).get(f"/referrals/{made.reference}/triage/").content.decode()

    assert "15 April 2026" in page
    assert "14 April 2026" not in page
    assert Finding.objects.count() == 0


@pytest.mark.parametrize(
    ("preset", "criteria", "asked"),
    [
        pytest.param("merton", "", (), id="merton"),
        pytest.param("london", "", ("exceptional_circumstances",), id="london"),
        pytest.param("waltham_forest", "", ("domestic_abuse_perpetrator", "history"), id="waltham forest"),
        pytest.param("richmond", "", ("repeat_offender", "ppo", "top_ten"), id="richmond"),
        pytest.param("richmond", "dyo", ("on_yot_order", "asset_score", "serious_harm"), id="young people"),
        pytest.param(
            "hampshire",
            "",
            ("prolific", "would_benefit", "force_priority", "domestic_abuse_perpetrator", "history"),
            id="hampshire",
        ),
    ],
)
@pytest.mark.feature(108)
def test_nomination_asks_for_what_the_clauses_need(preset, criteria, asked):
    assert clause_facts.asked_by(load_preset(preset), criteria) == asked


def draft_in(preset, **fields):
    scheme = factories.scheme(preset)
    by = factories.member(scheme, "coordinator", "referrer")
    return by, factories.referral(scheme, by, sections_done=[], **fields)


WRITTEN = {"evidence": "Three burglaries.", "benefit": "Housing.", "main_driver": "other"}


@pytest.mark.feature(102)
def test_exceptional_circumstances_force_the_written_case(sign_in, db):
    by, draft = draft_in("london")
    client = sign_in(by)
    address = f"/referrals/{draft.reference}/offending/"
    page = client.get(address).content.decode()
    assert "Do you rely on exceptional circumstances?" in page

    answer = client.post(address, WRITTEN | {"version": draft.version, "fact_exceptional_circumstances": "yes"})
    assert "Enter what the exceptional circumstances are" in answer.content.decode()
    draft.refresh_from_db()
    assert "exceptional_circumstances" not in draft.facts
    assert draft.typed["offending"]["fact_exceptional_circumstances"] == "yes", "nothing typed is lost"

    told = {"fact_exceptional_circumstances": "yes", "exceptional_case": "In prison for 10 of 12 months."}
    assert client.post(address, WRITTEN | {"version": draft.version} | told).status_code == 302
    draft.refresh_from_db()
    assert draft.facts["exceptional_circumstances"] == "In prison for 10 of 12 months."


@pytest.mark.feature(109)
def test_types_of_offence_on_the_record_are_asked_and_make_the_sub_cohort(sign_in, db):
    by, draft = draft_in("waltham_forest")
    client = sign_in(by)
    address = f"/referrals/{draft.reference}/offending/"
    told = WRITTEN | {"version": draft.version, "fact_domestic_abuse_perpetrator": "yes"}

    both = client.post(address, told | {"fact_history": ["theft", "none"]}).content.decode()
    assert "not both" in both
    draft.refresh_from_db()
    client.post(address, told | {"version": draft.version, "fact_history": ["theft", "violence"]})

    draft.refresh_from_db()
    assert draft.facts["history"] == ["theft", "violence"]
    read = scoring.facts_for_rules(draft, None)
    assert eligibility.sub_cohorts(by.scheme.policy, read, date(2026, 2, 26)) == ("domestic_abuse",)
    page = client.get(f"/referrals/{draft.reference}/check/").content.decode()
    assert "Theft other than from shops, Violence" in page


@pytest.mark.feature(106)
def test_hampshires_form_explains_cohorts_and_asks_for_them(sign_in, db):
    by, draft = draft_in("hampshire")
    client = sign_in(by)
    address = f"/referrals/{draft.reference}/offending/"
    page = client.get(address).content.decode()
    assert "The form explains the cohorts and the criteria" in page or "cohorts" in page
    assert "Is this a prolific offender?" in page
    assert "What has happened" in page

    client.post(address, WRITTEN | {"version": draft.version, "fact_prolific": "yes", "fact_history": ["burglary"]})
    draft.refresh_from_db()
    draft.supervision = "yes"
    draft.save()
    assert scoring.find(draft).route == "fixed"
    assert "offences" not in scoring.questions(draft)


def test_body_for_is_that_of_the_criteria():
    policy = load_preset("richmond")

    assert deciding.body_for(policy, "dyo").slug == "dyo"
    assert deciding.body_for(policy).slug == deciding.body_for(policy, "standard").slug == "iom"


@pytest.mark.parametrize(
    ("born", "warned"),
    [
        pytest.param(date(2008, 2, 26), False, id="18 today"),
        pytest.param(date(2008, 2, 27), True, id="17 until tomorrow"),
    ],
)
def test_triage_says_that_the_scheme_is_for_adults(sign_in, db, born, warned):
    hampshire = factories.scheme("hampshire")
    by = factories.member(hampshire, "coordinator", "referrer")
    who = factories.offender(hampshire, date_of_birth=born)
    made = factories.referral(hampshire, by, status="sent", who=who)

    page = sign_in(by).get(f"/referrals/{made.reference}/triage/").content.decode()

    assert ("IOM here is for adults." in page) is warned
    assert ("Hampshire, Role of IOM" in page) is warned

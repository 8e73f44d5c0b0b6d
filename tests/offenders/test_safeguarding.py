"""The safeguarding ledger: how checks stand, who records them, and what is never given to the person."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from iom import clock
from iom.models import Agency, Notification
from iom.policy import load_preset
from iom.steps import StepRefused
from offenders import ledger, safeguarding
from offenders.assurance import Said, standing
from offenders.models import CheckAsked
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 3)


@pytest.fixture
def case(merton, police, housing):
    return factories.case(merton)


def said(outcome, agency="Police", on=TODAY, until=date(2026, 9, 3), key=0):
    return Said("marac", outcome, agency, "Somebody", on, until, key)


def test_a_check_holds_to_the_day_before_it_is_stale():
    check = said("no_concern")

    assert standing("marac", [], TODAY).state == "not_done"
    assert standing("marac", [check], date(2026, 9, 2)).state == "assured"
    assert standing("marac", [check], date(2026, 9, 3)).state == "stale"


def test_a_concern_goes_by_a_newer_check_of_the_same_agency_alone():
    known = said("managed", on=date(2026, 1, 5))
    elsewhere = said("not_known", "Housing", key=1)

    assert standing("marac", [known, elsewhere], TODAY).said == known
    assert not standing("marac", [known, said("no_concern")], TODAY).concern
    assert standing("marac", [said("cannot_say", "Housing")], TODAY).state == "not_done"
    assert standing("marac", [known, said("cannot_say")], TODAY).said == known


def test_flags_are_one_query_for_any_number_of_cases(merton, as_police, django_assert_num_queries):
    cases = [factories.case(merton) for _ in range(3)]
    safeguarding.record_check(cases[0], "marac", outcome="managed", on=clock.today(), by=as_police)
    safeguarding.record_check(cases[1], "mappa", outcome="level_1", on=clock.today(), by=as_police)
    policy = merton.policy

    for some in (cases[:1], cases):
        with django_assert_num_queries(1):
            flags = safeguarding.flags_of(some, policy)

    marac, *wanting = flags[cases[0].pk]
    assert (marac.kind, marac.state, marac.given) == ("mappa", "not_done", True)
    labels = {flag.label: flag for flag in flags[cases[0].pk]}
    assert (labels["MARAC"].state, labels["MARAC"].on, labels["MARAC"].given) == ("assured", clock.today(), False)
    assert labels["Child safeguarding"].state == "not_done"
    assert [flag.label for flag in safeguarding.flags_to_give(flags[cases[1].pk])] == ["MAPPA level 1"]
    assert safeguarding.flags_to_give(flags[cases[0].pk]) == ()


def test_one_records_ones_own_agency_and_the_coordinator_any(case, as_police, as_housing, as_coordinator, police):
    mine = safeguarding.record_check(case, "marac", outcome="managed", on=clock.today(), by=as_police)
    assert (mine.agency, mine.how) == (police.agency, "own")
    with pytest.raises(PermissionDenied):
        safeguarding.record_check(
            case, "marac", outcome="managed", on=clock.today(), agency=police.agency, how="phone", by=as_housing
        )
    with pytest.raises(StepRefused, match="how you know"):
        safeguarding.record_check(
            case, "marac", outcome="managed", on=clock.today(), agency=police.agency, by=as_coordinator
        )
    told = safeguarding.record_check(
        case, "marac", outcome="no_concern", on=clock.today(), agency=police.agency, how="phone", by=as_coordinator
    )
    assert told.made_by == as_coordinator.user

    with pytest.raises(StepRefused, match="what came"):
        safeguarding.record_check(case, "marac", outcome="level_2", on=clock.today(), by=as_police)
    with pytest.raises(StepRefused, match="today or earlier"):
        safeguarding.record_check(case, "marac", outcome="managed", on=clock.today() + timedelta(days=1), by=as_police)
    with pytest.raises(PermissionDenied):
        safeguarding.strike_out(mine, by=as_housing)
    safeguarding.strike_out(mine, by=as_coordinator)
    with pytest.raises(StepRefused):
        safeguarding.strike_out(mine, by=as_coordinator)


def test_an_agency_is_asked_once_and_its_check_answers(case, as_coordinator, as_housing, as_police, housing):
    due = clock.today() + timedelta(days=7)
    asked = safeguarding.ask_agency(case, "adult", agency=housing.agency, due_on=due, by=as_coordinator)

    told = Notification.objects.get(kind="check_asked")
    assert (told.recipient, told.due) == (housing.user, due)
    assert case.offender.family_name not in f"{told.text} {told.email_body} {told.url}"
    with pytest.raises(StepRefused, match="already"):
        safeguarding.ask_agency(case, "adult", agency=housing.agency, due_on=due, by=as_coordinator)
    with pytest.raises(PermissionDenied):
        safeguarding.ask_agency(case, "mash", agency=housing.agency, due_on=due, by=as_police)
    nobody = Agency.objects.create(scheme=case.scheme, slug="nobody", name="Nobody's", kind="other")
    with pytest.raises(StepRefused, match="Ring them"):
        safeguarding.ask_agency(case, "adult", agency=nobody, due_on=due, by=as_coordinator)

    safeguarding.record_check(case, "adult", outcome="cannot_say", on=clock.today(), by=as_housing)
    asked.refresh_from_db()
    assert asked.ended_on is None
    check = safeguarding.record_check(case, "adult", outcome="no_concern", on=clock.today(), by=as_housing)
    asked.refresh_from_db()
    assert (asked.answer, asked.ended_on) == (check, clock.today())
    again = safeguarding.ask_agency(case, "adult", agency=housing.agency, due_on=due, by=as_coordinator)
    safeguarding.take_back(again, by=as_coordinator)
    assert not CheckAsked.objects.filter(ended_on=None).exists()


@pytest.mark.parametrize(
    "text",
    [
        "Heard at the MARAC on Tuesday",
        "marac's plan",
        "M.A.R.A.C. referral",
        "See the Multi-Agency Risk Assessment Conference",
        "multi agency risk assessment case conferences",
        "IDVA to ring",
        "the independent domestic violence adviser",
        "Known to Operation Dauntless",
    ],
)
def test_what_must_never_reach_the_person_is_found(text):
    policy = factories.scheme("waltham_forest").policy

    assert safeguarding.not_for_the_person(text, policy.safeguarding.never_given)
    (refusal,) = safeguarding.giveable([("The goal of Accommodation", text), ("An action", "Meet Ray")], policy)
    assert refusal.startswith("The goal of Accommodation speaks of ")


def test_ordinary_words_may_be_given():
    for text in ("Macaroni for tea", "He likes maracas", "Risk assessment by the landlord", "A multi-agency meeting"):
        assert safeguarding.not_for_the_person(text) == []


@pytest.mark.feature(166)
@pytest.mark.parametrize(
    ("preset", "source"),
    [
        ("merton", "Merton, step 1"),
        ("london", "London, step 1"),
        ("richmond", "Richmond, principle 5"),
        ("waltham_forest", "Waltham Forest"),
        ("hampshire", "Hampshire"),
    ],
)
def test_every_scheme_asks_the_panel_about_mappa_by_its_own_rule(preset, source):
    policy = load_preset(preset)
    level_1, level_2, level_3 = (standing("mappa", [said(f"level_{level}")], TODAY) for level in (1, 2, 3))

    assert ledger.warning_of(level_1, policy) is None
    for stand in (level_2, level_3):
        warning = ledger.warning_of(stand, policy)
        clause = next(each for each in policy.exclusions if each.name == "mappa_2_3")
        assert (warning.rule, warning.source) == (clause.label, clause.source)
        assert clause.is_default or clause.source.startswith(source)
    assert {policy.safeguarding.check(kind).months for kind in policy.safeguarding.needed} == {6}

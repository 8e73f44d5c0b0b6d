"""The rules of the five schemes over facts, in three-valued logic, as the contract of design.md section 6 has them."""

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iom.policy import load_preset
from iom.policy.base import FlagFact
from referrals.eligibility import (
    FACTS,
    Facts,
    Offence,
    Unreadable,
    all_of,
    any_of,
    assess,
    day_from,
    facts_from,
)

AS_OF = date(2026, 12, 15)
YEAR_AGO = "2025-12-15"


def found(scheme, criteria=None, as_of=AS_OF, **given):
    """The finding for plain facts, nobody being under MAPPA unless the facts say so."""
    facts = facts_from({"mappa_level": 0, **given})
    assert isinstance(facts, Facts), facts
    return assess(load_preset(scheme), criteria, facts, as_of)


def met(finding, clause):
    return next(result.met for result in finding.clauses if result.clause == clause)


def offence(kind, day=YEAR_AGO, **rest):
    return {"type": kind, "date": day, **rest}


def burglary(day=YEAR_AGO, in_community=True):
    return [offence("burglary", day, in_community=in_community)]


# --- each scheme: facts, outcome, route -------------------------------------------------------------------------

MERTON = [
    pytest.param({"ogrs2": 75}, "eligible", "ogrs_75", id="75"),
    pytest.param({"ogrs2": 100, "high_risk_of_harm": True}, "eligible", "ogrs_75", id="first-clause-is-the-route"),
    pytest.param({"ogrs2": 74, "high_risk_of_harm": False}, "not_eligible", None, id="74"),
    pytest.param({"ogrs2": 74, "high_risk_of_harm": True}, "eligible", "high_risk_of_harm", id="harm"),
    pytest.param({"high_risk_of_harm": True}, "eligible", "high_risk_of_harm", id="harm-without-a-score"),
    pytest.param({"ogrs2": 74}, "not_known", None, id="74-and-harm-not-known"),
    pytest.param({"high_risk_of_harm": False}, "not_known", None, id="no-score"),
    pytest.param({}, "not_known", None, id="nothing-known"),
    pytest.param({"ogrs2": 75, "mappa_level": 1}, "eligible", "ogrs_75", id="mappa-1"),
    pytest.param({"ogrs2": 75, "mappa_level": 2}, "excluded", None, id="mappa-2"),
    pytest.param({"ogrs2": 75, "mappa_level": 3}, "excluded", None, id="mappa-3"),
    pytest.param({"mappa_level": 2}, "excluded", None, id="mappa-2-and-nothing-else"),
    pytest.param({"ogrs2": 75, "mappa_level": None}, "not_known", None, id="mappa-not-known"),
    pytest.param(
        {"ogrs2": 10, "high_risk_of_harm": False, "mappa_level": None}, "not_eligible", None,
        id="not-eligible-whatever-mappa-is",
    ),
    pytest.param({"ogrs2": 75, "marac": True, "dyo": True}, "eligible", "ogrs_75", id="marac-is-no-bar-here"),
]  # fmt: skip

LONDON = [
    pytest.param({"ogrs2": 75}, "eligible", "ogrs_75", id="75"),
    pytest.param({"ogrs2": 74, "offences": burglary()}, "eligible", "band_robbery_burglary", id="74-burglary"),
    pytest.param({"ogrs2": 51, "offences": [offence("robbery")]}, "eligible", "band_robbery_burglary", id="51-robbery"),
    pytest.param(
        {"ogrs2": 50, "offences": burglary(), "exceptional_circumstances": "Three arrests in a week."},
        "not_eligible", None, id="50-is-below-the-band",
    ),
    pytest.param(
        {"ogrs2": 51, "offences": [], "exceptional_circumstances": "Three arrests in a week."},
        "eligible", "band_exceptional", id="51-exceptional",
    ),
    pytest.param(
        {"ogrs2": 51, "offences": [], "exceptional_circumstances": "  \n"}, "not_eligible", None, id="blank-is-no"
    ),
    pytest.param({"ogrs2": 51, "offences": []}, "not_known", None, id="circumstances-not-known"),
    pytest.param({"ogrs2": 51, "exceptional_circumstances": ""}, "not_known", None, id="offences-not-known"),
    pytest.param(
        {"ogrs2": 60, "offences": [offence("theft")], "exceptional_circumstances": ""}, "not_eligible", None,
        id="other-offence",
    ),
    pytest.param(
        {"ogrs2": 60, "offences": [offence("robbery", in_community=False)], "exceptional_circumstances": ""},
        "eligible", "band_robbery_burglary", id="in-custody-counts-here",
    ),
    pytest.param({"ogrs2": 30}, "not_eligible", None, id="below-the-band-nothing-else-matters"),
    pytest.param({"offences": burglary(), "exceptional_circumstances": ""}, "not_known", None, id="no-score"),
]  # fmt: skip

WALTHAM_FOREST = [
    pytest.param({"ogrs2": 75}, "eligible", "ogrs_75", id="75"),
    pytest.param({"ogrs2": 50, "offences": burglary()}, "eligible", "band_robbery_burglary", id="50-qualifies-here"),
    pytest.param({"ogrs2": 74, "offences": burglary()}, "eligible", "band_robbery_burglary", id="74"),
    pytest.param({"ogrs2": 49, "offences": burglary()}, "not_eligible", None, id="49"),
    pytest.param({"ogrs2": 50, "offences": burglary(in_community=False)}, "not_eligible", None, id="in-custody"),
    pytest.param({"ogrs2": 50, "offences": burglary(in_community=None)}, "not_known", None, id="where-not-known"),
    pytest.param(
        {"ogrs2": 50, "offences": [*burglary(in_community=None), *burglary()]}, "eligible", "band_robbery_burglary",
        id="another-offence-decides",
    ),
    pytest.param(
        {"ogrs2": 50, "offences": burglary("2024-01-01", in_community=None)}, "not_eligible", None,
        id="too-old-wherever-it-was",
    ),
    pytest.param(
        {"ogrs2": 50, "offences": [{"type": "burglary", "in_community": False}]}, "not_eligible", None,
        id="in-custody-whenever-it-was",
    ),
    pytest.param(
        {"ogrs2": 50, "offences": [], "exceptional_circumstances": "Three arrests in a week."}, "not_eligible", None,
        id="no-exceptional-route-here",
    ),
]  # fmt: skip

DRAFT = [
    pytest.param({"ogrs2": 75, "ovp": 30}, "eligible", "ogrs_75_ovp_30", id="75-and-30"),
    pytest.param({"ogrs2": 75, "ovp": 29}, "not_eligible", None, id="75-and-29"),
    pytest.param({"ogrs2": 75}, "not_known", None, id="ovp-not-known"),
    pytest.param({"ogrs2": 74, "ovp": 30, "offences": []}, "not_eligible", None, id="74-without-offence"),
    pytest.param({"ogrs2": 50, "ovp": 30, "offences": burglary()}, "eligible", "ogrs_50_offence_ovp_30", id="50"),
    pytest.param({"ogrs2": 49, "ovp": 30, "offences": burglary()}, "not_eligible", None, id="49"),
    pytest.param({"ogrs2": 50, "ovp": 29, "offences": burglary()}, "not_eligible", None, id="ovp-29"),
    pytest.param(
        {"ogrs2": 50, "ovp": 30, "offences": burglary("2001-01-01", in_community=False)}, "eligible",
        "ogrs_50_offence_ovp_30", id="any-time-and-place",
    ),
    pytest.param(
        {"ogrs2": 50, "ovp": 30, "offences": [{"type": "robbery"}]}, "eligible", "ogrs_50_offence_ovp_30",
        id="date-and-place-not-asked-for",
    ),
]  # fmt: skip

RICHMOND = [
    pytest.param({"repeat_offender": True, "marac": False, "dyo": False}, "eligible", "repeat_offender", id="repeat"),
    pytest.param(
        {"repeat_offender": False, "ppo": True, "marac": False, "dyo": False}, "eligible", "ppo", id="ppo"
    ),
    pytest.param({"top_ten": True, "marac": False, "dyo": False}, "eligible", "top_ten", id="top-ten"),
    pytest.param(
        {"repeat_offender": False, "ppo": False, "top_ten": False, "marac": False, "dyo": False}, "not_eligible",
        None, id="none-of-them",
    ),
    pytest.param({"ppo": True, "marac": True, "dyo": False}, "excluded", None, id="marac"),
    pytest.param({"ppo": True, "dyo": True}, "excluded", None, id="dyo-with-marac-not-known"),
    pytest.param({"ppo": True, "marac": False}, "not_known", None, id="dyo-not-known"),
    pytest.param({"ppo": True, "marac": False, "dyo": False, "mappa_level": 2}, "excluded", None, id="mappa"),
]  # fmt: skip

DYO = [
    pytest.param({"on_yot_order": True, "asset_score": 24}, "eligible", "asset_24", id="24"),
    pytest.param({"on_yot_order": True, "asset_score": 23, "serious_harm": "medium"}, "not_eligible", None, id="23"),
    pytest.param({"on_yot_order": True, "serious_harm": "high"}, "eligible", "serious_harm", id="high"),
    pytest.param({"on_yot_order": True, "serious_harm": "very_high"}, "eligible", "serious_harm", id="very-high"),
    pytest.param({"on_yot_order": True, "serious_harm": "low"}, "not_known", None, id="low-and-asset-not-known"),
    pytest.param({"on_yot_order": False, "asset_score": 40}, "not_eligible", None, id="no-order"),
    pytest.param({"asset_score": 40}, "not_known", None, id="order-not-known"),
    pytest.param(
        {"on_yot_order": True, "asset_score": 24, "marac": True, "dyo": True}, "eligible", "asset_24",
        id="marac-and-dyo-are-no-bar-here",
    ),
    pytest.param({"on_yot_order": True, "asset_score": 24, "mappa_level": 2}, "excluded", None, id="mappa"),
]  # fmt: skip

FIXED = {"statutory": True, "prolific": True}
HAMPSHIRE = [
    pytest.param({**FIXED, "offences": burglary()}, "eligible", "fixed", id="fixed-burglary"),
    pytest.param({**FIXED, "offences": [offence("robbery", "1999-01-01")]}, "eligible", "fixed", id="fixed-any-time"),
    pytest.param({**FIXED, "offences": [{"type": "vehicle_crime"}]}, "eligible", "fixed", id="fixed-vehicle"),
    pytest.param({**FIXED, "offences": [{"type": "theft"}]}, "eligible", "fixed", id="fixed-theft"),
    pytest.param(
        {**FIXED, "offences": [offence("shoplifting")], "would_benefit": False, "force_priority": False,
         "domestic_abuse_perpetrator": False},
        "not_eligible", None, id="shoplifting-is-not-theft",
    ),
    pytest.param({"statutory": True, "would_benefit": True}, "eligible", "flex", id="flex"),
    pytest.param({"statutory": True, "force_priority": True}, "eligible", "free", id="free-priority"),
    pytest.param({"statutory": True, "domestic_abuse_perpetrator": True}, "eligible", "free", id="free-abuse"),
    pytest.param({"statutory": False, "would_benefit": True}, "not_eligible", None, id="not-statutory"),
    pytest.param({"would_benefit": True}, "not_known", None, id="statutory-not-known"),
    pytest.param({"statutory": True}, "not_known", None, id="routes-not-known"),
    pytest.param({"statutory": True, "would_benefit": True, "mappa_level": 2}, "excluded", None, id="mappa"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "outcome", "route"), MERTON)
def test_merton_takes_75_or_high_risk_of_harm(given, outcome, route):
    finding = found("merton", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), LONDON)
def test_london_takes_75_or_a_reason_in_the_band(given, outcome, route):
    finding = found("london", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), WALTHAM_FOREST)
def test_waltham_forest_takes_75_or_an_offence_in_the_community(given, outcome, route):
    finding = found("waltham_forest", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), DRAFT)
def test_draft_london_asks_for_violence_too(given, outcome, route):
    finding = found("waltham_forest", "draft_london", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), RICHMOND)
def test_richmond_takes_repeat_offenders_not_engaged_elsewhere(given, outcome, route):
    finding = found("richmond", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), DYO)
def test_richmond_dyo_takes_young_people_on_orders(given, outcome, route):
    finding = found("richmond", "dyo", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


@pytest.mark.parametrize(("given", "outcome", "route"), HAMPSHIRE)
def test_hampshire_takes_fixed_flex_and_free(given, outcome, route):
    finding = found("hampshire", **given)

    assert (finding.outcome, finding.route) == (outcome, route)


# --- offences and twelve months ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "committed", "counts"),
    [
        pytest.param("2026-12-15", "2025-12-15", True, id="same-day-a-year-before"),
        pytest.param("2026-12-15", "2025-12-14", False, id="a-day-too-old"),
        pytest.param("2026-12-15", "2026-12-15", True, id="the-day-itself"),
        pytest.param("2026-12-15", "2026-12-16", False, id="the-day-after-is-ignored"),
        pytest.param("2028-02-29", "2027-02-28", True, id="12-months-before-29-february"),
        pytest.param("2028-02-29", "2027-02-27", False, id="a-day-before-that"),
        pytest.param("2025-02-28", "2024-02-28", True, id="28-february-after-a-leap-year"),
        pytest.param("2025-02-28", "2024-02-27", False, id="a-day-too-old-over-a-leap-year"),
        pytest.param("2025-03-01", "2024-02-29", False, id="29-february-is-before-1-march"),
    ],
)
def test_twelve_months_are_calendar_months_with_both_ends(as_of, committed, counts):
    given = {"ogrs2": 60, "offences": burglary(committed), "exceptional_circumstances": ""}

    finding = found("london", as_of=date.fromisoformat(as_of), **given)

    assert met(finding, "band_robbery_burglary") is counts


@pytest.mark.parametrize(
    ("offences", "answer"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param([], False, id="known-to-be-none"),
        pytest.param([{"type": "burglary"}], None, id="asked-type-without-date"),
        pytest.param([{"type": "theft"}], False, id="other-type-without-date"),
        pytest.param([{"type": "burglary"}, offence("robbery")], True, id="decided-by-another"),
        pytest.param([{"type": "burglary"}, offence("robbery", "2001-01-01")], None, id="not-decided-by-an-old-one"),
        pytest.param([offence("burglary", "2027-01-01")], False, id="after-the-day"),
        pytest.param([offence("burglary", None)], None, id="null-date"),
    ],
)
def test_offence_without_date_is_not_known_only_where_it_matters(offences, answer):
    finding = found("london", ogrs2=60, offences=offences)

    assert met(finding, "band_robbery_burglary") is answer


def test_offence_after_the_day_is_ignored_even_where_no_time_is_asked_for():
    finding = found("hampshire", statutory=True, prolific=True, offences=[offence("theft", "2026-12-16")])

    assert met(finding, "fixed") is False


# --- what a finding says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "criteria", "names"),
    [
        ("merton", None, "ogrs_75 high_risk_of_harm | mappa_2_3"),
        ("london", None, "ogrs_75 band_robbery_burglary band_exceptional | mappa_2_3"),
        ("waltham_forest", None, "ogrs_75 band_robbery_burglary | mappa_2_3"),
        ("waltham_forest", "draft_london", "ogrs_75_ovp_30 ogrs_50_offence_ovp_30 | mappa_2_3"),
        ("richmond", None, "repeat_offender ppo top_ten | mappa_2_3 marac dyo"),
        ("richmond", "dyo", "asset_24 serious_harm | mappa_2_3"),
        ("hampshire", None, "fixed flex free | mappa_2_3"),
    ],
)
def test_finding_lists_every_clause_and_exclusion_whatever_the_outcome(scheme, criteria, names):
    clauses = assess(load_preset(scheme), criteria, Facts(), AS_OF).clauses

    kinds = {kind: [c.clause for c in clauses if c.kind == kind] for kind in ("criterion", "exclusion")}
    assert " | ".join(" ".join(kinds[kind]) for kind in ("criterion", "exclusion")) == names
    assert all(clause.met is None and clause.source and clause.missing for clause in clauses)


@pytest.mark.parametrize(
    ("scheme", "clause", "source"),
    [
        ("merton", "ogrs_75", "Merton, step 3"),
        ("merton", "mappa_2_3", "Merton, step 1"),
        ("london", "band_exceptional", "London, step 2"),
        ("richmond", "marac", "Richmond, 4.2"),
        ("waltham_forest", "band_robbery_burglary", "Waltham Forest, 4.4"),
        ("waltham_forest", "mappa_2_3", "default"),
        ("hampshire", "mappa_2_3", "default"),
    ],
)
def test_finding_cites_the_paragraph_of_each_clause(scheme, clause, source):
    clauses = assess(load_preset(scheme), None, Facts(), AS_OF).clauses

    assert {c.clause: c.source for c in clauses}[clause] == source


def test_finding_names_the_facts_that_would_settle_it():
    assert found("london", ogrs2=60, mappa_level=None).missing == (
        "offences",
        "exceptional_circumstances",
        "mappa_level",
    )


def test_finding_that_is_settled_misses_nothing():
    assert found("merton", ogrs2=75).missing == ()


def test_criteria_unknown_names_those_that_are_known():
    with pytest.raises(KeyError, match="no criteria 'strict'; choose from: standard, draft_london"):
        assess(load_preset("waltham_forest"), "strict", Facts(), AS_OF)


# --- logic ------------------------------------------------------------------------------------------------------

VALUES = (True, False, None)


@pytest.mark.parametrize(("left", "right"), list(itertools.product(VALUES, VALUES)))
def test_and_and_or_are_kleenes(left, right):
    order = {False: 0, None: 1, True: 2}

    assert order[all_of([left, right])] == min(order[left], order[right])
    assert order[any_of([left, right])] == max(order[left], order[right])


def some(values):
    return st.none() | values


FACTS_OF_ANY_KIND = st.builds(
    Facts,
    ogrs2=some(st.integers(45, 80)),
    ovp=some(st.integers(25, 35)),
    asset_score=some(st.integers(20, 28)),
    mappa_level=some(st.integers(0, 3)),
    serious_harm=some(st.sampled_from(["low", "medium", "high", "very_high"])),
    exceptional_circumstances=some(st.sampled_from(["", "Three arrests in a week."])),
    offences=some(
        st.lists(
            st.builds(
                Offence,
                st.sampled_from(["burglary", "robbery", "theft", "shoplifting"]),
                some(st.dates(date(2025, 12, 1), date(2026, 12, 31))),
                some(st.booleans()),
            ),
            max_size=3,
        ).map(tuple)
    ),
    **{flag: some(st.booleans()) for flag in FlagFact.__args__},
)
CRITERIA = [
    (scheme, criteria.name)
    for scheme in ("hampshire", "london", "merton", "richmond", "waltham_forest")
    for criteria in load_preset(scheme).eligibility
]


@given(st.sampled_from(CRITERIA), FACTS_OF_ANY_KIND, st.data())
def test_learning_a_fact_never_overturns_what_was_settled(criteria, facts, data):
    policy = load_preset(criteria[0])
    before = assess(policy, criteria[1], facts, AS_OF)
    learnt = data.draw(FACTS_OF_ANY_KIND)
    more = {name: getattr(learnt, name) if getattr(facts, name) is None else getattr(facts, name) for name in FACTS}

    after = assess(policy, criteria[1], Facts(**more), AS_OF)

    for old, new in zip(before.clauses, after.clauses, strict=True):
        assert old.met is None or old.met is new.met
    settled = before.outcome in {"excluded", "eligible"}
    assert not settled or after.outcome == before.outcome
    # Without further facts an exclusion can still be learnt, and only that.
    assert before.outcome != "not_eligible" or after.outcome in {"not_eligible", "excluded"}


# --- reading facts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"ogrs2": True}, "ogrs2 must be a whole number, 0 to 100, not True", id="true-is-no-number"),
        pytest.param({"ogrs2": 74.5}, "ogrs2 must be a whole number, 0 to 100, not 74.5", id="not-whole"),
        pytest.param({"ogrs2": "75"}, "ogrs2 must be a whole number, 0 to 100, not '75'", id="text"),
        pytest.param({"ogrs2": 101}, "ogrs2 must be 0 to 100, not 101", id="above"),
        pytest.param({"ogrs2": -1}, "ogrs2 must be 0 to 100, not -1", id="below"),
        pytest.param({"ovp": 101}, "ovp must be 0 to 100, not 101", id="ovp"),
        pytest.param({"mappa_level": 4}, "mappa_level must be 0 to 3, not 4", id="mappa"),
        pytest.param({"mappa_level": False}, "mappa_level must be a whole number, 0 to 3, not False", id="mappa-no"),
        pytest.param({"asset_score": -1}, "asset_score must be 0 or more, not -1", id="asset"),
        pytest.param({"marac": 1}, "marac must be true or false, not 1", id="1-is-not-true"),
        pytest.param({"statutory": "yes"}, "statutory must be true or false, not 'yes'", id="yes-is-not-true"),
        pytest.param(
            {"exceptional_circumstances": True}, "exceptional_circumstances must be text, not True", id="circumstances"
        ),
        pytest.param(
            {"serious_harm": "severe"}, "serious_harm must be one of low, medium, high, very_high, not 'severe'",
            id="grade",
        ),
        pytest.param({"offences": "burglary"}, "offences must be a list, not 'burglary'", id="offences-text"),
        pytest.param(
            {"offences": ["burglary"]},
            "offences[1] must be an object with type, date and in_community, not 'burglary'",
            id="offence-text",
        ),
        pytest.param(
            {"offences": [{"type": "arson"}]},
            "offences[1].type must be one of burglary, robbery, vehicle_crime, theft, shoplifting, violence, sexual, "
            "drugs, criminal_damage, fraud, other, not 'arson'",
            id="offence-type",
        ),
        pytest.param(
            {"offences": [offence("theft", "15/12/2026")]},
            "offences[1].date must be a date such as 2026-12-15, not '15/12/2026'",
            id="offence-date",
        ),
        pytest.param(
            {"offences": [offence("theft", "2026-02-30")]}, "offences[1].date: there is no day 2026-02-30",
            id="no-such-day",
        ),
        pytest.param(
            {"offences": [offence("theft", in_community="yes")]},
            "offences[1].in_community must be true or false, not 'yes'",
            id="offence-place",
        ),
    ],
)  # fmt: skip
def test_facts_of_the_wrong_kind_are_errors_in_words(given, error):
    assert facts_from(given) == Unreadable((error,))


def test_facts_name_every_error_at_once():
    given = {"ogrs2": True, "marac": 1, "offences": [{"type": "arson", "date": 3}]}

    assert len(facts_from(given).errors) == 4


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        pytest.param({}, Facts(), id="nothing"),
        pytest.param({"ogrs2": None, "offences": None}, Facts(), id="null-is-not-known"),
        pytest.param({"ogrs2": 75.0}, Facts(ogrs2=75), id="whole-written-with-a-point"),
        pytest.param({"ogrs2": 0}, Facts(ogrs2=0), id="nought-is-known"),
        pytest.param({"offences": []}, Facts(offences=()), id="no-offences"),
        pytest.param({"name": "A. EXAMPLE", "id": 3}, Facts(), id="other-keys-are-left-alone"),
        pytest.param({"exceptional_circumstances": ""}, Facts(exceptional_circumstances=""), id="blank-is-known"),
    ],
)
def test_facts_are_read_as_given(given, facts):
    assert facts_from(given) == facts


@pytest.mark.parametrize("value", ["20261215", "2026-W51-2", "2026-12-15T10:00", 20261215, "1899-12-31", " 2026-12-15"])
def test_day_written_otherwise_is_refused(value):
    with pytest.raises(ValueError, match="as_of"):
        day_from(value, "as_of")

"""OVP against its vectors and its specification (docs/scores.md)."""

from dataclasses import replace
from datetime import date

import pytest

from referrals import ovp
from referrals.ovp import Band, Facts, Gender, Level
from tests.referrals.vectors import by_id, inputs, vectors

TODAY = date(2026, 3, 2)
EXAMPLE = Facts(
    gender=Gender.MALE,
    date_of_birth=date(2000, 10, 15),
    date_at_start_of_followup=date(2019, 12, 12),
    total_number_of_sanctions=31,
    total_number_of_violent_sanctions=17,
    recognises_impact_on_others=False,
    no_fixed_abode_or_transient=True,
    unemployed=True,
    current_alcohol_use_problems=Level.SOME_PROBLEMS,
    excessive_alcohol_use=Level.NO_PROBLEMS,
    current_psychiatric_treatment=False,
    temper_control=Level.SIGNIFICANT_PROBLEMS,
    pro_criminal_attitudes=Level.SOME_PROBLEMS,
)
READERS = {
    Gender: Gender,
    Level: Level,
    bool: lambda cell: {"true": True, "false": False}[cell],
    int: int,
    date: date.fromisoformat,
}


def facts_of(row):
    return Facts(
        **{name: READERS[type(getattr(EXAMPLE, name))](row[name]) if row[name] else None for name in ovp.INPUTS}
    )


@pytest.mark.parametrize("row", vectors("ovp-service-real") + vectors("ovp-service-derived"), ids=by_id)
def test_score_of_service_vector(row):
    scored = ovp.score(facts_of(row))

    assert isinstance(scored, ovp.Result)
    for column, actual in {
        "age_at_start_of_followup": scored.age_at_start_of_followup,
        "expected_static_points": scored.static_points,
        "expected_dynamic_points": scored.dynamic_points,
        "expected_point_score": scored.points,
        "expected_pct_1yr": scored.pct_1yr,
        "expected_pct_2yr": scored.pct_2yr,
    }.items():
        assert not row[column] or actual == int(row[column]), column
    for column, actual in {
        "expected_prob_1yr": scored.prob_1yr,
        "expected_prob_2yr": scored.prob_2yr,
    }.items():
        assert not row[column] or f"{actual:.10f}" == row[column], column
    assert scored.band == row["expected_band"]


@pytest.mark.parametrize("row", vectors("errors", model="OVP"), ids=by_id)
def test_refusal_of_error_vector(row):
    refused = ovp.score(facts_of(row))

    assert isinstance(refused, ovp.Refusal)
    assert ";".join(refused.types) == row["expected_error_types"]
    assert ";".join("|".join(error.fields) for error in refused.errors) == row["expected_error_fields"]
    if row["expected_first_message"]:
        assert refused.errors[0].message == row["expected_first_message"]


def yes_or_no(item):
    return lambda **given: ovp.points_for(item, next(iter(given.values())) == "true")


def count(item):
    return lambda **given: ovp.points_for(item, int(next(iter(given.values()))))


def word(item):
    return lambda **given: ovp.points_for(item, next(iter(given.values())))


UNITS = {
    "ovp_points_accommodation": yes_or_no("no_fixed_abode_or_transient"),
    "ovp_points_impact": yes_or_no("recognises_impact_on_others"),
    "ovp_points_psychiatric": yes_or_no("current_psychiatric_treatment"),
    "ovp_points_unemployed": yes_or_no("unemployed"),
    "ovp_points_employment": yes_or_no("unemployed"),
    "ovp_points_any_sanctions": lambda total_number_of_sanctions: ovp.any_sanctions_points(
        int(total_number_of_sanctions)
    ),
    "ovp_points_gender": word("gender"),
    "ovp_points_temper": word("temper_control"),
    "ovp_points_attitudes": word("pro_criminal_attitudes"),
    "ovp_points_violent": count("violent_sanctions"),
    "ovp_points_non_violent": count("non_violent_sanctions"),
    "ovp_points_age": count("age_at_start_of_followup"),
    "ovp_points_alcohol": lambda current_alcohol_use_problems, excessive_alcohol_use: ovp.alcohol_points(
        Level(current_alcohol_use_problems), Level(excessive_alcohol_use)
    ),
    "ovp_pct_1yr_from_points": lambda points: ovp.percent(ovp.probabilities(int(points))[0]),
    "ovp_pct_2yr_from_points": lambda points: ovp.percent(ovp.probabilities(int(points))[1]),
    "ovp_band": lambda percent: ovp.band_for(int(percent)),
}


@pytest.mark.parametrize("row", vectors("units", model="OVP"), ids=by_id)
def test_step_of_unit_vector(row):
    step = UNITS[row["function"]]

    if row["expected"] == "ERROR":
        with pytest.raises(ovp.CannotCalculate):
            step(**inputs(row))
        return
    actual = step(**inputs(row))

    assert actual == (row["expected"] if isinstance(actual, str) else int(row["expected"]))


def test_score_of_worked_example():
    scored = ovp.score(EXAMPLE)

    assert (scored.static_points, scored.dynamic_points, scored.points) == (58, 24, 82)
    assert (scored.pct_1yr, scored.pct_2yr, scored.band) == (80, 89, Band.VERY_HIGH)


@pytest.mark.parametrize(
    ("item", "points"),
    [
        ("violent_sanctions", {0: 0, 1: 4, 2: 7, 3: 9, 4: 11, 5: 12, 17: 24, 18: 25, 500: 25}),
        ("non_violent_sanctions", {0: 0, 2: 0, 3: 2, 4: 2, 5: 3, 10: 3, 11: 4, 20: 4, 21: 5, 500: 5}),
        (
            "age_at_start_of_followup",
            {18: 20, 19: 20, 20: 17, 21: 17, 22: 14, 23: 14, 24: 12, 25: 12, 26: 10, 30: 10, 31: 8, 35: 8}
            | {36: 6, 40: 6, 41: 4, 45: 4, 46: 2, 50: 2, 51: 0, 99: 0},
        ),
    ],
    ids=["violent", "non-violent", "age"],
)
def test_points_at_their_edges(item, points):
    assert {value: ovp.points_for(item, value) for value in points} == points


@pytest.mark.parametrize(
    ("item", "value"),
    [("violent_sanctions", -1), ("non_violent_sanctions", -1), ("age_at_start_of_followup", 17)],
)
def test_points_outside_the_table_are_refused(item, value):
    with pytest.raises(ovp.CannotCalculate):
        ovp.points_for(item, value)


def test_points_run_from_5_to_98():
    least = replace(
        EXAMPLE,
        gender=Gender.FEMALE,
        date_of_birth=date(1950, 1, 1),
        total_number_of_sanctions=1,
        total_number_of_violent_sanctions=0,
        recognises_impact_on_others=True,
        no_fixed_abode_or_transient=False,
        unemployed=False,
        current_alcohol_use_problems=Level.NO_PROBLEMS,
        temper_control=Level.NO_PROBLEMS,
        pro_criminal_attitudes=Level.NO_PROBLEMS,
    )
    most = replace(
        EXAMPLE,
        total_number_of_sanctions=60,
        total_number_of_violent_sanctions=18,
        current_alcohol_use_problems=Level.SIGNIFICANT_PROBLEMS,
        excessive_alcohol_use=Level.SIGNIFICANT_PROBLEMS,
        current_psychiatric_treatment=True,
        pro_criminal_attitudes=Level.SIGNIFICANT_PROBLEMS,
    )

    assert (ovp.score(least).points, ovp.score(most).points) == (5, 98)


@pytest.mark.parametrize(
    ("percent", "band"),
    [
        (1, Band.LOW),
        (29, Band.LOW),
        (30, Band.MEDIUM),
        (59, Band.MEDIUM),
        (60, Band.HIGH),
        (79, Band.HIGH),
        (80, Band.VERY_HIGH),
        (99, Band.VERY_HIGH),
    ],
)
def test_band_at_its_edges(percent, band):
    assert ovp.band_for(percent) is band


@pytest.mark.parametrize("percent", [-1, 0, 100])
def test_band_outside_1_to_99_is_refused(percent):
    with pytest.raises(ovp.CannotCalculate):
        ovp.band_for(percent)


UNEXPECTED = [
    (
        {"total_number_of_violent_sanctions": -1, "date_of_birth": date(2030, 1, 1)},
        "Invalid violent sanctions value: -1",
    ),
    (
        {"total_number_of_violent_sanctions": 33, "date_of_birth": date(2030, 1, 1)},
        "Invalid non violent sanctions value: -2",
    ),
    ({"date_of_birth": date(2019, 12, 12)}, "dateAtStartOfFollowup cannot be on or before date of birth."),
    ({"date_of_birth": date(2001, 12, 13)}, "Invalid ageAtStartOfFollowup value: 17"),
]


@pytest.mark.parametrize(("change", "words"), UNEXPECTED, ids=[words for _, words in UNEXPECTED])
def test_refusal_gives_the_first_surprise(change, words):
    refused = ovp.score(replace(EXAMPLE, **change))

    assert refused.types == ("UNEXPECTED_ERROR",)
    assert refused.errors[0].message == (
        f"Unexpected error thrown during calculation, see logs for further details: {words}"
    )


def test_score_on_the_eighteenth_birthday():
    assert ovp.score(replace(EXAMPLE, date_of_birth=date(2001, 12, 12))).age_at_start_of_followup == 18


def test_refusal_names_both_unusable_inputs():
    refused = ovp.score(replace(EXAMPLE, unemployed=None, total_number_of_sanctions=-4))

    assert refused.types == ("MISSING_MANDATORY_INPUT", "TOTAL_NUMBER_OF_SANCTIONS_LESS_THAN_ONE")
    assert refused.errors[0].fields == ("unemployed",)


def test_effects_are_sorted_and_cover_every_item():
    scored = ovp.score(EXAMPLE)

    sizes = [effect.points for effect in scored.effects]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len(scored.item_points) == 12
    assert sum(effect.log_odds for effect in scored.effects) == pytest.approx(0.0722 * 82)


def test_effect_of_violence_is_the_score_without_its_points():
    scored = ovp.score(EXAMPLE)

    largest = scored.effects[0]

    assert (largest.fact, largest.value) == ("total_number_of_violent_sanctions", "17")
    assert largest.points == pytest.approx(100 * (scored.prob_2yr - ovp.probabilities(82 - 24)[1]))


PROBLEMS = [
    ({"date_of_birth": date(2026, 3, 3), "date_at_start_of_followup": None}, "date_of_birth"),
    ({"date_of_birth": date(1916, 3, 2)}, "date_of_birth"),
    ({"date_of_birth": date(2001, 12, 13)}, "date_of_birth"),
    ({"date_of_birth": date(2019, 12, 12)}, "date_at_start_of_followup"),
    ({"date_at_start_of_followup": date(2047, 1, 1)}, "date_at_start_of_followup"),
    ({"total_number_of_sanctions": 1000}, "total_number_of_sanctions"),
    ({"total_number_of_sanctions": 0, "total_number_of_violent_sanctions": 0}, "total_number_of_sanctions"),
    ({"total_number_of_violent_sanctions": -1}, "total_number_of_violent_sanctions"),
    ({"total_number_of_violent_sanctions": 32}, "total_number_of_violent_sanctions"),
]


@pytest.mark.parametrize(("change", "field"), PROBLEMS, ids=[str(change) for change, _ in PROBLEMS])
def test_form_problems_name_the_field(change, field):
    problems = ovp.form_problems(replace(EXAMPLE, **change), TODAY)

    assert [problem.field for problem in problems] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"total_number_of_violent_sanctions": 31},
        {"total_number_of_violent_sanctions": 0},
        {"date_of_birth": date(2001, 12, 12)},
        {"date_at_start_of_followup": date(2046, 12, 31)},
        {name: None for name in ovp.INPUTS},
    ],
    ids=str,
)
def test_form_problems_none_for_sensible_facts(change):
    assert ovp.form_problems(replace(EXAMPLE, **change), TODAY) == []


def test_missing_names_facts_in_order():
    assert ovp.missing(replace(EXAMPLE, gender=None, unemployed=None)) == ("gender", "unemployed")

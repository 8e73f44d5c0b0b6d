"""OGRS3 against its vectors and its specification (docs/scores.md)."""

import math
from dataclasses import replace
from datetime import date

import pytest

from referrals import ogrs
from referrals.ogrs import Band, ErrorType, Facts, Gender
from referrals.predictors import completed_years, limit_percent, round_5dp, whole_percent
from tests.referrals.vectors import by_id, inputs, vectors

TODAY = date(2026, 3, 2)
EXAMPLE = Facts(
    gender=Gender.MALE,
    date_of_birth=date(1975, 4, 29),
    date_of_current_conviction=date(2009, 2, 19),
    date_at_start_of_followup=date(2020, 1, 14),
    total_number_of_sanctions=22,
    age_at_first_sanction=17,
    current_offence_code="09230",
)


def a_date(cell):
    return date.fromisoformat(cell) if cell else None


def a_number(cell):
    return int(cell) if cell else None


def facts_of(row):
    return Facts(
        gender=Gender(row["gender"]) if row["gender"] else None,
        date_of_birth=a_date(row["date_of_birth"]),
        date_of_current_conviction=a_date(row["date_of_current_conviction"]),
        date_at_start_of_followup=a_date(row["date_at_start_of_followup"]),
        total_number_of_sanctions=a_number(row["total_number_of_sanctions"]),
        age_at_first_sanction=a_number(row["age_at_first_sanction"]),
        current_offence_code=row["current_offence_code"] or None,
    )


SERVICE_ROWS = vectors("ogrs3-service-real") + vectors("ogrs3-service-derived")


@pytest.mark.parametrize("row", [row for row in SERVICE_ROWS if row["current_offence_code"]], ids=by_id)
def test_score_of_service_vector(row):
    scored = ogrs.score(facts_of(row))

    assert isinstance(scored, ogrs.Result)
    assert scored.age_at_current_conviction == int(row["age_at_current_conviction"])
    assert scored.age_at_start_of_followup == int(row["age_at_start_of_followup"])
    assert (scored.offence.category, scored.offence.weight) == (
        row["offence_category"],
        float(row["offence_weighting"]),
    )
    for column, actual in {
        "expected_prob_1yr": scored.prob_1yr,
        "expected_prob_2yr": scored.prob_2yr,
        "expected_pct_1yr": scored.pct_1yr,
        "expected_pct_2yr": scored.pct_2yr,
    }.items():
        assert not row[column] or actual == float(row[column]), column
    assert not row["expected_band"] or scored.band == row["expected_band"]


@pytest.mark.parametrize("row", SERVICE_ROWS, ids=by_id)
def test_weights_of_service_vector(row):
    weights = ogrs.weigh(
        gender=Gender(row["gender"]),
        age_at_current_conviction=int(row["age_at_current_conviction"]),
        age_at_start_of_followup=int(row["age_at_start_of_followup"]),
        total_sanctions=int(row["total_number_of_sanctions"]),
        age_at_first_sanction=int(row["age_at_first_sanction"]),
        offence_weight=float(row["offence_weighting"]),
    )

    one_year, two_years = ogrs.probabilities(weights.total)
    for column, actual in {
        "expected_age_gender_weight": weights.age_gender,
        "expected_conviction_status_weight": weights.status,
        "expected_copas_weight": weights.copas,
    }.items():
        assert not row[column] or actual == pytest.approx(float(row[column]), rel=0, abs=1e-11), column
    assert not row["expected_prob_1yr"] or round_5dp(one_year) == float(row["expected_prob_1yr"])
    assert not row["expected_prob_2yr"] or round_5dp(two_years) == float(row["expected_prob_2yr"])


@pytest.mark.parametrize("row", vectors("ogrs3-research-real") + vectors("ogrs3-research-derived"), ids=by_id)
def test_probabilities_of_research_vector(row):
    def weights(coefficients):
        return ogrs.weigh(
            gender=Gender(row["gender"]),
            age_at_current_conviction=int(row["age_at_current_conviction"]),
            age_at_start_of_followup=int(row["age_at_start_of_followup"]),
            total_sanctions=int(row["previous_sanctions"]) + 1,
            age_at_first_sanction=int(row["age_at_first_sanction"]),
            offence_weight=coefficients.offence[row["offence_category"]],
            coefficients=coefficients,
        ).total

    published = ogrs.probabilities(weights(ogrs.PUBLISHED), ogrs.PUBLISHED)
    service = ogrs.probabilities(weights(ogrs.SERVICE))

    assert int(row["total_number_of_sanctions"]) == int(row["previous_sanctions"]) + 1
    expected = (float(row["expected_prob_1yr"]), float(row["expected_prob_2yr"]))
    assert published == pytest.approx(expected, rel=0, abs=float(row["tolerance"]))
    percentages = tuple(limit_percent(whole_percent(round_5dp(each))) for each in service)
    assert percentages == (int(row["derived_service_pct_1yr"]), int(row["derived_service_pct_2yr"]))
    assert ogrs.band_for(percentages[1]) == row["derived_service_band"]


@pytest.mark.parametrize("row", vectors("errors", model="OGRS3"), ids=by_id)
def test_refusal_of_error_vector(row):
    refused = ogrs.score(facts_of(row))

    assert isinstance(refused, ogrs.Refusal)
    assert ";".join(refused.types) == row["expected_error_types"]
    fields = ";".join("|".join(error.fields) for error in refused.errors)
    assert fields == row["expected_error_fields"]
    if row["expected_first_message"]:
        assert refused.errors[0].message == row["expected_first_message"]


def rounded(horizon):
    return lambda total: round_5dp(ogrs.probabilities(float(total))[horizon])


UNITS = {
    "ogrs3_copas_rate": lambda previous_sanctions, age_at_current_conviction, age_at_first_sanction: round_5dp(
        ogrs.copas_rate(int(previous_sanctions) + 1, int(age_at_current_conviction), int(age_at_first_sanction))
    ),
    "ogrs3_age_gender_weight": lambda age, gender: ogrs.age_gender_weight(int(age), Gender(gender)),
    "ogrs3_status_weight": lambda total_number_of_sanctions: ogrs.status_weight(int(total_number_of_sanctions)),
    "ogrs3_prob_1yr_from_total": rounded(0),
    "ogrs3_prob_2yr_from_total": rounded(1),
    "ogrs3_band": lambda percent: ogrs.band_for(int(percent)),
    "probability_to_percent": lambda probability: whole_percent(float(probability)),
    "limit_percent": lambda percent: limit_percent(int(percent)),
    "round_5dp": lambda value: round_5dp(float(value)),
    "age_in_completed_years": lambda date_of_birth, on_date: completed_years(a_date(date_of_birth), a_date(on_date)),
}


@pytest.mark.parametrize("row", vectors("units", model="OGRS3") + vectors("units", model="BOTH"), ids=by_id)
def test_step_of_unit_vector(row):
    step = UNITS[row["function"]]

    if row["expected"] == "ERROR":
        with pytest.raises(ogrs.CannotCalculate):
            step(**inputs(row))
        return
    actual = step(**inputs(row))

    assert actual == (row["expected"] if isinstance(actual, str) else float(row["expected"]))


def test_score_of_worked_example():
    scored = ogrs.score(EXAMPLE)

    assert scored.weights.total == pytest.approx(-2.041245, abs=1e-6)
    assert (scored.prob_1yr, scored.prob_2yr) == (0.34554, 0.5201)
    assert (scored.pct_1yr, scored.pct_2yr, scored.band) == (35, 52, Band.MEDIUM)


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2000, 2, 29), date(2023, 2, 28), 22),
        (date(2000, 2, 29), date(2023, 3, 1), 23),
        (date(2000, 2, 29), date(2024, 2, 28), 23),
        (date(2000, 2, 29), date(2024, 2, 29), 24),
        (date(2000, 6, 15), date(2026, 6, 14), 25),
        (date(2000, 6, 15), date(2026, 6, 15), 26),
        (date(2000, 12, 31), date(2001, 1, 1), 0),
    ],
    ids=["leap-eve", "leap-next-day", "leap-year-eve", "leap-birthday", "eve", "birthday", "next-day"],
)
def test_completed_years_on_boundary_day(born, on, age):
    assert completed_years(born, on) == age


@pytest.mark.parametrize(
    ("probability", "percent"),
    [
        (0.124996, 13),
        (0.144996, 14),
        (0.125, 13),
        (0.145, 14),
        (0.285, 28),
        (0.575, 57),
        (0.005, 1),
        (0.995, 99),
    ],
)
def test_two_step_rounding_acts_on_the_exact_double(probability, percent):
    assert whole_percent(round_5dp(probability)) == percent


@pytest.mark.parametrize(
    ("percent", "band"),
    [
        (0, Band.LOW),
        (49, Band.LOW),
        (50, Band.MEDIUM),
        (74, Band.MEDIUM),
        (75, Band.HIGH),
        (89, Band.HIGH),
        (90, Band.VERY_HIGH),
        (99, Band.VERY_HIGH),
    ],
)
def test_band_at_its_edges(percent, band):
    assert ogrs.band_for(percent) is band


def test_band_of_a_negative_percentage_is_refused():
    with pytest.raises(ogrs.CannotCalculate):
        ogrs.band_for(-1)


@pytest.mark.parametrize("exponent", [709.0, 1000.0, -745.0, -1000.0])
def test_probability_beyond_a_double_is_refused(exponent):
    with pytest.raises(ogrs.CannotCalculate):
        ogrs.probabilities(exponent - ogrs.SERVICE.intercept_1yr)


def test_probability_within_a_double_is_given():
    low, high = ogrs.probabilities(-744.0)[0], ogrs.probabilities(706.0)[1]

    assert (low > 0, high) == (True, 1.0)


def test_age_weights_cover_every_age_once():
    for coefficients in (ogrs.SERVICE, ogrs.PUBLISHED):
        for bands in coefficients.age_gender.values():
            edges = [(band.youngest, band.oldest) for band in bands]
            assert edges[0][0] == 10
            assert [oldest + 1 for _, oldest in edges[:-1]] == [youngest for youngest, _ in edges[1:]]
            assert edges[-1][1] == math.inf


ERRORS = [
    ({"current_offence_code": "1234"}, ["OFFENCE_CODE_INCORRECT_FORMAT"]),
    ({"current_offence_code": ""}, ["OFFENCE_CODE_INCORRECT_FORMAT"]),
    ({"current_offence_code": "ABCDE"}, ["OFFENCE_CODE_MAPPING_NOT_FOUND"]),
    ({"current_offence_code": "95000"}, ["OFFENCE_CODE_MAPPING_NOT_FOUND"]),
    ({"current_offence_code": "00001"}, ["OFFENCE_CODE_MAPPING_NOT_FOUND"]),
    ({"current_offence_code": "14100"}, ["NEED_DETAILS_OF_EXACT_OFFENCE"]),
    (
        {"gender": None, "total_number_of_sanctions": 0, "current_offence_code": "123456"},
        [
            "MISSING_MANDATORY_INPUT",
            "TOTAL_NUMBER_OF_SANCTIONS_LESS_THAN_ONE",
            "OFFENCE_CODE_INCORRECT_FORMAT",
        ],
    ),
    (
        {"date_of_birth": date(2010, 1, 1), "date_of_current_conviction": date(2009, 12, 31)},
        ["UNEXPECTED_ERROR"],
    ),
    ({"date_at_start_of_followup": date(1975, 4, 29)}, ["UNEXPECTED_ERROR"]),
    (
        {"date_of_current_conviction": date(1985, 4, 28)},
        ["AGE_AT_CURRENT_CONVICTION_LESS_THAN_TEN", "AGE_AT_FIRST_SANCTION_AFTER_AGE_AT_CURRENT_CONVICTION"],
    ),
    ({"age_at_first_sanction": 34}, ["AGE_AT_FIRST_SANCTION_AFTER_AGE_AT_CURRENT_CONVICTION"]),
    ({"date_at_start_of_followup": date(1985, 4, 28)}, ["UNEXPECTED_ERROR"]),
]


@pytest.mark.parametrize(("change", "types"), ERRORS, ids=[str(list(change)) + types[0] for change, types in ERRORS])
def test_refusal_names_every_error_of_the_stage(change, types):
    refused = ogrs.score(replace(EXAMPLE, **change))

    assert list(refused.types) == types


@pytest.mark.parametrize(
    "change",
    [
        {"age_at_first_sanction": 33},
        {"age_at_first_sanction": -5},
        {"total_number_of_sanctions": 1},
        {"total_number_of_sanctions": 2**31 - 1},
        {"date_at_start_of_followup": date(1985, 4, 29)},
        {"date_at_start_of_followup": date(2095, 1, 1)},
    ],
    ids=str,
)
def test_odd_facts_are_scored(change):
    assert isinstance(ogrs.score(replace(EXAMPLE, **change)), ogrs.Result)


def test_refusal_under_ten_at_follow_up_says_the_age():
    refused = ogrs.score(replace(EXAMPLE, date_at_start_of_followup=date(1985, 4, 28)))

    assert refused.errors[0].message.endswith("further details: Unhandled age: 9")
    assert refused.errors[0].fields == ()


def test_conviction_is_looked_at_before_follow_up():
    born = EXAMPLE.date_of_birth
    refused = ogrs.score(replace(EXAMPLE, date_of_current_conviction=born, date_at_start_of_followup=born))

    assert refused.errors[0].message.endswith("dateOfCurrentConviction cannot be on or before date of birth.")


def test_published_set_gives_girls_the_papers_sign():
    girl = replace(
        EXAMPLE,
        gender=Gender.FEMALE,
        date_of_current_conviction=date(1988, 5, 1),
        date_at_start_of_followup=date(1988, 5, 2),
        age_at_first_sanction=12,
        total_number_of_sanctions=3,
        current_offence_code="00101",
    )

    service, published = ogrs.score(girl), ogrs.score(girl, coefficients=ogrs.PUBLISHED)

    assert (service.pct_2yr, published.pct_2yr) == (83, 59)


def test_effects_are_sorted_and_measured_one_fact_at_a_time():
    scored = ogrs.score(EXAMPLE)

    effects = {effect.fact: effect for effect in scored.effects}
    sizes = [abs(effect.points) for effect in scored.effects]
    assert sizes == sorted(sizes, reverse=True)
    assert set(effects) == {
        "gender",
        "date_of_birth",
        "total_number_of_sanctions",
        "age_at_first_sanction",
        "current_offence_code",
    }
    assert (effects["gender"].points, effects["gender"].value) == (0.0, "Male")
    offence = effects["current_offence_code"]
    violence = ogrs.score(replace(EXAMPLE, current_offence_code="00101"))
    assert offence.log_odds == pytest.approx(-0.7956)
    assert offence.points == pytest.approx(100 * (scored.prob_2yr - violence.prob_2yr), abs=0.002)


def test_effect_of_sanctions_is_the_score_without_the_earlier_ones():
    scored = ogrs.score(EXAMPLE)
    first = ogrs.score(replace(EXAMPLE, total_number_of_sanctions=1))

    effect = next(each for each in scored.effects if each.fact == "total_number_of_sanctions")

    assert effect.points == pytest.approx(100 * (scored.prob_2yr - first.prob_2yr), abs=0.002)
    assert effect.value == "22, the current one included"


def test_offence_table_holds_every_code():
    statuses = [ogrs.offence(code).status for code in all_codes()]

    assert {status: statuses.count(status) for status in set(statuses)} == {
        "mapped": 3010,
        "need_exact_offence": 3,
        "no_weighting": 15,
        "not_in_ogrs3_mapping": 11,
    }


def all_codes():
    return [each.code for number in range(10) for each in ogrs.search_offences(str(number), limit=5000)]


def test_offence_weight_is_that_of_its_category():
    mapped = [ogrs.offence(code) for code in all_codes()]

    differing = [each.code for each in mapped if each.category and each.weight != ogrs.SERVICE.offence[each.category]]

    assert differing == []


def test_offence_unknown_is_none():
    assert ogrs.offence("ABCDE") is None


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("burglary dwelling", "02803"),
        ("BURGLARY in a dwelling", "02803"),
        ("burgl dwel", "02803"),
        ("02803", "02803"),
        ("28/3", "02803"),
        (" 028 ", "02801"),
        ("shoplifting", "04600"),
        ("theft from shop", "04600"),
        ("abh", "00806"),
        ("TWOC", "13001"),
        ("pwits", "09270"),
        ("knife", "00826"),
        ("theft of motor vehicle", "04801"),
        ("making off", "05325"),
    ],
)
def test_search_offences_finds(text, codes):
    assert ogrs.search_offences(text)[0].code == codes


@pytest.mark.parametrize("text", ["", "   ", "of the", "zzzz", "99999999", "!?"])
def test_search_offences_finds_nothing(text):
    assert ogrs.search_offences(text) == []


def test_search_offences_keeps_to_the_limit():
    assert len(ogrs.search_offences("burglary", limit=3)) == 3


def test_search_offences_puts_codes_for_want_of_an_exact_one_after_the_exact_ones():
    found = [each.code for each in ogrs.search_offences("burglary dwelling")]

    assert found.index("02800") > found.index("02803")


def test_search_offences_puts_codes_without_a_score_last():
    found = ogrs.search_offences("088", limit=500)

    assert [each.code for each in found if each.category is None] == [found[-1].code] == ["08800"]


PROBLEMS = [
    (
        {
            "date_of_birth": date(2026, 3, 3),
            "date_of_current_conviction": None,
            "date_at_start_of_followup": None,
        },
        "date_of_birth",
    ),
    ({"date_of_birth": date(1915, 3, 2)}, "date_of_birth"),
    (
        {"date_of_current_conviction": date(2026, 3, 3), "date_at_start_of_followup": date(2026, 3, 3)},
        "date_of_current_conviction",
    ),
    (
        {"date_of_current_conviction": date(1985, 4, 28), "age_at_first_sanction": None},
        "date_of_current_conviction",
    ),
    ({"date_of_current_conviction": date(1975, 4, 29)}, "date_of_current_conviction"),
    ({"date_at_start_of_followup": date(2009, 2, 18)}, "date_at_start_of_followup"),
    ({"date_at_start_of_followup": date(2047, 1, 1)}, "date_at_start_of_followup"),
    ({"total_number_of_sanctions": 0}, "total_number_of_sanctions"),
    ({"total_number_of_sanctions": 1000}, "total_number_of_sanctions"),
    ({"total_number_of_sanctions": 1}, "total_number_of_sanctions"),
    ({"age_at_first_sanction": 9}, "age_at_first_sanction"),
    ({"age_at_first_sanction": -1}, "age_at_first_sanction"),
    ({"age_at_first_sanction": 110}, "age_at_first_sanction"),
    ({"age_at_first_sanction": 34}, "age_at_first_sanction"),
    ({"current_offence_code": "2803"}, "current_offence_code"),
    ({"current_offence_code": "ABCDE"}, "current_offence_code"),
    ({"current_offence_code": "08800"}, "current_offence_code"),
    ({"current_offence_code": "95000"}, "current_offence_code"),
]


@pytest.mark.parametrize(("change", "field"), PROBLEMS, ids=[str(change) for change, _ in PROBLEMS])
def test_form_problems_name_the_field(change, field):
    problems = ogrs.form_problems(replace(EXAMPLE, **change), TODAY)

    assert [problem.field for problem in problems] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"date_of_birth": date(1916, 3, 3), "age_at_first_sanction": 17},
        {"date_of_current_conviction": TODAY, "date_at_start_of_followup": TODAY},
        {"date_at_start_of_followup": date(2009, 2, 19)},
        {"date_at_start_of_followup": date(2046, 12, 31)},
        {"total_number_of_sanctions": 999},
        {"total_number_of_sanctions": 1, "age_at_first_sanction": 33},
        {"age_at_first_sanction": 10},
        {name: None for name in ogrs.INPUTS},
    ],
    ids=str,
)
def test_form_problems_none_for_sensible_facts(change):
    assert ogrs.form_problems(replace(EXAMPLE, **change), TODAY) == []


def test_missing_names_facts_in_order():
    facts = replace(EXAMPLE, gender=None, age_at_first_sanction=None)

    assert ogrs.missing(facts) == ("gender", "age_at_first_sanction")

"""OVP: the chance of a proven violent-type reoffence within one and two years, by points.

Points and parameters come from the tables in `referrals/data`. The rules, their order and their sources:
`docs/scores.md`, whose section numbers the docstrings use.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from referrals.predictors import (
    Band,
    CannotCalculate,
    Effect,
    Error,
    ErrorType,
    Gender,
    Problem,
    Refusal,
    birth_problems,
    completed_years,
    followup_problems,
    limit_percent,
    logistic,
    missing_input,
    parameters,
    sanctions_problems,
    table,
    too_few_sanctions,
    unexpected,
    whole_percent,
)

__all__ = [
    "Band",
    "CannotCalculate",
    "Effect",
    "Error",
    "ErrorType",
    "Facts",
    "Gender",
    "KnownFacts",
    "Level",
    "Problem",
    "Refusal",
    "Result",
    "band_for",
    "form_problems",
    "missing",
    "points_for",
    "probabilities",
    "score",
]

MODEL = "OVP"
MODEL_VERSION = "OVP 1.0, service points"
YOUNGEST = 18


class Level(StrEnum):
    """How much of a problem something is, as OASys answers it."""

    NO_PROBLEMS = "NO_PROBLEMS"
    SOME_PROBLEMS = "SOME_PROBLEMS"
    SIGNIFICANT_PROBLEMS = "SIGNIFICANT_PROBLEMS"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def degree(self) -> int:
        """0, 1 or 2."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Facts:
    """The thirteen inputs (section 5). None is not known; nothing is estimated in its place.

    Both counts of sanctions include the current one; violent sanctions are part of the total.
    """

    gender: Gender | None = None
    date_of_birth: date | None = None
    date_at_start_of_followup: date | None = None
    total_number_of_sanctions: int | None = None
    total_number_of_violent_sanctions: int | None = None
    recognises_impact_on_others: bool | None = None
    no_fixed_abode_or_transient: bool | None = None
    unemployed: bool | None = None
    current_alcohol_use_problems: Level | None = None
    excessive_alcohol_use: Level | None = None
    current_psychiatric_treatment: bool | None = None
    temper_control: Level | None = None
    pro_criminal_attitudes: Level | None = None


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """The thirteen inputs once none is missing."""

    gender: Gender
    date_of_birth: date
    date_at_start_of_followup: date
    total_number_of_sanctions: int
    total_number_of_violent_sanctions: int
    recognises_impact_on_others: bool
    no_fixed_abode_or_transient: bool
    unemployed: bool
    current_alcohol_use_problems: Level
    excessive_alcohol_use: Level
    current_psychiatric_treatment: bool
    temper_control: Level
    pro_criminal_attitudes: Level


INPUTS = tuple(each.name for each in fields(Facts))

STATIC = (
    "any_sanctions",
    "violent_sanctions",
    "non_violent_sanctions",
    "age_at_start_of_followup",
    "gender",
)


class _Numbers(NamedTuple):
    slope: float
    shift_1yr: float
    shift_2yr: float


@cache
def _numbers() -> _Numbers:
    loaded = parameters("ovp-parameters.json")
    return _Numbers(loaded["slope_per_point"], loaded["shift_1yr"], loaded["shift_2yr"])


class _Row(NamedTuple):
    first: str
    last: str
    points: int


@cache
def _points_table() -> dict[str, tuple[_Row, ...]]:
    items: dict[str, list[_Row]] = {}
    for row in table("ovp-points.csv"):
        items.setdefault(row["item"], []).append(_Row(row["value_from"], row["value_to"], int(row["points"])))
    return {item: tuple(rows) for item, rows in items.items()}


_REFUSALS = {
    "violent_sanctions": "Invalid violent sanctions value",
    "non_violent_sanctions": "Invalid non violent sanctions value",
    "age_at_start_of_followup": "Invalid ageAtStartOfFollowup value",
}


def points_for(item: str, value: int | bool | str) -> int:
    """The points of one item of the table (section 5), for a count, an age, a yes or no, a gender or a level.

    Raises `CannotCalculate` for a value outside the table: a negative count, an age under 18.
    """
    for row in _points_table()[item]:
        if _within(row, value):
            return row.points
    raise CannotCalculate(f"{_REFUSALS.get(item, 'Invalid ' + item + ' value')}: {value}")


def _within(row: _Row, value: int | bool | str) -> bool:
    if isinstance(value, bool):
        return row.first == str(value).lower()
    if isinstance(value, str):
        return row.first == value
    return int(row.first) <= value <= (int(row.last) if row.last else math.inf)


def any_sanctions_points(total_sanctions: int) -> int:
    """None of them gives no points. The service treats every other number alike."""
    return points_for("any_sanctions", int(total_sanctions != 0))


def alcohol_points(current_use: Level, excessive_use: Level) -> int:
    """The two alcohol answers together: their degrees added, times 2.5, rounded up (0, 3, 5, 8, 10)."""
    return points_for("alcohol_sum", current_use.degree + excessive_use.degree)


def probabilities(points: int) -> tuple[float, float]:
    """One- and two-year probabilities (0 to 1), unrounded, for a number of points."""
    numbers = _numbers()
    weighted = numbers.slope * points
    return logistic(weighted - numbers.shift_1yr), logistic(weighted - numbers.shift_2yr)


def percent(probability: float) -> int:
    """Whole per cent from 1 to 99, half up in one step: OVP does not round to 5 decimals first."""
    return limit_percent(whole_percent(probability))


def band_for(percent: int) -> Band:
    """The band of a two-year whole percentage. Raises `CannotCalculate` outside 1 to 99."""
    if not 1 <= percent <= 99:
        raise CannotCalculate(f"Unhandled OVP percentage value: {percent}")
    if percent >= 80:
        return Band.VERY_HIGH
    if percent >= 60:
        return Band.HIGH
    return Band.MEDIUM if percent >= 30 else Band.LOW


@dataclass(frozen=True, slots=True)
class Result:
    """A score: unrounded probabilities, whole percentages 1 to 99, points, band of the two-year figure."""

    prob_1yr: float
    prob_2yr: float
    pct_1yr: int
    pct_2yr: int
    band: Band
    points: int
    static_points: int
    dynamic_points: int
    age_at_start_of_followup: int
    item_points: Mapping[str, int]
    facts: KnownFacts = field(repr=False)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each fact adds to the two-year figure against the answer without points, largest first."""
        return _effects(self)


def missing(facts: Facts) -> tuple[str, ...]:
    """The names of the facts that are not known, in the order of section 5."""
    return tuple(name for name in INPUTS if getattr(facts, name) is None)


def score(facts: Facts) -> Result | Refusal:
    """Score `facts`, or say what stands in the way (section 5: unusable inputs, else the first surprise)."""
    known, errors = _known(facts), _unusable(facts)
    if known is None or errors:
        return Refusal(errors)
    try:
        age, items = _item_points(known)
    except CannotCalculate as problem:
        return Refusal((unexpected(problem),))
    static = sum(points for item, points in items.items() if item in STATIC)
    points = sum(items.values())
    one_year, two_years = probabilities(points)
    return Result(
        prob_1yr=one_year,
        prob_2yr=two_years,
        pct_1yr=percent(one_year),
        pct_2yr=percent(two_years),
        band=band_for(percent(two_years)),
        points=points,
        static_points=static,
        dynamic_points=points - static,
        age_at_start_of_followup=age,
        item_points=items,
        facts=known,
    )


def _known(facts: Facts) -> KnownFacts | None:
    values = [getattr(facts, name) for name in INPUTS]
    return None if None in values else KnownFacts(*values)


def _unusable(facts: Facts) -> tuple[Error, ...]:
    errors = []
    if names := missing(facts):
        errors.append(missing_input(names))
    if facts.total_number_of_sanctions is not None and facts.total_number_of_sanctions < 1:
        errors.append(too_few_sanctions())
    return tuple(errors)


def _item_points(known: KnownFacts) -> tuple[int, dict[str, int]]:
    """The age and every item's points, in the order in which the service would stumble over them."""
    total, violent = known.total_number_of_sanctions, known.total_number_of_violent_sanctions
    items = {
        "any_sanctions": any_sanctions_points(total),
        "violent_sanctions": points_for("violent_sanctions", violent),
        "non_violent_sanctions": points_for("non_violent_sanctions", total - violent),
    }
    age = completed_years(known.date_of_birth, known.date_at_start_of_followup, what="dateAtStartOfFollowup")
    items |= {"age_at_start_of_followup": points_for("age_at_start_of_followup", age)}
    yes_or_no = {
        name: points_for(name, getattr(known, name))
        for name in (
            "recognises_impact_on_others",
            "no_fixed_abode_or_transient",
            "unemployed",
            "current_psychiatric_treatment",
        )
    }
    return age, items | yes_or_no | {
        "gender": points_for("gender", known.gender.value),
        "alcohol_sum": alcohol_points(known.current_alcohol_use_problems, known.excessive_alcohol_use),
        "temper_control": points_for("temper_control", known.temper_control.value),
        "pro_criminal_attitudes": points_for("pro_criminal_attitudes", known.pro_criminal_attitudes.value),
    }


class _Explanation(NamedTuple):
    fact: str
    label: str
    reference: str


_EXPLANATIONS = {
    "any_sanctions": _Explanation("total_number_of_sanctions", "Any sanctions", "none"),
    "violent_sanctions": _Explanation("total_number_of_violent_sanctions", "Violent sanctions", "none"),
    "non_violent_sanctions": _Explanation("total_number_of_sanctions", "Other sanctions", "2 or fewer"),
    "age_at_start_of_followup": _Explanation("date_of_birth", "Age at start of follow-up", "51 or over"),
    "gender": _Explanation("gender", "Gender", "Female"),
    "recognises_impact_on_others": _Explanation("recognises_impact_on_others", "Recognises impact on others", "Yes"),
    "no_fixed_abode_or_transient": _Explanation("no_fixed_abode_or_transient", "No fixed abode or transient", "No"),
    "unemployed": _Explanation("unemployed", "Unemployed", "No"),
    "alcohol_sum": _Explanation("current_alcohol_use_problems", "Alcohol, now and excessive", "No problems"),
    "current_psychiatric_treatment": _Explanation(
        "current_psychiatric_treatment", "Current or pending psychiatric treatment", "No"
    ),
    "temper_control": _Explanation("temper_control", "Temper control", "No problems"),
    "pro_criminal_attitudes": _Explanation("pro_criminal_attitudes", "Pro-criminal attitudes", "No problems"),
}


def _effects(result: Result) -> tuple[Effect, ...]:
    values = _values_in_words(result)
    slope = _numbers().slope

    def effect(item: str, points: int) -> Effect:
        explanation = _EXPLANATIONS[item]
        without = probabilities(result.points - points)[1]
        return Effect(
            explanation.fact,
            explanation.label,
            values[item],
            explanation.reference,
            slope * points,
            100 * (result.prob_2yr - without),
        )

    effects = [effect(item, points) for item, points in result.item_points.items()]
    return tuple(sorted(effects, key=lambda each: -each.points))


def _values_in_words(result: Result) -> dict[str, str]:
    known = result.facts
    total, violent = known.total_number_of_sanctions, known.total_number_of_violent_sanctions
    return {
        "any_sanctions": "Yes",
        "violent_sanctions": f"{violent}",
        "non_violent_sanctions": f"{total - violent}",
        "age_at_start_of_followup": f"{result.age_at_start_of_followup}",
        "gender": known.gender.words,
        "recognises_impact_on_others": _yes_or_no(known.recognises_impact_on_others),
        "no_fixed_abode_or_transient": _yes_or_no(known.no_fixed_abode_or_transient),
        "unemployed": _yes_or_no(known.unemployed),
        "alcohol_sum": (
            f"{known.current_alcohol_use_problems.words} now; "
            f"{known.excessive_alcohol_use.words.lower()} with excess in the last 6 months"
        ),
        "current_psychiatric_treatment": _yes_or_no(known.current_psychiatric_treatment),
        "temper_control": known.temper_control.words,
        "pro_criminal_attitudes": known.pro_criminal_attitudes.words,
    }


def _yes_or_no(answer: bool) -> str:
    return "Yes" if answer else "No"


def form_problems(facts: Facts, today: date) -> list[Problem]:
    """What a form asks people to put right before scoring, beyond what is missing (section 7)."""
    return [
        *birth_problems(facts.date_of_birth, today),
        *followup_problems(facts.date_of_birth, facts.date_at_start_of_followup, today),
        *_age_problems(facts),
        *sanctions_problems(facts.total_number_of_sanctions),
        *_violent_problems(facts),
    ]


def _age_problems(facts: Facts) -> list[Problem]:
    born, followed = facts.date_of_birth, facts.date_at_start_of_followup
    if not born or not followed or followed <= born:
        return []
    age = completed_years(born, followed)
    if age >= YOUNGEST:
        return []
    message = (
        f"The person is {age} at the start of follow-up. OVP is for people of {YOUNGEST} and over: check "
        "both dates, or leave OVP out."
    )
    return [Problem("date_of_birth", message)]


def _violent_problems(facts: Facts) -> list[Problem]:
    total, violent = facts.total_number_of_sanctions, facts.total_number_of_violent_sanctions
    if violent is None:
        return []
    if violent < 0:
        message = "Number of violent sanctions must be 0 or more. Enter 0 if none involved violence."
    elif total is not None and violent > total:
        message = (
            f"There cannot be {violent} violent sanctions among {total}. Violent sanctions are part of the "
            "total: check both numbers."
        )
    else:
        return []
    return [Problem("total_number_of_violent_sanctions", message)]

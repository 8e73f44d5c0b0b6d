"""OGRS3: the chance of a proven reoffence within one and two years, from fixed facts only.

Every number comes from the tables in `referrals/data`. `SERVICE` is what the Ministry of Justice's service
used and what scores are made with; `PUBLISHED` is the 2009 paper's set and serves the research vectors. The
rules, their order and their sources: `docs/scores.md`, whose section numbers the docstrings use.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import NamedTuple

from referrals.offences import Offence, offence, search_offences
from referrals.predictors import (
    OLDEST,
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
    round_5dp,
    sanctions_problems,
    table,
    too_few_sanctions,
    unexpected,
    whole_percent,
)

__all__ = [
    "PUBLISHED",
    "SERVICE",
    "Band",
    "CannotCalculate",
    "Coefficients",
    "Effect",
    "Error",
    "ErrorType",
    "Facts",
    "Gender",
    "KnownFacts",
    "Offence",
    "Problem",
    "Refusal",
    "Result",
    "Weights",
    "band_for",
    "copas_rate",
    "form_problems",
    "missing",
    "offence",
    "probabilities",
    "score",
    "search_offences",
    "weigh",
]

MODEL = "OGRS3"
MODEL_VERSION = "OGRS3 1.0, service coefficients"
CODE_LENGTH = 5
YOUNGEST = 10

# What an effect is measured against (section 6): the model's own zero where it has one that fits an adult.
REFERENCE_GENDER = Gender.MALE
REFERENCE_AGE = 30
REFERENCE_AGE_WORDS = "aged 30 to 34"
REFERENCE_SANCTIONS = 1
REFERENCE_CATEGORY = "violence"


@dataclass(frozen=True, slots=True)
class Facts:
    """The seven inputs (section 2). None is not known; nothing is estimated in its place.

    `total_number_of_sanctions` counts the current one. `age_at_first_sanction` is in whole years.
    `current_offence_code` is the Home Office class (3 digits) and subclass (2 digits), as text.
    """

    gender: Gender | None = None
    date_of_birth: date | None = None
    date_of_current_conviction: date | None = None
    date_at_start_of_followup: date | None = None
    total_number_of_sanctions: int | None = None
    age_at_first_sanction: int | None = None
    current_offence_code: str | None = None


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """The seven inputs once none is missing."""

    gender: Gender
    date_of_birth: date
    date_of_current_conviction: date
    date_at_start_of_followup: date
    total_number_of_sanctions: int
    age_at_first_sanction: int
    current_offence_code: str


INPUTS = tuple(each.name for each in fields(Facts))


class AgeBand(NamedTuple):
    youngest: int
    oldest: float
    weight: float


@dataclass(frozen=True, slots=True)
class Coefficients:
    """One set of the model's numbers, on the log-odds scale."""

    name: str
    intercept_1yr: float
    intercept_2yr: float
    copas: float
    first_time: float
    repeat: float
    age_gender: Mapping[Gender, tuple[AgeBand, ...]] = field(repr=False)
    offence: Mapping[str, float] = field(repr=False)


def _coefficients(name: str) -> Coefficients:
    numbers = parameters("ogrs3-parameters.json")["coefficient_sets"][name]
    ages: dict[Gender, list[AgeBand]] = {gender: [] for gender in Gender}
    for row in table("ogrs3-age-gender.csv"):
        oldest = int(row["age_to"]) if row["age_to"] else math.inf
        ages[Gender(row["gender"])].append(AgeBand(int(row["age_from"]), oldest, float(row[f"coefficient_{name}"])))
    return Coefficients(
        name=name,
        intercept_1yr=numbers["intercept_1yr"],
        intercept_2yr=numbers["intercept_2yr"],
        copas=numbers["copas_coefficient"],
        first_time=numbers["conviction_status"]["first_sanction_conviction"],
        repeat=numbers["conviction_status"]["conviction_with_previous_sanctions"],
        age_gender={gender: tuple(bands) for gender, bands in ages.items()},
        offence={row["category"]: float(row[f"coefficient_{name}"]) for row in table("ogrs3-offence-categories.csv")},
    )


SERVICE = _coefficients("service")
PUBLISHED = _coefficients("published")


@dataclass(frozen=True, slots=True)
class Weights:
    """The four terms on the log-odds scale, unrounded. `copas` is the coefficient times the Copas rate."""

    age_gender: float
    status: float
    copas: float
    offence: float

    @property
    def total(self) -> float:
        # The service's order: floating-point sums depend on it.
        return self.age_gender + self.status + self.copas + self.offence


def copas_rate(total_sanctions: int, age_at_current_conviction: int, age_at_first_sanction: int) -> float:
    """How quickly sanctions came: ln(total / (10 + years since the first)), unrounded (section 3).

    Raises `CannotCalculate` for ages that leave nothing to divide by, or a total below one.
    """
    years = 10 + age_at_current_conviction - age_at_first_sanction
    if years <= 0:
        raise CannotCalculate("Invalid age values leading to non-positive denominator")
    if total_sanctions < 1:
        raise CannotCalculate(f"Invalid total number of sanctions: {total_sanctions}")
    return math.log(total_sanctions / years)


def age_gender_weight(age: int, gender: Gender, coefficients: Coefficients = SERVICE) -> float:
    """The weight for an age in completed years at the start of follow-up.

    Raises `CannotCalculate` below the age of ten.
    """
    for band in coefficients.age_gender[gender]:
        if band.youngest <= age <= band.oldest:
            return band.weight
    raise CannotCalculate(f"Unhandled age: {age}")


def status_weight(total_sanctions: int, coefficients: Coefficients = SERVICE) -> float:
    """First sanction or repeat; section 3 explains why cautions make no third case."""
    return coefficients.first_time if total_sanctions == 1 else coefficients.repeat


def weigh(
    *,
    gender: Gender,
    age_at_current_conviction: int,
    age_at_start_of_followup: int,
    total_sanctions: int,
    age_at_first_sanction: int,
    offence_weight: float,
    coefficients: Coefficients = SERVICE,
) -> Weights:
    """The four terms for ages in whole years. The table of ages uses the follow-up age, the rate the other.

    Raises `CannotCalculate` for an age or a count that the model has no answer for.
    """
    rate = copas_rate(total_sanctions, age_at_current_conviction, age_at_first_sanction)
    return Weights(
        age_gender=age_gender_weight(age_at_start_of_followup, gender, coefficients),
        status=status_weight(total_sanctions, coefficients),
        copas=coefficients.copas * rate,
        offence=offence_weight,
    )


def probabilities(total: float, coefficients: Coefficients = SERVICE) -> tuple[float, float]:
    """One- and two-year probabilities (0 to 1), unrounded, for the sum of the four terms.

    Raises `CannotCalculate` for a sum beyond what a double can hold.
    """
    return logistic(coefficients.intercept_1yr + total), logistic(coefficients.intercept_2yr + total)


def band_for(percent: int) -> Band:
    """The band of a two-year whole percentage. Raises `CannotCalculate` below nought."""
    if percent < 0:
        raise CannotCalculate(f"Unhandled ogrs3TwoYear percent: {percent}")
    if percent >= 90:
        return Band.VERY_HIGH
    if percent >= 75:
        return Band.HIGH
    return Band.MEDIUM if percent >= 50 else Band.LOW


@dataclass(frozen=True, slots=True)
class Result:
    """A score: probabilities to 5 decimals, whole percentages 1 to 99, the band of the two-year figure."""

    prob_1yr: float
    prob_2yr: float
    pct_1yr: int
    pct_2yr: int
    band: Band
    age_at_current_conviction: int
    age_at_start_of_followup: int
    weights: Weights
    offence: Offence
    facts: KnownFacts = field(repr=False)
    coefficients: Coefficients = field(repr=False)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each fact does to the two-year figure against its reference (section 6), largest first."""
        return _effects(self)


def missing(facts: Facts) -> tuple[str, ...]:
    """The names of the facts that are not known, in the order of section 2."""
    return tuple(name for name in INPUTS if getattr(facts, name) is None)


def score(facts: Facts, *, coefficients: Coefficients = SERVICE) -> Result | Refusal:
    """Score `facts`, or say what stands in the way (section 4: four stages, the first with errors whole)."""
    known, errors = _known(facts), _unusable(facts)
    if known is None or errors:
        return Refusal(errors)
    try:
        born = known.date_of_birth
        convicted_at = completed_years(born, known.date_of_current_conviction, what="dateOfCurrentConviction")
        followed_at = completed_years(born, known.date_at_start_of_followup, what="dateAtStartOfFollowup")
        current = offence(known.current_offence_code)
        errors = _contradictions(known, convicted_at, current)
        if errors or current is None or current.category is None:
            return Refusal(errors)
        weights = weigh(
            gender=known.gender,
            age_at_current_conviction=convicted_at,
            age_at_start_of_followup=followed_at,
            total_sanctions=known.total_number_of_sanctions,
            age_at_first_sanction=known.age_at_first_sanction,
            offence_weight=coefficients.offence[current.category],
            coefficients=coefficients,
        )
        one_year, two_years = (round_5dp(each) for each in probabilities(weights.total, coefficients))
    except CannotCalculate as problem:
        return Refusal((unexpected(problem),))
    two_year_percent = limit_percent(whole_percent(two_years))
    return Result(
        prob_1yr=one_year,
        prob_2yr=two_years,
        pct_1yr=limit_percent(whole_percent(one_year)),
        pct_2yr=two_year_percent,
        band=band_for(two_year_percent),
        age_at_current_conviction=convicted_at,
        age_at_start_of_followup=followed_at,
        weights=weights,
        offence=current,
        facts=known,
        coefficients=coefficients,
    )


def _known(facts: Facts) -> KnownFacts | None:
    values = [getattr(facts, name) for name in INPUTS]
    return None if None in values else KnownFacts(*values)


def _unusable(facts: Facts) -> tuple[Error, ...]:
    """Stage 1: what can be said of the inputs one by one."""
    errors = []
    if names := missing(facts):
        errors.append(missing_input(names))
    if facts.total_number_of_sanctions is not None and facts.total_number_of_sanctions < 1:
        errors.append(too_few_sanctions())
    if facts.current_offence_code is not None and len(facts.current_offence_code) != CODE_LENGTH:
        errors.append(
            Error(
                ErrorType.OFFENCE_CODE_INCORRECT_FORMAT,
                "Offence code must be a string of 5 digits",
                ("current_offence_code",),
            )
        )
    return tuple(errors)


def _contradictions(known: KnownFacts, convicted_at: int, current: Offence | None) -> tuple[Error, ...]:
    """Stage 3: facts that do not fit together, or an offence without a weight."""
    errors = []
    if convicted_at < YOUNGEST:
        errors.append(
            Error(
                ErrorType.AGE_AT_CURRENT_CONVICTION_LESS_THAN_TEN,
                "Age at current conviction must be 10 or greater",
                ("date_of_birth", "date_of_current_conviction"),
            )
        )
    if known.age_at_first_sanction > convicted_at:
        errors.append(
            Error(
                ErrorType.AGE_AT_FIRST_SANCTION_AFTER_AGE_AT_CURRENT_CONVICTION,
                "Age at first sanction must be before age at current conviction",
                ("date_of_birth", "date_of_current_conviction", "age_at_first_sanction"),
            )
        )
    if current is not None and current.status == "need_exact_offence":
        errors.append(
            Error(
                ErrorType.NEED_DETAILS_OF_EXACT_OFFENCE,
                "For this group of offences, the OGRS 3 offence category takes different values depending on "
                "the nature of the exact offence. Therefore, it is not possible to calculate an OGRS 3 score "
                "without details of the exact offence.",
                ("current_offence_code",),
            )
        )
    elif current is None or current.category is None:
        errors.append(
            Error(
                ErrorType.OFFENCE_CODE_MAPPING_NOT_FOUND,
                "No offence code to actuarial weighting mapping found for " + known.current_offence_code,
                ("current_offence_code",),
            )
        )
    return tuple(errors)


def _effects(result: Result) -> tuple[Effect, ...]:
    known = result.facts
    coefficients, weights = result.coefficients, result.weights
    convicted_at, followed_at = result.age_at_current_conviction, result.age_at_start_of_followup
    total, first_at = known.total_number_of_sanctions, known.age_at_first_sanction
    since_first = convicted_at - first_at

    def effect(fact: str, label: str, value: str, reference: str, log_odds: float) -> Effect:
        without = logistic(coefficients.intercept_2yr + weights.total - log_odds)
        now = logistic(coefficients.intercept_2yr + weights.total)
        return Effect(fact, label, value, reference, log_odds, 100 * (now - without))

    def age_gender(age: int, gender: Gender) -> float:
        return age_gender_weight(age, gender, coefficients)

    def history(sanctions: int, first: int) -> float:
        return status_weight(sanctions, coefficients) + coefficients.copas * copas_rate(sanctions, convicted_at, first)

    effects = (
        effect(
            "gender",
            "Gender",
            known.gender.words,
            REFERENCE_GENDER.words,
            weights.age_gender - age_gender(followed_at, REFERENCE_GENDER),
        ),
        effect(
            "date_of_birth",
            "Age at start of follow-up",
            f"{followed_at}",
            REFERENCE_AGE_WORDS,
            weights.age_gender - age_gender(REFERENCE_AGE, known.gender),
        ),
        effect(
            "total_number_of_sanctions",
            "Number of sanctions",
            f"{total}, the current one included",
            "the current one only",
            history(total, first_at) - history(REFERENCE_SANCTIONS, first_at),
        ),
        effect(
            "age_at_first_sanction",
            "Age at first sanction",
            f"{first_at}, {_years(since_first)} before the current conviction",
            f"{convicted_at}, the age at the current conviction",
            history(total, first_at) - history(total, convicted_at),
        ),
        effect(
            "current_offence_code",
            "Current offence",
            f"{result.offence.category_label} ({result.offence.code})",
            "Violence",
            weights.offence - coefficients.offence[REFERENCE_CATEGORY],
        ),
    )
    return tuple(sorted(effects, key=lambda each: -abs(each.points)))


def _years(count: int) -> str:
    return "1 year" if count == 1 else f"{count} years"


def form_problems(facts: Facts, today: date) -> list[Problem]:
    """What a form asks people to put right before scoring, beyond what is missing (section 7).

    The model would refuse some of these and score others although they make no sense. A fact that is None
    gives no problem here: `missing` names those.
    """
    return [
        *birth_problems(facts.date_of_birth, today),
        *_conviction_problems(facts, today),
        *followup_problems(facts.date_of_birth, facts.date_at_start_of_followup, today),
        *_order_problems(facts),
        *sanctions_problems(facts.total_number_of_sanctions),
        *_first_sanction_problems(facts),
        *_offence_problems(facts),
    ]


def _conviction_problems(facts: Facts, today: date) -> list[Problem]:
    born, convicted = facts.date_of_birth, facts.date_of_current_conviction
    problems = []
    if convicted and convicted > today:
        message = (
            "The current conviction is in the future. Enter the day of sentence, or today's date for a "
            "pre-sentence report."
        )
        problems.append(Problem("date_of_current_conviction", message))
    if born and convicted and (convicted <= born or completed_years(born, convicted) < YOUNGEST):
        message = (
            f"The person was under {YOUNGEST} at this conviction. Check the date of birth and the date of "
            "the conviction."
        )
        problems.append(Problem("date_of_current_conviction", message))
    return problems


def _order_problems(facts: Facts) -> list[Problem]:
    convicted, followed = facts.date_of_current_conviction, facts.date_at_start_of_followup
    if not convicted or not followed or followed >= convicted:
        return []
    message = (
        "Follow-up starts before the current conviction. Enter the day the community sentence started, or "
        "the earliest possible release from custody."
    )
    return [Problem("date_at_start_of_followup", message)]


def _first_sanction_problems(facts: Facts) -> list[Problem]:
    first_at = facts.age_at_first_sanction
    if first_at is None:
        return []
    if not YOUNGEST <= first_at <= OLDEST:
        message = f"Age at first sanction must be {YOUNGEST} to {OLDEST}. Enter an age in years, not a date."
        return [Problem("age_at_first_sanction", message)]
    born, convicted = facts.date_of_birth, facts.date_of_current_conviction
    if not born or not convicted or convicted <= born:
        return []
    convicted_at = completed_years(born, convicted)
    if first_at > convicted_at:
        message = (
            f"The person was {convicted_at} at the current conviction, so the first sanction cannot have "
            f"been at {first_at}. Check the age and both dates."
        )
        return [Problem("age_at_first_sanction", message)]
    if facts.total_number_of_sanctions == 1 and first_at < convicted_at:
        message = (
            f"The only sanction counted is the current one, at {convicted_at}, but the first was at "
            f"{first_at}. Count the earlier ones too, or correct the age at first sanction."
        )
        return [Problem("total_number_of_sanctions", message)]
    return []


def _offence_problems(facts: Facts) -> list[Problem]:
    code = facts.current_offence_code
    if code is None:
        return []
    current = offence(code)
    if current is not None and current.category is not None:
        return []
    if len(code) != CODE_LENGTH:
        message = "Enter the 5 digits of the Home Office code, zeros in front included, or search by the offence."
    elif current is None:
        message = "We do not know this Home Office code. Search by the offence, for example burglary dwelling."
    elif current.status == "need_exact_offence":
        message = "Offences under this code weigh differently. Choose the exact offence."
    else:
        message = "OGRS3 gives no weight to this code. Choose the code of the offence itself."
    return [Problem("current_offence_code", message)]

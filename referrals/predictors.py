"""What OGRS3 and OVP share: words for answers and errors, ages, rounding, reading the tables.

Pure: facts in, figures and reasons out. Section numbers in the docstrings are those of `docs/scores.md`.
"""

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from importlib.resources import files
from typing import Any, NamedTuple

LARGEST_EXPONENT = 709.0
SMALLEST_EXPONENT = -745.0

# What our forms allow beyond the models (section 7). The upper limits are those of the service's later code.
MOST_SANCTIONS = 999
OLDEST = 109
FURTHEST_FOLLOWUP_YEARS = 20


class Gender(StrEnum):
    """The two values the models know."""

    MALE = "MALE"
    FEMALE = "FEMALE"

    @property
    def words(self) -> str:
        return self.value.capitalize()


class Band(StrEnum):
    """The four bands of the two-year figure."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ").capitalize()


class ErrorType(StrEnum):
    """Why a score is refused, in the service's own names."""

    MISSING_MANDATORY_INPUT = "MISSING_MANDATORY_INPUT"
    TOTAL_NUMBER_OF_SANCTIONS_LESS_THAN_ONE = "TOTAL_NUMBER_OF_SANCTIONS_LESS_THAN_ONE"
    OFFENCE_CODE_INCORRECT_FORMAT = "OFFENCE_CODE_INCORRECT_FORMAT"
    AGE_AT_CURRENT_CONVICTION_LESS_THAN_TEN = "AGE_AT_CURRENT_CONVICTION_LESS_THAN_TEN"
    AGE_AT_FIRST_SANCTION_AFTER_AGE_AT_CURRENT_CONVICTION = "AGE_AT_FIRST_SANCTION_AFTER_AGE_AT_CURRENT_CONVICTION"
    NEED_DETAILS_OF_EXACT_OFFENCE = "NEED_DETAILS_OF_EXACT_OFFENCE"
    OFFENCE_CODE_MAPPING_NOT_FOUND = "OFFENCE_CODE_MAPPING_NOT_FOUND"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"


@dataclass(frozen=True, slots=True)
class Error:
    """One reason for refusing, with the names of the facts it is about (none for an unexpected error)."""

    type: ErrorType
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """No score, not even a part of one, and every reason why, in the order of section 4."""

    errors: tuple[Error, ...]

    @property
    def types(self) -> tuple[ErrorType, ...]:
        return tuple(error.type for error in self.errors)


class Problem(NamedTuple):
    """Something a form asks about before scoring: the field, and what to do about it in words."""

    field: str
    message: str


class Effect(NamedTuple):
    """How far one fact moves the two-year figure from where its reference value would put it.

    `log_odds` is the move on the model's own scale, `points` the move in percentage points of the unrounded
    two-year probability. Each fact is changed alone, so the points of all facts do not add up to the score.
    """

    fact: str
    label: str
    value: str
    reference: str
    log_odds: float
    points: float


class CannotCalculate(ValueError):
    """A step of a model met a value that it has no answer for."""


def missing_input(names: Iterable[str]) -> Error:
    return Error(ErrorType.MISSING_MANDATORY_INPUT, "Mandatory input field(s) missing", tuple(names))


def too_few_sanctions() -> Error:
    return Error(
        ErrorType.TOTAL_NUMBER_OF_SANCTIONS_LESS_THAN_ONE,
        "Total number of sanctions must be one or greater",
        ("total_number_of_sanctions",),
    )


def unexpected(problem: CannotCalculate) -> Error:
    """The service's answer when a calculation stops half-way: one error that names no field."""
    prefix = "Unexpected error thrown during calculation, see logs for further details: "
    return Error(ErrorType.UNEXPECTED_ERROR, f"{prefix}{problem}")


def completed_years(date_of_birth: date, on: date, *, what: str = "date") -> int:
    """Age in whole calendar years (section 2). Someone born on 29 February ages on 1 March in a common year.

    Raises `CannotCalculate` naming `what` when `on` is the day of birth or earlier.
    """
    if on <= date_of_birth:
        raise CannotCalculate(f"{what} cannot be on or before date of birth.")
    before_birthday = (on.month, on.day) < (date_of_birth.month, date_of_birth.day)
    return on.year - date_of_birth.year - before_birthday


def logistic(exponent: float) -> float:
    """The probability (0 to 1) for a sum on the log-odds scale, in the service's own order of operations.

    Raises `CannotCalculate` where the service would overflow: 709 or more, -745 or less.
    """
    if exponent >= LARGEST_EXPONENT or exponent <= SMALLEST_EXPONENT:
        raise CannotCalculate("invalid inputs overflow exp operation")
    odds = math.exp(exponent)
    return odds / (1 + odds)


def round_5dp(value: float) -> float:
    """Five decimals, half up on the exact value of the double, and back to a double (section 3)."""
    return float(Decimal(value).quantize(Decimal("0.00001"), ROUND_HALF_UP))


def whole_percent(probability: float) -> int:
    """A probability as whole per cent, half up on the exact value of the double, without limits."""
    # Hundredths first, then times 100: multiplying first would cut the exact value to Decimal's 28 digits.
    return int(Decimal(probability).quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)


def limit_percent(percent: int) -> int:
    """Nobody is certain: 1 to 99 per cent."""
    return min(max(percent, 1), 99)


def table(name: str) -> list[dict[str, str]]:
    """The rows of a table that ships with the code, every cell as text (codes have leading zeros)."""
    return list(csv.DictReader(io.StringIO(_shipped(name), newline="")))


def parameters(name: str) -> dict[str, Any]:
    """A parameter file that ships with the code."""
    loaded: dict[str, Any] = json.loads(_shipped(name))
    return loaded


def _shipped(name: str) -> str:
    return (files("referrals") / "data" / name).read_text(encoding="utf-8")


def sanctions_problems(total: int | None) -> list[Problem]:
    """Whether a total of sanctions, the current one included, is one a form should accept."""
    if total is None or 1 <= total <= MOST_SANCTIONS:
        return []
    message = (
        f"Number of sanctions must be 1 to {MOST_SANCTIONS}. Count the current one, and count everything "
        "dealt with on one day as one."
    )
    return [Problem("total_number_of_sanctions", message)]


def birth_problems(born: date | None, today: date) -> list[Problem]:
    if born is None:
        return []
    if born > today:
        return [Problem("date_of_birth", "Date of birth is in the future. Check the year.")]
    if born < today and completed_years(born, today) > OLDEST:
        return [Problem("date_of_birth", f"This makes the person over {OLDEST}. Check the year of birth.")]
    return []


def followup_problems(born: date | None, followed: date | None, today: date) -> list[Problem]:
    """A start of follow-up may lie ahead, for someone in custody, but not before birth nor decades away."""
    if followed is None:
        return []
    if born and followed <= born:
        message = "Follow-up starts on or before the date of birth. Check both dates."
    elif followed.year - today.year > FURTHEST_FOLLOWUP_YEARS:
        message = f"Follow-up starts more than {FURTHEST_FOLLOWUP_YEARS} years from now. Check the year."
    else:
        return []
    return [Problem("date_at_start_of_followup", message)]

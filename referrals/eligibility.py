"""Whether a person may join: the scheme's criteria run over what is known, each clause explained.

Pure: the rules are data of the policy, the facts and the day are arguments. Logic is three-valued, as
Kleene's: what is absent is not known, and stays so unless the rest decides without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal, cast, get_args

from iom.policy.base import FlagFact, NumberFact, OffenceType, SeriousHarm
from iom.policy.joining import (
    AllOf,
    AnyOf,
    ChoiceTest,
    Clause,
    Criteria,
    Expression,
    FlagTest,
    NumberTest,
    OffenceTest,
    TextTest,
)
from iom.policy.schema import Policy
from iom.working_days import Day, add_months

Met = bool | None
Outcome = Literal["eligible", "not_eligible", "not_known", "excluded"]

OFFENCE_TYPES = frozenset(get_args(OffenceType))
FLAGS = frozenset(get_args(FlagFact))
GRADES = frozenset(get_args(SeriousHarm))
# Least and greatest value of each number; None where the source of the number sets no end.
NUMBERS: Mapping[NumberFact, tuple[int, int | None]] = {
    "ogrs2": (0, 100),
    "ovp": (0, 100),
    "mappa_level": (0, 3),
    "asset_score": (0, None),
}
EARLIEST = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Offence:
    """An offence as far as it is known: `date` and `in_community` None where they are not."""

    type: OffenceType
    date: Day | None = None
    in_community: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that was answered about offences: what it did not ask for stays not known."""

    types: tuple[str, ...]
    within_months: int | None = None

    def covers(self, test: OffenceTest) -> bool:
        """Whether a "no" to the question is a "no" to the test."""
        recent = self.within_months is None or (test.within_months or self.within_months + 1) <= self.within_months
        return recent and set(test.types) <= set(self.types)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a person; None is not known, `offences=()` is known to be none.

    Percentages are whole, after the score's own rounding. `exceptional_circumstances` is the written case; a
    blank one means that there is none. `asked` is the question that `offences` answers; None: all of them are there.
    """

    ogrs2: int | None = None
    ovp: int | None = None
    asset_score: int | None = None
    mappa_level: int | None = None
    offences: tuple[Offence, ...] | None = None
    exceptional_circumstances: str | None = None
    serious_harm: SeriousHarm | None = None
    marac: bool | None = None
    dyo: bool | None = None
    statutory: bool | None = None
    high_risk_of_harm: bool | None = None
    repeat_offender: bool | None = None
    ppo: bool | None = None
    top_ten: bool | None = None
    prolific: bool | None = None
    would_benefit: bool | None = None
    force_priority: bool | None = None
    domestic_abuse_perpetrator: bool | None = None
    on_yot_order: bool | None = None
    asked: Asked | None = None


FACTS = tuple(fact.name for fact in fields(Facts) if fact.name != "asked")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Facts that cannot be used, in words that name the key and the remedy."""

    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """One clause against the facts; `missing` names the facts that would settle one that is not known.

    `waits_for` names the clause whose cohort must be resourced before this way in opens; until then it is not met.
    """

    clause: str
    label: str
    kind: Literal["criterion", "exclusion"]
    met: Met
    source: str
    missing: tuple[str, ...] = ()
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules say; `route` is the first clause met when eligible. Rules advise, people decide."""

    outcome: Outcome
    route: str | None
    clauses: tuple[ClauseResult, ...]
    criteria: str
    as_of: Day
    missing: tuple[str, ...] = field(default=())


def assess(
    policy: Policy,
    criteria_name: str | None,
    facts: Facts,
    as_of: date,
    resourced: frozenset[str] | None = None,
) -> Finding:
    """Run the named criteria (None: those in force by default) over `facts` as they stood on `as_of`.

    `resourced` names the clauses whose cohorts the scheme says are established and resourced; None leaves out that
    condition. KeyError if the scheme has no such criteria.
    """
    return assess_criteria(policy, policy.criteria(criteria_name), facts, as_of, resourced)


def assess_criteria(
    policy: Policy, criteria: Criteria, facts: Facts, as_of: date, resourced: frozenset[str] | None = None
) -> Finding:
    """Run criteria, be they the scheme's or only tried, over `facts` as they stood on `as_of`.

    Excluded if any exclusion is true; else not eligible if no clause can be met; else not known if an
    exclusion or the criteria are not known; else eligible.
    """
    named = {clause.name: clause for clause in policy.exclusions}
    met = tuple(_opened(clause, _result(clause, "criterion", facts, as_of), resourced) for clause in criteria.clauses)
    barred = tuple(_result(named[name], "exclusion", facts, as_of) for name in criteria.exclusions)
    outcome = _outcome(any_of(result.met for result in met), any_of(result.met for result in barred))
    route = next((result.clause for result in met if result.met), None) if outcome == "eligible" else None
    clauses = (*met, *barred)
    missing = tuple(dict.fromkeys(fact for result in clauses for fact in result.missing))
    return Finding(outcome, route, clauses, criteria.name, as_of, missing if outcome == "not_known" else ())


def all_of(parts: Iterable[Met]) -> Met:
    """Kleene's and: false if any part is, else not known if any part is, else true."""
    values = tuple(parts)
    if False in values:
        return False
    return None if None in values else True


def any_of(parts: Iterable[Met]) -> Met:
    """Kleene's or: true if any part is, else not known if any part is, else false."""
    values = tuple(parts)
    if True in values:
        return True
    return None if None in values else False


def holds(expression: Expression, facts: Facts, as_of: date) -> Met:
    """Whether the expression is met, not met or not known."""
    match expression:
        case AllOf():
            return all_of(holds(part, facts, as_of) for part in expression.of)
        case AnyOf():
            return any_of(holds(part, facts, as_of) for part in expression.of)
        case NumberTest():
            return _within(cast("int | None", getattr(facts, expression.fact)), expression)
        case FlagTest():
            return cast("bool | None", getattr(facts, expression.fact))
        case TextTest():
            text = facts.exceptional_circumstances
            return None if text is None else bool(text.strip())
        case ChoiceTest():
            return None if facts.serious_harm is None else facts.serious_harm in expression.one_of
        case OffenceTest():
            if facts.offences is None:
                return None
            found = any_of(_counts(offence, expression, as_of) for offence in facts.offences)
            whole = facts.asked is None or facts.asked.covers(expression)
            return found if found or whole else None


def missing_facts(expression: Expression, facts: Facts, as_of: date) -> tuple[str, ...]:
    """The facts that leave the expression open, in its order; none where it is met or not met."""
    if holds(expression, facts, as_of) is not None:
        return ()
    if isinstance(expression, AllOf | AnyOf):
        inner = (fact for part in expression.of for fact in missing_facts(part, facts, as_of))
        return tuple(dict.fromkeys(inner))
    return ("offences",) if isinstance(expression, OffenceTest) else (expression.fact,)


def sub_cohorts(policy: Policy, facts: Facts, as_of: date) -> tuple[str, ...]:
    """The slugs of the scheme's sub-cohorts to which a person with these facts is known to belong."""
    return tuple(
        each.slug for each in policy.sub_cohorts if each.when is not None and holds(each.when, facts, as_of) is True
    )


def facts_of(expression: Expression) -> tuple[str, ...]:
    """The facts that an expression asks for, each once, in its order."""
    if isinstance(expression, AllOf | AnyOf):
        return tuple(dict.fromkeys(fact for part in expression.of for fact in facts_of(part)))
    return ("offences",) if isinstance(expression, OffenceTest) else (expression.fact,)


def facts_from(given: Mapping[str, object]) -> Facts | Unreadable:
    """The facts in a plain mapping, such as a line of JSON; keys that are no facts are left alone.

    An absent key or a null is not known. Values of the wrong kind are errors, all of them at once.
    """
    read: dict[str, Any] = {}
    errors: list[str] = []
    for name in FACTS:
        value = given.get(name)
        if value is None:
            continue
        try:
            read[name] = _read(name, value)
        except _WrongError as wrong:
            errors += wrong.errors
    return Unreadable(tuple(errors)) if errors else Facts(**read)


def day_from(value: object, name: str) -> date:
    """A date written YYYY-MM-DD. ValueError says what is wrong with the value called `name`."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(f"{name} must be a date such as 2026-12-15, not {_shown(value)}")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{name}: there is no day {value}") from None
    if day < EARLIEST:
        raise ValueError(f"{name} must not lie before {EARLIEST.isoformat()}")
    return day


class _WrongError(Exception):
    def __init__(self, *errors: str) -> None:
        self.errors = errors
        super().__init__(*errors)


def _outcome(criteria: Met, exclusions: Met) -> Outcome:
    if exclusions:
        return "excluded"
    if criteria is False:
        return "not_eligible"
    return "not_known" if exclusions is None or criteria is None else "eligible"


def _result(clause: Clause, kind: Literal["criterion", "exclusion"], facts: Facts, as_of: date) -> ClauseResult:
    return ClauseResult(
        clause.name,
        clause.label,
        kind,
        holds(clause.when, facts, as_of),
        clause.source,
        missing_facts(clause.when, facts, as_of),
    )


def _opened(clause: Clause, result: ClauseResult, resourced: frozenset[str] | None) -> ClauseResult:
    """The result of a clause, which is not met while the cohort that must come first is not resourced."""
    if resourced is None or clause.opens_after is None or clause.opens_after in resourced:
        return result
    return replace(result, met=False, missing=(), waits_for=clause.opens_after)


def _within(value: int | None, test: NumberTest) -> Met:
    if value is None:
        return None
    return (test.at_least is None or value >= test.at_least) and (test.at_most is None or value <= test.at_most)


def _counts(offence: Offence, test: OffenceTest, as_of: date) -> Met:
    """Whether one offence meets the test; only what the test asks for can leave it open."""
    if offence.type not in test.types:
        return False
    if offence.date is not None and offence.date > as_of:
        return False
    recent: Met = True
    if test.within_months is not None:
        recent = None if offence.date is None else offence.date >= add_months(as_of, -test.within_months)
    outside: Met = offence.in_community if test.in_community else True
    return all_of((recent, outside))


def _read(name: str, value: object) -> object:
    if name in NUMBERS:
        return _number(cast("NumberFact", name), value)
    if name in FLAGS:
        return _flag(name, value)
    if name == "offences":
        return _offences(value)
    if not isinstance(value, str):
        raise _WrongError(f"{name} must be text, not {_shown(value)}")
    if name == "serious_harm" and value not in GRADES:
        raise _WrongError(f"{name} must be one of low, medium, high, very_high, not {_shown(value)}")
    return value


def _number(name: NumberFact, value: object) -> int:
    """A whole number; true and false are numbers to Python, but not to us."""
    low, high = NUMBERS[name]
    bounds = f"{low} to {high}" if high is not None else f"{low} or more"
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise _WrongError(f"{name} must be a whole number, {bounds}, not {_shown(value)}")
    number = int(cast("int | float", value))
    if number < low or (high is not None and number > high):
        raise _WrongError(f"{name} must be {bounds}, not {_shown(value)}")
    return number


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"{name} must be true or false, not {_shown(value)}")
    return value


def _offences(value: object) -> tuple[Offence, ...]:
    if not isinstance(value, list | tuple):
        raise _WrongError(f"offences must be a list, not {_shown(value)}")
    errors: list[str] = []
    offences: list[Offence] = []
    for number, entry in enumerate(value, start=1):
        try:
            offences.append(_offence(f"offences[{number}]", entry))
        except _WrongError as wrong:
            errors += wrong.errors
    if errors:
        raise _WrongError(*errors)
    return tuple(offences)


def _offence(name: str, entry: object) -> Offence:
    if not isinstance(entry, Mapping):
        raise _WrongError(f"{name} must be an object with type, date and in_community, not {_shown(entry)}")
    errors: list[str] = []
    kind, committed, outside = entry.get("type"), entry.get("date"), entry.get("in_community")
    if not isinstance(kind, str) or kind not in OFFENCE_TYPES:
        errors.append(f"{name}.type must be one of {', '.join(get_args(OffenceType))}, not {_shown(kind)}")
    day: date | None = None
    try:
        day = None if committed is None else day_from(committed, f"{name}.date")
    except ValueError as wrong:
        errors.append(str(wrong))
    if outside is not None and not isinstance(outside, bool):
        errors.append(f"{name}.in_community must be true or false, not {_shown(outside)}")
    if errors:
        raise _WrongError(*errors)
    return Offence(cast("OffenceType", kind), day, cast("bool | None", outside))


def _shown(value: object) -> str:
    """The value in an error, short enough to read."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."

"""Criteria that are only tried: the scheme's own with other thresholds (Waltham Forest, 7.5).

Pure: criteria in, criteria out. Each threshold that may be moved has a name, `clause.place.bound`; places count the
tests of a clause in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iom.policy.joining import AllOf, AnyOf, Criteria, Expression, NumberTest, OffenceTest
from referrals.eligibility import facts_of

FACT_WORDS = {"ogrs2": "OGRS within 2 years", "ovp": "OVP", "asset_score": "Asset score"}
OVP = "ovp"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure of a clause that may be moved: whole per cent, points, or calendar months, both bounds included."""

    name: str
    clause: str
    label: str
    value: int
    low: int
    high: int


def thresholds(criteria: Criteria) -> tuple[Threshold, ...]:
    """The figures of the criteria, clause by clause."""
    found: list[Threshold] = []
    for clause in criteria.clauses:
        for place, test in enumerate(_tests(clause.when)):
            found += _of_test(test, f"{clause.name}.{place}", clause.label)
    return tuple(found)


def _of_test(test: Expression, name: str, clause: str) -> Iterator[Threshold]:
    if isinstance(test, NumberTest) and test.fact in FACT_WORDS:
        words, most = FACT_WORDS[test.fact], 1000 if test.fact == "asset_score" else 100
        if test.at_least is not None:
            yield Threshold(f"{name}.at_least", clause, f"{words}: at least", test.at_least, 0, most)
        if test.at_most is not None:
            yield Threshold(f"{name}.at_most", clause, f"{words}: at most", test.at_most, 0, most)
    elif isinstance(test, OffenceTest) and test.within_months is not None:
        yield Threshold(f"{name}.within_months", clause, "Offence in the last months", test.within_months, 1, 120)


def tried(criteria: Criteria, figures: Mapping[str, int], also_ovp: int | None = None) -> Criteria:
    """The criteria with other figures by the names of `thresholds`; `also_ovp` asks for that OVP in every clause."""
    clauses = []
    for clause in criteria.clauses:
        when = _moved(clause.when, clause.name, figures, iter(range(1000)))
        if also_ovp is not None:
            ovp = NumberTest(test="number", fact="ovp", at_least=also_ovp)
            when = AllOf(test="all", of=(when, ovp))
        clauses.append(clause.model_copy(update={"when": when}))
    return criteria.model_copy(update={"clauses": tuple(clauses)})


def asks_for_ovp(criteria: Criteria) -> bool:
    """Whether a clause asks for OVP by itself."""
    return any(OVP in facts_of(clause.when) for clause in criteria.clauses)


def _tests(expression: Expression) -> Iterator[Expression]:
    """The single tests of an expression, in their order."""
    if isinstance(expression, AllOf | AnyOf):
        for part in expression.of:
            yield from _tests(part)
    else:
        yield expression


def _moved(expression: Expression, clause: str, figures: Mapping[str, int], places: Iterator[int]) -> Expression:
    if isinstance(expression, AllOf | AnyOf):
        parts = tuple(_moved(part, clause, figures, places) for part in expression.of)
        return expression.model_copy(update={"of": parts})
    name = f"{clause}.{next(places)}"
    bounds = ("at_least", "at_most", "within_months")
    update = {bound: figures[f"{name}.{bound}"] for bound in bounds if f"{name}.{bound}" in figures}
    return expression.model_copy(update=update) if update else expression

"""What may be told to another scheme about somebody, fact by fact: whoever tells ticks each of them.

Each app registers what it knows; only what the teller may read is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from iom.jinja import colour_word, day
from offenders import alike
from offenders.models import AssignmentRole

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.models import Case, Offender

# Without these nobody there knows who is meant.
WHO = ("given_names", "family_name", "date_of_birth")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that can be told: `words` as people read it, `value` as the other scheme's forms take it."""

    key: str
    label: str
    words: str
    value: Any = ""

    def kept(self) -> dict[str, Any]:
        """As it is kept with what was shared."""
        return asdict(self)


Facts = Callable[["Actor", "Offender", "Case | None"], Iterable[Fact]]
_facts: list[Facts] = []


def can_be_shared(function: Facts) -> Facts:
    """Register what an app knows of a person: `fn(actor, offender, case)`, only what the actor may read."""
    _facts.append(function)
    return function


def facts_of(actor: Actor, offender: Offender, case: Case | None) -> list[Fact]:
    """Everything that the actor may tell, in the order of the apps."""
    return [fact for function in _facts for fact in function(actor, offender, case) if fact.words]


def chosen(facts: Iterable[Fact], keys: Collection[str]) -> list[dict[str, Any]]:
    """Those that were ticked, as they are kept."""
    return [fact.kept() for fact in facts if fact.key in keys]


@can_be_shared
def who_it_is(actor: Actor, offender: Offender, case: Case | None) -> Iterator[Fact]:
    """Names, date of birth, numbers and address."""
    for key, label in (("given_names", "First names"), ("family_name", "Last name")):
        yield Fact(key, label, getattr(offender, key), getattr(offender, key))
    born = offender.date_of_birth
    if born:
        yield Fact("date_of_birth", "Date of birth", day(born), born.isoformat())
    yield Fact("gender", "Gender", offender.get_gender_display(), offender.gender)
    aliases = [alias.name for alias in offender.aliases.order_by("pk")]
    yield Fact("aliases", "Also known as", ", ".join(aliases), aliases)
    for kind, words in alike.NUMBERS.items():
        yield Fact(kind, words[0].upper() + words[1:], getattr(offender, kind), getattr(offender, kind))
    yield Fact("address", "Address", offender.address, offender.address)
    yield Fact("area", "Ward or neighbourhood", offender.area, offender.area)


@can_be_shared
def how_they_are_managed(actor: Actor, offender: Offender, case: Case | None) -> Iterator[Fact]:
    """Why somebody is on the cohort here, how they are rated, who leads, and whether they are in custody."""
    if case is None:
        return
    yield Fact("why", "Why on the cohort", f"{case.why} Since {day(case.accepted_on)}.", case.why)
    if case.score is not None:
        on = f", worked out on {day(case.score_on)}" if case.score_on else ""
        yield Fact("score", "Reoffending score", f"{case.score}% within 2 years{on}", case.score)
    if rating := case.rating:
        yield Fact("rating", "Rating", f"{colour_word(rating.colour)} since {day(rating.starts_on)}", rating.colour)
    for role in (AssignmentRole.LEAD_AGENCY, AssignmentRole.LEAD_PROFESSIONAL):
        if held := case.assigned(role):
            where = "" if held.holder == held.agency.name else f", {held.agency.name}"
            yield Fact(role.value, role.label, f"{held.holder}{where}")
    if inside := case.inside:
        out = f", release expected {day(inside.release_expected_on)}" if inside.release_expected_on else ""
        yield Fact("custody", "In custody", f"{inside.prison} since {day(inside.starts_on)}{out}", inside.prison)

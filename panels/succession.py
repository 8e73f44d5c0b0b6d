"""Who takes the chair when the chair is away, by the body's rule (Richmond, 1.8 and 4.6). Pure.

The rule's steps are tried in order; the first that finds somebody at the table proposes. Where none does, those
present choose. What is proposed is advice: the meeting may choose otherwise and says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iom.policy.bodies import Successor

# Words of posts, the most senior first. A post without any of them comes last, in the order of the seats.
RANKS = (
    ("chief superintendent", "director", "chief officer", "chief executive"),
    ("superintendent", "assistant director", "head of"),
    ("chief inspector", "service manager"),
    ("inspector", "manager"),
    ("sergeant", "team leader", "senior", "lead"),
)


@dataclass(frozen=True, slots=True)
class AtTheTable:
    """Somebody who is here on a seat and has an account; `key` is theirs alone."""

    key: int
    post: str
    agency_kind: str
    vice_chair: bool = False
    substitute_of_chair: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who should chair by which step of the rule: the first of `keys`, else the next."""

    keys: tuple[int, ...]
    words: str
    source: str


def rank(post: str) -> int:
    """How senior a post sounds: 0 is the most. "Detective Chief Inspector" comes before "Inspector"."""
    said = post.casefold()
    found = [place for place, words in enumerate(RANKS) if any(word in said for word in words)]
    return min(found, default=len(RANKS))


def propose(steps: Iterable[Successor], present: Iterable[AtTheTable]) -> Proposal:
    """The first step that finds somebody. Nobody found: those present choose, in the order of the seats."""
    people = list(present)
    for step in steps:
        found = [person.key for person in _found(step, people)]
        if found:
            return Proposal(tuple(found), step.words, step.source)
    return Proposal(tuple(person.key for person in people), "Those present choose who chairs.", "default")


def _found(step: Successor, people: list[AtTheTable]) -> list[AtTheTable]:
    if step.kind == "vice_chair":
        return [person for person in people if person.vice_chair]
    if step.kind == "substitute_of_chair":
        return [person for person in people if person.substitute_of_chair]
    if step.kind == "senior_of_kinds":
        return sorted(
            (person for person in people if person.agency_kind in step.agency_kinds), key=lambda each: rank(each.post)
        )
    return people

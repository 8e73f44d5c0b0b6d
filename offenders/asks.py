"""What puts a case before a panel by itself: each app says which of some cases a meeting should look at, and why.

Whoever has such a rule registers a function with `asks_panel`, in a module that Django loads at the start (`rules`,
`blocks`, `reminders`, `handlers`). `panels.suggesting` asks them all when an agenda is made. What they say is only
suggested: the coordinator adds it, or does not. Every member of the panel may read the words, so that nothing of
marked or restricted material stands in them. A function asks the database once, whatever the number of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from iom.policy import Policy
from iom.policy.base import DEFAULT_SOURCE
from iom.policy.bodies import BodyPolicy

# The parts of an agenda in which a case of the cohort can stand, weightiest first.
SECTIONS = ("releases", "exits", "reviews")


@dataclass(frozen=True, slots=True)
class Window:
    """The meeting in question: its rules, its day, the meetings of the body before and after it, and today.

    `before` and `next_one` are days on which the body meets or, where none is planned, would meet.
    """

    policy: Policy
    body: BodyPolicy
    meeting: date
    before: date
    next_one: date
    today: date


@dataclass(frozen=True, slots=True)
class Ask:
    """One case that a meeting should look at: in which part of the agenda, why, and the paragraph that says so.

    `first` puts the case before the others of its part; one that only stands `beside` other reasons brings no case by
    itself. Raises ValueError for a part that holds no cases.
    """

    case: int
    section: str
    words: str
    source: str = DEFAULT_SOURCE
    first: bool = False
    beside: bool = False

    def __post_init__(self) -> None:
        if self.section not in SECTIONS:
            raise ValueError(f"no part of an agenda for cases: {self.section!r}; choose from: {', '.join(SECTIONS)}")


# The cases are `offenders.models.Case` with their present rating read; the rules that use this module know no models.
# What somebody asks rests on rows: between its asks a source yields the querysets that it needs (`iom.together`).
Asking = Callable[[Sequence[Any], Window], Iterable[Any]]
_asking: list[Asking] = []


def asks_panel(find: Asking) -> Asking:
    """Register what puts cases before a meeting."""
    _asking.append(find)
    return find


def sources() -> tuple[Asking, ...]:
    """Whoever puts cases before a meeting, in the order in which they were registered (`offenders.asking`)."""
    return tuple(_asking)

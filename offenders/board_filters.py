"""What the cohort board can be narrowed by. Each app registers its own filters, in its `blocks.py`.

    board_filter("need", "Pathway need", choices=pathways_of, narrow=with_need)

`choices(actor)` gives pairs of value and words; a filter without any stands on no page, so a scheme that has no such
thing shows none. `narrow(cases, value, actor)` gives the cases that fit one of those values, by conditions on
the query. The filter stands in the address under its name, survives sorting, paging and
printing, and shows as a chip that takes it off; nothing else has to be done for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.querysets import CaseQuerySet

Choices = Callable[["Actor"], Sequence[tuple[str, str]]]
Narrow = Callable[["CaseQuerySet", str, "Actor"], "CaseQuerySet"]


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """A filter under its name in the address; `anyone` are the words for not narrowing by it."""

    name: str
    label: str
    choices: Choices
    narrow: Narrow
    anyone: str = "Any"
    # Where it stands among the others.
    place: int = 50


_filters: dict[str, BoardFilter] = {}
# What the address of the board says besides.
TAKEN = frozenset({"rating", "by", "q", "s", "sort", "group", "page", "all"})


def board_filter(
    name: str, label: str, *, choices: Choices, narrow: Narrow, anyone: str = "Any", place: int = 50
) -> None:
    """Register a filter of the cohort board. Raises ValueError for a name that is taken."""
    if name in TAKEN or name in _filters:
        raise ValueError(f"the board has a parameter {name!r} already")
    _filters[name] = BoardFilter(name, label, choices, narrow, anyone, place)


def board_filters() -> list[BoardFilter]:
    """Every filter, in the order in which they stand."""
    return sorted(_filters.values(), key=lambda each: (each.place, each.name))

"""What the cohort board can be narrowed by. Each app registers its own filters, in its `blocks.py`.

    board_filter("need", "Pathway need", choices=pathways_of, narrow=with_need)

`choices(actor)` gives pairs of value and words; a filter without any stands on no page, so a scheme that has no such
thing shows none. Choices that have to be read are a generator (`iom.together`), and `plausible` says which form their
values have, so that the list need not wait for them. `narrow(cases, value, actor)` gives the cases that fit one of
those values, by conditions on the query. What no condition can say has `keep(cases, value, actor)` instead: the ids of
those that fit, of cases that were read; a generator asks for what it needs, together with the columns of the board. The
filter stands in the address under its name, survives sorting, paging and printing, and shows as a chip that takes it
off; nothing else has to be done for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.together import Steps
    from offenders.models import Case
    from offenders.querysets import CaseQuerySet

Pairs = Sequence[tuple[str, str]]
Choices = Callable[["Actor"], "Pairs | Steps[Pairs]"]
Narrow = Callable[["CaseQuerySet", str, "Actor"], "CaseQuerySet"]
Keep = Callable[["Sequence[Case]", str, "Actor"], "Iterable[int] | Steps[Iterable[int]]"]


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """A filter under its name in the address; `anyone` are the words for not narrowing by it."""

    name: str
    label: str
    choices: Choices
    narrow: Narrow | None = None
    anyone: str = "Any"
    # Where it stands among the others.
    place: int = 50
    keep: Keep | None = None
    plausible: Callable[[str], bool] = bool


_filters: dict[str, BoardFilter] = {}
# What the address of the board says besides.
TAKEN = frozenset({"rating", "by", "q", "s", "sort", "group", "page", "all"})


def board_filter(
    name: str,
    label: str,
    *,
    choices: Choices,
    narrow: Narrow | None = None,
    keep: Keep | None = None,
    anyone: str = "Any",
    place: int = 50,
    plausible: Callable[[str], bool] = bool,
) -> None:
    """Register a filter of the board, which either narrows or keeps. Raises ValueError for a name that is taken."""
    if name in TAKEN or name in _filters:
        raise ValueError(f"the board has a parameter {name!r} already")
    if (narrow is None) == (keep is None):
        raise ValueError(f"the filter {name!r} narrows the query or keeps cases")
    _filters[name] = BoardFilter(name, label, choices, narrow, anyone, place, keep, plausible)
    board_filters.cache_clear()


@cache
def board_filters() -> tuple[BoardFilter, ...]:
    """Every filter, in the order in which they stand."""
    return tuple(sorted(_filters.values(), key=lambda each: (each.place, each.name)))

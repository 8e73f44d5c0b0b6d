"""How a plan weighs between support, enforcement and protection of others, beside its rating. Pure.

The rating's menu of tactical options says which of the three the scheme expects (Merton, step 6): a plan with nothing
of one of them is told so. It is told, not judged: the panel decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("support", "enforcement", "protection")
NOT_SAID = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """Open actions of one kind. `from_left` and `width` are hundredths of the bar."""

    kind: str
    name: str
    count: int
    from_left: int
    width: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The open actions of a plan by kind, and the kinds of which the rating expects some and the plan has none."""

    weights: tuple[Weight, ...]
    total: int
    missing: tuple[str, ...]
    words: str

    @property
    def not_said(self) -> int:
        """How many open actions nobody has given a kind."""
        return next(weight.count for weight in self.weights if weight.kind == NOT_SAID)


def weigh(kinds: Iterable[str], *, expected: Iterable[str], rating: str) -> Balance:
    """Weigh the kinds of a plan's open actions; blank is an action of which nobody said it.

    `expected` are the groups of the rating's tactical options, `rating` its name in words, blank without one.
    """
    counted = Counter(kinds)
    total = sum(counted.values())
    weights, left = [], 0
    for kind in (*KINDS, NOT_SAID):
        count = counted[kind]
        width = round(100 * count / total) if total else 0
        weights.append(Weight(kind, kind.capitalize() or "Not said", count, left, min(width, 100 - left)))
        left += min(width, 100 - left)
    wanted = set(expected)
    missing = tuple(kind for kind in KINDS if kind in wanted and not counted[kind])
    return Balance(tuple(weights), total, missing, _words(counted, missing, rating))


def _words(counted: Counter[str], missing: tuple[str, ...], rating: str) -> str:
    said = [f"{counted[kind]} for {kind}" for kind in KINDS if counted[kind]]
    if counted[NOT_SAID]:
        said.append(f"{counted[NOT_SAID]} not said")
    have = f"Open actions: {', '.join(said)}." if said else "No open actions."
    if not missing or not rating:
        return have
    return f"{have} {rating}: nothing for {_or(missing)}."


def _or(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

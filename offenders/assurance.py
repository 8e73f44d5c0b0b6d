"""How the safeguarding checks of a case stand: assured, stale or not done, and in which words. Pure.

Each agency's own newest check replaces its older ones and nobody else's: a concern does not go away because another
agency does not know the person. Of what the agencies say now, the gravest holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

State = Literal["assured", "stale", "not_done"]

# From the gravest: what holds when agencies say different things.
GRAVITY = ("level_3", "level_2", "level_1", "managed", "referred", "no_concern", "not_known", "cannot_say")
CONCERNS = frozenset({"level_3", "level_2", "level_1", "managed", "referred"})
# An answer that assures nobody: the check is still to be made.
NO_ANSWER = "cannot_say"


@dataclass(frozen=True, slots=True)
class Said:
    """One check: whose, by whom, when, what class of outcome, and the day from which it is stale. `key` orders ties."""

    kind: str
    outcome: str
    agency: str
    by: str
    on: date
    expires_on: date
    key: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How one kind of check stands on a day; `said` is the check that holds, or the last that gave no answer."""

    kind: str
    state: State
    said: Said | None = None

    @property
    def concern(self) -> bool:
        """Whether what holds is that something is known."""
        return self.said is not None and self.said.outcome in CONCERNS


def standing(kind: str, checks: Iterable[Said], today: date) -> Standing:
    """How checks of one kind stand. A check holds until the day on which it is stale, not including it."""
    newest: dict[str, Said] = {}
    unanswered: Said | None = None
    for said in sorted(checks, key=lambda each: (each.on, each.key)):
        if said.outcome == NO_ANSWER:
            unanswered = said
        else:
            newest[said.agency] = said
    if not newest:
        return Standing(kind, "not_done", unanswered)
    # Among the same words the newest, so that somebody who checks again renews what is assured.
    gravest = max(newest.values(), key=lambda each: (-GRAVITY.index(each.outcome), each.on, each.key))
    if gravest.outcome not in CONCERNS:
        gravest = max(newest.values(), key=lambda each: (each.on, each.key))
    return Standing(kind, "assured" if gravest.expires_on > today else "stale", gravest)


def mappa_level(outcome: str) -> int:
    """The level under which somebody is managed; 0 where none is said."""
    return int(outcome.removeprefix("level_")) if outcome.startswith("level_") else 0

"""What other apps say beside an action: they register here, since this app does not know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iom.access import Actor

    from .models import Action


@dataclass(frozen=True, slots=True)
class Note:
    """A line beside an action: words, and where they lead (nowhere when empty). `more` is told on its own page only."""

    text: str
    url: str = ""
    more: str = ""


Says = Callable[["Actor", Iterable["Action"]], Mapping[int, list[Note]]]
_says: list[Says] = []


def beside_actions(function: Says) -> Says:
    """Register what is said beside actions that the reader sees, for a whole list at once: action number to notes."""
    _says.append(function)
    return function


def notes_for(actor: Actor, actions: Iterable[Action]) -> dict[int, list[Note]]:
    """Every note, by action number."""
    listed, found = list(actions), {}
    for says in _says:
        for pk, notes in says(actor, listed).items():
            found.setdefault(pk, []).extend(notes)
    return found

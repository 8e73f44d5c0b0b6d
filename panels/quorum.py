"""Quorum: how many organisations are at the table (Richmond, ASB panel: at least 4 agencies, not 4 people).

Pure: who came is given, nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """One person of the attendance: for which organisation, whether on a seat of the body, whether here.

    `here` is true in the room, by remote link, and for a substitute who came. A guest or observer holds no seat.
    """

    agency: str
    seat: bool
    here: bool


@dataclass(frozen=True, slots=True)
class Quorum:
    """The organisations that count, and whether they are enough. `needed` is None where the scheme sets no quorum."""

    here: int
    needed: int | None
    met: bool
    agencies: tuple[str, ...]


def quorum(people: Iterable[Seen], needed: int | None) -> Quorum:
    """Count the organisations with a seat holder or substitute here; two people of one organisation are one.

    Guests and observers do not count. Without a rule every meeting is quorate.
    """
    agencies = tuple(sorted({person.agency for person in people if person.seat and person.here and person.agency}))
    return Quorum(len(agencies), needed, needed is None or len(agencies) >= needed, agencies)

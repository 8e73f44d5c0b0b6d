"""What follows when a case was rated: apps further right register it, and it happens in the same transaction.

An agenda is asked to ratify what was given between two panels; police set or change a marker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.models import Case, RagRating


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating that has just come to hold.

    `was` is the colour that held until this change, `day_began_as` the one that held when the day of the rating began;
    both blank for a first rating. `on` is the day from which it was decided to hold. Decided again on one day, `was`
    is what the earlier decision of the day had said.
    """

    case: Case
    rating: RagRating
    was: str
    day_began_as: str
    on: date
    tell_now: bool = False


Follow = Callable[[Rated, "Actor"], None]
_followers: list[Follow] = []


def when_rated(follow: Follow) -> Follow:
    """Register what follows when a case was rated."""
    _followers.append(follow)
    return follow


def rated(change: Rated, by: Actor) -> None:
    """Let everything follow."""
    for follow in _followers:
        follow(change, by)

"""The meetings that are to come or go on, as every part of a page that says something of them takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from iom import together
from iom.meetings import going_on, upcoming
from iom.models import Meeting

if TYPE_CHECKING:
    from iom.access import Actor


def coming(actor: Actor, today: date) -> together.Steps[list[Meeting]]:
    """The scheme's meetings that are still to be held, soonest first; none for whoever may not know of them."""
    return upcoming((yield from known(actor)), today)


def known(actor: Actor) -> together.Steps[list[Meeting]]:
    """What `going_on` finds, for those who may know of meetings."""
    if not actor.holds("iom.view_meetings"):
        return []
    return (yield together.shared(going_on, actor.scheme))


def next_of(actor: Actor, meetings: Sequence[Meeting]) -> Meeting | None:
    """The next meeting that concerns the actor: of a body they sit on, else of the scheme's first body."""
    rows = meetings[:12]
    mine = [meeting for meeting in rows if meeting.body.slug in actor.seats]
    first = [meeting for meeting in rows if meeting.body.position == 0]
    return next(iter([*mine, *first, *rows]), None)

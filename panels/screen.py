"""The room screen: what everybody in the room may see of the item that the meeting is on (ux.md 4.7, security.md Z6).

It is the same for whoever looks. Nothing that is marked for some readers is read here, no reason and no note; of an
item about a restricted case it says only that there is one. The item is the recorder's: following moves nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import F, Value, When

from iom import clock, together
from iom.jinja import day
from iom.models import Meeting, MeetingStatus

from . import live, presence, recording
from .models import AgendaItem, Decision, Floor, ItemAction, ItemState
from .record import current, open_to_all, said_to_all
from .words import OUTCOME_WORDS

if TYPE_CHECKING:
    from iom.access import Actor

RESTRICTED = "Restricted item"
Subject = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the screen. Without a live meeting only `words` does."""

    words: str
    number: str = ""
    place: int = 0
    count: int = 0
    heading: str = ""
    decision: str = ""
    colour: str = ""
    to_ratify: bool = False
    actions: tuple[tuple[str, str, str], ...] = ()
    timer: str = ""
    over: bool = False
    here: int = 0
    needed: int | None = None
    quorate: bool = True
    turns: str = ""

    @property
    def tag(self) -> str:
        """A word that changes with anything on the screen."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@transaction.atomic
def bring(meeting: Meeting, item: AgendaItem, *, by: Actor) -> None:
    """Put the item that the recorder looks at on the screen. Nobody's record: not audited.

    Raises PermissionDenied, or NotRecording when somebody else records now.
    """
    if not by.can("panels.record", meeting) or item.meeting_id != meeting.pk:
        raise PermissionDenied
    recording.must_record(meeting, by)
    if meeting.status != MeetingStatus.LIVE or Floor.objects.filter(meeting=meeting, item=item).exists():
        return
    Floor.objects.update_or_create(
        meeting=meeting, defaults={"scheme": meeting.scheme, "item": item, "since": clock.now()}
    )


def item_on(meeting: Meeting) -> AgendaItem | None:
    """The item that the meeting is on: the recorder's last, else the first that is not decided, else the last one."""
    return together.run(item_on_steps(meeting))


def item_on_steps(meeting: Meeting) -> together.Steps[AgendaItem | None]:
    floor, of_agenda = yield [_floor(meeting.pk), _by_state(meeting.pk)]
    return floor.item if floor is not None else of_agenda


@together.worded
def _floor(meeting: int) -> together.First:
    return together.first(Floor.objects.filter(meeting=meeting).select_related("item"))


@together.worded
def _by_state(meeting: int) -> together.First:
    every = AgendaItem.objects.filter(meeting=meeting).numbered()
    decided = Choose(When(state=ItemState.OPEN, then=Value(0)), default=Value(1))
    last = Choose(When(state=ItemState.OPEN, then=F("position")), default=-F("position"))
    return together.first(every.order_by(decided, last, "pk"))


def shown(meeting: Meeting) -> tuple[Shown, Subject | None]:
    """What the screen shows now; and, when it shows a person, the item's number and how the audit names them."""
    if meeting.status != MeetingStatus.LIVE:
        begun = meeting.status in (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
        return Shown("The meeting is over" if begun else "The meeting has not started"), None
    return together.run(_shown_steps(meeting))


def _shown_steps(meeting: Meeting) -> together.Steps[tuple[Shown, Subject | None]]:
    """Asked for every three seconds by everybody in the room: what stands around the item, then what is said of it."""
    found = yield from together.all_of(
        {
            "item": item_on_steps(meeting),
            "room": presence.room_steps(meeting),
            "began": live.began_steps(meeting),
            "items": _items_steps(meeting),
        }
    )
    item, room, (every, readable) = found["item"], found["room"], found["items"]
    if item is None:
        return Shown("This meeting has no items"), None
    quorum, open_to_readers = room.quorum_at(item), set(readable)
    timer = live.timer(found["began"], item) if item.state == ItemState.OPEN else None
    about = {
        "number": item.number,
        "place": every.index(item) + 1 if item in every else 0,
        "count": len(every),
        "timer": timer.words if timer else "",
        "over": timer is not None and timer.minutes > timer.planned,
        "here": quorum.here,
        "needed": quorum.needed,
        "quorate": quorum.met,
        "turns": presence.turns_in_words(presence.turns(room, [each for each in every if each.pk in open_to_readers])),
    }
    known, decisions, said_of_actions = yield lambda: [
        together.first(open_to_all(meeting).filter(pk=item.pk).select_related("referral__offender", "case__offender")),
        Decision.objects.filter(undone=None, item=item.pk).order_by("pk"),
        said_to_all().filter(item=item.pk).select_related("action__agency"),
    ]
    if known is None:
        return Shown("", heading=RESTRICTED, **about), None
    known.meeting = meeting
    decision = current(decisions)
    thing = known.referral or known.case
    what = Shown(
        "",
        heading=live.heading(known),
        decision=OUTCOME_WORDS[decision.outcome] if decision else "",
        colour=decision.colour if decision else "",
        to_ratify=bool(decision and decision.to_ratify),
        actions=tuple(
            (said.action.agency.name, said.action.text, day(said.action.due_on))
            for said in said_of_actions
            if said.kind == ItemAction.Kind.AGREED
        ),
        **about,
    )
    return what, (known.pk, thing.offender.audit_subject) if thing else None


def _items_steps(meeting: Meeting) -> together.Steps[list]:
    """Every item in its order, and the numbers of those that every reader of the minutes may read."""
    every = AgendaItem.objects.filter(meeting=meeting).numbered()
    return (yield [every.only("position", "number", "state"), open_to_all(meeting).values_list("pk", flat=True)])

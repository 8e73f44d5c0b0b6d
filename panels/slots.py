"""Attend only your slot: when each agency comes to a meeting whose cases are grouped (feature 311).

Read from the agenda, the seats and the replies so far; nothing of it is stored, so that it is right when an item moves
or somebody answers. It tells times alone: never which items, or whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from iom import clock
from iom.models import Agency, Meeting, Seat

from . import concerned, slotting
from .models import Circulation

COMING = (Circulation.Answer.YES, Circulation.Answer.SUBSTITUTE)


@dataclass(frozen=True, slots=True)
class AgencySlot:
    """From when until when an agency is asked to be there, London time."""

    agency: Agency
    starts: time
    ends: time
    for_quorum: bool = False


@dataclass(frozen=True, slots=True)
class Slots:
    """What a meeting asks of each agency. Not `grouped`: everybody comes for the whole of it."""

    grouped: bool
    slots: tuple[AgencySlot, ...] = ()
    weak: tuple[slotting.Weak, ...] = ()
    spared: tuple[Agency, ...] = ()

    def of(self, agency: Agency | None) -> AgencySlot | None:
        """The slot of one agency; None where the meeting is not grouped, or none of its items concerns the agency."""
        return next((slot for slot in self.slots if agency is not None and slot.agency.pk == agency.pk), None)

    def spares(self, agency: Agency | None) -> bool:
        """Whether the agency has a seat but no part in this meeting."""
        return agency is not None and any(each.pk == agency.pk for each in self.spared)


def slots(meeting: Meeting) -> Slots:
    """The slots of a meeting: for each agency with a seat, and for each other that an item concerns.

    The number of queries is the same whatever is on the agenda; a meeting that is not grouped asks for none.
    """
    if not meeting.grouping:
        return Slots(grouped=False)
    items = list(meeting.items.numbered().select_related("referral", "case"))
    about = concerned.concerns(meeting, items)
    agencies = {agency.pk: agency for agency in Agency.objects.filter(scheme=meeting.scheme)}
    by_name = {agency.name: agency for agency in agencies.values()}
    parts = [
        slotting.Part(
            item.number or str(place),
            item.minutes,
            frozenset(agencies[pk].name for pk in about[id(item)].agencies),
        )
        for place, item in enumerate(items, start=1)
    ]
    members = [slotting.Member(agencies[pk].name, comes) for pk, comes in _replies(meeting).items()]
    chair = {agencies[meeting.chair.agency_id].name} if meeting.chair is not None else set()
    made = slotting.plan(parts, members, meeting.body.policy.quorum.organisations, chair)

    def at(minutes: int) -> time:
        return clock.after(meeting.date, meeting.starts_at, minutes).time()

    return Slots(
        grouped=True,
        slots=tuple(
            AgencySlot(by_name[slot.agency], at(slot.begins), at(slot.ends), slot.for_quorum) for slot in made.slots
        ),
        weak=made.weak,
        spared=tuple(by_name[agency] for agency in made.spared),
    )


def _replies(meeting: Meeting) -> dict[int, bool | None]:
    """Each agency with a seat, and what its people answered: one who comes is enough; all of them must say no."""
    answers: dict[int, set[str]] = {}
    copies = Circulation.objects.filter(meeting=meeting).values_list("membership__agency", "membership", "answer")
    holders = dict(Seat.objects.filter(body=meeting.body).order_by("position").values_list("pk", "holder"))
    for agency, membership, answer in copies:
        if membership in holders.values():
            answers.setdefault(agency, set()).add(answer)
    found: dict[int, bool | None] = {}
    seats = Seat.objects.filter(body=meeting.body).order_by("position", "pk").values_list("agency", flat=True)
    for agency in dict.fromkeys(seats):
        said = answers.get(agency, set())
        found[agency] = True if said & set(COMING) else False if said == {Circulation.Answer.NO} else None
    return found

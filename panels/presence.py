"""Who is in the room at each item, and what follows for the quorum and the votes (design.md 3).

Somebody is here "from this item on" until they leave at another; items follow each other as on the agenda, whichever
one the meeting takes first. A guest is here for their items alone. An organisation counts with a seat holder or a
substitute at the item; an interest declared there takes its vote, unless another of its people is here without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from iom import together
from iom.models import Agency, Meeting

from . import agreement, attendance
from .models import AgendaItem, Attendance, GuestItem, Interest, Movement
from .quorum import Quorum, Seen, quorum

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Room:
    """Everybody of a meeting's attendance with how they came and went: read once, asked for any item."""

    rows: tuple[Attendance, ...]
    moves: Mapping[int, tuple[Movement, ...]]
    guests: Mapping[int, frozenset[int]]
    interests: Mapping[int, tuple[Interest, ...]]
    needed: int | None

    def is_here(self, row: Attendance, item: AgendaItem) -> bool:
        """Whether this person is here at the item."""
        if not row.here:
            return False
        only = self.guests.get(row.pk)
        if only and item.pk not in only:
            return False
        return self._state(row, _place(item), inclusive=True)

    def was_here(self, row: Attendance, item: AgendaItem) -> bool:
        """Whether this person was here until the item, whatever happened at it."""
        return row.here and self._state(row, _place(item), inclusive=False)

    def _state(self, row: Attendance, place: Place, *, inclusive: bool) -> bool:
        state = row.at_start
        for move in self.moves.get(row.pk, ()):
            there = _place(move.item)
            if there < place or (inclusive and there == place):
                state = move.here
        return state

    def here_at(self, item: AgendaItem) -> tuple[Attendance, ...]:
        """Everybody who is here at the item, guests and observers too."""
        return tuple(row for row in self.rows if self.is_here(row, item))

    def quorum_at(self, item: AgendaItem) -> Quorum:
        """The organisations at the item against what the body's rule asks for."""
        seen = [Seen(row.agency.name if row.agency else "", row.seated, True) for row in self.here_at(item)]
        return quorum(seen, self.needed)

    def voters_at(self, item: AgendaItem) -> tuple[Agency, ...]:
        """The organisations with a vote at the item, by name: one vote each."""
        barred = {interest.attendance_id for interest in self.interests.get(item.pk, ())}
        free = [row for row in self.here_at(item) if row.seated and row.agency and row.pk not in barred]
        return tuple(sorted({row.agency for row in free}, key=lambda agency: (agency.name, agency.pk)))

    def without_vote_at(self, item: AgendaItem) -> tuple[Agency, ...]:
        """The organisations at the item that have no vote, because everybody of theirs declared an interest."""
        voters = set(self.voters_at(item))
        here = {row.agency for row in self.here_at(item) if row.seated and row.agency}
        return tuple(sorted(here - voters, key=lambda agency: (agency.name, agency.pk)))


@dataclass(frozen=True, slots=True)
class Turn:
    """An item from which on the meeting is quorate, or is not any more."""

    number: str
    quorum: Quorum


def turns(room: Room, items: Iterable[AgendaItem]) -> list[Turn]:
    """Where the quorum was lost and regained over these items, in their order; nothing while it holds throughout."""
    found: list[Turn] = []
    met = True
    for item in items:
        counted = room.quorum_at(item)
        if counted.met != met:
            found.append(Turn(item.number, counted))
            met = counted.met
    return found


def turns_in_words(found: Iterable[Turn]) -> str:
    """Such as: Not quorate from item 8 (3 of 4 agencies). Quorate again from item 10. Nothing for no turns."""
    return " ".join(
        f"Quorate again from item {turn.number}."
        if turn.quorum.met
        else f"Not quorate from item {turn.number} ({turn.quorum.here} of {turn.quorum.needed} agencies)."
        for turn in found
    )


def in_words(room: Room, row: Attendance, numbers: Mapping[int, str]) -> str:
    """How somebody came and went: "from item 5", "left at item 8, back at item 10", "for item 3". Blank: throughout.

    `numbers` names the items that the reader sees; a coming at any other is told without its number.
    """
    if not row.here:
        return ""
    said = []
    only = [numbers[item] for item in numbers if item in room.guests.get(row.pk, ())]
    if only:
        said.append(f"for {'item' if len(only) == 1 else 'items'} {', '.join(only)}")
    state, ever = row.at_start, row.at_start
    for move in room.moves.get(row.pk, ()):
        if move.here == state:
            continue
        at = f"item {numbers[move.item_id]}" if move.item_id in numbers else "another item"
        said.append(f"left at {at}" if not move.here else f"back at {at}" if ever else f"from {at}")
        state, ever = move.here, ever or move.here
    return ", ".join(said)


def room(meeting: Meeting) -> Room:
    """The room of a meeting."""
    return together.run(room_steps(meeting))


def room_steps(meeting: Meeting) -> together.Steps[Room]:
    rows, moved, bound, declared = yield [
        lambda: Attendance.objects.filter(meeting=meeting).select_related(
            "agency", "membership__user", "substitute__user"
        ),
        lambda: Movement.objects.filter(attendance__meeting=meeting).select_related("item"),
        lambda: GuestItem.objects.filter(attendance__meeting=meeting),
        lambda: Interest.objects.filter(attendance__meeting=meeting).select_related("attendance__agency"),
    ]
    moves: dict[int, list[Movement]] = {}
    for move in moved:
        moves.setdefault(move.attendance_id, []).append(move)
    guests: dict[int, set[int]] = {}
    for guest in bound:
        guests.setdefault(guest.attendance_id, set()).add(guest.item_id)
    interests: dict[int, list[Interest]] = {}
    for interest in declared:
        interests.setdefault(interest.item_id, []).append(interest)
    return Room(
        rows=tuple(rows),
        moves={pk: tuple(sorted(some, key=lambda move: _place(move.item))) for pk, some in moves.items()},
        guests={pk: frozenset(items) for pk, items in guests.items()},
        interests={pk: tuple(some) for pk, some in interests.items()},
        needed=meeting.body.policy.quorum.organisations,
    )


def here_at(meeting: Meeting, item: AgendaItem) -> tuple[Attendance, ...]:
    """Everybody who is here at an item."""
    return room(meeting).here_at(item)


def quorum_at(meeting: Meeting, item: AgendaItem) -> Quorum:
    """The organisations here at an item, and whether they are enough (Richmond, 4.9: organisations, not people)."""
    return room(meeting).quorum_at(item)


def voters_at(meeting: Meeting, item: AgendaItem) -> tuple[Agency, ...]:
    """The organisations that vote at an item: one each, none where all its people here declared an interest."""
    return room(meeting).voters_at(item)


def _place(item: AgendaItem) -> Place:
    """Where an item stands on the agenda."""
    return item.position, item.pk


# --- The block "Who is here" of the live page --------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the block. `key` names them to `movements`; `moved` says that they came or went at this very item."""

    key: str
    name: str
    agency: str
    standing: str
    here: bool
    moved: bool
    interest: Interest | None
    row: Attendance | None


@dataclass(frozen=True, slots=True)
class Block:
    """Who is here at an item, who could come, and what that means."""

    here: tuple[Person, ...]
    away: tuple[Person, ...]
    quorum: Quorum
    turns: str
    without_vote: tuple[Agency, ...]
    unsigned: tuple[str, ...]


def block(meeting: Meeting, item: AgendaItem, items: Iterable[AgendaItem]) -> Block:
    """The block of an item. `items` are those that the reader sees, in their order."""
    return block_of(together.run(sitting_steps(meeting)), item, items)


@dataclass(frozen=True, slots=True)
class Sitting:
    """What the block is made from, whatever the item: the room, the seats, and what was signed."""

    room: Room
    places: list[attendance.Place]
    signed: agreement.Signed


def sitting_steps(meeting: Meeting) -> together.Steps[Sitting]:
    found = yield from together.all_of(
        {
            "room": room_steps(meeting),
            "seating": _seating_steps(meeting),
            "signed": agreement.signed_steps(meeting),
        }
    )
    members = [row for row in found["room"].rows if row.seated]
    return Sitting(found["room"], attendance.places_of(meeting, members, *found["seating"]), found["signed"])


def _seating_steps(meeting: Meeting) -> together.Steps[list]:
    return (yield lambda: [*attendance.seating(meeting)])


def block_of(sitting: Sitting, item: AgendaItem, items: Iterable[AgendaItem]) -> Block:
    """`block` from what was read already."""
    here_now = sitting.room
    declared = {each.attendance_id: each for each in here_now.interests.get(item.pk, ())}
    people = [_person(here_now, row, item, declared.get(row.pk)) for row in here_now.rows]
    recorded = {row.membership_id for row in here_now.rows}
    away = [person for person in people if not person.here]
    away += [
        Person(place.key, place.name, place.seat.agency.name, "", False, False, None, None)
        for place in sitting.places
        if place.row is None and place.membership is not None and place.membership.pk not in recorded
    ]
    return Block(
        here=tuple(person for person in people if person.here),
        away=tuple(away),
        quorum=here_now.quorum_at(item),
        turns=turns_in_words(turns(here_now, items)),
        without_vote=here_now.without_vote_at(item),
        unsigned=sitting.signed.missing(here_now.here_at(item)),
    )


def _person(here_now: Room, row: Attendance, item: AgendaItem, interest: Interest | None) -> Person:
    return Person(
        key=f"row-{row.pk}",
        name=row.who,
        agency=row.agency.name if row.agency else row.post,
        standing="" if row.seated else row.get_standing_display(),
        here=here_now.is_here(row, item),
        moved=any(move.item_id == item.pk for move in here_now.moves.get(row.pk, ())),
        interest=interest,
        row=row,
    )

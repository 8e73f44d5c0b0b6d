"""When each agency comes and may go: nobody waits for items that are not theirs, and every item keeps its quorum.

Pure: items, agencies and their replies are given in their order; times are whole minutes from the start of the meeting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One item of the agenda: its number as people read it, its length, and the agencies that it concerns."""

    number: str
    minutes: int
    agencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Member:
    """An agency with a seat. `comes` is what it answered: True, False, or None while it has not."""

    agency: str
    comes: bool | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """From when until when an agency is asked to be there. `for_quorum`: longer than its own items ask, or only so."""

    agency: str
    begins: int
    ends: int
    for_quorum: bool = False


@dataclass(frozen=True, slots=True)
class Weak:
    """An item that has no quorum, or has one only if agencies come that have not answered; and what would mend it."""

    number: str
    here: int
    needed: int
    mend: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Each agency's slot by its start, the items whose quorum is weak, and who need not come at all."""

    slots: tuple[Slot, ...]
    weak: tuple[Weak, ...]
    spared: tuple[str, ...]


def plan(parts: Sequence[Part], members: Sequence[Member], needed: int | None, whole: Collection[str] = ()) -> Plan:
    """Slots for the agencies of `members` and any others that items concern.

    Each is asked from the first of its items to the end of its last; those of `whole` (who chairs) from beginning to
    end. Where too few agencies with a seat would be at an item, those that cost the fewest minutes more stay longer,
    first those that said they come, never those that said they do not. `needed` None: there is no quorum to keep.
    """
    begins = _begins(parts)
    spans = _own_spans(parts, members, whole)
    own = dict(spans)
    replies = {member.agency: member.comes for member in members}
    if needed is not None:
        for index in range(len(parts)):
            _fill(spans, index, parts, replies, needed)
    slots = [
        Slot(
            agency,
            begins[first],
            begins[last] + parts[last].minutes,
            for_quorum=own.get(agency) != (first, last),
        )
        for agency, (first, last) in spans.items()
        if parts
    ]
    weak = [] if needed is None else _weak(spans, parts, replies, needed)
    spared = tuple(member.agency for member in members if member.agency not in spans and member.comes is not False)
    return Plan(tuple(sorted(slots, key=lambda slot: (slot.begins, slot.ends, slot.agency))), tuple(weak), spared)


def _begins(parts: Sequence[Part]) -> list[int]:
    """How many minutes have passed when each item begins."""
    return [sum(part.minutes for part in parts[:index]) for index in range(len(parts))]


def _own_spans(parts: Sequence[Part], members: Sequence[Member], whole: Collection[str]) -> dict[str, tuple[int, int]]:
    """First and last item of each agency, by their own items alone."""
    spans: dict[str, tuple[int, int]] = {}
    for index, part in enumerate(parts):
        for agency in sorted(part.agencies):
            spans[agency] = (spans.get(agency, (index, index))[0], index)
    if parts:
        spans |= dict.fromkeys(sorted(whole), (0, len(parts) - 1))
    # Who said that they do not come has no slot to keep.
    away = {member.agency for member in members if member.comes is False}
    return {agency: span for agency, span in spans.items() if agency not in away}


def _here(spans: dict[str, tuple[int, int]], index: int, replies: dict[str, bool | None]) -> list[str]:
    """The agencies that count for the quorum and have a slot at an item."""
    return [agency for agency, (first, last) in spans.items() if first <= index <= last and agency in replies]


def _fill(
    spans: dict[str, tuple[int, int]],
    index: int,
    parts: Sequence[Part],
    replies: dict[str, bool | None],
    needed: int,
) -> None:
    """Let agencies stay or come until the item has its quorum, or nobody is left to ask."""
    while len(here := _here(spans, index, replies)) < needed:
        free = [agency for agency, comes in replies.items() if agency not in here and comes is not False]
        if not free:
            return
        costs = {agency: _cost(spans.get(agency), index, parts) for agency in free}
        cheapest = min(free, key=lambda agency: (replies[agency] is None, costs[agency], agency))
        first, last = spans.get(cheapest, (index, index))
        spans[cheapest] = (min(first, index), max(last, index))


def _cost(span: tuple[int, int] | None, index: int, parts: Sequence[Part]) -> int:
    """Minutes more that an agency spends if its slot is stretched to an item."""
    if span is None:
        return parts[index].minutes
    first, last = span
    added = parts[index:first] if index < first else parts[last + 1 : index + 1]
    return sum(part.minutes for part in added)


def _weak(
    spans: dict[str, tuple[int, int]], parts: Sequence[Part], replies: dict[str, bool | None], needed: int
) -> list[Weak]:
    found = []
    away = sorted(agency for agency, comes in replies.items() if comes is False)
    for index, part in enumerate(parts):
        here = _here(spans, index, replies)
        sure = [agency for agency in here if replies[agency]]
        if len(here) < needed:
            found.append(Weak(part.number, len(here), needed, _ask_instead(away, needed - len(here)), certain=True))
        elif len(sure) < needed:
            waiting = sorted(agency for agency in here if replies[agency] is None)
            mend = f"Quorate if {needed - len(sure)} of these come, who have not answered: {', '.join(waiting)}"
            found.append(Weak(part.number, len(sure), needed, mend, certain=False))
    return found


def _ask_instead(away: Sequence[str], missing: int) -> str:
    if away:
        return f"{missing} more needed. Ask for a substitute from: {', '.join(away)}"
    return f"{missing} more needed, and everybody with a seat is asked already. Decisions would be to be ratified"

"""Coming and going in the meeting, item by item, and interests declared at one (design.md 3, security.md C2).

The recorder writes them down while the meeting is live, and corrects them until the minutes go to the chair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused, locked

from . import attendance, presence
from .models import AgendaItem, Attendance, Interest, ItemState, Minutes, MinutesStatus, Movement

if TYPE_CHECKING:
    from iom.access import Actor

LONGEST_INTEREST = 300


@transaction.atomic
def arrives(item: AgendaItem, who: str, *, by: Actor, how: str = Attendance.How.PRESENT) -> Attendance:
    """Somebody is here from this item on: `who` is a row of the attendance (`row-7`) or a seat (`seat-3`).

    Pressed at the item at which they left, it takes that back. Raises PermissionDenied or StepRefused.
    """
    meeting = _open(item, by)
    row = _row(meeting, who, how)
    if not row.here:
        row.movements.all().delete()
        row.how, row.at_start = how, False
        row.version += 1
        row.save(update_fields=["how", "at_start", "version"])
    return _move(row, item, here=True, by=by)


@transaction.atomic
def leaves(item: AgendaItem, who: str, *, by: Actor) -> Attendance:
    """Somebody is no longer here from this item on. Raises PermissionDenied or StepRefused, as `arrives`.

    Pressed at the item at which they came, it takes that back.
    """
    meeting = _open(item, by)
    row = _row(meeting, who, "")
    return _move(row, item, here=False, by=by)


def _move(row: Attendance, item: AgendaItem, *, here: bool, by: Actor) -> Attendance:
    room = presence.room(item.meeting)
    before = room.was_here(row, item)
    if before == here:
        taken_back, _ = Movement.objects.filter(attendance=row, item=item).delete()
        if taken_back and not here and not row.at_start and not row.movements.exists():
            row.how, row.at_start = Attendance.How.ABSENT, True
            row.version += 1
            row.save(update_fields=["how", "at_start", "version"])
        if not taken_back:
            raise StepRefused([f"{row.who} is {'here' if here else 'not here'} at item {item.number} already."])
    else:
        Movement.objects.update_or_create(
            attendance=row, item=item, defaults={"scheme": row.scheme, "here": here, "at": clock.now()}
        )
    audit.record("arrive" if here else "leave", row, by=by, after="here" if here else "not here", **_where(item))
    return row


def _row(meeting: Meeting, who: str, how: str) -> Attendance:
    kind, _, number = who.partition("-")
    if kind == "row" and number.isdecimal():
        row = Attendance.objects.select_for_update().filter(meeting=meeting, pk=number).first()
        if row is not None:
            row.meeting = meeting
            return row
    place = next((each for each in attendance.places(meeting) if each.key == who), None)
    if place is not None and place.row is not None:
        return place.row
    if place is None or place.membership is None or not how:
        raise StepRefused(["Choose somebody of the attendance. Load the page again."])
    return Attendance.objects.create(
        scheme=meeting.scheme,
        meeting=meeting,
        membership=place.membership,
        agency=place.seat.agency,
        post=place.seat.post,
        name=place.membership.user.name,
        how=how,
        at_start=False,
    )


@transaction.atomic
def declare(item: AgendaItem, row: Attendance, words: str, *, by: Actor) -> Interest:
    """Write down that a person here has an interest in an item; said again, the words are replaced.

    Their organisation has no vote at the item then, unless another of its people is here without one.
    Raises PermissionDenied, or StepRefused for nobody's words and for somebody who is not here.
    """
    meeting = _open(item, by)
    row = locked(Attendance, row.pk)
    words = words.strip()
    if not words:
        raise StepRefused([f"Enter what interest {row.who} has."])
    if len(words) > LONGEST_INTEREST:
        raise StepRefused([f"The interest must be {LONGEST_INTEREST} characters or fewer."])
    if row.meeting_id != meeting.pk or not presence.room(meeting).is_here(row, item):
        raise StepRefused([f"{row.who} is not here at item {item.number}."])
    interest, new = Interest.objects.get_or_create(
        attendance=row,
        item=item,
        defaults={"scheme": row.scheme, "words": words, "declared_at": clock.now()},
    )
    if not new:
        interest.words = words
        interest.version += 1
        interest.save(update_fields=["words", "version"])
    audit.record("declare_interest", interest, by=by, fields=["words"], **_where(item))
    return interest


@transaction.atomic
def take_back_interest(interest: Interest, *, by: Actor) -> None:
    """Remove an interest that was written down by mistake. Raises PermissionDenied or StepRefused."""
    _open(interest.item, by)
    audit.record("take_back_interest", interest, by=by, **_where(interest.item))
    interest.delete()


def open_to_change(meeting: Meeting) -> bool:
    """Whether who was here at an item can still be put right: until the minutes go to the chair."""
    if meeting.status == MeetingStatus.LIVE:
        return True
    newest = Minutes.objects.filter(meeting=meeting).order_by("-number").first()
    return (
        meeting.status == MeetingStatus.MINUTES_DRAFTED and newest is not None and newest.status == MinutesStatus.DRAFT
    )


def _open(item: AgendaItem, by: Actor) -> Meeting:
    meeting = locked(Meeting, item.meeting_id)
    if not by.can("panels.take_attendance", meeting):
        raise PermissionDenied
    if not open_to_change(meeting):
        raise StepRefused(["The meeting is not live, or its minutes are with the chair: who was here stays as it is."])
    if item.state == ItemState.PARKED:
        raise StepRefused(["This item is parked: nobody is here for it."])
    meeting.scheme = meeting.body.scheme = by.scheme
    item.meeting = meeting
    return meeting


def _where(item: AgendaItem) -> dict[str, str]:
    return {"meeting": item.meeting.key, "item": item.number}

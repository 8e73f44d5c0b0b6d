"""Who is here, for whom: the seat holders of the body, guests for their item, observers. Quorum follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, clock, together
from iom.models import Agency, Meeting, MeetingStatus, Membership, Seat
from iom.steps import StepRefused, locked

from .models import AgendaItem, Attendance, Circulation, GuestItem
from .quorum import Quorum, Seen, quorum

if TYPE_CHECKING:
    from iom.access import Actor

TAKEN_IN = (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED)
# What somebody answered to the agenda, as it is ticked beforehand.
REPLIES = {
    Circulation.Answer.YES: Attendance.How.PRESENT,
    Circulation.Answer.SUBSTITUTE: Attendance.How.SUBSTITUTE,
    Circulation.Answer.NO: Attendance.How.APOLOGIES,
}


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the attendance: a seat with its holder, and what is recorded of it so far.

    `how` is what was recorded, else what the person answered (`from_reply`), else blank. A seat whose agency has nobody
    here is taken by name. The substitute named for the seat stands ready until another is written down.
    """

    key: str
    seat: Seat
    membership: Membership | None
    row: Attendance | None
    how: str
    substitute_name: str
    from_reply: bool

    @property
    def said_yes(self) -> bool:
        """Whether they answered that they come, and nothing is recorded of them yet."""
        return self.from_reply and self.how == Attendance.How.PRESENT

    @property
    def name(self) -> str:
        """The person as they stand in the minutes."""
        if self.row is not None:
            return self.row.name
        return self.membership.user.name if self.membership else ""


@dataclass(frozen=True, slots=True)
class Came:
    """What is recorded of one seat. A blank `how` leaves it unrecorded."""

    key: str
    how: str
    name: str = ""
    substitute_name: str = ""
    delegated_authority: bool = False
    briefed: bool = False


def places(meeting: Meeting) -> list[Place]:
    """A row for each seat holder of the body, and for each seat without one; pre-ticked from the replies."""
    return together.run(places_steps(meeting))


def places_steps(meeting: Meeting) -> together.Steps[list[Place]]:
    rows = Attendance.objects.filter(meeting=meeting, standing=Attendance.Standing.MEMBER)
    members, replies, seats = yield [rows, *seating(meeting)]
    return places_of(meeting, members, replies, seats)


def seating(meeting: Meeting) -> tuple[QuerySet[Circulation], QuerySet[Seat]]:
    """What was answered to the agenda, and the seats: what `places_of` is made from beside the members' rows."""
    return Circulation.objects.filter(meeting=meeting), _seats(meeting)


def places_of(
    meeting: Meeting, rows: Iterable[Attendance], copies: Iterable[Circulation], seats: Iterable[Seat]
) -> list[Place]:
    """`places` from what was read already; `rows` are those of the members."""
    rows = list(rows)
    by_person = {row.membership_id: row for row in rows if row.membership_id}
    by_post = {(row.agency_id, row.post): row for row in rows if row.membership_id is None}
    replies = {copy.membership_id: copy for copy in copies}
    found: list[Place] = []
    seen: set[int] = set()
    for seat in seats:
        holder = seat.holder if seat.holder is not None and _is_current(seat.holder, meeting.date) else None
        if holder is None:
            found.append(_place(seat, None, by_post.get((seat.agency_id, seat.post)), None, meeting.date))
        elif holder.pk not in seen:
            seen.add(holder.pk)
            row, reply = by_person.get(holder.pk), replies.get(holder.pk)
            found.append(_place(seat, holder, row, reply, meeting.date))
    return found


def _seats(meeting: Meeting) -> QuerySet[Seat]:
    people = ("holder__user", "holder__agency", "substitute__user")
    rows = Seat.objects.filter(body=meeting.body_id).select_related("agency", *people)
    return rows.order_by("position", "pk")


def _is_current(membership: Membership, on: date) -> bool:
    ended = membership.until is not None and membership.until <= on
    return membership.starts_on <= on and not ended and membership.user.is_active


def _place(seat: Seat, holder: Membership | None, row: Attendance | None, reply: Circulation | None, on: date) -> Place:
    named = seat.substitute.user.name if seat.substitute is not None and _is_current(seat.substitute, on) else ""
    answered = REPLIES.get(Circulation.Answer(reply.answer), "") if reply is not None and reply.answer else ""
    return Place(
        key=f"seat-{seat.pk}",
        seat=seat,
        membership=holder,
        row=row,
        how=row.how if row else str(answered),
        substitute_name=(row.substitute_name if row else reply.substitute_name if reply else "") or named,
        from_reply=row is None and bool(answered),
    )


def visitors(meeting: Meeting) -> list[Attendance]:
    """Guests and observers, in the order in which they were written down."""
    rows = Attendance.objects.filter(meeting=meeting).exclude(standing=Attendance.Standing.MEMBER)
    return list(rows.select_related("agency").prefetch_related("guest_items__item"))


@transaction.atomic
def take_attendance(meeting: Meeting, came: Iterable[Came], *, by: Actor) -> list[Attendance]:
    """Record who of the seat holders came; said again it is corrected. Returns the rows that changed.

    Raises PermissionDenied, or StepRefused: before the agenda is sent, when the minutes are signed, for a substitute
    without a name, or for a seat without a holder where nobody is named.
    """
    meeting = _open_for(meeting, by)
    known = {place.key: place for place in places(meeting)}
    if problems := [problem for one in came if (problem := _problem(known, one))]:
        raise StepRefused(problems)
    changed = [row for one in came if (row := _write(meeting, known[one.key], one)) is not None]
    if changed:
        audit.record(
            "take_attendance",
            meeting,
            by=by,
            fields={field for row in changed for field in ("how", "substitute_name", "delegated_authority", "briefed")},
            meeting=meeting.key,
            rows=len(changed),
        )
    return changed


def _problem(known: dict[str, Place], one: Came) -> str | None:
    place = known.get(one.key)
    if place is None:
        return "The seats have changed meanwhile. Load the page again."
    if not one.how:
        return None
    if one.how == Attendance.How.SUBSTITUTE and not one.substitute_name:
        return f"Enter who came for {place.name or place.seat.agency.name}."
    if place.membership is None and not one.name and one.how in _HERE:
        return f"Enter who came from {place.seat.agency.name}."
    return None


_HERE = (Attendance.How.PRESENT, Attendance.How.REMOTE)
HERE = (*_HERE, Attendance.How.SUBSTITUTE)


def _write(meeting: Meeting, place: Place, one: Came) -> Attendance | None:
    substitute = one.how == Attendance.How.SUBSTITUTE
    facts = {
        "how": one.how,
        "substitute": _account_of(place.seat, one.substitute_name) if substitute else None,
        "briefed": substitute and one.briefed,
        # A seat that nobody holds stands in the minutes under its post.
        "name": place.membership.user.name if place.membership else one.name or place.seat.post,
        "substitute_name": one.substitute_name if substitute else "",
        "delegated_authority": substitute and one.delegated_authority,
    }
    if place.row is None:
        if not one.how:
            return None
        return Attendance.objects.create(
            scheme=meeting.scheme,
            meeting=meeting,
            membership=place.membership,
            agency=place.seat.agency,
            post=place.seat.post,
            **facts,
        )
    if not one.how:
        place.row.delete()
        return place.row
    if not place.row.here or one.how not in HERE:
        # Who was away and is here now is here from the start; who is away has neither come nor gone.
        place.row.movements.all().delete()
        facts["at_start"] = True
    return _change(place.row, facts)


def _account_of(seat: Seat, name: str) -> Membership | None:
    """The account of a substitute: of the one named for the seat, if that is who came."""
    named = seat.substitute
    return named if named is not None and named.user.name.casefold() == name.casefold() else None


def _change(row: Attendance, facts: dict[str, object]) -> Attendance | None:
    changed = [name for name, value in facts.items() if getattr(row, name) != value]
    if not changed:
        return None
    for name in changed:
        setattr(row, name, facts[name])
    row.version += 1
    row.save(update_fields=[*changed, "version"])
    return row


@transaction.atomic
def add_visitor(
    meeting: Meeting,
    *,
    by: Actor,
    standing: str,
    name: str,
    how: str = Attendance.How.PRESENT,
    agency: Agency | None = None,
    post: str = "",
    agreed_at: date | None = None,
    items: Iterable[AgendaItem] = (),
) -> Attendance:
    """Write down a guest (with the meeting that agreed to the invitation, if one did) or an observer.

    A guest is here for these `items` alone, or without any for the whole meeting. Neither counts for the quorum nor
    votes. Raises PermissionDenied or StepRefused as `take_attendance`.
    """
    meeting = _open_for(meeting, by)
    if standing == Attendance.Standing.MEMBER:
        raise StepRefused(["A member takes their seat above. Choose guest or observer."])
    row = Attendance.objects.create(
        scheme=meeting.scheme,
        meeting=meeting,
        standing=standing,
        name=name,
        how=how,
        agency=agency,
        post=post,
        agreed_at=agreed_at,
    )
    for item in items:
        GuestItem.objects.create(scheme=meeting.scheme, attendance=row, item=item)
    audit.record("add_visitor", row, by=by, after=standing, meeting=meeting.key)
    return row


@transaction.atomic
def remove_visitor(row: Attendance, *, by: Actor) -> None:
    """Take back a guest or observer who was written down by mistake."""
    meeting = _open_for(row.meeting, by)
    row = locked(Attendance, row.pk)
    if row.standing == Attendance.Standing.MEMBER:
        raise StepRefused(["A member's row is changed above, not removed."])
    audit.record("remove_visitor", row, by=by, before=row.standing, meeting=meeting.key)
    row.delete()


@transaction.atomic
def check_in(meeting: Meeting, how: str, *, by: Actor) -> Attendance:
    """A seat holder or the named substitute says from their own device that they are here, on the day.

    Raises PermissionDenied, or StepRefused on any other day or without a seat.
    """
    if not by.can("panels.answer_circulation", meeting):
        raise PermissionDenied
    meeting = locked(Meeting, meeting.pk)
    if how not in _HERE:
        raise StepRefused(["Say whether you are in the room or joining remotely."])
    if meeting.status not in (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE) or meeting.date != clock.today():
        raise StepRefused(["You can check in on the day of the meeting."])
    meeting.scheme = meeting.body.scheme = by.scheme
    table = places(meeting)
    mine = next((place for place in table if place.membership == by.membership), None)
    for_another = next((place for place in table if place.seat.substitute == by.membership), None)
    if mine is not None:
        came = Came(mine.key, how)
    elif for_another is not None:
        mine, seat = for_another, for_another.seat
        came = Came(
            mine.key,
            Attendance.How.SUBSTITUTE,
            substitute_name=by.user.name,
            delegated_authority=seat.substitute_authority,
            briefed=seat.substitute_briefed,
        )
    else:
        raise StepRefused(["You hold no seat here. Ask the coordinator to write you down."])
    row = _write(meeting, mine, came) or mine.row
    audit.record("check_in", row, by=by, after=how, meeting=meeting.key)
    return row


def quorum_of(meeting: Meeting) -> Quorum:
    """Which organisations are here by the attendance as it stands, and whether that is enough by the body's rule."""
    rows = Attendance.objects.filter(meeting=meeting).select_related("agency")
    return quorum(
        [Seen(row.agency.name if row.agency else "", _has_seat(row), row.here) for row in rows],
        meeting.body.policy.quorum.organisations,
    )


def forecast(meeting: Meeting) -> Quorum:
    """The quorum to expect from the replies so far."""
    return together.run(forecast_steps(meeting))


def forecast_steps(meeting: Meeting) -> together.Steps[Quorum]:
    """`forecast`, read in its caller's round."""
    copies, holders = yield lambda: [
        Circulation.objects.filter(meeting=meeting).values_list("membership__agency__name", "membership_id", "answer"),
        Seat.objects.filter(body=meeting.body_id).order_by().values_list("holder_id", flat=True),
    ]
    coming = (Circulation.Answer.YES, Circulation.Answer.SUBSTITUTE)
    return quorum(
        [Seen(agency, member in holders, answer in coming) for agency, member, answer in copies],
        meeting.body.policy.quorum.organisations,
    )


def _has_seat(row: Attendance) -> bool:
    return row.standing == Attendance.Standing.MEMBER


def _open_for(meeting: Meeting, by: Actor) -> Meeting:
    meeting = locked(Meeting, meeting.pk, beside=("body",))
    if not by.can("panels.take_attendance", meeting):
        raise PermissionDenied
    if meeting.status not in TAKEN_IN:
        if meeting.status == MeetingStatus.DRAFT:
            raise StepRefused(["Send the agenda first: attendance starts from the replies to it."])
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: its attendance stays as it is."])
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting

"""What happens in the room of a meeting of the demonstration: an arrival, an interest, an acting chair, guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iom.models import Meeting
from panels import agreement, attendance, chairing, inviting, movements
from panels.models import AgendaItem, Attendance

if TYPE_CHECKING:
    from .year import Life


def chair_is_away(life: Life, meeting: Meeting) -> None:
    """The named chair cannot come; who should by the body's rule takes the chair before the meeting starts."""
    places = attendance.places(meeting)
    away = next((place for place in places if place.membership == life.chair), None)
    if away is not None:
        attendance.take_attendance(meeting, [attendance.Came(away.key, "apologies")], by=life.coordinator)
    by_rule = chairing.succession(meeting)
    if by_rule.everybody:
        who = by_rule.everybody[0].account
        chairing.take_the_chair(meeting, who, because=life.mark("The chair is at court today."), by=life.coordinator)


def comings_and_goings(life: Life, meeting: Meeting) -> None:
    """Somebody comes late, somebody declares an interest, a guest signs on paper, and the meeting invites another."""
    by = life.coordinator
    items = list(AgendaItem.objects.filter(meeting=meeting).numbered())
    late = Attendance.objects.filter(meeting=meeting, how="apologies").exclude(membership=life.chair).first()
    if late is not None and len(items) > 1:
        movements.arrives(items[1], f"row-{late.pk}", by=by)
    chair = chairing.chair_of(meeting)
    about = next((item for item in items if item.case_id is not None or item.referral_id is not None), items[-1])
    here = Attendance.objects.filter(meeting=meeting, standing="member", how__in=["present", "remote"])
    if (one := here.exclude(membership=chair).exclude(at_start=False).last()) is not None:
        movements.declare(about, one, life.mark("Lives in the same street."), by=by)
    guest = attendance.add_visitor(
        meeting,
        by=by,
        standing=Attendance.Standing.GUEST,
        name=life.mark("Robin Example"),
        post=life.mark("Court officer"),
        items=[about],
    )
    agreement.sign_at_the_table(guest, by=by)
    inviting.invite(
        meeting,
        name=life.mark("Lee Example"),
        post=life.mark("Welfare adviser"),
        purpose=life.mark("Advice on benefits after release"),
        by=by,
    )

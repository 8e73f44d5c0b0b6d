"""What should be settled before an agenda goes out. It advises; nothing here stops anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Sum

from iom.jinja import plural
from iom.models import Meeting, MeetingStatus
from referrals.models import CheckRequest

from . import attendance
from .chairing import chair_of
from .models import AgendaItem

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Settled:
    """One line of the checklist, and whether it is settled."""

    text: str
    done: bool


def readiness(meeting: Meeting, actor: Actor) -> list[Settled]:
    """Chair, checks, time, and once the agenda is out who is expected."""
    lines = [_chair(meeting), _asked(meeting, actor), _checks(meeting, actor), _time(meeting)]
    if meeting.status != MeetingStatus.DRAFT:
        expected = attendance.forecast(meeting)
        needed = f" ({expected.needed} needed)" if expected.needed else ""
        lines.append(Settled(f"Expected: {plural(expected.here, 'agency', 'agencies')}{needed}", expected.met))
    return lines


def _chair(meeting: Meeting) -> Settled:
    chair = chair_of(meeting)
    if chair is None:
        return Settled("Nobody is named to chair", done=False)
    return Settled(f"Chair: {chair.user.name}", done=True)


def _asked(meeting: Meeting, actor: Actor) -> Settled:
    asked = CheckRequest.objects.visible_to(actor).filter(meeting=meeting).values("agency").distinct().count()
    return Settled(f"{plural(asked, 'agency', 'agencies')} asked for checks", done=asked > 0)


def _checks(meeting: Meeting, actor: Actor) -> Settled:
    """Nominations about which nobody was asked, or somebody has not answered."""
    requests = CheckRequest.objects.filter(meeting=meeting, offender=OuterRef("referral__offender"))
    nominated = AgendaItem.objects.visible_to(actor).filter(meeting=meeting, referral__isnull=False).numbered()
    count = nominated.filter(~Exists(requests) | Exists(requests.unanswered())).order_by().count()
    if not count:
        return Settled("No nomination waits for checks", done=True)
    return Settled(f"{plural(count, 'nomination')} with checks missing", done=False)


def _time(meeting: Meeting) -> Settled:
    minutes = meeting.items.numbered().aggregate(total=Sum("minutes"))["total"] or 0
    return Settled(f"{minutes} of {meeting.minutes_long} minutes planned", done=minutes <= meeting.minutes_long)

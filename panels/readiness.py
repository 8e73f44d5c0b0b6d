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
from .slots import slots

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Settled:
    """One line of the checklist, and whether it is settled."""

    text: str
    done: bool


def readiness(meeting: Meeting, actor: Actor) -> list[Settled]:
    """Chair, checks, time, and once the agenda is out who is expected."""
    about_cases = meeting.body.policy.agenda_rule.kind != "not_cases"
    checks = [_asked(meeting, actor), _checks(meeting, actor)] if about_cases else []
    lines = [_chair(meeting), *checks, _time(meeting)]
    if meeting.status != MeetingStatus.DRAFT:
        expected = attendance.forecast(meeting)
        needed = f" ({expected.needed} needed)" if expected.needed else ""
        lines.append(Settled(f"Expected: {plural(expected.here, 'agency', 'agencies')}{needed}", expected.met))
    if meeting.grouping:
        lines.append(_quorum_at_each(meeting))
    return lines


def _quorum_at_each(meeting: Meeting) -> Settled:
    """Where agencies come for their part only: whether the quorum holds at every item."""
    weak = slots(meeting).weak
    if not weak:
        return Settled("The quorum holds at every item", done=True)
    numbers = ", ".join(each.number for each in weak)
    return Settled(f"Quorum not certain at {'item' if len(weak) == 1 else 'items'} {numbers}", done=False)


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

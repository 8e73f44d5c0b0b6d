"""What should be settled before an agenda goes out. It advises; nothing here stops anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, QuerySet

from iom import together
from iom.jinja import plural
from iom.models import Meeting, MeetingStatus
from referrals.models import CheckRequest

from . import attendance
from .chairing import chair_of_steps
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
    return together.run(readiness_steps(meeting, actor))


def readiness_steps(meeting: Meeting, actor: Actor) -> together.Steps[list[Settled]]:
    """`readiness`, read in its caller's round."""
    about_cases = meeting.body.policy.agenda_rule.kind != "not_cases"
    parts: dict[str, Any] = {"chair": _chair(meeting)}
    if about_cases:
        parts |= {"asked": _asked(meeting, actor), "checks": _checks(meeting, actor)}
    parts["time"] = _time(meeting)
    if meeting.status != MeetingStatus.DRAFT:
        parts["expected"] = _expected(meeting)
    lines = list((yield from together.all_of(parts)).values())
    if meeting.grouping:
        lines.append(_quorum_at_each(meeting))
    return lines


def _expected(meeting: Meeting) -> together.Steps[Settled]:
    expected = yield from attendance.forecast_steps(meeting)
    needed = f" ({expected.needed} needed)" if expected.needed else ""
    return Settled(f"Expected: {plural(expected.here, 'agency', 'agencies')}{needed}", expected.met)


def _quorum_at_each(meeting: Meeting) -> Settled:
    """Where agencies come for their part only: whether the quorum holds at every item."""
    weak = slots(meeting).weak
    if not weak:
        return Settled("The quorum holds at every item", done=True)
    numbers = ", ".join(each.number for each in weak)
    return Settled(f"Quorum not certain at {'item' if len(weak) == 1 else 'items'} {numbers}", done=False)


def _chair(meeting: Meeting) -> together.Steps[Settled]:
    chair = yield from chair_of_steps(meeting)
    if chair is None:
        return Settled("Nobody is named to chair", done=False)
    return Settled(f"Chair: {chair.user.name}", done=True)


def _asked(meeting: Meeting, actor: Actor) -> together.Steps[Settled]:

    def agencies() -> QuerySet:
        return CheckRequest.objects.visible_to(actor).filter(meeting=meeting).order_by().values("agency").distinct()

    asked = yield lambda: together.counted(agencies())
    return Settled(f"{plural(asked, 'agency', 'agencies')} asked for checks", done=asked > 0)


def _checks(meeting: Meeting, actor: Actor) -> together.Steps[Settled]:
    """Nominations about which nobody was asked, or somebody has not answered."""

    def missing() -> together.Counted:
        requests = CheckRequest.objects.filter(meeting=meeting, offender=OuterRef("referral__offender"))
        nominated = AgendaItem.objects.visible_to(actor).filter(meeting=meeting, referral__isnull=False).numbered()
        return together.counted(nominated.filter(~Exists(requests) | Exists(requests.unanswered())).order_by())

    count = yield missing
    if not count:
        return Settled("No nomination waits for checks", done=True)
    return Settled(f"{plural(count, 'nomination')} with checks missing", done=False)


def _time(meeting: Meeting) -> together.Steps[Settled]:
    items = yield lambda: AgendaItem.objects.filter(meeting=meeting).numbered().values_list("minutes", flat=True)
    minutes = sum(items)
    return Settled(f"{minutes} of {meeting.minutes_long} minutes planned", done=minutes <= meeting.minutes_long)

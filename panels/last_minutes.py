"""The minutes of the last meeting on the next agenda: agreed as a true record, or with corrections.

The item comes by itself once minutes are signed. Corrections that a meeting agrees become an addendum to those minutes,
signed with the minutes of the meeting that agreed to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from iom.jinja import day_month, longday
from iom.models import Meeting, MeetingStatus

from .models import AgendaItem, Approval, Decision, Minutes, MinutesStatus, Outcome, Section

if TYPE_CHECKING:
    from iom.access import Actor

TITLE = "Minutes of the last meeting"
AGREES = (Outcome.TRUE_RECORD, Outcome.CORRECTIONS)
# A meeting that is under way is not given new items by somebody's signature.
TAKES_THEM = (MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT)


def waiting(meeting: Meeting) -> list[Minutes]:
    """Signed minutes of the same body that this meeting is to agree to: of the last meeting, and what waits since.

    Nothing is asked of meetings before the last one that was agreed to; where none was yet, only of the last one.
    """
    signed = Minutes.objects.filter(
        meeting__body=meeting.body_id, meeting__date__lt=meeting.date, status=MinutesStatus.SIGNED
    )
    rows = list(signed.select_related("meeting").order_by("-meeting__date", "-number"))
    asked = _asked_elsewhere(meeting, rows)
    settled = set(
        _agreeing().filter(item__approval__minutes__in=rows).values_list("item__approval__minutes", flat=True)
    )
    found = []
    for minutes in rows:
        if minutes.pk in settled:
            break
        if minutes.pk not in asked:
            found.append(minutes)
        if not settled:
            break
    return found[::-1]


def bring(meeting: Meeting, *, by: Actor) -> list[AgendaItem]:
    """Put the minutes that wait on an agenda that is not held yet. In the transaction of whoever calls."""
    from . import agenda

    if meeting.status not in TAKES_THEM:
        return []
    found = waiting(meeting)
    wanted = [
        agenda.Wanted(Section.LAST_MINUTES, title=TITLE, why=f"Of {longday(each.meeting.date)}") for each in found
    ]
    items = agenda.bring(meeting, wanted, by=by) if wanted else []
    for item, minutes in zip(items, found, strict=True):
        Approval.objects.create(scheme=meeting.scheme, item=item, minutes=minutes)
    return items


def bring_to_next(meeting: Meeting, *, by: Actor) -> list[AgendaItem]:
    """Put what waits on the agenda of the body's next meeting, if one is planned."""
    rows = Meeting.objects.filter(body=meeting.body_id, date__gt=meeting.date, status__in=TAKES_THEM)
    following = rows.select_related("body", "scheme").order_by("date").first()
    if following is None:
        return []
    following.scheme = following.body.scheme = by.scheme
    return bring(following, by=by)


def ruling(minutes: Minutes) -> Decision | None:
    """The decision by which a quorate meeting agreed to signed minutes; None while they wait."""
    rows = _agreeing().filter(item__approval__minutes=minutes)
    return rows.select_related("item__meeting__body", "item__approval").order_by("pk").last()


def agreed_in(meeting: Meeting) -> list[tuple[Approval, Decision]]:
    """What a meeting decided on the minutes before it, where that holds."""
    rows = _agreeing().filter(item__meeting=meeting, item__approval__isnull=False)
    return [(each.item.approval, each) for each in rows.select_related("item__approval__minutes__meeting", "item")]


def words_of(decision: Decision) -> str:
    """The corrections that a meeting agreed to: the line of the decision, and the note under it."""
    return "\n\n".join(part for part in (decision.reason, decision.item.note) if part)


def why(decision: Decision) -> str:
    """Why an addendum was made of it."""
    return f"Corrections agreed at the meeting of {day_month(decision.item.meeting.date)}"


def _agreeing() -> QuerySet[Decision]:
    return Decision.objects.in_force().filter(to_ratify=False, outcome__in=AGREES)


def _asked_elsewhere(meeting: Meeting, rows: list[Minutes]) -> set[int]:
    """Minutes that stand on an agenda already which will still be held, or is."""
    open_meetings = Q(item__meeting__status__in=(*TAKES_THEM, MeetingStatus.LIVE))
    here = Q(item__meeting=meeting)
    return set(Approval.objects.filter(open_meetings | here, minutes__in=rows).values_list("minutes", flat=True))

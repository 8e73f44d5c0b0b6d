"""What members say of a draft before the chair signs it, item by item, where the scheme's rules let them.

A comment belongs to the draft and to nothing else: no record, copy or PDF ever holds it. Whoever was there as a member
may comment while it is a draft; coordinator and chair say what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.jinja import day_month
from iom.models import Meeting
from iom.steps import StepRefused, locked
from offenders import naming

from . import minutes as verbs
from .models import AgendaItem, Attendance, Minutes, MinutesComment, MinutesStatus

if TYPE_CHECKING:
    from iom.access import Actor

LONGEST = 1000


def reads_draft(actor: Actor, meeting: Meeting) -> bool:
    """Whether a member sees the draft: they were there on a seat, and the rules in force that day let them comment."""
    if actor.membership is None or not meeting.scheme.policy_on(meeting.date).policy.minutes.members_comment:
        return False
    rows = Attendance.objects.filter(meeting=meeting, membership=actor.membership, standing=Attendance.Standing.MEMBER)
    return any(row.here for row in rows)


def thread(minutes: Minutes) -> dict[int, list[MinutesComment]]:
    """Item id to what was said of it, the oldest first."""
    found: dict[int, list[MinutesComment]] = {}
    for comment in minutes.thread.select_related("author__user", "author__agency", "resolved_by"):
        found.setdefault(comment.item_id, []).append(comment)
    return found


@transaction.atomic
def comment(minutes: Minutes, item: AgendaItem, text: str, *, by: Actor) -> MinutesComment:
    """Say something of one item of a draft. The coordinator is told.

    Raises PermissionDenied for whoever does not read the draft, StepRefused once it has gone to the chair or without
    words.
    """
    minutes = locked(Minutes, minutes.pk)
    if not (by.can("panels.view_minutes", minutes) and _may(by, minutes)):
        raise PermissionDenied
    if minutes.status != MinutesStatus.DRAFT:
        raise StepRefused([f"These minutes are {minutes.get_status_display().lower()}: comments are closed."])
    if not text.strip():
        raise StepRefused(["Enter your comment."])
    made = MinutesComment.objects.create(
        scheme=minutes.scheme,
        minutes=minutes,
        item=item,
        author=by.membership,
        text=text.strip()[:LONGEST],
        written_at=clock.now(),
    )
    meeting = minutes.meeting
    audit.record("comment_on_draft", made, by=by, meeting=meeting.key, item=item.number)
    thing = item.referral or item.case
    if thing is not None:
        where = f"a comment on the minutes of {day_month(meeting.date)}, {thing.reference}"
        naming.tell_owners(thing.offender, [made.text], where=where, subject=f"comment {made.pk}")
    notify.tell(
        [user for user in verbs.keepers_of(meeting) if user.pk != by.user.pk],
        scheme=minutes.scheme,
        kind="minutes_comment",
        subject=f"comment {made.pk}",
        text=f"Comment on the draft minutes: {meeting.called}, item {item.number}",
        url=f"{meeting.get_absolute_url()}minutes/#item-{item.pk}",
        email_body="Somebody who was there commented on the draft minutes. Sign in to read it:",
    )
    return made


@transaction.atomic
def resolve(made: MinutesComment, outcome: str, *, by: Actor) -> MinutesComment:
    """Say what came of a comment; said twice the first holds. Raises PermissionDenied or StepRefused."""
    made = locked(MinutesComment, made.pk)
    minutes = made.minutes
    if not (by.can("panels.edit_minutes", minutes) or by.can("panels.review_minutes", minutes)):
        raise PermissionDenied
    if minutes.status == MinutesStatus.SIGNED:
        raise StepRefused(["These minutes are signed."])
    if made.resolved_at is None:
        made.outcome, made.resolved_at, made.resolved_by = outcome.strip()[:300], clock.now(), by.user
        made.version += 1
        made.save(update_fields=["outcome", "resolved_at", "resolved_by", "version"])
        audit.record("resolve_comment", made, by=by, meeting=minutes.meeting.key, item=made.item.number)
        notify.tell(
            [made.author.user],
            scheme=made.scheme,
            kind="comment_resolved",
            subject=f"comment {made.pk}",
            text=f"Your comment on the minutes was looked at: {minutes.meeting.called}, item {made.item.number}",
            url=f"{minutes.meeting.get_absolute_url()}minutes/",
            email_body="The coordinator or the chair looked at your comment on the minutes. Sign in:",
        )
    return made


def _may(by: Actor, minutes: Minutes) -> bool:
    office = by.can("panels.edit_minutes", minutes) or by.can("panels.review_minutes", minutes)
    return by.membership is not None and (office or reads_draft(by, minutes.meeting))

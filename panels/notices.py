"""Telling the referrer what the panel decided (Merton, Roles; ux.md 4.7): one notice for each decision that holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.jinja import colour_word, longday
from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused, locked
from offenders.models import AssignmentRole
from referrals.models import Referral

from .models import Decision, Notice, Outcome
from .record import first_review, following

if TYPE_CHECKING:
    from iom.access import Actor

SENT_FROM = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
# Somebody who nominated in vain is told why, in words meant for them.
NEEDS_REASON = frozenset({Outcome.NOT_ACCEPT, Outcome.ELSEWHERE, Outcome.DEFER})
REASON = "Reason:"
LONGEST = 4000
OPENINGS = {
    Outcome.ACCEPT: "accepted this nomination.",
    Outcome.NOT_ACCEPT: "did not accept this nomination.",
    Outcome.DEFER: "put off its decision on this nomination.",
    Outcome.ELSEWHERE: "referred this nomination elsewhere.",
}
WHAT_NEXT = {
    Outcome.NOT_ACCEPT: "You can nominate again when something has changed.",
    Outcome.DEFER: "The nomination comes back to a later panel. You need not send it again.",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice that is due: its decision, its words so far, and the row once there is one."""

    decision: Decision
    referral: Referral
    text: str
    notice: Notice | None

    @property
    def sent(self) -> bool:
        return self.notice is not None and self.notice.status != Notice.Status.DRAFT

    @property
    def needs_reason(self) -> bool:
        return self.decision.outcome in NEEDS_REASON

    @property
    def problem(self) -> str | None:
        """Why it cannot go yet."""
        return problem_with(self.decision, self.text)


def drafts(meeting: Meeting, *, seen_by: Actor) -> list[Draft]:
    """The notices of a meeting in the order of its items: each nomination with a decision that has taken effect.

    A decision that waits to be ratified tells nobody anything (design.md 3).
    """
    decisions = list(
        Decision.objects.filter(
            item__meeting=meeting,
            item__referral__in=Referral.objects.visible_to(seen_by),
            superseded_by=None,
            to_ratify=False,
        )
        .select_related("item__referral__offender", "item__referral__referrer__user", "item__referral__agency", "case")
        .order_by("item__position", "pk")
    )
    rows = {notice.decision_id: notice for notice in Notice.objects.filter(decision__in=decisions)}
    told = set(
        Notice.objects.filter(meeting=meeting, decision__superseded_by__isnull=False)
        .exclude(status=Notice.Status.DRAFT)
        .values_list("referral_id", flat=True)
    )
    review = first_review(meeting.scheme.policy_on(meeting.date).policy, meeting.date, following(meeting))
    return [
        Draft(
            decision,
            decision.item.referral,
            rows[decision.pk].text
            if decision.pk in rows
            else compose(decision, meeting, review, corrects=decision.item.referral_id in told),
            rows.get(decision.pk),
        )
        for decision in decisions
    ]


def compose(decision: Decision, meeting: Meeting, review: Mapping[str, str] | None, *, corrects: bool = False) -> str:
    """The words of a notice. The reason is the one meant for the referrer, never that of the minutes."""
    lines = [f"The {meeting.body.name} of {longday(meeting.date)} {OPENINGS[Outcome(decision.outcome)]}"]
    if corrects:
        lines.insert(0, "This corrects the decision that you were sent before.")
    if decision.outcome in NEEDS_REASON or decision.reason_for_referrer:
        lines.append(f"{REASON} {decision.reason_for_referrer}".strip())
    if decision.outcome == Outcome.ACCEPT:
        lines.append(_accepted(decision, review))
    elif words := WHAT_NEXT.get(Outcome(decision.outcome)):
        lines.append(words)
    return "\n\n".join(lines)


def _accepted(decision: Decision, review: Mapping[str, str] | None) -> str:
    parts = [f"Case: {decision.case.reference}", f"Rating: {colour_word(decision.colour)}"]
    parts += [
        f"{role.label}: {', '.join(part for part in (held['name'], held['agency']) if part)}"
        for role in AssignmentRole
        if (held := decision.leads.get(role.value))
    ]
    if review:
        parts.append(f"{review['label']}: {longday(date.fromisoformat(review['meeting'] or review['due']))}")
    return "\n".join(parts)


def problem_with(decision: Decision, text: str) -> str | None:
    """Why these words cannot be sent; None when they can."""
    if not text.strip():
        return "Enter the words of the notice."
    if decision.outcome in NEEDS_REASON:
        _, marked, reason = text.partition(REASON)
        # The reason ends with its paragraph: what follows is ours.
        if not marked or not reason.partition("\n\n")[0].strip():
            return f"Enter a reason that the referrer may see, after “{REASON}”."
    return None


@transaction.atomic
def save(draft: Draft, text: str, *, by: Actor) -> Notice:
    """Keep the words of a notice that is not sent yet. Raises PermissionDenied or StepRefused."""
    meeting = _open_meeting(draft.decision.item.meeting, by)
    notice = _row(draft, meeting)
    if notice.status != Notice.Status.DRAFT:
        raise StepRefused([f"The notice on {draft.referral.reference} has been sent."])
    if notice.text != text.strip():
        notice.text = text.strip()[:LONGEST]
        notice.version += 1
        notice.save(update_fields=["text", "version"])
        audit.record(
            "write_notice",
            notice,
            by=by,
            fields=["text"],
            subjects=[draft.referral.reference],
            meeting=meeting.key,
        )
    return notice


@transaction.atomic
def send(meeting: Meeting, texts: Mapping[int, str], *, by: Actor) -> int:
    """Send every notice of a meeting that is due, with `texts` by decision id in place of the words so far.

    All or none: raises StepRefused naming the referral when one lacks the reason that its referrer may see, or when
    there is none to send. Returns how many were sent.
    """
    meeting = _open_meeting(meeting, by)
    due = [draft for draft in drafts(meeting, seen_by=by) if not draft.sent]
    if not due:
        raise StepRefused(["There are no notices to send."])
    words = {draft.decision.pk: texts.get(draft.decision.pk, draft.text).strip() for draft in due}
    if problems := [
        f"{draft.referral.reference}: {problem}"
        for draft in due
        if (problem := problem_with(draft.decision, words[draft.decision.pk]))
    ]:
        raise StepRefused(problems)
    for draft in due:
        _send(draft, words[draft.decision.pk], meeting, by)
    return len(due)


def _send(draft: Draft, text: str, meeting: Meeting, by: Actor) -> None:
    notice = _row(draft, meeting)
    notice.text = text[:LONGEST]
    notice.status = Notice.Status.SENT
    notice.sent_at = clock.now()
    notice.version += 1
    notice.save(update_fields=["text", "status", "sent_at", "version"])
    reference = draft.referral.reference
    notify.tell(
        [notice.recipient.user],
        scheme=meeting.scheme,
        kind="decision",
        subject=f"{reference} {notice.pk}",
        text=f"Decision on referral {reference}",
        url=f"/referrals/{reference}/decision/",
        email_body="The panel has made a decision. Sign in to read it and the reasons:",
    )
    audit.record("send_notice", notice, by=by, after=notice.status, subjects=[reference], meeting=meeting.key)


def _row(draft: Draft, meeting: Meeting) -> Notice:
    notice, _ = Notice.objects.select_for_update().get_or_create(
        decision=draft.decision,
        defaults={
            "scheme": meeting.scheme,
            "meeting": meeting,
            "referral": draft.referral,
            "recipient": draft.referral.referrer,
            "text": draft.text,
        },
    )
    return notice


@transaction.atomic
def mark_opened(notice: Notice, *, by: Actor) -> Notice:
    """Note that the one it was sent to has it on screen. A read mark, so a GET may set it (security.md H3)."""
    notice = locked(Notice, notice.pk)
    mine = by.user is not None and notice.recipient.user_id == by.user.pk
    if mine and notice.status == Notice.Status.SENT:
        notice.status = Notice.Status.OPENED
        notice.opened_at = clock.now()
        notice.version += 1
        notice.save(update_fields=["status", "opened_at", "version"])
        audit.record("open_notice", notice, by=by, after=notice.status, subjects=[notice.referral.reference])
    return notice


def latest_for(referral: Referral) -> Notice | None:
    """The last notice that was sent on a referral. The caller has found the referral among what the reader may see."""
    rows = Notice.objects.filter(scheme=referral.scheme_id, referral=referral).exclude(status=Notice.Status.DRAFT)
    return rows.select_related("meeting__body", "decision", "recipient").order_by("-sent_at", "-pk").first()


def _open_meeting(meeting: Meeting, by: Actor) -> Meeting:
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.send_notices", meeting):
        raise PermissionDenied
    if meeting.status not in SENT_FROM:
        raise StepRefused(["Close the meeting first: until then a decision can still change."])
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting

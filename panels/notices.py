"""What the referrer is told: that the nomination was received, and what was decided (Merton, Roles; Richmond, 4.13).

One notice for each decision that holds, sent by the coordinator with a reason that the referrer may see. Where the
scheme's rules ask for an acknowledgement of each referral, it goes by itself when the referral is sent. Each is read as
a page and kept as a PDF (`notice_pdf`). A notice that reached nobody has failed, says by what, and can be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, QuerySet

from iom import audit, clock, notify, outbox
from iom.jinja import colour_word, longday, lower_first
from iom.models import Meeting, MeetingStatus, Membership, Notification, OutboxMessage
from iom.steps import StepRefused, locked
from offenders import naming
from offenders.models import AssignmentRole
from referrals import deciding
from referrals.actions import coordinators
from referrals.models import Referral

from . import ratifying
from .models import Decision, Notice, Outcome, OutsideDecision
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

    decision: Decision | OutsideDecision
    referral: Referral
    text: str
    notice: Notice | None

    @property
    def sent(self) -> bool:
        return self.notice is not None and self.notice.status != Notice.Status.DRAFT

    @property
    def needs_reason(self) -> bool:
        return ratifying.in_effect(self.decision).outcome in NEEDS_REASON

    @property
    def problem(self) -> str | None:
        """Why it cannot go yet."""
        return problem_with(self.decision, self.text)


def drafts(meeting: Meeting, *, seen_by: Actor) -> list[Draft]:
    """The notices of a meeting in the order of its items: each nomination with a decision that has taken effect.

    A decision that waits to be ratified tells nobody anything (design.md 3); the meeting that ratifies it does.
    """
    decisions = list(
        Decision.objects.to_tell()
        .filter(item__meeting=meeting, item__referral__in=Referral.objects.visible_to(seen_by))
        .select_related(
            "item__referral__offender",
            "item__referral__referrer__user",
            "item__referral__agency",
            "item__ratifies",
            "case",
        )
        .order_by("item__position", "pk")
    )
    known = Notice.objects.filter(decision__in=decisions).select_related("recipient__user")
    rows = {notice.decision_id: notice for notice in known}
    told = _told_otherwise(meeting)
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
    said = ratifying.in_effect(decision)
    lines = [f"The {meeting.body.name} of {longday(meeting.date)} {OPENINGS[Outcome(said.outcome)]}"]
    if corrects:
        lines.insert(0, "This corrects the decision that you were sent before.")
    if said.outcome in NEEDS_REASON or said.reason_for_referrer:
        lines.append(f"{REASON} {said.reason_for_referrer}".strip())
    return "\n\n".join([*lines, *_what_it_means(decision, review)])


def _told_otherwise(meeting: Meeting) -> set[int]:
    """Referrals whose referrer has read another decision: one corrected since, or one that the panel did not ratify."""
    sent = Notice.objects.filter(scheme=meeting.scheme).exclude(status=Notice.Status.DRAFT)
    corrected = sent.filter(meeting=meeting, decision__superseded_by__isnull=False)
    undone = sent.filter(outside__isnull=False, outside__referral__agenda_items__meeting=meeting)
    return {*corrected.values_list("referral_id", flat=True), *undone.values_list("referral_id", flat=True)}


def compose_outside(outside: OutsideDecision) -> str:
    """The words on a decision made between two meetings; it says of itself that it is to be ratified."""
    body = outside.referral.scheme.policy.deciding_body.name
    opening = OPENINGS[Outcome(outside.outcome)].removesuffix(".")
    lines = [f"On {longday(outside.decided_on)}, between two meetings, the {body} {opening} as urgent."]
    if outside.outcome in NEEDS_REASON or outside.reason_for_referrer:
        lines.append(f"{REASON} {outside.reason_for_referrer}".strip())
    review = first_review(outside.policy_version.policy, outside.decided_on, ratifying.days_of_meetings(outside))
    lines += _what_it_means(outside, review)
    lines.append("The next panel is asked to ratify this. We tell you if it does not.")
    return "\n\n".join(lines)


def _what_it_means(decision: Decision | OutsideDecision, review: Mapping[str, str] | None) -> list[str]:
    said = ratifying.in_effect(decision)
    if said.outcome == Outcome.ACCEPT:
        return [_accepted(decision, review)]
    words = WHAT_NEXT.get(Outcome(said.outcome))
    return [words] if words else []


def compose_receipt(referral: Referral) -> str:
    """The words of an acknowledgement: what was received when, and by when what happens (Richmond, 4.13)."""
    received = clock.local(referral.sent_at)
    lines = [f"We have received your nomination {referral.reference}, sent on {longday(received.date())}."]
    meeting = referral.meeting
    if meeting is None:
        lines.append("No panel is planned yet. The coordinator will choose one and tell you the date.")
        return "\n\n".join(lines)
    lines.append(f"It is for the {meeting.body.name} of {longday(meeting.date)}.")
    rule = deciding.late_rule_of(meeting)
    if referral.late and rule is not None:
        lines.append(rule.warning)
    if checks := meeting.dates.checks_due.date:
        lines.append(f"Agencies look in their records by {longday(checks)}.")
    lines.append("You will be told what was decided, and why.")
    return "\n\n".join(lines)


def _accepted(decision: Decision | OutsideDecision, review: Mapping[str, str] | None) -> str:
    said = ratifying.in_effect(decision)
    parts = [f"Case: {decision.case.reference}", f"Rating: {colour_word(said.colour)}"]
    parts += [
        f"{role.label}: {', '.join(part for part in (held['name'], held['agency']) if part)}"
        for role in AssignmentRole
        if (held := said.leads.get(role.value))
    ]
    if review:
        parts.append(f"{review['label']}: {longday(date.fromisoformat(review['meeting'] or review['due']))}")
    return "\n".join(parts)


def problem_with(decision: Decision | OutsideDecision, text: str) -> str | None:
    """Why these words cannot be sent; None when they can."""
    if not text.strip():
        return "Enter the words of the notice."
    if ratifying.in_effect(decision).outcome in NEEDS_REASON:
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
        naming.tell_owners(
            draft.referral.offender,
            [words[draft.decision.pk]],
            where=f"the notice on {draft.referral.reference}",
            subject=f"notice {draft.decision.pk}",
        )
    return len(due)


def _send(draft: Draft, text: str, meeting: Meeting, by: Actor) -> None:
    notice = _row(draft, meeting)
    notice.text = text[:LONGEST]
    _go(notice, by=by)


def _row(draft: Draft, meeting: Meeting | None) -> Notice:
    """The notice of a decision, locked; made now if there is none."""
    key = {"outside": draft.decision} if isinstance(draft.decision, OutsideDecision) else {"decision": draft.decision}
    # The row of the referral is the lock: its notices are counted.
    locked(Referral, draft.referral.pk)
    notice = Notice.objects.select_for_update(of=("self",)).filter(**key).first()
    return notice or Notice.objects.create(
        **key,
        scheme=draft.referral.scheme,
        number=_next_number(draft.referral),
        meeting=meeting,
        referral=draft.referral,
        recipient=draft.referral.referrer,
        text=draft.text,
    )


def _next_number(referral: Referral) -> int:
    return (Notice.objects.filter(referral=referral).aggregate(last=Max("number"))["last"] or 0) + 1


# --- A decision between two meetings, an acknowledgement ----------------------


def draft_outside(outside: OutsideDecision) -> Draft:
    """The notice on a decision made between two meetings. The caller has found the decision."""
    notice = Notice.objects.filter(outside=outside).first()
    return Draft(outside, outside.referral, notice.text if notice else compose_outside(outside), notice)


@transaction.atomic
def send_outside(outside: OutsideDecision, text: str, *, by: Actor) -> Notice:
    """Tell the referrer what was decided between two meetings: the notice may go before the panel ratifies it.

    Raises PermissionDenied, or StepRefused when it went already or lacks the reason that the referrer may see.
    """
    if not by.can("referrals.triage", outside.referral):
        raise PermissionDenied
    draft = draft_outside(outside)
    if problem := problem_with(outside, text):
        raise StepRefused([problem])
    notice = _row(draft, None)
    if notice.status != Notice.Status.DRAFT:
        raise StepRefused([f"The notice on {draft.referral.reference} has been sent."])
    notice.text = text.strip()[:LONGEST]
    return _go(notice, by=by)


@transaction.atomic
def acknowledge(referral: Referral, *, by: Actor) -> Notice | None:
    """Acknowledge a referral that was received, where the scheme's rules ask for it and it was not done before.

    In the transaction of whoever sends it. Nobody's permission is asked: it goes by itself.
    """
    if not referral.scheme.policy.notices.acknowledgement_form:
        return None
    locked(Referral, referral.pk)
    if Notice.objects.filter(referral=referral, kind=Notice.Kind.RECEIPT).exists():
        return None
    notice = Notice.objects.create(
        scheme=referral.scheme,
        kind=Notice.Kind.RECEIPT,
        number=_next_number(referral),
        meeting=referral.meeting,
        referral=referral,
        recipient=referral.referrer,
        text=compose_receipt(referral),
    )
    return _go(notice, by=by, of_itself=True)


# --- On its way, and what can go wrong ----------------------------------------

SUBJECTS = {
    Notice.Kind.RECEIPT: "Acknowledgement of referral {}",
    Notice.Kind.DECISION: "Decision on referral {}",
}
BODIES = {
    Notice.Kind.RECEIPT: "Your referral was received. Sign in to read what happens next:",
    Notice.Kind.DECISION: "The panel has made a decision. Sign in to read it and the reasons:",
}
KINDS = {Notice.Kind.RECEIPT: "acknowledgement", Notice.Kind.DECISION: "decision"}


def address_of(notice: Notice) -> str:
    """Where the notice is read. The last decision has an address of its own, which e-mails name."""
    reference = notice.referral.reference
    if notice.kind == Notice.Kind.DECISION:
        return f"/referrals/{reference}/decision/"
    return f"/referrals/{reference}/notices/{notice.number}/"


def _go(notice: Notice, *, by: Actor, of_itself: bool = False) -> Notice:
    """Send a notice: tell its reader, and have its PDF made. One that reaches nobody has failed, and says so."""
    first = notice.status == Notice.Status.DRAFT
    notice.status, notice.failure, notice.failed_at = Notice.Status.SENT, "", None
    notice.sent_at, notice.tries = clock.now(), notice.tries + 1
    notice.sent_by = None if of_itself else by.user
    notice.version += 1
    notice.save()
    reference = notice.referral.reference
    audit.record(
        "send_notice" if first else "send_notice_again",
        notice,
        by=by,
        after=notice.status,
        subjects=[reference],
        meeting=notice.meeting.key if notice.meeting else None,
        about=notice.kind,
    )
    if not Membership.objects.filter(pk=notice.recipient_id).current(clock.today()).exists():
        return _fail(notice, Notice.Failure.LEFT)
    _tell(notice)
    if notice.document_id is None:
        _have_pdf_made(notice, by)
    return notice


def _tell(notice: Notice) -> None:
    notify.tell(
        [notice.recipient.user],
        scheme=notice.scheme,
        kind=KINDS[Notice.Kind(notice.kind)],
        subject=f"notice:{notice.pk}:{notice.tries}",
        text=SUBJECTS[Notice.Kind(notice.kind)].format(notice.referral.reference),
        url=address_of(notice),
        email_body=BODIES[Notice.Kind(notice.kind)],
    )


def _have_pdf_made(notice: Notice, by: Actor) -> None:
    key = f"notice:{notice.pk}:{notice.tries}"
    outbox.add("notice_pdf", scheme=notice.scheme, key=key, by=by, notice=notice.pk)


def _fail(notice: Notice, failure: Notice.Failure) -> Notice:
    """Keep why it reached nobody, and tell the coordinators once for each try."""
    notice.status, notice.failure, notice.failed_at = Notice.Status.FAILED, failure, clock.now()
    notice.version += 1
    notice.save(update_fields=["status", "failure", "failed_at", "version"])
    reference = notice.referral.reference
    notify.tell(
        coordinators(notice.scheme),
        scheme=notice.scheme,
        kind="notice_failed",
        subject=f"notice:{notice.pk}:{notice.tries}:{failure}",
        text=f"Send again: a notice on referral {reference} failed",
        url=f"/referrals/{reference}/notices/{notice.number}/",
        email_body="A notice to a referrer has failed. Sign in to read why and to send it again:",
    )
    return notice


def _mend(notice: Notice) -> None:
    notice.status = Notice.Status.OPENED if notice.opened_at else Notice.Status.SENT
    notice.failure, notice.failed_at = "", None
    notice.version += 1
    notice.save(update_fields=["status", "failure", "failed_at", "version"])


@outbox.when_settled
def follow(message: OutboxMessage, done: bool) -> None:
    """Keep a notice's state true to what became of its e-mail and its PDF (security.md Q5)."""
    found = _notice_of(message)
    if found is None:
        return
    notice, failure = found
    if done and notice.failure == failure:
        _mend(notice)
    elif not done and _is_lost(notice, failure):
        _fail(notice, failure)


def _is_lost(notice: Notice, failure: Notice.Failure) -> bool:
    """Whether a notice lacks what was given up. One that was read needs no e-mail any more; its PDF it does."""
    if failure == Notice.Failure.PDF:
        return notice.status in (Notice.Status.SENT, Notice.Status.OPENED)
    return notice.status == Notice.Status.SENT


def _notice_of(message: OutboxMessage) -> tuple[Notice, Notice.Failure] | None:
    """The notice that a piece of work is for, locked, and what it has failed by if that is given up."""
    rows = Notice.objects.select_for_update(of=("self",)).select_related("referral", "scheme", "recipient__user")
    if message.kind == "notice_pdf":
        notice = rows.filter(pk=message.payload["notice"]).first()
        return (notice, Notice.Failure.PDF) if notice else None
    if message.kind != "email":
        return None
    told = Notification.objects.filter(pk=message.payload["notification"], kind__in=KINDS.values()).first()
    _, _, rest = told.subject.partition("notice:") if told else ("", "", "")
    number, _, tries = rest.partition(":")
    if not number.isdecimal():
        return None
    notice = rows.filter(pk=int(number)).first()
    # An earlier e-mail of the same notice says nothing of the one that was sent since.
    return (notice, Notice.Failure.EMAIL) if notice and str(notice.tries) == tries else None


def others_who_may_read(notice: Notice) -> QuerySet[Membership]:
    """To whom it can go when its reader has left: whoever acts for the referring agency now."""
    rows = Membership.objects.filter(scheme=notice.scheme, agency=notice.referral.agency).current(clock.today())
    readers = rows.with_role("member", "referrer", "researcher", "coordinator", "chair")
    return readers.exclude(pk=notice.recipient_id).select_related("user", "agency").order_by("user__name", "pk")


@transaction.atomic
def send_again(notice: Notice, *, by: Actor, to: Membership | None = None) -> Notice:
    """Send a notice that failed: its e-mail, its PDF, or to somebody else of the agency when its reader has left.

    Raises PermissionDenied, or StepRefused when it has not failed or nobody is named who can read it.
    """
    notice = locked(Notice, notice.pk)
    if not by.can("referrals.triage", notice.referral):
        raise PermissionDenied
    if notice.status != Notice.Status.FAILED:
        raise StepRefused([f"This notice is {lower_first(notice.get_status_display())}: there is no need to send it."])
    if to is not None:
        if not others_who_may_read(notice).filter(pk=to.pk).exists():
            raise StepRefused([f"Choose somebody who acts for {notice.referral.agency.name} now."])
        notice.recipient = to
    elif notice.failure == Notice.Failure.LEFT:
        raise StepRefused(["Choose who reads it instead."])
    return _go(notice, by=by)


@transaction.atomic
def mark_opened(notice: Notice, *, by: Actor) -> Notice:
    """Note that the one it was sent to has it on screen. A read mark, so a GET may set it (security.md H3)."""
    notice = locked(Notice, notice.pk)
    mine = by.user is not None and notice.recipient.user_id == by.user.pk
    unread = notice.opened_at is None and notice.status in (Notice.Status.SENT, Notice.Status.FAILED)
    if mine and unread:
        notice.opened_at = clock.now()
        # Whoever reads it was reached, whatever became of the e-mail.
        if notice.failure != Notice.Failure.PDF:
            notice.status, notice.failure, notice.failed_at = Notice.Status.OPENED, "", None
        notice.version += 1
        notice.save(update_fields=["status", "failure", "failed_at", "opened_at", "version"])
        audit.record("open_notice", notice, by=by, after=notice.status, subjects=[notice.referral.reference])
    return notice


def latest_for(referral: Referral) -> Notice | None:
    """The last decision that was told on a referral, which the caller has found among what the reader may see."""
    return sent_on(referral).filter(kind=Notice.Kind.DECISION).order_by("-number").first()


def sent_on(referral: Referral) -> QuerySet[Notice]:
    """Every notice that was sent on a referral, in their order; the caller has found the referral."""
    rows = Notice.objects.filter(scheme=referral.scheme_id, referral=referral).exclude(status=Notice.Status.DRAFT)
    return (
        rows.select_related(
            "meeting__body", "decision", "outside", "recipient__user", "recipient__agency", "sent_by", "document"
        )
        .defer("document__content")
        .order_by("number")
    )


def _open_meeting(meeting: Meeting, by: Actor) -> Meeting:
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.send_notices", meeting):
        raise PermissionDenied
    if meeting.status not in SENT_FROM:
        raise StepRefused(["Close the meeting first: until then a decision can still change."])
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting

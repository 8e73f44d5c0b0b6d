"""What the panel does when a nomination is put to it or taken back, and its work outside the request."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from actionplans.reports import Decided, tells_decisions
from iom import outbox
from iom.access import Actor, task_actor
from iom.models import Meeting, OutboxMessage
from offenders.models import Case
from referrals import hooks
from referrals.models import Referral

from . import agenda, board_papers, handing_out, notice_pdf, notices, proposers, ratifying, signed_files
from .models import (
    Addendum,
    AgendaItem,
    Decision,
    ItemState,
    Minutes,
    MinutesCopy,
    MinutesStatus,
    Notice,
    Outcome,
    OutsideDecision,
    Section,
)
from .words import OUTCOME_WORDS

# Whoever put somebody forward is booked, and let go, by hooks of its own; a board's report goes with its agenda.
__all__ = ["board_papers", "proposers"]


@hooks.when_sent
def acknowledge(referral: Referral, by: Actor) -> None:
    """Where the scheme's rules ask for it, each referral is acknowledged (Richmond, 4.13)."""
    notices.acknowledge(referral, by=by)


@hooks.when_put_to_panel
def put_on_agenda(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """A nomination that is put to a panel stands on its agenda: new, or brought back if it stood there before."""
    there = AgendaItem.objects.filter(meeting=meeting, referral=referral, section=Section.REFERRALS).first()
    if there is None:
        agenda.add_item(meeting, section=Section.REFERRALS, referral=referral, by=by)
    elif there.state == ItemState.PARKED:
        agenda.bring_back(there, by=by)


@hooks.when_off_agenda
def take_off_agenda(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """A nomination that was withdrawn or returned is not heard."""
    items = AgendaItem.objects.filter(meeting=meeting, referral=referral, section=Section.REFERRALS)
    there = items.filter(state=ItemState.OPEN).first()
    if there is not None:
        agenda.leave(there, by=by)


@hooks.tells_what_was_decided
def decisions_on(
    actor: Actor, referrals: Iterable[Referral], cases: Iterable[Case]
) -> dict[Referral | Case, hooks.Told]:
    """The decision in force on each nomination, and the one that ended each case, with the reason for whoever reads.

    The office reads the reason of the minutes; anybody else the one meant for the referrer, once it was told.
    """
    office = actor.has_role("coordinator", "chair")
    rows = (
        Decision.objects.in_force()
        .filter(scheme=actor.scheme, to_ratify=False)
        .select_related("item__meeting__body", "notice")
    )
    told: dict[Referral | Case, hooks.Told] = {}
    nominations = {referral.pk: referral for referral in referrals}
    between = OutsideDecision.objects.filter(scheme=actor.scheme, referral__in=nominations)
    for made in between.select_related("notice", "policy_version").order_by("pk"):
        told[nominations[made.referral_id]] = _told_between(made, office=office)
    of_nominations = rows.to_tell().filter(item__referral__in=nominations)
    for decision in of_nominations.select_related("item__ratifies").order_by("pk"):
        told[nominations[decision.item.referral_id]] = _told(decision, office=office)
    ended = {case.pk: case for case in cases}
    for decision in rows.filter(item__case__in=ended, outcome=Outcome.REMOVE).order_by("pk"):
        told[ended[decision.item.case_id]] = _told(decision, office=office)
    return told


def _told(decision: Decision, *, office: bool) -> hooks.Told:
    meeting = decision.item.meeting
    return hooks.Told(meeting.date, f"the {meeting.body.name}", _reason(decision, office=office))


def _told_between(made: OutsideDecision, *, office: bool) -> hooks.Told:
    """What was decided between two meetings; a panel that did not ratify it has decided since, and stands later."""
    body = made.policy_version.policy.deciding_body.name
    return hooks.Told(made.decided_on, f"the {body}, outside its meeting", _reason(made, office=office))


def _reason(decision: Decision | OutsideDecision, *, office: bool) -> str:
    notice = getattr(decision, "notice", None)
    was_told = notice is not None and notice.status != Notice.Status.DRAFT
    decision = ratifying.in_effect(decision)
    reasons = [decision.reason] if office else []
    if was_told or office:
        reasons.append(decision.reason_for_referrer)
    return " ".join(dict.fromkeys(words for words in reasons if words))


@outbox.handler(signed_files.SIGNED_COPY)
@outbox.handler(signed_files.ACCESSIBLE_COPY)
def make_minutes_pdf(message: OutboxMessage) -> str | None:
    """Make one of the files of signed minutes and keep its bytes; made once, it is never made again."""
    missing = {signed_files.FIELDS[message.kind]: None}
    minutes = (
        Minutes.objects.select_for_update(of=("self",))
        .select_related("scheme", "meeting__body", "meeting__scheme")
        .filter(pk=message.payload["minutes"], status=MinutesStatus.SIGNED, **missing)
        .first()
    )
    if minutes is None:
        return "skipped"
    by = task_actor(minutes.scheme, f"{message.kind} {message.caused_by}".strip())
    signed_files.make(minutes, message.kind, by=by)
    return None


@outbox.handler(signed_files.ADDENDUM_COPIES)
def make_addendum_pdf(message: OutboxMessage) -> str | None:
    """Make the files of a signed addendum and keep their bytes; made once, they are never made again."""
    addendum = (
        Addendum.objects.select_for_update(of=("self",))
        .select_related("scheme", "minutes__scheme", "minutes__meeting__body", "minutes__meeting__scheme")
        .filter(pk=message.payload["addendum"], document=None)
        .exclude(signed_at=None)
        .first()
    )
    if addendum is None:
        return "skipped"
    signed_files.make_addendum(addendum, by=task_actor(addendum.scheme, f"addendum_pdf {message.caused_by}".strip()))
    return None


@outbox.handler("minutes_copy_pdf")
def make_minutes_copy_pdf(message: OutboxMessage) -> str | None:
    """Make the PDF of a copy of minutes from what it says; made once, it is never made again."""
    copy = MinutesCopy.objects.filter(pk=message.payload["copy"], document=None).select_related("scheme").first()
    if copy is None:
        return "skipped"
    handing_out.document_of(copy, by=task_actor(copy.scheme, f"minutes_copy_pdf {message.caused_by}".strip()))
    return None


@outbox.handler("notice_pdf")
def make_notice_pdf(message: OutboxMessage) -> str | None:
    """Make the PDF of a notice that was sent and keep its bytes; made once, it is never made again."""
    rows = Notice.objects.select_for_update(of=("self",)).select_related(
        "scheme",
        "meeting__body",
        "referral__offender",
        "referral__agency",
        "referral__referrer__user",
        "recipient__user",
        "recipient__agency",
        "decision",
        "outside",
        "sent_by",
    )
    notice = rows.filter(pk=message.payload["notice"], document=None).exclude(status=Notice.Status.DRAFT).first()
    if notice is None:
        return "skipped"
    notice_pdf.keep(notice, by=task_actor(notice.scheme, f"notice_pdf {message.caused_by}".strip()))
    return None


@tells_decisions
def decisions_in_the_report(actor: Actor, case: Case) -> Iterable[Decided]:
    """What panels decided on a case, as it stands in their minutes: for the management report on it."""
    rows = (
        Decision.objects.in_force()
        .filter(Q(case=case) | Q(item__case=case), scheme=actor.scheme)
        .exclude(outcome__in=[Outcome.RATIFY, Outcome.NOT_RATIFY])
        .select_related("item__meeting__body")
        .order_by("pk")
    )
    found = list(rows.distinct())
    waiting = set(Decision.objects.waiting().filter(pk__in=[each.pk for each in found]).values_list("pk", flat=True))
    for decision in found:
        meeting = decision.item.meeting
        yield Decided(
            on=meeting.date,
            body=meeting.body.name,
            words=OUTCOME_WORDS[Outcome(decision.outcome)],
            colour=decision.colour,
            reason=decision.reason,
            standing="To be ratified" if decision.pk in waiting else "",
            leaves=decision.outcome == Outcome.REMOVE,
        )

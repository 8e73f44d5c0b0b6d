"""Decisions made between two meetings, before the panel that ratifies them (Hampshire, Multi-Agency Meetings).

Each stands on the next agenda as an item of its own until a quorate panel has ratified it or has not. Ratified, nothing
more happens: it has had effect since the day it was made. Not ratified, a case that was opened is closed, and the
nomination is before that same panel again, as an item of its agenda.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from iom import clock, notify
from iom.jinja import day_month, plural
from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused, take
from offenders.models import Case

from . import agenda, corrections
from .models import AgendaItem, Decision, ItemState, Outcome, OutsideDecision, Section
from .transitions import NOT_HELD_YET
from .words import OUTCOME_WORDS

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme
    from referrals.models import Referral


def ruling(outside: OutsideDecision) -> Decision | None:
    """What a quorate panel said of it; None while it waits."""
    rulings = Decision.objects.in_force().filter(
        item__outside=outside,
        quorate=True,
        outcome__in=[Outcome.RATIFY, Outcome.NOT_RATIFY],
    )
    return rulings.select_related("item__meeting__body").order_by("-pk").first()


def days_open(outside: OutsideDecision) -> int:
    """For how many days it has waited."""
    return (clock.today() - outside.decided_on).days


def open_words(outside: OutsideDecision) -> str:
    """The same in words."""
    days = days_open(outside)
    return f"open for {plural(days, 'day')}" if days else "made today"


def next_meeting(scheme: Scheme) -> Meeting | None:
    """The meeting that will be asked: the next of the body that decides, if one is planned."""
    body = scheme.policy.deciding_body.slug
    rows = Meeting.objects.filter(scheme=scheme, body__slug=body, status__in=NOT_HELD_YET)
    return rows.upcoming(clock.today()).select_related("body").first()


def days_of_meetings(outside: OutsideDecision) -> list[date]:
    """The planned meetings of the body that decides, after the day of the decision."""
    rows = Meeting.objects.filter(scheme=outside.scheme_id, body__slug=outside.policy_version.policy.deciding_body.slug)
    coming = rows.filter(date__gt=outside.decided_on).exclude(status=MeetingStatus.CANCELLED)
    return list(coming.order_by("date").values_list("date", flat=True))


def put_on(meeting: Meeting, outside: OutsideDecision, *, by: Actor, why: str = "") -> AgendaItem | None:
    """Ask a meeting to ratify it. None when it stands on that agenda already. Raises as `agenda.add_item`."""
    if AgendaItem.objects.filter(meeting=meeting, outside=outside).exists():
        return None
    words = why or f"Decided on {day_month(outside.decided_on)}: {OUTCOME_WORDS[outside.outcome].lower()}"
    wanted = agenda.Wanted(Section.OUTSIDE, referral=outside.referral, why=words, outside=outside)
    return agenda.add_items(meeting, [wanted], by=by)[0]


def bring_all(*, by: Actor) -> None:
    """Bring what waits and stands on no coming agenda to the next one. Without a next meeting it waits for its plan."""
    waiting = OutsideDecision.objects.filter(scheme=by.scheme).waiting()
    coming = AgendaItem.objects.filter(
        outside__isnull=False, state=ItemState.OPEN, meeting__status__in=[*NOT_HELD_YET, MeetingStatus.LIVE]
    )
    left = list(waiting.exclude(pk__in=coming.values("outside")).select_related("referral"))
    meeting = next_meeting(by.scheme) if left else None
    if meeting is not None:
        for outside in left:
            put_on(meeting, outside, by=by)


def rule(
    item: AgendaItem, outcome: str, meeting: Meeting, present: Decision | None, *, because: str, by: Actor
) -> Case | None:
    """Make so what a quorate panel said of a decision of before: part of `decide`. Returns the case, if one is open.

    Raises StepRefused when what is undone cannot be taken back, or when the case has moved on since.
    """
    outside, before = item.outside, present.outcome if present and present.quorate else ""
    if before == Outcome.NOT_RATIFY and outcome != Outcome.NOT_RATIFY:
        raise StepRefused(
            ["This decision was undone, and the nomination is before the panel again. Decide it at its own item."]
        )
    if outcome == Outcome.NOT_RATIFY and before != Outcome.NOT_RATIFY:
        _undo(outside, item, meeting, because=because, by=by)
    return outside.case


def _undo(outside: OutsideDecision, item: AgendaItem, meeting: Meeting, *, because: str, by: Actor) -> None:
    if outside.outcome == Outcome.ACCEPT:
        corrections.undo_acceptance(outside.case, item, meeting, because=f"not ratified. {because}", by=by)
    hears = meeting if meeting.status == MeetingStatus.LIVE else next_meeting(by.scheme)
    if hears is None:
        raise StepRefused(["Plan the next meeting first: the nomination must go to it."])
    referral = take(
        corrections.BEFORE_THE_PANEL_AGAIN,
        outside.referral,
        by=by,
        reason=because,
        subjects=[outside.referral.reference],
        meeting=hears,
    )
    _hear_again(referral, hears, by)
    notify.tell(
        [referral.referrer.user],
        scheme=meeting.scheme,
        kind="not_ratified",
        subject=f"outside:{outside.pk}",
        text=f"Referral {referral.reference} is before the panel again",
        url=referral.get_absolute_url(),
        email_body="The panel did not ratify what was decided between its meetings, and considers the referral anew:",
    )


def _hear_again(referral: Referral, meeting: Meeting, by: Actor) -> None:
    there = AgendaItem.objects.filter(meeting=meeting, referral=referral, section=Section.REFERRALS).first()
    if there is None:
        why = "What was decided outside the meeting was not ratified"
        agenda.add_item(meeting, section=Section.REFERRALS, referral=referral, why=why, by=by)
    elif there.state == ItemState.PARKED:
        agenda.bring_back(there, by=by)

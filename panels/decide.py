"""What the panel decides on an item: one verb that writes the decision and changes the case with it (design.md 3).

A decision is never edited. It is corrected by another one, with a reason, until the minutes go to the chair;
`corrections` says what that undoes. Without a quorum the decision waits to be ratified: nothing on the case changes,
and only its actions start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from actionplans import actions as plans
from actionplans.models import Action
from iom import audit, clock
from iom.models import Agency, Meeting, MeetingStatus, Membership, PolicyVersion
from iom.steps import StepRefused, locked
from offenders import actions as cases
from offenders.models import AssignmentRole, Case
from referrals import actions as referrals

from . import accepting, corrections, escalations, ratifying
from .accepting import Lead
from .models import (
    AgendaItem,
    Decision,
    How,
    ItemAction,
    ItemState,
    MinutesStatus,
    Outcome,
    Section,
)
from .presence import quorum_at
from .quorum import Quorum
from .recording import must_record, renew

if TYPE_CHECKING:
    from iom.access import Actor

# What may be decided in each part of the agenda.
OFFERED: dict[str, tuple[Outcome, ...]] = {
    Section.OUTSIDE: (Outcome.RATIFY, Outcome.NOT_RATIFY, Outcome.DEFER),
    Section.REFERRALS: (Outcome.ACCEPT, Outcome.NOT_ACCEPT, Outcome.DEFER, Outcome.ELSEWHERE),
    Section.RELEASES: (Outcome.NO_CHANGE, Outcome.CHANGE_RATING, Outcome.DEFER),
    Section.REVIEWS: (Outcome.NO_CHANGE, Outcome.CHANGE_RATING, Outcome.DEFER),
    Section.EXITS: (Outcome.REMOVE, Outcome.NO_CHANGE, Outcome.CHANGE_RATING, Outcome.DEFER),
}
NEEDS_REASON = frozenset(
    {
        Outcome.ACCEPT,
        Outcome.NOT_ACCEPT,
        Outcome.ELSEWHERE,
        Outcome.DEFER,
        Outcome.CHANGE_RATING,
        Outcome.REMOVE,
        Outcome.NOT_RATIFY,
        Outcome.ANSWERED,
        Outcome.MORE_NEEDED,
    }
)
NEEDS_COLOUR = frozenset({Outcome.ACCEPT, Outcome.CHANGE_RATING})


@dataclass(frozen=True, slots=True)
class NewAction:
    """Something that an agency takes on at this item."""

    text: str
    agency: Agency
    due_on: date
    owner: Membership | None = None
    owner_name: str = ""
    pathway: str = ""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How an action agreed before is reported to stand."""

    action: Action
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the panel decided on one item, as the recorder put it down. `version` is the item's that they saw."""

    outcome: str
    reason: str = ""
    colour: str = ""
    reason_for_referrer: str = ""
    how: str = How.AGREED
    dissent: str = ""
    score_agreed: bool | None = None
    leads: dict[str, Lead] = field(default_factory=dict)
    actions: tuple[NewAction, ...] = ()
    looked_at: tuple[LookedAt, ...] = ()
    note: str = ""
    correction_reason: str = ""
    version: int | None = None


def offered(section: str) -> tuple[Outcome, ...]:
    """What may be decided on an item of this section."""
    return OFFERED.get(section, (Outcome.NOTED,))


def offered_on(item: AgendaItem) -> tuple[Outcome, ...]:
    """What may be decided on this item: one that carries an escalation has outcomes of its own."""
    return escalations.offered(item) or offered(item.section)


def holding(item: AgendaItem) -> Decision | None:
    """The decision that holds on an item: the one that no other corrects."""
    return item.decisions.in_force().select_related("case", "decided_by").first()


@transaction.atomic
def decide(item: AgendaItem, choice: Choice, *, by: Actor) -> Decision:
    """Write down what the panel decided on an item, and make it so.

    Raises PermissionDenied, Stale, or StepRefused: when somebody else records, when the meeting takes no decisions any
    more, when the outcome is not one for this item, when something that it needs is missing, or when a correction
    cannot be carried out.
    """
    meeting = _meeting_of(item, by)
    item = locked(AgendaItem, item.pk, version=choice.version)
    if not AgendaItem.objects.visible_to(by).filter(pk=item.pk).exists():
        raise PermissionDenied
    present = holding(item)
    if problems := [*_obstacles(meeting, by), *_missing(item, choice, present)]:
        raise StepRefused(problems)
    count, quorate = _quorum(meeting, item, present)
    version = meeting.scheme.policy_on(meeting.date)
    case = present.case if present else item.case
    if quorate:
        case = _make_so(item, choice, meeting, present, version, by)
    decision = Decision.objects.create(
        scheme=meeting.scheme,
        item=item,
        outcome=choice.outcome,
        colour=_colour(choice, case, item),
        reason=choice.reason.strip(),
        reason_for_referrer=choice.reason_for_referrer.strip(),
        how=choice.how,
        dissent=choice.dissent.strip(),
        score_agreed=choice.score_agreed,
        agencies_here=count.here,
        agencies_needed=count.needed,
        quorate=quorate,
        to_ratify=not quorate,
        leads=accepting.as_minuted(choice.leads) if choice.outcome == Outcome.ACCEPT else {},
        case=case,
        policy_version=version,
        decided_at=clock.now(),
        decided_by=by.user,
        supersedes=present,
        correction_reason=choice.correction_reason.strip() if present else "",
    )
    escalations.answered(item, decision, by=by)
    look_at(item, choice.looked_at, by=by)
    agree_actions(item, choice.actions, case=case, meeting=meeting, by=by)
    item.state = ItemState.DECIDED
    item.note = choice.note.strip()
    item.draft = {}
    item.version += 1
    item.save(update_fields=["state", "note", "draft", "version"])
    audit.record(
        "correct_decision" if present else "decide",
        item,
        by=by,
        before=present.outcome if present else "",
        after=decision.outcome,
        reason=decision.correction_reason or decision.reason,
        subjects=[thing.reference for thing in (item.referral, case) if thing],
        meeting=meeting.key,
        item=item.number,
        quorate=quorate,
        rules=version.number,
    )
    return decision


@transaction.atomic
def ratify_everything(meeting: Meeting, *, by: Actor) -> list[Decision]:
    """Ratify in one step every decision made outside the meeting that the reader sees and that is not ruled on yet.

    Without a quorum they wait on, as any decision does.
    Raises PermissionDenied, or StepRefused when there is none or nothing can be decided now.
    """
    waiting = AgendaItem.objects.visible_to(by).filter(meeting=meeting, section=Section.OUTSIDE, state=ItemState.OPEN)
    items = list(waiting.order_by("position", "pk"))
    if not items:
        raise StepRefused(["No decision waits to be ratified here."])
    return [decide(item, Choice(Outcome.RATIFY, version=item.version), by=by) for item in items]


@transaction.atomic
def add_to_item(item: AgendaItem, actions: tuple[NewAction, ...], *, by: Actor) -> list[Action]:
    """Agree more actions on an item that is decided already. Raises PermissionDenied or StepRefused."""
    meeting = _meeting_of(item, by)
    item = locked(AgendaItem, item.pk)
    if problems := _obstacles(meeting, by):
        raise StepRefused(problems)
    present = holding(item)
    return agree_actions(item, actions, case=present.case if present else item.case, meeting=meeting, by=by)


def agree_actions(
    item: AgendaItem, actions: tuple[NewAction, ...], *, case: Case | None, meeting: Meeting, by: Actor
) -> list[Action]:
    """Put actions into the plan of the case and under the item of the minutes: one action, written once."""
    agreed = []
    for new in actions:
        if new.due_on < min(meeting.date, clock.today()):
            raise StepRefused(["The action date must be today or later."])
        action = plans.add_action(
            case=case,
            text=new.text,
            agency=new.agency,
            due_on=new.due_on,
            owner=new.owner,
            owner_name=new.owner_name,
            pathway=new.pathway,
            meeting=meeting,
            by=by,
        )
        ItemAction.objects.create(scheme=item.scheme, item=item, action=action, kind=ItemAction.Kind.AGREED)
        agreed.append(action)
    return agreed


def look_at(item: AgendaItem, looked_at: tuple[LookedAt, ...], *, by: Actor) -> None:
    """Say how earlier actions stand, and keep it under the item as it was said."""
    for said in looked_at:
        action = plans.update_action(said.action, status=said.status, note=said.note or None, by=by)
        ItemAction.objects.update_or_create(
            item=item,
            action=action,
            defaults={
                "scheme": item.scheme,
                "kind": ItemAction.Kind.REVIEWED,
                "status": said.status,
                "note": said.note.strip(),
            },
        )


# --- Whether it may be decided ----------------------------------------------


def _meeting_of(item: AgendaItem, by: Actor) -> Meeting:
    """The meeting, locked: what is decided in it comes one after another."""
    meeting = locked(Meeting, item.meeting_id)
    if not by.can("panels.record", meeting):
        raise PermissionDenied
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting


def _obstacles(meeting: Meeting, by: Actor) -> list[str]:
    if meeting.status == MeetingStatus.LIVE:
        must_record(meeting, by)
        renew(meeting, by=by)
        return []
    if meeting.status == MeetingStatus.MINUTES_DRAFTED:
        minutes = meeting.minutes.order_by("-number").first()
        if minutes is None or minutes.status == MinutesStatus.DRAFT:
            return []
        return ["The minutes are with the chair. Ask for them to be returned before you correct a decision."]
    return [f"This meeting is {meeting.get_status_display().lower()}: nothing can be decided in it now."]


def _missing(item: AgendaItem, choice: Choice, present: Decision | None) -> list[str]:
    problems = []
    if choice.outcome not in offered_on(item):
        problems.append("Choose one of the decisions for this item.")
    if item.state == ItemState.PARKED:
        problems.append("This item is parked: bring it back first.")
    if item.state == ItemState.CARRIED:
        problems.append("This item was not reached and is carried forward.")
    if choice.outcome in NEEDS_COLOUR and not choice.colour:
        problems.append("Choose a rating.")
    if choice.outcome in NEEDS_REASON and not choice.reason.strip():
        problems.append("Enter a reason.")
    if choice.outcome == Outcome.ACCEPT and AssignmentRole.LEAD_AGENCY not in choice.leads:
        problems.append("Choose the lead agency.")
    if present is not None and not choice.correction_reason.strip():
        problems.append("Enter why the decision is corrected.")
    return problems


def _quorum(meeting: Meeting, item: AgendaItem, present: Decision | None) -> tuple[Quorum, bool]:
    """Who is here at this item. A correction keeps the quorum of the decision that it corrects, if that had one."""
    count = quorum_at(meeting, item)
    if present is not None and present.quorate and not count.met:
        return Quorum(present.agencies_here, present.agencies_needed, True, ()), True
    return count, count.met


# --- Making it so -----------------------------------------------------------


def _make_so(
    item: AgendaItem,
    choice: Choice,
    meeting: Meeting,
    present: Decision | None,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    """Change the case and the referral as decided; first undo what the corrected decision did. Returns the case."""
    if item.outside is not None:
        return ratifying.rule(item, choice.outcome, meeting, present, because=choice.reason, by=by)
    stands = present is not None and present.quorate and present.outcome == choice.outcome
    if present is not None and present.quorate and not stands:
        corrections.undo(present, item, meeting, because=choice.correction_reason, by=by)
    if item.referral is not None:
        return _on_referral(item, choice, meeting, present if stands else None, version, by)
    if item.case is not None:
        _on_case(item.case, choice, meeting, stands=stands, by=by)
    return item.case


def _on_referral(
    item: AgendaItem,
    choice: Choice,
    meeting: Meeting,
    standing: Decision | None,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    referral = item.referral
    if standing is None:
        referrals.decided(referral, choice.outcome, by=by, reason=choice.reason)
    if choice.outcome != Outcome.ACCEPT:
        return None
    if standing is not None:
        case = standing.case
        corrections.amend(case, choice.colour, choice.reason, meeting, by=by)
    else:
        case = accepting.take_on(
            referral, choice.colour, choice.reason, on=meeting.date, meeting=meeting, version=version, by=by
        )
    accepting.give_leads(case, choice.leads, on=meeting.date, meeting=meeting, by=by)
    return case


def _on_case(case: Case, choice: Choice, meeting: Meeting, *, stands: bool, by: Actor) -> None:
    if choice.outcome == Outcome.CHANGE_RATING:
        if stands and case.rating and case.rating.colour == choice.colour:
            return
        cases.rate(case, choice.colour, on=meeting.date, reason=choice.reason, meeting=meeting, by=by)
    elif choice.outcome == Outcome.REMOVE and not stands:
        cases.start_leaving(case, on=meeting.date, reason=choice.reason, by=by)


# --- As it stands in the minutes --------------------------------------------


def _colour(choice: Choice, case: Case | None, item: AgendaItem) -> str:
    """The rating decided, or the one that stays."""
    if choice.outcome in NEEDS_COLOUR:
        return choice.colour
    if item.case is None or choice.outcome == Outcome.NOTED:
        return ""
    rating = (case or item.case).ratings.filter(until=None).first()
    return rating.colour if rating else ""

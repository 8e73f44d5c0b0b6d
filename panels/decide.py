"""What the panel decides on an item: one verb that writes the decision and changes the case with it (design.md 3).

A decision is never edited. It is corrected by another one, with a reason, until the minutes go to the chair;
`corrections` says what that undoes. The one saved last is simply undone (`undo`), as if it had not been. Without a
quorum the decision waits to be ratified: nothing on the case changes, and only its actions start.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import JSONField, Q, QuerySet, Value, When

from actionplans import actions as plans
from actionplans import reviews
from actionplans.models import Action
from iom import audit, clock, together
from iom.models import LogEntry, Meeting, MeetingStatus, PolicyVersion
from iom.policy import Policy
from iom.steps import Stale, StepRefused, locked
from offenders.models import AssignmentRole, Case, RagRating

from . import about_plans, accepting, corrections, effects, escalations, powers, ratifying, rerating, voting
from .accepting import Lead
from .chairing import chair_name
from .choices import (
    NEEDS_COLOUR,
    NEEDS_REASON,
    NEEDS_TAKER,
    Choice,
    LookedAt,
    NewAction,
    needs_colour,
)
from .models import (
    AgendaItem,
    Decision,
    FundingRuling,
    Harm,
    How,
    ItemAction,
    ItemState,
    MinutesStatus,
    Outcome,
    Section,
    Undone,
    Vote,
)
from .presence import Room, room_steps
from .quorum import Quorum
from .recording import must_record, renew

if TYPE_CHECKING:
    from iom.access import Actor

__all__ = [
    "NEEDS_COLOUR",
    "NEEDS_REASON",
    "Choice",
    "Lead",
    "LookedAt",
    "NewAction",
    "add_to_item",
    "decide",
    "holding",
    "offered_on",
    "ratify_everything",
    "undo",
]

# What only whoever chairs can state.
STATED = frozenset({How.CASTING, How.CHAIR_FINAL, How.CONSENSUS})
TAKEN_BACK = "Undone at the meeting"
# What leaves a case as it is, and where a case may change even so.
CHANGE_NOTHING = frozenset({Outcome.NO_CHANGE, Outcome.DEFER, Outcome.NOTED})
CHANGE_CASES = frozenset({Section.EXITS, Section.OUTSIDE, Section.ESCALATIONS})
# What is read with an item that is decided on.
ABOUT = ("case__offender", "referral__offender")


def offered_on(item: AgendaItem, policy: Policy | None = None) -> tuple[Outcome, ...]:
    """What may be decided on an item, by the rules in force on the day of its meeting; an escalation has its own."""
    if own := escalations.offered(item):
        return own
    if item.is_about_rating:
        return rerating.OUTCOMES
    meeting = item.meeting
    rules = policy or meeting.scheme.policy_on(meeting.date).policy
    criteria = item.referral.criteria if item.referral else ""
    return powers.outcomes(rules, meeting.body.slug, item.section, criteria=criteria)


def holding(item: AgendaItem) -> Decision | None:
    """The decision that holds on an item: the one that no other corrects, and that was not undone."""
    return together.run(holding_steps(item))


def holding_steps(item: AgendaItem) -> together.Steps[Decision | None]:
    """`holding`, read in the caller's round."""
    present = yield lambda: together.first(_holding(item))
    if present is not None:
        present.item = item
    return present


def _holding(item: AgendaItem) -> QuerySet[Decision]:
    rows = Decision.objects.in_force().filter(item=item)
    return rows.select_related("case", "decided_by", "harm_agency", "taken_on_by")


@transaction.atomic
def decide(item: AgendaItem, choice: Choice, *, by: Actor) -> Decision:
    """Write down what the panel decided on an item, and make it so.

    Raises PermissionDenied, Stale, or StepRefused: when somebody else records, when the meeting takes no decisions any
    more, when the outcome is not one for this item and body or does not follow from the vote, when something that it
    needs is missing, or when a correction cannot be carried out.
    """
    meeting = _meeting_of(item, by)
    item = _locked_item(item, choice.version)
    item.meeting = meeting
    version = by.rules_on(meeting.date)
    known = together.run(_before_steps(item, choice, meeting, version.policy, by))
    if not known.visible:
        raise PermissionDenied
    present = known.present
    if problems := [
        *_obstacles(meeting, by),
        *_missing(item, choice, present, version.policy),
        *_not_as_decided(item, choice, version.policy, known.room),
    ]:
        raise StepRefused(problems)
    count, quorate = _quorum(known.room, item, present)
    case = present.case if present else item.case
    if present is not None and not present.quorate and not item.is_about_rating:
        ratifying.must_still_wait(present)
    if quorate:
        case = _make_so(item, choice, meeting, present, version, by)
    colour = known.colour if known.stands else _colour(choice, case, item)
    decision = _write(item, choice, present, count, colour, quorate=quorate, case=case, version=version, by=by)
    if item.section == Section.ESCALATIONS:
        escalations.answered(item, decision, by=by)
    if present is not None:
        ratifying.ask_about(decision, instead_of=present)
    back = _before(item, choice, decision)
    look_at(item, choice.looked_at, by=by)
    agreed = agree_actions(item, choice.actions, case=case, meeting=meeting, by=by)
    if quorate:
        about_plans.make_so(decision, item, case, meeting, before=present, held=known.held, by=by)
    _settle(item, choice.note.strip(), by)
    _keep_for_undo(item, meeting, {} if present else back | {"actions": [action.pk for action in agreed]})
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once the item is locked. `stands`: the decision leaves its case as it is, so that the `colour` of
    its rating and the reviews `held` by it are as they were read.
    """

    visible: bool
    present: Decision | None
    room: Room
    stands: bool
    colour: str
    held: reviews.AtMeeting | None


def _before_steps(
    item: AgendaItem, choice: Choice, meeting: Meeting, policy: Policy, by: Actor
) -> together.Steps[_Known]:
    case = item.case if item.section not in CHANGE_CASES and choice.outcome in CHANGE_NOTHING else None
    found = yield from together.all_of(
        {
            "visible": together.asked(lambda: together.exists(AgendaItem.objects.visible_to(by).filter(pk=item.pk))),
            "present": holding_steps(item),
            "room": room_steps(meeting),
            "rating": together.asked(lambda: together.first(_rating_of(case))) if case is not None else None,
            "held": reviews.at_meeting_steps(case, meeting, policy) if case is not None else None,
        }
    )
    rating, held = found.pop("rating"), found.pop("held")
    stands = case is not None and found["present"] is None
    colour = rating.colour if rating and choice.outcome != Outcome.NOTED else ""
    return _Known(stands=stands, colour=colour, held=held if stands else None, **found)


def _settle(item: AgendaItem, note: str, by: Actor) -> None:
    """Write on an item that it is decided. It is locked: nobody has changed it since it was read."""
    before = copy.copy(item)
    item.state, item.note, item.draft = ItemState.DECIDED, note, {}
    item.version += 1
    LogEntry.objects.log_changed([(before, item)], actor=by.user)
    AgendaItem.objects.filter(pk=item.pk).update(
        state=item.state, note=item.note, draft=item.draft, version=item.version
    )


def _write(
    item: AgendaItem,
    choice: Choice,
    present: Decision | None,
    count: Quorum,
    colour: str,
    *,
    quorate: bool,
    case: Case | None,
    version: PolicyVersion,
    by: Actor,
) -> Decision:
    meeting, accepts = item.meeting, choice.outcome == Outcome.ACCEPT
    voted = choice.how in (How.MAJORITY, How.CASTING)
    cast = voting.count([side for _, side in choice.votes], choice.casting)
    how = voting.how_decided(cast) if voted else choice.how
    concern = choice.harm == Harm.CONCERN
    decision = Decision.objects.create(
        scheme=meeting.scheme,
        item=item,
        outcome=choice.outcome,
        colour=colour,
        reason=choice.reason.strip(),
        evidence=choice.evidence.strip() if choice.outcome in NEEDS_COLOUR else "",
        agreed_until=choice.agreed_until if choice.outcome in NEEDS_COLOUR else None,
        reason_for_referrer=choice.reason_for_referrer.strip(),
        how=how,
        motion=(choice.motion or choice.outcome) if voted else "",
        casting_vote=choice.casting if how == How.CASTING else "",
        chaired_by=chair_name(meeting) if how in STATED else "",
        vote_note=choice.vote_note.strip() if how != How.AGREED else "",
        dissent=choice.dissent.strip(),
        harm=choice.harm,
        harm_words=choice.harm_words.strip() if concern else "",
        harm_agency=choice.harm_agency if concern else None,
        taken_on_by=choice.taken_on_by if choice.outcome in NEEDS_TAKER else None,
        score_agreed=choice.score_agreed,
        plan_agreed=choice.plan_agreed,
        agencies_here=count.here,
        agencies_needed=count.needed,
        quorate=quorate,
        to_ratify=not quorate,
        leads=accepting.as_minuted(choice.leads) if accepts else {},
        leads_to_give=accepting.to_give(choice.leads) if accepts and not quorate else {},
        case=case,
        policy_version=version,
        decided_at=clock.now(),
        decided_by=by.user,
        supersedes=present,
        correction_reason=choice.correction_reason.strip() if present else "",
    )
    rulings = [
        FundingRuling(scheme=meeting.scheme, decision=decision, funding=asked, agreed=agreed)
        for asked, agreed in choice.money
    ]
    if rulings:
        FundingRuling.objects.bulk_create(rulings)
    together.attach([decision], "funding", rulings)
    if voted:
        Vote.objects.bulk_create(
            Vote(scheme=meeting.scheme, decision=decision, agency=agency, vote=side) for agency, side in choice.votes
        )
    return decision


@transaction.atomic
def ratify_everything(meeting: Meeting, *, by: Actor) -> list[Decision]:
    """Ratify in one step every decision that waits on this agenda, that the reader sees and that is not ruled on yet:
    those made outside the meeting and those made at one without a quorum.

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
    case = present.case if present else item.case
    agreed = agree_actions(item, actions, case=case, meeting=meeting, by=by)
    if case is not None and present is not None and present.quorate:
        plans.keep_agreed(case, meeting=meeting, by=by)
    return agreed


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
            kind=new.kind,
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


# --- Undoing what was saved last --------------------------------------------


@transaction.atomic
def undo(item: AgendaItem, *, by: Actor) -> AgendaItem:
    """Take back the decision saved last, until the next item is saved or the meeting is closed (ux.md 2, principle 8).

    The case is as it was, the actions agreed with it are gone, those looked at stand as before, and what was typed
    waits on the item again. Raises PermissionDenied, or StepRefused when it is too late: then it is corrected.
    """
    meeting = _meeting_of(item, by)
    item = locked(AgendaItem, item.pk)
    if not AgendaItem.objects.visible_to(by).filter(pk=item.pk).exists():
        raise PermissionDenied
    item.meeting = meeting
    if problems := _obstacles(meeting, by):
        raise StepRefused(problems)
    decision, back = holding(item), item.undo
    if decision is None or meeting.status != MeetingStatus.LIVE or back.get("decision") != decision.pk:
        raise StepRefused(["This cannot be undone any more. Correct the decision instead."])
    _undo_actions(item, back, by)
    if decision.quorate:
        about_plans.undo(decision, item, meeting, by=by)
        _take_back(item, decision, meeting, by)
    Undone.objects.create(scheme=meeting.scheme, decision=decision, at=clock.now(), by=by.user)
    item.state, item.note, item.draft = ItemState.OPEN, back["note"], back["typed"]
    item.version += 1
    item.save(update_fields=["state", "note", "version"])
    AgendaItem.objects.filter(pk=item.pk).update(draft=item.draft, undo={})
    audit.record(
        "undo_decision",
        item,
        by=by,
        before=decision.outcome,
        subjects=[thing.reference for thing in (item.referral, item.case or decision.case) if thing],
        meeting=meeting.key,
        item=item.number,
    )
    return item


def _take_back(item: AgendaItem, decision: Decision, meeting: Meeting, by: Actor) -> None:
    if item.is_about_rating:
        rerating.undo(item, decision, meeting, by=by, because=TAKEN_BACK)
    elif item.ratifies:
        ratifying.undo(item, decision, meeting, by=by)
    else:
        corrections.undo(decision, item, meeting, because=TAKEN_BACK, by=by)


def _before(item: AgendaItem, choice: Choice, decision: Decision) -> dict[str, Any]:
    """What undoing this decision puts back, read before its actions are written."""
    reviewed = item.item_actions.filter(kind=ItemAction.Kind.REVIEWED) if choice.looked_at else ()
    said = {each.action_id: each for each in reviewed}
    looked_at = []
    for each in choice.looked_at:
        action = Action.objects.get(pk=each.action.pk)
        before = said.get(action.pk)
        looked_at.append(
            {
                "action": action.pk,
                "status": action.status,
                "note": action.note,
                "said": {"status": before.status, "note": before.note} if before else None,
            }
        )
    return {"decision": decision.pk, "typed": dict(choice.typed), "note": item.note, "looked_at": looked_at}


def _keep_for_undo(item: AgendaItem, meeting: Meeting, back: dict[str, Any]) -> None:
    """Only what was saved last is undone. Past `save`: it is no part of the item's history."""
    mine = back if meeting.status == MeetingStatus.LIVE and _can_be_undone(item) else {}
    kept = Choose(When(pk=item.pk, then=Value(mine, JSONField())), default=Value({}, JSONField()))
    AgendaItem.objects.filter(~Q(undo={}) | Q(pk=item.pk), meeting=meeting).update(undo=kept)
    item.undo = mine


def _can_be_undone(item: AgendaItem) -> bool:
    """What has told others, a board or a referrer, is corrected instead."""
    return item.outside_id is None and item.section != Section.ESCALATIONS


def _undo_actions(item: AgendaItem, back: dict[str, Any], by: Actor) -> None:
    said = ItemAction.objects.filter(item=item)
    for action in Action.objects.filter(pk__in=back["actions"]):
        said.filter(action=action).delete()
        action.delete()
    for each in back["looked_at"]:
        action = Action.objects.get(pk=each["action"])
        plans.update_action(action, status=each["status"], note=each["note"], by=by)
        if each["said"] is None:
            said.filter(action=action).delete()
        else:
            said.filter(action=action).update(**each["said"])


# --- Whether it may be decided ----------------------------------------------


def _meeting_of(item: AgendaItem, by: Actor) -> Meeting:
    """The meeting, locked: what is decided in it comes one after another."""
    meeting = together.run(together.asked(_meeting_to_lock(item.meeting_id)))
    if meeting is None:
        raise Meeting.DoesNotExist
    if not by.can("panels.record", meeting):
        raise PermissionDenied
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting


def _locked_item(item: AgendaItem, version: int | None) -> AgendaItem:
    """`iom.steps.locked` in words made once. Raises Stale."""
    found = together.run(together.asked(_item_to_lock(item.pk)))
    if found is None:
        raise AgendaItem.DoesNotExist
    if version is not None and found.version != version:
        raise Stale(found)
    return found


@together.worded
def _item_to_lock(item: int) -> together.First:
    rows = AgendaItem.objects.select_for_update(of=("self",)).filter(pk=item).order_by()
    return together.first(rows.select_related(*ABOUT))


@together.worded
def _meeting_to_lock(meeting: int) -> together.First:
    rows = Meeting.objects.select_for_update(of=("self",)).filter(pk=meeting).order_by()
    return together.first(rows.select_related("body", "recorder", "chair__user"))


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


def _missing(item: AgendaItem, choice: Choice, present: Decision | None, policy: Policy) -> list[str]:
    problems = []
    if choice.outcome not in offered_on(item, policy):
        problems.append("Choose one of the decisions for this item.")
    if item.state == ItemState.PARKED:
        problems.append("This item is parked: bring it back first.")
    if item.state == ItemState.CARRIED:
        problems.append("This item was not reached and is carried forward.")
    if needs_colour(choice.outcome, item.section) and not choice.colour:
        problems.append("Choose a rating.")
    if choice.outcome in NEEDS_REASON and not choice.reason.strip():
        problems.append("Enter a reason.")
    if choice.outcome == Outcome.ACCEPT and AssignmentRole.LEAD_AGENCY not in choice.leads:
        problems.append("Choose the lead agency.")
    if choice.outcome in NEEDS_TAKER and choice.taken_on_by is None:
        problems.append("Choose the agency that sees to it.")
    if choice.harm == Harm.CONCERN and not (choice.harm_words.strip() and choice.harm_agency):
        problems.append("Say what the concern about harm is, and which agency deals with it.")
    if present is not None and not choice.correction_reason.strip():
        problems.append("Enter why the decision is corrected.")
    return problems


def _not_as_decided(item: AgendaItem, choice: Choice, policy: Policy, room: Room) -> list[str]:
    """How the outcome came about, against the body's rule, who may vote, and what the vote says."""
    meeting = item.meeting
    rule = policy.body(meeting.body.slug).decision_rule
    if choice.how in (How.MAJORITY, How.CASTING):
        voters = {agency.pk for agency in room.voters_at(item)}
        if without := [agency.name for agency, _ in choice.votes if agency.pk not in voters]:
            return [f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} no vote on this item."]
        cast = voting.count([side for _, side in choice.votes], choice.casting)
        problems = voting.problems(rule, cast, motion=choice.motion or choice.outcome, outcome=choice.outcome)
        if not problems and cast.casting and not chair_name(meeting):
            problems = ["Nobody is named to chair this meeting. Say who chairs it first."]
        return problems
    if choice.how not in voting.ways(rule):
        return ["This body does not decide in that way."]
    if choice.how == How.CONSENSUS and not choice.dissent.strip():
        return ["Enter who disagreed, and why."]
    if choice.how in STATED and not chair_name(meeting):
        return ["Nobody is named to chair this meeting. Say who chairs it first."]
    return []


def _quorum(room: Room, item: AgendaItem, present: Decision | None) -> tuple[Quorum, bool]:
    """Who is here at this item. A correction keeps the quorum of the decision that it corrects, if that had one."""
    count = room.quorum_at(item)
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
    if item.is_about_rating:
        return rerating.rule(
            item,
            choice.outcome,
            choice.colour,
            meeting,
            present,
            reason=choice.reason,
            evidence=choice.evidence,
            by=by,
        )
    if item.section == Section.OUTSIDE:
        return ratifying.rule(item, choice.outcome, meeting, present, because=choice.reason, version=version, by=by)
    stands = present is not None and present.quorate and present.outcome == choice.outcome
    if present is not None and present.quorate and not stands:
        corrections.undo(present, item, meeting, because=choice.correction_reason, by=by)
    return effects.make_so(item, choice, meeting, standing=present if stands else None, version=version, by=by)


# --- As it stands in the minutes --------------------------------------------


def _colour(choice: Choice, case: Case | None, item: AgendaItem) -> str:
    """The rating decided or recommended, or the one that stays."""
    if choice.outcome in NEEDS_COLOUR or (choice.outcome == Outcome.RECOMMEND and choice.colour):
        return choice.colour
    if (item.case is None and item.ratifies is None) or choice.outcome == Outcome.NOTED:
        return ""
    if case is None and item.case is None:
        return ""
    rating = _rating_of(case or item.case).first()
    return rating.colour if rating else ""


def _rating_of(case: Case) -> QuerySet[RagRating]:
    return RagRating.objects.filter(case=case, until=None)

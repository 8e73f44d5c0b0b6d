"""What is done to plans and actions: one verb for each change. Each locks, asks for permission, writes and audits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max

from iom import audit, clock
from iom.access import Actor
from iom.models import Agency, Meeting, Membership
from iom.steps import Stale, StepRefused, locked, take
from offenders.models import Case, CaseStatus

from .models import STILL_TO_DO, Action, ActionKind, ActionStatus, PathwayNeed, Plan, PlanStatus, PlanVersion
from .transitions import AGREE

EDITABLE = ("text", "agency", "owner", "owner_name", "due_on", "pathway", "kind", "cost", "funder")


# --- The plan ---------------------------------------------------------------


@transaction.atomic
def start_plan(case: Case, *, by: Actor) -> Plan:
    """The plan of a case, begun if there is none yet. Raises PermissionDenied."""
    if (plan := Plan.objects.filter(case=case).first()) is not None:
        return plan
    _must_be_allowed(by, "actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case))
    plan, new = Plan.objects.get_or_create(case=case, defaults={"scheme_id": case.scheme_id})
    if new:
        audit.record("start_plan", plan, by=by, subjects=[case.reference])
    return plan


@transaction.atomic
def agree_plan(case: Case, *, meeting: Meeting | None, on: date, by: Actor) -> Plan:
    """The panel agrees the plan (Merton, step 7). Raises PermissionDenied or StepRefused."""
    plan = start_plan(case, by=by)
    plan = take(AGREE, plan, by=by, subjects=[case.reference], agreed_on=on, agreed_at=meeting, reviewed_on=on)
    _keep_version(plan, on, meeting, by)
    return plan


@transaction.atomic
def keep_agreed(case: Case, *, meeting: Meeting, by: Actor) -> None:
    """What else the meeting that agreed the plan agreed at the same item belongs to what was agreed."""
    version = PlanVersion.objects.filter(plan__case=case, meeting=meeting).select_related("plan__case").first()
    if version is not None:
        version.delete()
        _keep_version(version.plan, version.agreed_on, meeting, by)


def _keep_version(plan: Plan, on: date, meeting: Meeting | None, by: Actor) -> None:
    PlanVersion.objects.create(
        scheme=plan.scheme, plan=plan, agreed_on=on, meeting=meeting, content=snapshot(plan), agreed_by=by.user
    )


@transaction.atomic
def agree_plan_again(case: Case, *, meeting: Meeting, by: Actor) -> Plan:
    """A decision on an item of this meeting was made or corrected and agrees the plan: what is in it now is agreed.

    The version of the same meeting is replaced, so that a meeting agrees one plan. Raises as `agree_plan`.
    """
    PlanVersion.objects.filter(plan__case=case, meeting=meeting).delete()
    return agree_plan(case, meeting=meeting, on=meeting.date, by=by)


@transaction.atomic
def unagree_plan(case: Case, *, meeting: Meeting, by: Actor) -> None:
    """The decision that agreed the plan was undone at its meeting: what was agreed before holds, or nothing."""
    plan = Plan.objects.select_for_update().filter(case=case).first()
    if plan is None or not plan.versions.filter(meeting=meeting).exists():
        return
    _must_be_allowed(by, "actionplans.change_plan", plan)
    plan.versions.filter(meeting=meeting).delete()
    last = plan.versions.first()
    before, plan.status = plan.status, PlanStatus.AGREED if last else PlanStatus.DRAFT
    plan.agreed_on = last.agreed_on if last else None
    plan.agreed_at = last.meeting if last else None
    if plan.reviewed_on == meeting.date:
        plan.reviewed_on = plan.agreed_on
    plan.version += 1
    plan.save(update_fields=["status", "agreed_on", "agreed_at", "reviewed_on", "version"])
    audit.record(
        "unagree_plan",
        plan,
        by=by,
        before=before,
        after=plan.status,
        subjects=[case.reference],
        meeting=meeting.key,
    )


def snapshot(plan: Plan) -> list[dict[str, Any]]:
    """The plan as plain values: the scheme's pathways in their order, each with need, goal and the actions to do."""
    needs = {need.pathway: need for need in plan.needs.all()}
    to_do = list(Action.objects.filter(case=plan.case).to_do().for_list().in_plan_order())
    named = [(each.slug, each.name) for each in plan.case.scheme.policy.pathways]
    known = {slug for slug, _ in named}
    rest = [action for action in to_do if action.pathway not in known]
    pathways = [
        {
            "pathway": slug,
            "name": name,
            "need": needs[slug].level if slug in needs else "",
            "goal": needs[slug].goal if slug in needs else "",
            "actions": [_kept(action) for action in to_do if action.pathway == slug],
        }
        for slug, name in named
    ]
    other = {"pathway": "", "name": "Other actions", "need": "", "goal": "", "actions": [_kept(a) for a in rest]}
    return [*pathways, other] if rest else pathways


def _kept(action: Action) -> dict[str, Any]:
    return {
        "id": action.pk,
        "text": action.text,
        "who": action.who,
        "agency": action.agency.name,
        "due_on": action.due_on.isoformat(),
        "kind": action.kind,
    }


@transaction.atomic
def mark_reviewed(plan: Plan, *, by: Actor, version: int | None = None) -> Plan:
    """Say that the plan was looked at and stays as it is. Raises PermissionDenied, Stale or StepRefused."""
    plan = locked(Plan, plan.pk, version=version)
    _must_be_allowed(by, "actionplans.change_plan", plan)
    must_be_open(plan.case)
    plan.reviewed_on = clock.today()
    plan.version += 1
    plan.save(update_fields=["reviewed_on", "version"])
    audit.record("review_plan", plan, by=by, subjects=[plan.case.reference])
    return plan


@transaction.atomic
def set_need(plan: Plan, pathway: str, *, level: str, goal: str, by: Actor, version: int | None = None) -> PathwayNeed:
    """Assess what somebody needs on one of the scheme's pathways, and the goal in a line.

    `version` is that of the need its reader saw, 0 where there was none. Raises PermissionDenied, Stale or StepRefused.
    """
    plan = locked(Plan, plan.pk)
    _must_be_allowed(by, "actionplans.change_plan", plan)
    must_be_open(plan.case)
    must_be_a_pathway(plan.case, pathway)
    need = plan.needs.select_for_update().filter(pathway=pathway).first()
    if version is not None and version != (need.version if need else 0):
        raise Stale(need)
    if need is None:
        need = PathwayNeed(scheme_id=plan.scheme_id, plan=plan, pathway=pathway, version=0)
    before = need.level if need.pk else ""
    if need.pk and (need.level, need.goal) == (level, goal):
        return need
    need.level, need.goal = PathwayNeed.Level(level), goal
    need.updated_on = clock.today()
    need.version += 1
    need.save()
    audit.record(
        "set_need",
        plan,
        by=by,
        before=before,
        after=level,
        fields=["level", "goal"],
        subjects=[plan.case.reference],
        pathway=pathway,
    )
    return need


# --- Actions ----------------------------------------------------------------


@transaction.atomic
def add_action(
    *,
    case: Case | None,
    text: str,
    agency: Agency,
    due_on: date,
    by: Actor,
    owner: Membership | None = None,
    owner_name: str = "",
    meeting: Meeting | None = None,
    pathway: str = "",
    kind: str = "",
    cost: Decimal | None = None,
    funder: str = "",
) -> Action:
    """Agree that an agency does something by a day. One about a case stands in its plan, which is begun if need be.

    Who may change the plan may add to it; one of a meeting without a case is the coordinator's, the chair's or the
    recorder's. Raises PermissionDenied or StepRefused.
    """
    if case is not None:
        must_be_open(case)
        must_be_a_pathway(case, pathway)
        plan = start_plan(case, by=by)
        _must_be_allowed(by, "actionplans.change_plan", plan)
    elif not _is_office(by) and not (meeting and by.user and meeting.recorder_id == by.user.pk):
        raise PermissionDenied
    action = Action(
        scheme=by.scheme,
        case=case,
        meeting=meeting,
        pathway=pathway,
        text=text.strip(),
        agency=agency,
        owner=owner,
        owner_name=owner_name,
        due_on=due_on,
        made_by=by.user,
        kind=ActionKind(kind) if kind else "",
        cost=cost,
        funder=funder.strip(),
        place=_next_place(case, pathway) if case is not None else 0,
    )
    _must_make_sense(action)
    action.save()
    audit.record(
        "add_action",
        action,
        by=by,
        after=action.status,
        subjects=_subjects(action),
        owner_agency=agency.slug,
        meeting=meeting.key if meeting else None,
    )
    return action


@transaction.atomic
def change_action(action: Action, *, by: Actor, version: int | None = None, **fields: Any) -> Action:
    """Correct what was agreed: the fields of `EDITABLE`. Raises PermissionDenied, Stale or StepRefused."""
    if unknown := fields.keys() - set(EDITABLE):
        raise TypeError(f"not a field of an action to change: {', '.join(sorted(unknown))}")
    action = locked(Action, action.pk, version=version)
    _must_change(action, by)
    if action.case is not None:
        must_be_a_pathway(action.case, fields.get("pathway", action.pathway))
    changed = [name for name, value in fields.items() if getattr(action, name) != value]
    for name in changed:
        setattr(action, name, fields[name])
    _must_make_sense(action)
    if changed:
        action.version += 1
        action.save()
        audit.record("change_action", action, by=by, fields=changed, subjects=_subjects(action))
    return action


@transaction.atomic
def remove_action(action: Action, *, by: Actor, version: int | None = None) -> Action:
    """Take an action out of the plan; `bring_back` is its undo, and nothing is lost.

    What a meeting agreed stays: it is only ended. Raises PermissionDenied, Stale or StepRefused.
    """
    action = locked(Action, action.pk, version=version)
    _must_change(action, by)
    if action.meeting_id is not None:
        raise StepRefused(
            ["A meeting agreed this action, so it stays. Say that it is no longer needed or possible instead."]
        )
    action.removed_at, action.removed_by = clock.now(), by.user
    action.version += 1
    action.save(update_fields=["removed_at", "removed_by", "version"])
    audit.record("remove_action", action, by=by, subjects=_subjects(action))
    return action


@transaction.atomic
def bring_back(action: Action, *, by: Actor) -> Action:
    """Undo a removal: the action stands where it stood. Raises PermissionDenied or StepRefused."""
    action = Action.with_removed.select_for_update(of=("self",)).get(pk=action.pk)
    _must_change(action, by)
    if action.removed_at is None:
        return action
    action.removed_at = action.removed_by = None
    action.version += 1
    action.save(update_fields=["removed_at", "removed_by", "version"])
    audit.record("bring_back_action", action, by=by, subjects=_subjects(action))
    return action


@transaction.atomic
def move_action(action: Action, to: str, *, by: Actor) -> int:
    """Move an action "up" or "down" within its pathway. Returns its place from 1. Raises as `remove_action`."""
    action = locked(Action, action.pk)
    _must_change(action, by)
    rows = list(
        Action.objects.filter(case=action.case, pathway=action.pathway).in_plan_order().select_for_update(of=("self",))
    )
    place = rows.index(action)
    wanted = min(max(place + {"up": -1, "down": 1}[to], 0), len(rows) - 1)
    if wanted == place:
        return place + 1
    rows.insert(wanted, rows.pop(place))
    for number, row in enumerate(rows, start=1):
        if row.place != number:
            # Past `save`: where a line stands is no part of its history, and nobody's version of it grows old.
            Action.objects.filter(pk=row.pk).update(place=number)
    audit.record("move_action", action, by=by, subjects=_subjects(action), place=wanted + 1)
    return wanted + 1


def _must_change(action: Action, by: Actor) -> None:
    """Whoever may change the plan of an open case may change its actions; those of no case the office may."""
    if action.case is not None:
        _must_be_allowed(by, "actionplans.change_plan", Plan(scheme_id=action.scheme_id, case=action.case))
        must_be_open(action.case)
    elif not _is_office(by):
        raise PermissionDenied


def _next_place(case: Case, pathway: str) -> int:
    last = Action.objects.filter(case=case, pathway=pathway).order_by().aggregate(last=Max("place"))["last"]
    return (last or 0) + 1


@transaction.atomic
def update_action(
    action: Action, *, status: str, note: str | None = None, by: Actor, version: int | None = None
) -> Action:
    """Say how an action stands, with a note in a line (None leaves the note as it is).

    The owner agency, whoever leads the case, the coordinator and the chair may. Raises PermissionDenied or Stale.
    """
    action = locked(Action, action.pk, version=version)
    _must_be_allowed(by, "actionplans.update_action", action)
    before, status = action.status, ActionStatus(status)
    note = action.note if note is None else note.strip()
    if (before, action.note) == (status, note):
        return action
    action.status, action.note = status, note
    if before != status:
        action.finished_on = None if status in STILL_TO_DO else clock.today()
    action.version += 1
    action.save(update_fields=["status", "note", "finished_on", "version"])
    audit.record(
        "update_action",
        action,
        by=by,
        before=before,
        after=status,
        fields=["status", "note"],
        subjects=_subjects(action),
    )
    return action


@transaction.atomic
def carry_forward(actions: Iterable[Action], *, by: Actor) -> int:
    """Count a meeting that ended with these still to do (Merton, Roles: carried over until done). Returns how many.

    It belongs to closing a meeting, so it is the coordinator's or the chair's. Raises PermissionDenied.
    """
    if not _is_office(by):
        raise PermissionDenied
    rows = (
        Action.objects.in_scheme_of(by)
        .to_do()
        .filter(pk__in=[action.pk for action in actions])
        .select_related("case")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    carried = 0
    for action in rows:
        action.carried_forward += 1
        action.version += 1
        action.save(update_fields=["carried_forward", "version"])
        audit.record("carry_forward", action, by=by, subjects=_subjects(action), times=action.carried_forward)
        carried += 1
    return carried


# --- Shared -----------------------------------------------------------------


def _must_be_allowed(by: Actor, permission: str, thing: Plan | Action) -> None:
    """A person needs the right; a task acts for the scheme itself."""
    allowed = thing.scheme_id == by.scheme.pk if by.user is None else by.can(permission, thing)
    if not allowed:
        raise PermissionDenied


def _is_office(by: Actor) -> bool:
    return by.user is None or by.has_role("coordinator", "chair")


def must_be_open(case: Case) -> None:
    """Raises StepRefused for a case that is closed."""
    if case.status == CaseStatus.CLOSED:
        raise StepRefused([f"{case.reference} is closed."])


def must_be_a_pathway(case: Case, pathway: str) -> None:
    """Raises StepRefused for a pathway that the scheme does not have; blank is no pathway, and fits."""
    pathways = {each.slug: each.name for each in case.scheme.policy.pathways}
    if pathway and pathway not in pathways:
        raise StepRefused([f"This scheme has no such pathway. Choose one of: {', '.join(pathways.values())}."])


def _must_make_sense(action: Action) -> None:
    if not action.text.strip():
        raise StepRefused(["Enter what will be done."])
    if action.agency.scheme_id != action.scheme_id:
        raise StepRefused(["Choose an agency of this scheme."])
    if action.cost is not None and action.cost < 0:
        raise StepRefused(["The cost must be nothing or more."])
    if action.owner is not None and action.owner.agency_id != action.agency_id:
        raise StepRefused([f"{action.owner.user.name} does not act for {action.agency.name}. Choose their own agency."])


def _subjects(action: Action) -> list[str]:
    return [action.case.reference] if action.case else []

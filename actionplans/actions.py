"""What is done to plans and actions: one verb for each change. Each locks, asks for permission, writes and audits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor
from iom.models import Agency, Meeting, Membership
from iom.steps import Stale, StepRefused, locked, take
from offenders.models import Case, CaseStatus

from .models import STILL_TO_DO, Action, ActionStatus, PathwayNeed, Plan
from .transitions import AGREE

EDITABLE = ("text", "agency", "owner", "owner_name", "due_on", "pathway")


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
    return take(AGREE, plan, by=by, subjects=[case.reference], agreed_on=on, agreed_at=meeting, reviewed_on=on)


@transaction.atomic
def mark_reviewed(plan: Plan, *, by: Actor, version: int | None = None) -> Plan:
    """Say that the plan was looked at and stays as it is. Raises PermissionDenied, Stale or StepRefused."""
    plan = locked(Plan, plan.pk, version=version)
    _must_be_allowed(by, "actionplans.change_plan", plan)
    _must_be_open(plan.case)
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
    _must_be_open(plan.case)
    _must_be_a_pathway(plan.case, pathway)
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
) -> Action:
    """Agree that an agency does something by a day. One about a case stands in its plan, which is begun if need be.

    Who may change the plan may add to it; one of a meeting without a case is the coordinator's, the chair's or the
    recorder's. Raises PermissionDenied or StepRefused.
    """
    if case is not None:
        _must_be_open(case)
        _must_be_a_pathway(case, pathway)
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
    if action.case is not None:
        _must_be_allowed(by, "actionplans.change_plan", Plan(scheme_id=action.scheme_id, case=action.case))
        _must_be_open(action.case)
        _must_be_a_pathway(action.case, fields.get("pathway", action.pathway))
    elif not _is_office(by):
        raise PermissionDenied
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


def _must_be_open(case: Case) -> None:
    if case.status == CaseStatus.CLOSED:
        raise StepRefused([f"{case.reference} is closed."])


def _must_be_a_pathway(case: Case, pathway: str) -> None:
    pathways = {each.slug: each.name for each in case.scheme.policy.pathways}
    if pathway and pathway not in pathways:
        raise StepRefused([f"This scheme has no such pathway. Choose one of: {', '.join(pathways.values())}."])


def _must_make_sense(action: Action) -> None:
    if not action.text.strip():
        raise StepRefused(["Enter what will be done."])
    if action.agency.scheme_id != action.scheme_id:
        raise StepRefused(["Choose an agency of this scheme."])
    if action.owner is not None and action.owner.agency_id != action.agency_id:
        raise StepRefused([f"{action.owner.user.name} does not act for {action.agency.name}. Choose their own agency."])


def _subjects(action: Action) -> list[str]:
    return [action.case.reference] if action.case else []

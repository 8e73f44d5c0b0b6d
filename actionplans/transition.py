"""The transition plan: support scaled back towards the end of supervision (Hampshire, When IOM Ends)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock
from iom.access import Actor
from iom.jinja import day
from iom.models import Agency, Meeting
from iom.steps import StepRefused, locked
from offenders.clocks import Calendar
from offenders.exits import CLOSING, Required, requirement
from offenders.models import Case, Supervision

from .actions import must_be_open
from .models import Plan, TransitionPlan, TransitionStep

MOST_WEEKS = 104


@requirement
def before_leaving(case: Case, calendar: Calendar) -> Iterable[Required]:
    """Where the scheme's rules ask for a transition plan, a meeting has agreed it before the case is closed."""
    rule = calendar.policy.exit
    if not rule.needs_transition_plan:
        return
    plan = TransitionPlan.objects.filter(case=case, agreed_on__isnull=False).first()
    yield Required(
        "transition",
        "Transition plan",
        plan is not None,
        f"Agreed {day(plan.agreed_on)}, until {day(plan.ends_on)}" if plan else "",
        CLOSING,
        "No meeting has agreed a transition plan.",
        reverse("case_transition", args=[case.reference]),
        rule.source,
    )


def needed(case: Case) -> bool:
    """Whether the scheme's rules ask for one before the case ends."""
    return case.scheme.policy.exit.needs_transition_plan


def agreed(case: Case) -> bool:
    """Whether a meeting agreed the transition plan of a case."""
    return TransitionPlan.objects.filter(case=case, agreed_on__isnull=False).exists()


def end_of_supervision(case: Case) -> date | None:
    """The last day of the longest order or licence that is known; None where none is."""
    return Supervision.objects.filter(case=case).order_by("-ends_on").values_list("ends_on", flat=True).first()


@transaction.atomic
def begin(case: Case, *, ends_on: date | None = None, by: Actor) -> TransitionPlan:
    """The transition plan of a case, towards the end of supervision or a day given; a new day moves its steps.

    Raises PermissionDenied, or StepRefused when no end is known.
    """
    _must_change_plan(by, case)
    must_be_open(case)
    ends_on = ends_on or end_of_supervision(case)
    if ends_on is None:
        raise StepRefused(["Enter the day on which supervision ends: none is recorded."])
    if ends_on < case.accepted_on:
        raise StepRefused(["Supervision cannot end before the person joined the scheme."])
    plan, new = TransitionPlan.objects.select_for_update().get_or_create(
        case=case, defaults={"scheme": by.scheme, "ends_on": ends_on}
    )
    if not new and plan.ends_on != ends_on:
        plan.ends_on = ends_on
        plan.version += 1
        plan.save(update_fields=["ends_on", "version"])
    audit.record("plan_transition", plan, by=by, fields=["ends_on"], subjects=[case.reference])
    return plan


@transaction.atomic
def add_step(plan: TransitionPlan, *, weeks_before: int, text: str, agency: Agency, by: Actor) -> TransitionStep:
    """One step down, so many weeks before the end. What is added to an agreed plan has to be agreed again.

    Raises PermissionDenied or StepRefused.
    """
    plan = locked(TransitionPlan, plan.pk)
    _must_change_plan(by, plan.case)
    must_be_open(plan.case)
    if not text.strip():
        raise StepRefused(["Enter what is scaled back."])
    if agency.scheme_id != plan.scheme_id:
        raise StepRefused(["Choose an agency of this scheme."])
    if not 0 <= weeks_before <= MOST_WEEKS:
        raise StepRefused([f"Enter how many weeks before the end, from 0 to {MOST_WEEKS}."])
    step = TransitionStep.objects.create(
        scheme=plan.scheme, plan=plan, weeks_before=weeks_before, text=text.strip(), agency=agency
    )
    _agree_anew(plan)
    audit.record("add_transition_step", step, by=by, subjects=[plan.case.reference])
    return step


@transaction.atomic
def remove_step(step: TransitionStep, *, by: Actor) -> None:
    """Take a step out that is not done. The history keeps it. Raises PermissionDenied or StepRefused."""
    step = locked(TransitionStep, step.pk)
    _must_change_plan(by, step.plan.case)
    must_be_open(step.plan.case)
    if step.done_on is not None:
        raise StepRefused(["This step is done, so it stays."])
    audit.record("remove_transition_step", step, by=by, subjects=[step.plan.case.reference])
    _agree_anew(step.plan)
    step.delete()


@transaction.atomic
def done(step: TransitionStep, *, by: Actor, version: int | None = None) -> TransitionStep:
    """The step was taken today. Raises PermissionDenied, Stale or StepRefused."""
    step = locked(TransitionStep, step.pk, version=version)
    _must_change_plan(by, step.plan.case)
    must_be_open(step.plan.case)
    if step.done_on is None:
        step.done_on = clock.today()
        step.version += 1
        step.save(update_fields=["done_on", "version"])
        audit.record("finish_transition_step", step, by=by, subjects=[step.plan.case.reference])
    return step


@transaction.atomic
def agree(plan: TransitionPlan, *, meeting: Meeting, by: Actor) -> TransitionPlan:
    """A meeting that was held agreed it. The coordinator or chair writes that down.

    Raises PermissionDenied, or StepRefused without a step or for a meeting that was not held.
    """
    plan = locked(TransitionPlan, plan.pk)
    if not by.can("actionplans.agree_transition", plan):
        raise PermissionDenied
    must_be_open(plan.case)
    if not plan.steps.exists():
        raise StepRefused(["Add at least one step before it is agreed."])
    if meeting.scheme_id != plan.scheme_id or meeting.status in ("draft", "agenda_sent", "cancelled"):
        raise StepRefused(["Choose a meeting that was held."])
    plan.agreed_on, plan.agreed_at = meeting.date, meeting
    plan.version += 1
    plan.save(update_fields=["agreed_on", "agreed_at", "version"])
    audit.record("agree_transition", plan, by=by, subjects=[plan.case.reference], meeting=meeting.key)
    return plan


def _agree_anew(plan: TransitionPlan) -> None:
    if plan.agreed_on is not None:
        plan.agreed_on = plan.agreed_at = None
        plan.version += 1
        plan.save(update_fields=["agreed_on", "agreed_at", "version"])


def _must_change_plan(by: Actor, case: Case) -> None:
    plan = Plan(scheme_id=case.scheme_id, case=case)
    if not (case.scheme_id == by.scheme.pk if by.user is None else by.can("actionplans.change_plan", plan)):
        raise PermissionDenied

"""The steps of a plan: draft, agreed. `iom.steps.take` alone writes the status."""

from __future__ import annotations

from iom.steps import Step

from .models import PlanStatus

AGREE = Step(
    verb="agree_plan",
    # A panel agrees the plan again when it has changed.
    sources=frozenset({PlanStatus.DRAFT, PlanStatus.AGREED}),
    target=PlanStatus.AGREED,
    permission="actionplans.change_plan",
    done="Plan agreed",
)
STEPS = {step.verb: step for step in (AGREE,)}

"""The steps of a case: open, leaving, closed. `iom.steps.take` alone writes the status."""

from __future__ import annotations

from iom.steps import Step

from .models import CaseStatus

LEAVE = Step(
    verb="start_leaving",
    sources=frozenset({CaseStatus.OPEN}),
    target=CaseStatus.LEAVING,
    permission="offenders.change_case",
    done="Leaving the cohort has started",
)
CLOSE = Step(
    verb="close_case",
    sources=frozenset({CaseStatus.OPEN, CaseStatus.LEAVING}),
    target=CaseStatus.CLOSED,
    permission="offenders.change_case",
    done="The case is closed",
)
STEPS = {step.verb: step for step in (LEAVE, CLOSE)}

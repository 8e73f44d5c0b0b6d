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
# At the end of supervision, where no panel is needed for it (Hampshire, When IOM Ends): by whoever leads the case.
CLOSE_AT_END = Step(
    verb="close_case",
    sources=CLOSE.sources,
    target=CaseStatus.CLOSED,
    permission="offenders.end_with_supervision",
    done=CLOSE.done,
)
CALL_OFF = Step(
    verb="call_off_leaving",
    sources=frozenset({CaseStatus.LEAVING}),
    target=CaseStatus.OPEN,
    permission="offenders.change_case",
    done="The person stays on the cohort",
)
STEPS = {step.verb: step for step in (LEAVE, CLOSE, CALL_OFF)}

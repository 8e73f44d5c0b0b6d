"""The steps of minutes: draft, with chair, signed. `iom.steps.take` alone writes the status.

What belongs to a step (the words, the fingerprint, whom it tells) stands in `minutes`.
"""

from __future__ import annotations

from iom.steps import Step

from .chairing import chair_of
from .models import Minutes, MinutesStatus


def has_a_chair(minutes: Minutes) -> str | None:
    if chair_of(minutes.meeting) is None:
        return "This meeting has no chair. Choose one on the meeting's page before you send the minutes."
    return None


def somebody_came(minutes: Minutes) -> str | None:
    if any(row.here for row in minutes.meeting.attendance.all()):
        return None
    return "Nobody is marked as here. Record the attendance before you send the minutes."


SEND_TO_CHAIR = Step(
    "send_minutes_to_chair",
    frozenset({MinutesStatus.DRAFT}),
    MinutesStatus.WITH_CHAIR,
    "panels.edit_minutes",
    done="Minutes sent to the chair",
    guards=(has_a_chair, somebody_came),
    tells="chair",
)
RETURN = Step(
    "return_minutes",
    frozenset({MinutesStatus.WITH_CHAIR}),
    MinutesStatus.DRAFT,
    "panels.review_minutes",
    done="Minutes returned to the coordinator",
    tells="coordinator",
)
SIGN = Step(
    "sign",
    frozenset({MinutesStatus.WITH_CHAIR}),
    MinutesStatus.SIGNED,
    "panels.sign_minutes",
    done="Minutes signed",
    tells="everyone who has the agenda or was there",
)
STEPS = {step.verb: step for step in (SEND_TO_CHAIR, RETURN, SIGN)}

"""The steps of minutes: draft, with chair, signed. `iom.steps.take` alone writes the status.

What belongs to a step (the words, the fingerprint, whom it tells) stands in `minutes`.
"""

from __future__ import annotations

from iom.steps import Step

from .chairing import chair_of
from .models import ItemState, Minutes, MinutesStatus
from .record import open_to_all


def has_a_chair(minutes: Minutes) -> str | None:
    if chair_of(minutes.meeting) is None:
        return "This meeting has no chair. Choose one on the meeting's page before you send the minutes."
    return None


def somebody_came(minutes: Minutes) -> str | None:
    if any(row.here for row in minutes.meeting.attendance.all()):
        return None
    return "Nobody is marked as here. Record the attendance before you send the minutes."


def chair_did_not_record(minutes: Minutes) -> str | None:
    from .minutes import recorded_by

    chair = chair_of(minutes.meeting)
    if chair is None or not recorded_by(minutes.meeting, chair.user):
        return None
    return "Whoever chaired recorded too, and nobody signs minutes that they recorded. Name another chair first."


def nobody_passed_over(minutes: Minutes) -> str | None:
    """Every case ends with a decision or an action, or goes on to the next meeting."""
    left = [
        item.number
        for item in open_to_all(minutes.meeting).filter(state=ItemState.OPEN)
        if (item.referral_id or item.case_id) and not item.item_actions.filter(kind="agreed").exists()
    ]
    if not left:
        return None
    return f"Neither a decision nor an action: {', '.join(left)}. Decide them, or carry them forward."


SEND_TO_CHAIR = Step(
    "send_minutes_to_chair",
    frozenset({MinutesStatus.DRAFT}),
    MinutesStatus.WITH_CHAIR,
    "panels.edit_minutes",
    done="Minutes sent to the chair",
    guards=(has_a_chair, chair_did_not_record, somebody_came, nobody_passed_over),
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

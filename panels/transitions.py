"""The steps of a meeting: draft, agenda sent, live, minutes drafted, signed; or called off (design.md 3).

Nothing else writes `Meeting.status`. The verbs around a step (numbering, telling people, freezing the record) stand in
`agenda`, `meetings` and `minutes`.
"""

from __future__ import annotations

from iom.models import Meeting, MeetingStatus
from iom.steps import Step

from .models import ItemState

# The agenda can still take items: what has not been held and not been called off.
OPEN_TO_ITEMS = frozenset({MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE})
NOT_HELD_YET = frozenset({MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT})
# The states of a meeting that goes as planned, in their order.
COURSE = (
    MeetingStatus.DRAFT,
    MeetingStatus.AGENDA_SENT,
    MeetingStatus.LIVE,
    MeetingStatus.MINUTES_DRAFTED,
    MeetingStatus.SIGNED,
)


def must_have_an_item(meeting: Meeting) -> str | None:
    # Whoever shows the agenda has counted them.
    standing = meeting.__dict__.get("items_standing")
    if meeting.items.exclude(state=ItemState.PARKED).exists() if standing is None else standing:
        return None
    return "The agenda has no items yet. Add at least one."


SEND_AGENDA = Step(
    "send_agenda",
    frozenset({MeetingStatus.DRAFT}),
    MeetingStatus.AGENDA_SENT,
    "panels.build_agenda",
    done="Agenda sent",
    guards=(must_have_an_item,),
    tells="seat holders, coordinator and chair",
)
GO_LIVE = Step(
    "go_live",
    frozenset({MeetingStatus.AGENDA_SENT}),
    MeetingStatus.LIVE,
    "panels.record",
    done="The meeting is live",
)
CLOSE_MEETING = Step(
    "close_meeting",
    frozenset({MeetingStatus.LIVE}),
    MeetingStatus.MINUTES_DRAFTED,
    "panels.record",
    done="Meeting closed. The minutes are drafted",
)
SIGN = Step(
    "sign_minutes",
    frozenset({MeetingStatus.MINUTES_DRAFTED}),
    MeetingStatus.SIGNED,
    "panels.sign_minutes",
    done="Minutes signed",
)
CANCEL = Step(
    "cancel_meeting",
    NOT_HELD_YET,
    MeetingStatus.CANCELLED,
    "panels.plan_meetings",
    done="Meeting called off",
    tells="everyone who has the agenda",
)
ADJOURN = Step(
    "adjourn_meeting",
    frozenset({MeetingStatus.LIVE}),
    MeetingStatus.ADJOURNED,
    "panels.record",
    done="Meeting adjourned",
    tells="everyone who has the agenda",
)
RESUME = Step(
    "resume_meeting",
    frozenset({MeetingStatus.ADJOURNED}),
    MeetingStatus.LIVE,
    "panels.record",
    done="The meeting goes on",
)
STEPS = {step.verb: step for step in (SEND_AGENDA, GO_LIVE, CLOSE_MEETING, SIGN, CANCEL, ADJOURN, RESUME)}

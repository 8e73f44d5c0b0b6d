"""The panel clock: the dates of a meeting in the order in which they come (feature 303)."""

from __future__ import annotations

from datetime import date
from typing import Any

from iom.deadlines import Deadline
from iom.models import Meeting, MeetingStatus

from .navigation import OVER


def steps_of(meeting: Meeting, today: date) -> list[dict[str, Any]]:
    """For `components/countdown.html`: every date that the body has; only work of our own is ever late."""
    dates = meeting.dates
    panel = "Panel" if meeting.body.kind == "panel" else meeting.body.name
    steps = [
        _passing("Referrals close", dates.nominations_close, today),
        {"label": "Agenda due", "date": dates.agenda_due.date, "done": meeting.status != MeetingStatus.DRAFT},
        _passing("Checks due", dates.checks_due, today),
        {
            "label": panel,
            "date": meeting.date,
            "href": meeting.get_absolute_url(),
            "done": meeting.status in OVER,
        },
        {"label": "Minutes due", "date": dates.minutes_due.date, "done": meeting.status == MeetingStatus.SIGNED},
    ]
    return sorted((step for step in steps if step["date"]), key=lambda step: step["date"])


def _passing(label: str, deadline: Deadline, today: date) -> dict[str, Any]:
    """A date that is over by itself: nobody is late for it here."""
    return {"label": label, "date": deadline.date, "done": deadline.date is not None and deadline.date < today}

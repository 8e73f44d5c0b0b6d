"""What referrals do when something of the shared ground changes."""

from __future__ import annotations

from iom.models import Meeting
from iom.stored_dates import when_counted
from referrals.models import CheckRequest


@when_counted
def checks_are_due_on_the_day(meeting: Meeting) -> None:
    """What agencies are still asked for a meeting is due when its checks are (security.md T4)."""
    CheckRequest.objects.filter(meeting=meeting, closed_at=None).update(due_on=meeting.dates.checks_due.date)

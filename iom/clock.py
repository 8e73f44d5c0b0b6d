"""What day and what time it is. Everything that needs the present asks here, so that a test can move it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """The present instant, in UTC (security.md T1)."""
    return timezone.now()


def today() -> date:
    """The day in London, whatever the server's own zone (security.md T1)."""
    return now().astimezone(LONDON).date()

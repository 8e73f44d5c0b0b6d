"""What day and what time it is. Everything that needs the present asks here, so that it can be told another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

LONDON = ZoneInfo("Europe/London")

_told: ContextVar[datetime | None] = ContextVar("_told", default=None)


def now() -> datetime:
    """The present instant, in UTC (security.md T1)."""
    return _told.get() or timezone.now()


def today() -> date:
    """The day in London, whatever the server's own zone (security.md T1)."""
    return now().astimezone(LONDON).date()


@contextmanager
def as_of(instant: datetime) -> Iterator[None]:
    """Take `instant` for the present: the demonstration lives through its year with the verbs that people use."""
    token = _told.set(instant)
    try:
        yield
    finally:
        _told.reset(token)

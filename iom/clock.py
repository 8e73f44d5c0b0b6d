"""What day and what time it is. Everything that needs the present asks here, so that it can be told another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

LONDON = ZoneInfo("Europe/London")

_told: ContextVar[datetime | None] = ContextVar("_told", default=None)


# What `now` says while a question is put into SQL that is asked at many times (`iom.asked_before`).
_marked: ContextVar[datetime | None] = ContextVar("_marked", default=None)


def now() -> datetime:
    """The present instant, in UTC (security.md T1)."""
    return _marked.get() or _told.get() or timezone.now()


@contextmanager
def marked(mark: datetime) -> Iterator[None]:
    """Let `now` say this mark, and `today` the day as ever."""
    token = _marked.set(mark)
    try:
        yield
    finally:
        _marked.reset(token)


def today() -> date:
    """The day in London, whatever the server's own zone (security.md T1)."""
    return (_told.get() or timezone.now()).astimezone(LONDON).date()


def is_told() -> bool:
    """Whether another instant than the present is taken for it."""
    return _told.get() is not None


class NoSuchTime(ValueError):
    """A time that a London clock does not show on that day, or shows twice (security.md T1). Its words say which."""


def local(moment: datetime) -> datetime:
    """An instant by London's clocks."""
    return moment.astimezone(LONDON)


def at(day: date, wall: time) -> datetime:
    """The instant (UTC) at which London clocks show `wall` on `day`: of a doubled time the first, of none the later."""
    return datetime.combine(day, wall, LONDON).astimezone(UTC)


def exactly(day: date, wall: time) -> datetime:
    """The same for what a person typed. Raises NoSuchTime where the clocks go forward or back over it."""
    first, second = (at(day, wall.replace(fold=fold)) for fold in (0, 1))
    if first > second:
        raise NoSuchTime("does not exist on that day: the clocks go forward")
    if first < second:
        raise NoSuchTime("comes twice on that day: the clocks go back")
    return first


def after(day: date, wall: time, minutes: int) -> datetime:
    """What London clocks show when that many minutes have passed since `wall` on `day`: counted in UTC (T1)."""
    return (at(day, wall) + timedelta(minutes=minutes)).astimezone(LONDON)


@contextmanager
def as_of(instant: datetime) -> Iterator[None]:
    """Take `instant` for the present: the demonstration lives through its year with the verbs that people use."""
    token = _told.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _told.reset(token)

"""Failures counted in the database, where a restart forgets nothing (security.md A4, M3).

A try is counted as failed before it is made and taken back when it succeeds, so that many at once cannot slip through.
The numbers stand in `settings.THROTTLES`. Each counter keeps the newest failures that its rule needs and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from iom import clock
from iom.models import Throttle

FORGOTTEN_AFTER = timedelta(hours=2)  # longer than any rule looks back


@dataclass(frozen=True, slots=True)
class Rule:
    """So many failures within so long, then closed: for `wait`, or but for one try each `pace`, or until the window
    has moved on. Lengths in seconds.
    """

    failures: int
    within: int
    wait: int = 0
    pace: int = 0
    forgives: bool = False  # a success wipes the counter, not only its own try

    def opens_at(self, failures: Sequence[datetime], now: datetime) -> datetime | None:
        """When the next try is let through, if not now. `failures` are in the order in which they happened."""
        newest = failures[-self.failures :]
        if len(newest) < self.failures:
            return None
        within = timedelta(seconds=self.within)
        if self.wait:
            opens = newest[-1] + timedelta(seconds=self.wait)
            return opens if newest[-1] - newest[0] < within and now < opens else None
        if newest[0] <= now - within:
            return None
        opens = newest[-1] + timedelta(seconds=self.pace) if self.pace else newest[0] + within
        return opens if now < opens else None


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted: a rule of `settings.THROTTLES`, and whom or what it counts."""

    rule_name: str
    of: tuple[str, ...]

    @property
    def rule(self) -> Rule:
        return Rule(**settings.THROTTLES[self.rule_name])

    @property
    def key(self) -> str:
        return salted_hmac("iom.throttle", "\0".join((self.rule_name, *self.of)), algorithm="sha256").hexdigest()


@dataclass
class Try:
    """One try under some counters. Closed if `retry_after` (whole seconds) is set: then do not even look."""

    counters: tuple[Counter, ...]
    at: datetime
    retry_after: int = 0
    taken_back: bool = field(default=False, init=False)

    @property
    def is_closed(self) -> bool:
        return self.retry_after > 0

    @transaction.atomic
    def succeeded(self) -> None:
        """It was no failure after all."""
        self.taken_back = True
        for row, counter in _locked(self.counters):
            row.failures = [] if counter.rule.forgives else _without(row.failures, self.at)
            row.save(update_fields=["failures"])

    @transaction.atomic
    def stands(self) -> None:
        """Count the failure again if the transaction that counted it was undone."""
        if self.taken_back or self.is_closed:
            return
        for row, counter in _locked(self.counters):
            if self.at not in row.failures:
                _count(row, counter, self.at)


@transaction.atomic
def begin(*counters: Counter) -> Try:
    """Ask whether a try may be made, and count it as failed until `succeeded`. A closed try is not counted."""
    now = clock.now()
    rows = _locked(counters)
    opens = [at for row, counter in rows if (at := counter.rule.opens_at(row.failures, now))]
    if opens:
        return Try(counters, now, retry_after=max(1, ceil((max(opens) - now).total_seconds())))
    for row, counter in rows:
        _count(row, counter, now)
    made = Try(counters, now)
    survive(made.stands)
    return made


def forget_old() -> int:
    """Delete counters that no rule looks at any more. Returns how many."""
    return Throttle.objects.filter(changed_at__lt=clock.now() - FORGOTTEN_AFTER).delete()[0]


def in_words(seconds: int) -> str:
    """How long to wait, as people say it: "30 seconds", "1 minute", "15 minutes"."""
    if seconds <= 59:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = ceil(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _locked(counters: Sequence[Counter]) -> list[tuple[Throttle, Counter]]:
    """The rows of the counters, locked in the order of their keys: two tries never wait for each other in a ring."""
    by_key = {counter.key: counter for counter in counters}
    Throttle.objects.bulk_create([Throttle(key=key) for key in sorted(by_key)], ignore_conflicts=True)
    rows = Throttle.objects.select_for_update().filter(pk__in=by_key).order_by("pk")
    return [(row, by_key[row.pk]) for row in rows]


def _count(row: Throttle, counter: Counter, at: datetime) -> None:
    row.failures = sorted([*row.failures, at])[-counter.rule.failures :]
    row.changed_at = at
    row.save(update_fields=["failures", "changed_at"])


def _without(failures: list[datetime], at: datetime) -> list[datetime]:
    """One failure taken out: somebody else's of the same instant stays."""
    left = list(failures)
    if at in left:
        left.remove(at)
    return left


# --- What outlives a refusal ------------------------------------------------------------

_to_survive: ContextVar[list[Callable[[], None]] | None] = ContextVar("_to_survive", default=None)


def survive(again: Callable[[], None]) -> None:
    """Have `again` called once the request's transaction is over: it must be able to run twice."""
    if (kept := _to_survive.get()) is not None:
        kept.append(again)


@contextmanager
def surviving() -> Iterator[list[Callable[[], None]]]:
    """Collect what must outlive the transaction inside; the caller runs it when that one was undone."""
    kept: list[Callable[[], None]] = []
    token = _to_survive.set(kept)
    try:
        yield kept
    finally:
        _to_survive.reset(token)

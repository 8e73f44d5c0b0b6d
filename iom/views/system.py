"""For machines: alive, and ready (security.md L5). Words only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from celery.exceptions import OperationalError as QueueError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError

from iom import clock, heads, outbox, signing, starting
from iom.celery import app
from iom.files import store, trust
from iom.models import Tick
from iom.pages import PUBLIC, page

CLOCK_LATE = timedelta(minutes=5)
OUTBOX_LATE = timedelta(minutes=5)

Probe = Callable[[], Iterable[str]]
_probes: list[Probe] = []


def probe(function: Probe) -> Probe:
    """Register what gives the reasons why the panel is not ready, in words without any detail; none if all is well."""
    _probes.append(function)
    return function


@page(PUBLIC)
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@page(PUBLIC)
def readyz(request: HttpRequest) -> HttpResponse:
    """Everything that probes find: 503 with the reasons when there is one (design.md 6). Warnings are for people."""
    problems: list[str] = []
    warnings: list[str] = []
    ticked = None
    try:
        for ask in _probes:
            problems += ask()
        ticked = _seconds_since_tick()
        warnings += _given_up()
        warnings += trust.warnings()
        warnings += signing.troubles()
    except DatabaseError:
        # Whatever else is asked of it would wait as long again.
        problems.append("the database does not answer")
    if not _queue_answers():
        problems.append("the queue does not answer")
    answer = {
        "status": "not ready" if problems else "ready",
        "problems": problems,
        "warnings": warnings,
        "clock_seconds": ticked,
    }
    return JsonResponse(answer, status=503 if problems else 200)


@probe
def ticks() -> Iterable[str]:
    """Scheduler, queue and worker are alive."""
    seconds = _seconds_since_tick()
    if seconds is None:
        return ["the clock has not run yet"]
    return ["the clock has stopped"] if seconds > CLOCK_LATE.total_seconds() else []


@probe
def tables() -> Iterable[str]:
    """The tables are those of this version. What was true once stays true: migrations are not undone under a server."""
    if not _seen:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return ["the tables are not those of this version"]
        _seen.append(True)
    return []


_seen: list[bool] = []


@probe
def settings_and_role() -> Iterable[str]:
    """A database that was away at the start may come back with a role that would have been refused."""
    return ["the settings are refused"] if starting.reasons() else []


@probe
def heads_leave() -> Iterable[str]:
    """security.md U8: what nobody outside has seen could be rewritten unseen."""
    return ["the heads of the audit have not left"] if heads.late() else []


@probe
def outbox_moves() -> Iterable[str]:
    """What was asked for is begun in time. What failed and waits for its next try is not late."""
    return ["background work is waiting"] if outbox.is_late(clock.now() - OUTBOX_LATE) else []


@probe
def files_can_be_kept() -> Iterable[str]:
    """What people send in needs a place (security.md F2)."""
    return [] if store.can_keep() else ["files cannot be kept"]


def _given_up() -> Iterable[str]:
    return ["background work was given up"] if outbox.has_dead() else []


def _seconds_since_tick() -> int | None:
    tick = Tick.objects.first()
    return round((clock.now() - tick.at).total_seconds()) if tick else None


def _queue_answers() -> bool:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    except (OperationalError, QueueError, OSError):
        return False
    return True

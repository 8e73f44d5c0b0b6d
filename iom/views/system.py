"""For machines: alive, and ready."""

from __future__ import annotations

from datetime import timedelta

from celery.exceptions import OperationalError as QueueError
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError

from iom import clock
from iom.celery import app
from iom.models import Tick
from iom.pages import PUBLIC, page

CLOCK_LATE = timedelta(minutes=5)


@page(PUBLIC)
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@page(PUBLIC)
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, queue and clock; 503 with the reasons in words when one is missing (design.md 6)."""
    problems, ticked = [], None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        tick = Tick.objects.first()
        ticked = round((clock.now() - tick.at).total_seconds()) if tick else None
        if tick is None:
            problems.append("the clock has not run yet")
        elif clock.now() - tick.at > CLOCK_LATE:
            problems.append("the clock has stopped")
    except DatabaseError:
        problems.append("the database does not answer")
    if not _queue_answers():
        problems.append("the queue does not answer")
    answer = {"status": "not ready" if problems else "ready", "problems": problems, "clock_seconds": ticked}
    return JsonResponse(answer, status=503 if problems else 200)


def _queue_answers() -> bool:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    except (OperationalError, QueueError, OSError):
        return False
    return True

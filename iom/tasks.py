"""Celery's doors: ids in, a verb called, nothing decided here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from iom import clock, heads, held, once, outbox, reminders, resetting, sessions, stored_dates, sweeps, throttle
from iom.celery import app
from iom.files import sweeping
from iom.models import Tick
from iom.second_factor import devices

# People are reminded by day. It also keeps sweeps out of the hours in which clocks change (security.md T4).
DAY_FROM, DAY_UNTIL = 7, 21


def by_day(work: Callable[[], None]) -> Callable[[], None]:
    """Do the work by day only, by London's clocks; at night do nothing, since it comes up again in the morning."""

    @wraps(work)
    def when_it_is_day() -> None:
        if DAY_FROM <= clock.now().astimezone(clock.LONDON).hour < DAY_UNTIL:
            work()

    when_it_is_day.by_day = True  # type: ignore[attr-defined]
    return when_it_is_day


@app.task(name="iom.deliver")
def deliver(message_id: str) -> None:
    """Do the work of one outbox message."""
    outbox.deliver(message_id)


@app.task(name="iom.sweep_reminders")
@by_day
def sweep_reminders() -> None:
    """Send what is due today."""
    reminders.sweep(clock.today())


@app.task(name="iom.restore_dates")
@by_day
def restore_dates() -> None:
    """Let open dates follow rules that hold from today."""
    stored_dates.restore_all()


@app.task(name="iom.tidy")
@by_day
def tidy() -> None:
    """Remove what must not be left in any scheme."""
    sweeps.tidy(clock.today())


@app.task(name="iom.sweep_sessions")
@by_day
def sweep_sessions() -> None:
    """End sessions that ran out with nobody there; forget what is kept for a day (security.md S2, S5 and C2)."""
    sessions.sweep()
    held.sweep()
    once.sweep()
    throttle.forget_old()
    devices.forget_ended()
    resetting.forget_old()


@app.task(name="iom.scan_waiting")
def scan_waiting() -> None:
    """Have files scanned that still wait: the scanner was away, or is new."""
    sweeping.ask_again()


@app.task(name="iom.tick")
def tick() -> None:
    """Show `/readyz` that scheduler, queue and worker are alive."""
    Tick.objects.update_or_create(pk=1, defaults={"at": clock.now()})


@app.task(name="iom.send_heads")
def send_heads() -> None:
    """Let the heads of the audit leave, every ten minutes."""
    heads.send_when_due()

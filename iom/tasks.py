"""Celery's doors: ids in, a verb called, nothing decided here."""

from __future__ import annotations

from iom import clock, outbox, reminders
from iom.celery import app
from iom.models import Tick

# People are reminded by day. It also keeps sweeps out of the hours in which clocks change (security.md T4).
REMIND_FROM, REMIND_UNTIL = 7, 21


@app.task(name="iom.deliver")
def deliver(message_id: str) -> None:
    """Do the work of one outbox message."""
    outbox.deliver(message_id)


@app.task(name="iom.sweep_reminders")
def sweep_reminders() -> None:
    """Send what is due today."""
    if REMIND_FROM <= clock.now().astimezone(clock.LONDON).hour < REMIND_UNTIL:
        reminders.sweep(clock.today())


@app.task(name="iom.tick")
def tick() -> None:
    """Show `/readyz` that scheduler, queue and worker are alive."""
    Tick.objects.update_or_create(pk=1, defaults={"at": clock.now()})

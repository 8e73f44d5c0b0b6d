"""Work that goes on after the answer (security.md Q1 to Q5).

It is written in the request's transaction, handed on by the relay, and done once.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from iom import clock, walls
from iom.models import OutboxMessage

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme

log = logging.getLogger(__name__)

TRIES = 7

Handler = Callable[[OutboxMessage], str | None]
_handlers: dict[str, Handler] = {}
# Told in the message's scheme when work was done (True) or given up (False).
Listener = Callable[[OutboxMessage, bool], None]
_listeners: list[Listener] = []


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what does the work of `kind`, in one transaction, perhaps twice; it may return "skipped"."""

    def register(function: Handler) -> Handler:
        if kind in _handlers:
            raise ValueError(f"Two handlers for {kind!r}")
        _handlers[kind] = function
        return function

    return register


def when_settled(function: Listener) -> Listener:
    """Register who wants to know that a message's work was done or given up, in the message's scheme."""
    _listeners.append(function)
    return function


def add(kind: str, *, scheme: Scheme, key: str, by: Actor | None = None, **payload: int | str) -> None:
    """Ask for work, in the caller's transaction. The same key again asks for nothing more. Payload: ids only."""
    if kind not in _handlers:
        raise ValueError(f"Nothing handles {kind!r}")
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                scheme=scheme,
                kind=kind,
                key=f"{scheme.pk}:{kind}:{key}",
                payload=payload,
                caused_by=by.label if by else "",
                due_at=clock.now(),
            )
        ],
        ignore_conflicts=True,
    )


def claim(limit: int = 50) -> list[uuid.UUID]:
    """Messages that are due, taken so that no other relay has them too.

    Those that are not done after `OUTBOX_ANSWER_SECONDS` come up again: the queue or a worker lost them.
    """
    with transaction.atomic():
        due = (
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(done_at=None, dead=False, due_at__lte=clock.now())
            .order_by("due_at")[:limit]
        )
        ids = [message.pk for message in due]
        again = clock.now() + timedelta(seconds=settings.OUTBOX_ANSWER_SECONDS)
        OutboxMessage.objects.filter(pk__in=ids).update(due_at=again)
    return ids


def unclaim(ids: list[uuid.UUID]) -> None:
    """Give back messages that could not be handed to the queue."""
    OutboxMessage.objects.filter(pk__in=ids, done_at=None).update(due_at=clock.now() + timedelta(seconds=5))


def deliver(message_id: uuid.UUID | str) -> str:
    """Do one message's work once, whoever asks and however often. Returns its outcome."""
    if not _begin(message_id):
        return "nothing to do"
    try:
        with transaction.atomic():
            message = (
                OutboxMessage.objects.select_for_update(skip_locked=True)
                .filter(pk=message_id, done_at=None, dead=False)
                .first()
            )
            if message is None:
                return "nothing to do"
            with walls.within(message.scheme, cause=f"{message.kind} for {message.caused_by or 'the clock'}"):
                message.outcome = _handlers[message.kind](message) or "done"
                for listen in _listeners:
                    listen(message, True)
            message.done_at = clock.now()
            message.save(update_fields=["outcome", "done_at"])
            return message.outcome
    except Exception as error:
        log.exception("outbox message failed", extra={"subject": str(message_id)})
        _put_off(message_id, type(error).__name__)
        return "failed"


def _begin(message_id: uuid.UUID | str) -> bool:
    """Count a try before it is made: work that kills its worker must not be sent for ever. False: nothing to do."""
    with transaction.atomic():
        message = (
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(pk=message_id, done_at=None, dead=False)
            .first()
        )
        if message is None:
            return False
        if message.attempts < TRIES:
            message.attempts += 1
            message.save(update_fields=["attempts"])
            return True
    _put_off(message_id, "WorkerLost")
    return False


def _put_off(message_id: uuid.UUID | str, error: str) -> None:
    """Seven tries, from a minute to an hour apart, then the dead-letter list (security.md Q5)."""
    with transaction.atomic():
        message = OutboxMessage.objects.select_for_update().get(pk=message_id)
        message.last_error = error[:120]
        message.save(update_fields=["last_error"])
        wait = min(60 * 2 ** (message.attempts - 1), 3600)
        message.due_at = clock.now() + timedelta(seconds=wait * random.uniform(0.9, 1.1))  # noqa: S311 -- jitter
        message.dead = message.attempts >= TRIES
        message.save(update_fields=["due_at", "dead"])
    if message.dead:
        log.error("outbox message is dead", extra={"subject": str(message_id), "verb": message.kind})
        from iom import dead_letters

        _say_that_it_was_given_up(message)
        dead_letters.tell(message)


def _say_that_it_was_given_up(message: OutboxMessage) -> None:
    """What failed seven times must not fail the worker as well: the list of given-up work holds it all the same."""
    try:
        with walls.within(message.scheme, cause=f"{message.kind} given up"):
            for listen in _listeners:
                listen(message, False)
    except Exception:
        log.exception("nobody could be told of given-up work", extra={"subject": str(message.pk)})


def drain() -> int:
    """Do everything that is due, here and now: for commands and tests that have no worker. Returns how many."""
    done = 0
    while ids := claim():
        for message_id in ids:
            deliver(message_id)
            done += 1
    return done


def is_late(since: datetime) -> bool:
    """Whether something due before that instant was never begun. What failed and waits for its next try is not late."""
    waiting = OutboxMessage.objects.filter(done_at=None, dead=False)
    return waiting.filter(Q(attempts=0, created_at__lt=since) | Q(due_at__lt=since)).exists()


def has_dead() -> bool:
    """Whether something was given up and nobody has said what to do with it."""
    return OutboxMessage.objects.filter(done_at=None, dead=True).exists()

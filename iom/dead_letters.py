"""Work that was tried seven times and given up: it waits until somebody tries it again or drops it (security.md Q5)."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from iom import audit, clock, notify, walls
from iom.models import Membership, OutboxMessage, Role, Scheme, User
from iom.steps import StepRefused

if TYPE_CHECKING:
    import uuid

    from iom.access import Actor

log = logging.getLogger(__name__)

DROPPED = "dropped"
WORDS = {
    "email": "Email of a notification",
    "account_mail": "Email about an account",
    "reset_link": "Email with a link to reset a password",
    "minutes_pdf": "PDF of signed minutes",
    "accessible_minutes_pdf": "Accessible PDF of signed minutes",
    "addendum_pdf": "PDFs of a signed addendum",
    "notice_pdf": "PDF of a notice to a referrer",
}
LATELY = timedelta(days=1)


def given_up(scheme: Scheme) -> QuerySet[OutboxMessage]:
    """What waits for somebody, oldest first."""
    return OutboxMessage.objects.filter(scheme=scheme, dead=True, done_at=None).order_by("created_at", "pk")


def in_words(kind: str) -> str:
    """What the work is."""
    return WORDS.get(kind) or kind.replace("_", " ").capitalize()


def counts(scheme: Scheme) -> dict[str, int]:
    """How much waits, was tried without success, was given up, and was done in the last day."""
    found: Counter[str] = Counter()
    mine = OutboxMessage.objects.filter(scheme=scheme)
    for dead, attempts in mine.filter(done_at=None).values_list("dead", "attempts"):
        found["given_up" if dead else "failing" if attempts else "waiting"] += 1
    found["done"] = mine.filter(done_at__gte=clock.now() - LATELY).exclude(outcome=DROPPED).count()
    return {name: found[name] for name in ("waiting", "failing", "given_up", "done")}


@transaction.atomic
def retry(message_id: uuid.UUID | str, *, by: Actor) -> OutboxMessage:
    """Have it tried from the start, seven times. Raises `StepRefused` if it does not wait for that any more."""
    message = _locked(message_id, by.scheme)
    message.dead, message.attempts, message.due_at = False, 0, clock.now()
    message.save(update_fields=["dead", "attempts", "due_at"])
    audit.record("retry_work", message, by=by, before="given_up", after="waiting", kind=message.kind)
    return message


@transaction.atomic
def drop(message_id: uuid.UUID | str, *, reason: str, by: Actor) -> OutboxMessage:
    """Let it be, for a reason. The row stays, so that nothing vanishes. Raises `StepRefused` as `retry` does."""
    message = _locked(message_id, by.scheme)
    if not reason.strip():
        raise StepRefused(["Say why it is dropped."])
    message.done_at, message.outcome = clock.now(), DROPPED
    message.save(update_fields=["done_at", "outcome"])
    audit.record("drop_work", message, by=by, before="given_up", after=DROPPED, reason=reason, kind=message.kind)
    return message


def _locked(message_id: uuid.UUID | str, scheme: Scheme) -> OutboxMessage:
    message = given_up(scheme).select_for_update().filter(pk=message_id).first()
    if message is None:
        raise StepRefused(["Somebody has dealt with this already."])
    return message


def tell(message: OutboxMessage) -> None:
    """Tell the scheme's administrators that something was given up: once a day, however much it is."""
    try:
        with walls.within(message.scheme, cause="outbox"):
            admins = (
                Membership.objects.filter(scheme=message.scheme).current(clock.today()).with_role(Role.SCHEME_ADMIN)
            )
            notify.tell(
                User.objects.filter(pk__in=admins.values("user")),
                scheme=message.scheme,
                kind="given_up_work",
                subject=clock.today().isoformat(),
                text="Background work was given up after 7 tries. Retry or drop it.",
                url=reverse("outbox"),
                email_body="Something that goes on in the background failed seven times and waits for you.",
            )
    except Exception:
        # The list holds it all the same; what failed seven times must not fail the worker as well.
        log.exception("nobody could be told of given-up work", extra={"subject": str(message.pk)})

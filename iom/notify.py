"""Telling people: once in the application, and by an e-mail that holds no personal data (ux.md 7, security.md Q2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from django.conf import settings
from django.core.mail import EmailMessage

from iom import audit, outbox
from iom.access import task_actor
from iom.models import Notification, OutboxMessage, Scheme, User

# Who of these people may be told something in these words: (scheme, people, kind, words).
Gate = Callable[[Scheme, list[User], str, str], list[User]]
_gates: list[Gate] = []


def gate(keep: Gate) -> Gate:
    """Register a wall that every notice passes, whoever writes it: it leaves out people who must not hear of it."""
    _gates.append(keep)
    return keep


def _who_may_hear(people: Iterable[User], scheme: Scheme, kind: str, *words: str) -> list[User]:
    left = list(people)
    for keep in _gates:
        left = keep(scheme, left, kind, " ".join(words)) if left else left
    return left


def tell(
    people: Iterable[User],
    *,
    scheme: Scheme,
    kind: str,
    subject: str,
    text: str,
    url: str,
    due: date | None = None,
    email_body: str = "",
) -> int:
    """Tell each person once of (kind, subject, due). `text` is also the e-mail's subject; references and dates only.

    Without `email_body` nothing is mailed. Returns how many were told for the first time.
    """
    told = 0
    for person in _who_may_hear(people, scheme, kind, subject, text, url, email_body):
        notification, new = Notification.objects.get_or_create(
            scheme=scheme,
            kind=kind,
            subject=subject,
            due=due,
            recipient=person,
            defaults={"text": text, "url": url, "email_body": email_body},
        )
        told += new
        if new and email_body:
            outbox.add("email", scheme=scheme, key=f"notification:{notification.pk}", notification=notification.pk)
    return told


def link(scheme: Scheme, url: str) -> str:
    """An address for an e-mail: it names the scheme, so that someone active in another is offered the change."""
    path, hash_mark, anchor = url.partition("#")
    joint = "&" if "?" in path else "?"
    return f"{settings.SITE_URL}{path}{joint}in={scheme.slug}{hash_mark}{anchor}"


@outbox.handler("email")
def send_email(message: OutboxMessage) -> str | None:
    """Send a notification's e-mail, under a Message-ID made from the outbox key: a repeat is the same message."""
    notification = (
        Notification.objects.select_related("recipient", "scheme").filter(pk=message.payload["notification"]).first()
    )
    if notification is None or not notification.recipient.is_active:
        return "skipped"
    EmailMessage(
        subject=notification.text,
        body=f"{notification.email_body}\n\n{link(notification.scheme, notification.url)}\n",
        to=[notification.recipient.email],
        headers={"Message-ID": f"<{message.pk}@iom-panel.example>"},
    ).send()
    audit.record(
        "send_email",
        notification,
        by=task_actor(notification.scheme, f"email for {message.caused_by or 'the clock'}"),
        recipient=f"user:{notification.recipient_id}",
        notice=notification.kind,
    )
    return None

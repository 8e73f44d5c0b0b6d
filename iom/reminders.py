"""The clock: each app says what is due, this claims it and tells people, once (design.md 5, style.md 7).

An app's `reminders.py` registers sources. A source gives everything that is due on a day *or was due before and still
matters*, so that a night missed is made up for; the claim keeps it from being sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from iom import notify
from iom.models import Reminder, Scheme, User


@dataclass(frozen=True, slots=True)
class Due:
    """Something that people must hear of by a day. The words hold no personal data."""

    kind: str
    subject: str
    due: date
    recipients: tuple[User, ...]
    text: str
    url: str
    email_body: str = ""


Source = Callable[[Scheme, date], Iterable[Due]]
_sources: list[Source] = []


def source(function: Source) -> Source:
    """Register what is due in a scheme on a day."""
    _sources.append(function)
    return function


def sweep(on: date) -> int:
    """Send every reminder that is due on `on` and was not sent before. Returns how many people were reminded."""
    return sum(_sweep_scheme(scheme, on) for scheme in Scheme.objects.order_by("pk"))


def _sweep_scheme(scheme: Scheme, on: date) -> int:
    sent = 0
    claimed = set(
        Reminder.objects.filter(scheme=scheme).values_list("kind", "subject", "due", "recipient_id")
    )
    for find in _sources:
        for due in find(scheme, on):
            for person in due.recipients:
                if (due.kind, due.subject, due.due, person.pk) not in claimed:
                    sent += _remind(scheme, due, person)
    return sent


@transaction.atomic
def _remind(scheme: Scheme, due: Due, person: User) -> int:
    # The unique row is the lock: of two sweeps at once, the second finds it there.
    _, mine = Reminder.objects.get_or_create(
        scheme=scheme, kind=due.kind, subject=due.subject, due=due.due, recipient=person
    )
    if not mine:
        return 0
    notify.tell(
        [person],
        scheme=scheme,
        kind=due.kind,
        subject=due.subject,
        text=due.text,
        url=due.url,
        due=due.due,
        email_body=due.email_body,
    )
    return 1

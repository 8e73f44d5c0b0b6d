"""The clock: each app says what is due, this claims it and tells people, once (design.md 5, style.md 7).

An app's `reminders.py` registers sources. A source gives everything that is due on a day *or was due before and still
matters*, so that a night missed is made up for; the claim keeps it from being sent twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from iom import notify, walls
from iom.models import Reminder, Scheme, User

log = logging.getLogger(__name__)


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


class SweepFailed(Exception):
    """Sources that could not be asked, by scheme and name, after everybody else was reminded."""


def sweep(on: date) -> int:
    """Send every reminder that is due on `on` and was not sent before. Returns how many people were reminded.

    Raises SweepFailed at the end if a source broke; what the others gave has been sent by then.
    """
    sent, broken = 0, []
    for scheme in Scheme.objects.order_by("pk"):
        for find in _sources:
            told = _ask(scheme, find, on)
            if told is None:
                broken.append(f"{scheme.slug}: {find.__module__}.{find.__name__}")
            sent += told or 0
    if broken:
        raise SweepFailed(f"{sent} sent. Not asked: {'; '.join(broken)}")
    return sent


def _ask(scheme: Scheme, find: Source, on: date) -> int | None:
    """Send what one source gives for one scheme; None if it broke, which must not keep others from their reminders."""
    try:
        with walls.within(scheme, cause="sweep_reminders"):
            due = list(find(scheme, on))
            claimed = _claimed(scheme, due)
        return sum(
            _remind(scheme, each, person)
            for each in due
            for person in each.recipients
            if person.is_active and (each.kind, each.subject, each.due, person.pk) not in claimed
        )
    except Exception:
        log.exception("reminders failed", extra={"scheme_id": scheme.pk, "verb": find.__name__})
        return None


def _claimed(scheme: Scheme, due: list[Due]) -> set[tuple[str, str, date, int]]:
    """Which of these were sent before: one query, however many years of reminders are kept."""
    if not due:
        return set()
    rows = Reminder.objects.filter(
        scheme=scheme, kind__in={each.kind for each in due}, due__in={each.due for each in due}
    )
    return set(rows.values_list("kind", "subject", "due", "recipient_id"))


def _remind(scheme: Scheme, due: Due, person: User) -> int:
    with walls.within(scheme, cause="sweep_reminders"):
        return _claim_and_tell(scheme, due, person)


def _claim_and_tell(scheme: Scheme, due: Due, person: User) -> int:
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

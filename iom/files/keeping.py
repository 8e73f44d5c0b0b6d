"""The verbs of files that people send in: kept, scanned, removed (security.md F3). What a file belongs to says who may.

Bytes go the way of their row: they are put before the row is there, and destroyed when the removal is certain. What a
crash leaves between is found by `sweeping`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from iom import audit, clock, notify, outbox
from iom.access import Actor, task_actor
from iom.files import store
from iom.files.clamd import Away, Broken, Scanner
from iom.files.judging import Judged
from iom.models import FileState, Handling, Membership, OutboxMessage, Role, StoredFile, User
from iom.steps import StepRefused, locked

if TYPE_CHECKING:
    from iom.models import Scheme
    from iom.policy.schema import Policy

log = logging.getLogger(__name__)

# A scanner that fails on a file may be short of memory today; one that always fails will never say that it is clean.
MOST_TRIES = 5
NO_ROOM = "Files cannot be kept just now. Nothing was saved. Tell whoever runs the panel."


@dataclass(frozen=True, slots=True)
class Whose:
    """What a file belongs to: how it is called outside pages, its page, and whom it is about, for the audit."""

    reference: str
    url: str
    subjects: tuple[str, ...] = ()


Find = Callable[[StoredFile], Whose | None]
_finders: list[Find] = []


def belongs_to(function: Find) -> Find:
    """Register what knows to what a file belongs, where it is one of that app."""
    _finders.append(function)
    return function


def whose(file: StoredFile) -> Whose | None:
    """To what a file belongs."""
    return next((found for find in _finders if (found := find(file))), None)


# --- Kept --------------------------------------------------------------------


@transaction.atomic
def keep(judged: Judged, *, by: Actor, handling: str, readers: Iterable[str] = ()) -> StoredFile:
    """Keep a file that was judged; it waits for the scanner. The caller has checked who may, and records the event.

    Raises StepRefused when no handling fits, or when bytes cannot be kept.
    """
    if by.agency is None or by.user is None:
        raise StepRefused(["Files are sent by somebody who acts for an agency."])
    readers = sorted(readers) if handling == Handling.AGENCIES else []
    if handling == Handling.AGENCIES and not readers:
        raise StepRefused(["Choose the agencies that can open it."])
    file = StoredFile(
        scheme=by.scheme,
        agency=by.agency,
        uploaded_by=by.user,
        name=judged.name,
        kind=judged.kind.value,
        size=len(judged.content),
        sha256=judged.sha256,
        handling=handling,
        readers=readers,
    )
    try:
        store.put(by.scheme.pk, file.key, judged.content)
    except OSError as error:
        log.exception("a file cannot be kept", extra={"verb": type(error).__name__})
        raise StepRefused([NO_ROOM]) from error
    file.save()
    if settings.CLAMD:
        outbox.add("scan_file", scheme=by.scheme, key=str(file.key), by=by, file=file.pk)
    return file


def content_of(file: StoredFile) -> bytes:
    """The bytes of a file that opens. Raises `store.Missing`."""
    return store.get(file.scheme_id, file.key)


def is_open(file: StoredFile, policy: Policy) -> bool:
    """Whether it may be opened: only what is clean; without any scanner what the scheme's rules let open."""
    if file.removed_at is not None:
        return False
    return file.state == FileState.CLEAN or (file.state == FileState.WAITING and opens_unscanned(policy))


def opens_unscanned(policy: Policy) -> bool:
    """Whether files open without having been scanned: where no scanner is set up and the scheme says so."""
    return not settings.CLAMD and policy.files.without_scanner == "open"


# --- Removed -----------------------------------------------------------------


@transaction.atomic
def remove(file: StoredFile, *, by: Actor, reason: str) -> StoredFile:
    """Destroy the bytes and keep the row. The caller has checked who may, and records the event; StepRefused."""
    file = locked(StoredFile, file.pk)
    if file.removed_at is not None:
        raise StepRefused(["This file was removed already."])
    if not reason.strip():
        raise StepRefused(["Give a reason for removing it."])
    file.removed_at, file.removed_by, file.removed_because = clock.now(), by.user, reason.strip()
    file.version += 1
    file.save(update_fields=["removed_at", "removed_by", "removed_because", "version"])
    _destroy_when_certain(file)
    return file


def _destroy_when_certain(file: StoredFile) -> None:
    transaction.on_commit(partial(store.destroy, file.scheme_id, file.key))


# --- Scanned -----------------------------------------------------------------


@outbox.handler("scan_file")
def scan_file(message: OutboxMessage) -> str | None:
    """Have a waiting file scanned. Asked twice, it is scanned once; with the scanner away it goes on waiting."""
    rows = StoredFile.objects.select_for_update(of=("self",)).select_related("scheme")
    file = rows.filter(pk=message.payload["file"], state=FileState.WAITING, removed_at=None).first()
    if file is None or not settings.CLAMD:
        return "skipped"
    by = task_actor(file.scheme, f"scan_file for {message.caused_by or 'the clock'}")
    try:
        return scan(file, by=by)
    except Away:
        return "scanner away"


def scan(file: StoredFile, *, by: Actor) -> str:
    """Scan a file that is locked and waits; returns the new state. Raises `Away`."""
    from iom.files import trust

    try:
        content = content_of(file)
    except store.Missing:
        return _judged(file, FileState.FAILED, "The file is no longer there", by)
    trust.require()
    try:
        answer = Scanner(settings.CLAMD).scan(content)
    except Broken as broken:
        file.tries += 1
        file.save(update_fields=["tries"])
        if file.tries < MOST_TRIES and "limit exceeded" not in str(broken).lower():
            return "to be tried again"
        return _judged(file, FileState.FAILED, str(broken), by)
    if answer.is_limit:
        return _judged(file, FileState.FAILED, answer.found, by)
    return _judged(file, FileState.INFECTED if answer.found else FileState.CLEAN, answer.found, by)


def _judged(file: StoredFile, state: FileState, said: str, by: Actor) -> str:
    before, file.state = file.state, state
    file.scanner_said, file.scanned_at = said[:120], clock.now()
    file.version += 1
    file.save(update_fields=["state", "scanner_said", "scanned_at", "version"])
    about = whose(file)
    audit.record("scan_file", file, by=by, before=before, after=state, subjects=about.subjects if about else ())
    if state == FileState.INFECTED:
        _destroy_when_certain(file)
    if about is not None and state != FileState.CLEAN:
        _tell(file, about)
    return state


def _tell(file: StoredFile, about: Whose) -> None:
    """The sender hears what became of the file; of a virus also the coordinators. No name of anybody's."""
    infected = file.state == FileState.INFECTED
    words = "had a virus and was destroyed" if infected else "could not be scanned for viruses"
    next_step = (
        "Nobody opened it. If it came from your own computer, tell your IT service."
        if infected
        else "Nobody can open it. Save it in another way, or split it, and send it again."
    )
    notify.tell(
        _people(file, infected=infected),
        scheme=file.scheme,
        kind="file_scanned",
        subject=f"{about.reference} file {file.pk}",
        text=f"A file that was added to {about.reference} {words}",
        url=about.url,
        email_body=next_step,
    )


def _people(file: StoredFile, *, infected: bool) -> set[User]:
    people = {file.uploaded_by}
    if infected:
        coordinators = Membership.objects.filter(scheme=file.scheme).current(clock.today()).with_role(Role.COORDINATOR)
        people |= {held.user for held in coordinators.select_related("user")}
    return people


def ask_to_scan(scheme: Scheme) -> int:
    """Ask for every file of a scheme that waits and is not asked for yet; how many they were."""
    asked = OutboxMessage.objects.filter(scheme=scheme, kind="scan_file", done_at=None).values_list(
        "payload", flat=True
    )
    under_way = {payload.get("file") for payload in asked}
    moment = int(clock.now().timestamp())
    waiting = StoredFile.objects.filter(scheme=scheme, state=FileState.WAITING, removed_at=None)
    todo = [file for file in waiting.order_by("pk") if file.pk not in under_way]
    for file in todo:
        outbox.add("scan_file", scheme=scheme, key=f"{file.key}:{moment}", file=file.pk)
    return len(todo)

"""The two files of what was signed: the signed copy (PDF/A) and the accessible copy (PDF/UA) of the same record.

Minutes have them, and each addendum.

Each is made once, by a worker, from the frozen record, and its bytes are kept and served as they are (security.md E4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, outbox, signing
from iom.jinja import moment
from iom.models import Document, OutboxMessage
from iom.printing import sha256
from iom.steps import StepRefused

from . import pdf
from .models import Addendum, Minutes, MinutesStatus
from .record import reference_of

if TYPE_CHECKING:
    from iom.access import Actor

SIGNED_COPY, ACCESSIBLE_COPY = "minutes_pdf", "accessible_minutes_pdf"
ADDENDUM_COPIES = "addendum_pdf"
ADDENDUM_ACCESSIBLE = "addendum_accessible"
# Kind of work to the field of the minutes that its file joins.
FIELDS = {SIGNED_COPY: "document", ACCESSIBLE_COPY: "accessible"}
CALLED = {SIGNED_COPY: "Signed copy", ACCESSIBLE_COPY: "Accessible copy"}
# By the name of the error, what a reader is told of it.
WHY = {
    "PdfUnavailable": "This server lacks a library that PDFs need",
    "PdfTooLarge": "It would take more pages, time or memory than one document may",
    "SigningUnavailable": "The certificate that signs PDFs cannot be used",
    "TimeStampUnavailable": "The time stamp service did not answer",
}
WHY_ELSE = "Something went wrong while it was made"


class Stage(StrEnum):
    """How far a file is."""

    READY = "ready"
    MAKING = "making"
    TRYING = "trying again"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one of the files is, and why it is not further; minutes stay signed whatever becomes of it."""

    kind: str
    stage: Stage
    why: str = ""

    @property
    def called(self) -> str:
        return CALLED[self.kind]


def ask(minutes: Minutes, *, by: Actor) -> None:
    """Have both files made in the background. In the caller's transaction."""
    for kind in FIELDS:
        outbox.add(kind, scheme=minutes.scheme, key=_key(minutes), by=by, minutes=minutes.pk)


def ask_addendum(addendum: Addendum, *, by: Actor) -> None:
    """Have the files of a signed addendum made in the background. In the caller's transaction."""
    outbox.add(ADDENDUM_COPIES, scheme=addendum.scheme, key=_key(addendum), by=by, addendum=addendum.pk)


@transaction.atomic
def ask_again(minutes: Minutes, *, by: Actor) -> None:
    """Have the files that are missing tried from the start. Raises PermissionDenied, or StepRefused if none is."""
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    missing = [kind for kind, field in FIELDS.items() if getattr(minutes, f"{field}_id") is None]
    addenda = list(minutes.addenda.exclude(signed_at=None).filter(document=None))
    if minutes.status != MinutesStatus.SIGNED or not (missing or addenda):
        raise StepRefused(["All files are there."])
    keys = [_full_key(minutes, kind) for kind in missing] + [_full_key(each, ADDENDUM_COPIES) for each in addenda]
    for message in OutboxMessage.objects.select_for_update().filter(key__in=keys):
        message.dead, message.attempts, message.done_at, message.due_at = False, 0, None, clock.now()
        message.save(update_fields=["dead", "attempts", "done_at", "due_at"])
    ask(minutes, by=by)
    for addendum in addenda:
        ask_addendum(addendum, by=by)
    audit.record("ask_minutes_pdf", minutes, by=by, meeting=minutes.meeting.key)


def progress(minutes: Minutes) -> list[Progress]:
    """How far each file of signed minutes is, in one query."""
    keys = {_full_key(minutes, kind): kind for kind in FIELDS}
    work = {keys[message.key]: message for message in OutboxMessage.objects.filter(key__in=keys)}
    return [_progress(kind, getattr(minutes, f"{field}_id"), work.get(kind)) for kind, field in FIELDS.items()]


def _progress(kind: str, document: int | None, work: OutboxMessage | None) -> Progress:
    if document is not None:
        return Progress(kind, Stage.READY)
    if work is None or work.done_at is not None:
        return Progress(kind, Stage.ABSENT)
    why = WHY.get(work.last_error, WHY_ELSE) if work.last_error else ""
    if work.dead:
        return Progress(kind, Stage.FAILED, why or WHY_ELSE)
    return Progress(kind, Stage.TRYING if why else Stage.MAKING, why)


def make(minutes: Minutes, kind: str, *, by: Actor) -> Document:
    """Make one of the files and keep its bytes, for ever the same. In the caller's transaction.

    Raises as `pdf.render`, and `signing.SigningUnavailable` when a certificate is configured that cannot sign now.
    """
    is_signed = kind == SIGNED_COPY
    content = signed_copy(minutes) if is_signed else accessible_copy(minutes)
    name = f"minutes-{reference_of(minutes.meeting).lower()}-v{minutes.number}"
    document = Document.objects.create(
        scheme=minutes.scheme,
        kind="minutes" if is_signed else "minutes_accessible",
        reference=f"{minutes.meeting.key}-v{minutes.number}",
        name=f"{name}.pdf" if is_signed else f"{name}-accessible.pdf",
        content=content,
        sha256=sha256(content),
    )
    # Not through `save`: of a signed row the database lets nothing else pass, and there is nothing else to write.
    Minutes.objects.filter(pk=minutes.pk).update(**{FIELDS[kind]: document})
    audit.record(
        "make_minutes_pdf" if is_signed else "make_accessible_pdf",
        minutes,
        by=by,
        after=document.name,
        meeting=minutes.meeting.key,
    )
    return document


def make_addendum(addendum: Addendum, *, by: Actor) -> Document:
    """Make both files of a signed addendum, as `make` does those of minutes; returns the signed one."""
    minutes = addendum.minutes
    reference = f"{minutes.meeting.key}-v{minutes.number}-a{addendum.number}"
    name = f"minutes-{reference_of(minutes.meeting).lower()}-v{minutes.number}-addendum-{addendum.number}"
    signature = pdf.Signature(addendum.signed_name, addendum.signed_at, addendum.record_sha256)

    def made(kind: str, name: str, content: bytes) -> Document:
        return Document.objects.create(
            scheme=addendum.scheme,
            kind=kind,
            reference=reference,
            name=name,
            content=content,
            sha256=sha256(content),
        )

    scheme = minutes.scheme.name
    held = signing.usable()
    content = pdf.render_addendum(addendum.record, signature, scheme=scheme, proof=_proof(held))
    which = f"addendum {addendum.number} to {reference_of(minutes.meeting)} version {minutes.number}"
    document = made("addendum", f"{name}.pdf", _sealed(content, held, which, signature))
    accessible = pdf.render_addendum(addendum.record, signature, scheme=scheme, variant="pdf/ua-1")
    made(ADDENDUM_ACCESSIBLE, f"{name}-accessible.pdf", accessible)
    Addendum.objects.filter(pk=addendum.pk).update(document=document)
    audit.record("make_addendum_pdf", addendum, by=by, after=document.name, meeting=minutes.meeting.key)
    return document


def accessible_of(addendum: Addendum) -> Document | None:
    """The accessible copy of a signed addendum, which bears the reference of the signed one."""
    if addendum.document is None:
        return None
    rows = Document.objects.filter(scheme=addendum.scheme, kind=ADDENDUM_ACCESSIBLE)
    return rows.filter(reference=addendum.document.reference).first()


def signed_copy(minutes: Minutes) -> bytes:
    """PDF/A with the record inside, digitally signed where a certificate is configured."""
    held, signature = signing.usable(), pdf.signature_of(minutes)
    content = pdf.render_minutes(minutes.record, signature=signature, proof=_proof(held))
    return _sealed(content, held, f"minutes {reference_of(minutes.meeting)} version {minutes.number}", signature)


def _proof(held: signing.Certificate | None) -> tuple[str, ...]:
    """What the file says of its digital signature, under the signature of the person."""
    return (pdf.UNSEALED,) if held is None else (signing.in_words(held), pdf.UNSEALED)


def _sealed(content: bytes, held: signing.Certificate | None, which: str, signature: pdf.Signature) -> bytes:
    if held is None:
        return content
    reason = f"{which[0].upper()}{which[1:]}, signed in the service by {signature.name}, {moment(signature.at)}"
    return signing.sign(content, reason=reason)


def accessible_copy(minutes: Minutes) -> bytes:
    """PDF/UA of the same record, without a digital signature, which such files cannot carry well."""
    return pdf.render_minutes(minutes.record, variant="pdf/ua-1", signature=pdf.signature_of(minutes))


def _key(thing: Minutes | Addendum) -> str:
    return f"{thing._meta.model_name}:{thing.pk}"


def _full_key(thing: Minutes | Addendum, kind: str) -> str:
    return f"{thing.scheme_id}:{kind}:{_key(thing)}"

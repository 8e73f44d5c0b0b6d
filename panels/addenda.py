"""Additions to signed minutes: each dated, with its reason, a record and a signature of its own.

Signed minutes never change. What turns out to be wrong or missing is written by the coordinator as an addendum and
signed by the chair of that meeting; corrections that the next meeting agrees become one by themselves, signed with the
minutes of the meeting that agreed to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max

from iom import audit, clock, notify
from iom.printing import CLASSIFICATION
from iom.steps import Stale, StepRefused, locked

from . import last_minutes, minutes, names_kept_out, signed_files
from .chairing import chair_of
from .models import Addendum, Approval, Decision, Minutes, MinutesStatus, Outcome
from .record import Record, fingerprint, instant, reference_of

if TYPE_CHECKING:
    from iom.access import Actor

FORMAT = "iom-panel addendum 1"
LONGEST = 4000
SIGNED = "This addendum has been signed: it stays as it is. Write another."


def record_of(addendum: Addendum) -> Record:
    """What an addendum says, as plain values; once it is signed, read `addendum.record`."""
    of = addendum.minutes
    return {
        "format": FORMAT,
        "classification": CLASSIFICATION,
        "reference": reference_of(of.meeting),
        "version": of.number,
        "minutes_sha256": of.record_sha256,
        "number": addendum.number,
        "item": addendum.item_number,
        "reason": addendum.reason,
        "text": addendum.text,
        "written_by": addendum.written_by.name,
        "written_at": instant(addendum.written_at),
        "agreed_at": addendum.approval.item.meeting.date.isoformat() if addendum.approval else "",
    }


@transaction.atomic
def write(of: Minutes, *, text: str, reason: str, item_number: str = "", by: Actor) -> Addendum:
    """Write an addendum to signed minutes and ask the chair of the meeting to sign it.

    Raises PermissionDenied, or StepRefused when the minutes are not signed, or words, reason or item are missing.
    """
    of = locked(Minutes, of.pk)
    if not by.can("panels.edit_minutes", of):
        raise PermissionDenied
    if of.status != MinutesStatus.SIGNED:
        raise StepRefused(["These minutes are not signed yet: change them instead."])
    _must_be_whole(of, text, reason, item_number)
    addendum = Addendum.objects.create(
        scheme=of.scheme,
        minutes=of,
        number=_next_number(of),
        item_number=item_number,
        text=text.strip()[:LONGEST],
        reason=reason.strip()[:300],
        written_by=by.user,
        written_at=clock.now(),
    )
    _audit("write_addendum", addendum, by)
    _tell_chair(addendum)
    return addendum


@transaction.atomic
def change(
    addendum: Addendum, *, text: str, reason: str, item_number: str = "", by: Actor, version: int | None = None
) -> Addendum:
    """Change an addendum that waits for its signature; what the chair asked for is taken as answered. As `write`."""
    addendum = _waiting(addendum, by, "panels.edit_minutes", version)
    _must_be_whole(addendum.minutes, text, reason, item_number)
    addendum.text, addendum.reason, addendum.item_number = text.strip()[:LONGEST], reason.strip()[:300], item_number
    asked, addendum.comment = addendum.comment, ""
    addendum.written_by, addendum.version = by.user, addendum.version + 1
    addendum.save(update_fields=["text", "reason", "item_number", "comment", "written_by", "version"])
    _audit("change_addendum", addendum, by)
    if asked:
        _tell_chair(addendum)
    return addendum


@transaction.atomic
def withdraw(addendum: Addendum, *, by: Actor) -> None:
    """Take back an addendum that is not signed. Raises PermissionDenied or StepRefused."""
    addendum = _waiting(addendum, by, "panels.edit_minutes")
    _audit("withdraw_addendum", addendum, by)
    addendum.delete()


@transaction.atomic
def ask_change(addendum: Addendum, comment: str, *, by: Actor) -> Addendum:
    """The chair asks for other words before signing. Raises PermissionDenied or StepRefused."""
    addendum = _waiting(addendum, by, "panels.review_minutes")
    if not comment.strip():
        raise StepRefused(["Enter what should be changed."])
    addendum.comment = comment.strip()[:1000]
    addendum.version += 1
    addendum.save(update_fields=["comment", "version"])
    _audit("return_addendum", addendum, by)
    meeting = addendum.minutes.meeting
    notify.tell(
        [addendum.written_by],
        scheme=addendum.scheme,
        kind="addendum_returned",
        subject=f"addendum {addendum.pk} {addendum.version}",
        text=f"Addendum returned: {meeting.called}",
        url=_address(addendum),
        email_body="The chair asks for changes to an addendum. Sign in to read them:",
    )
    return addendum


def why_not_sign(addendum: Addendum, by: Actor) -> str | None:
    """Why this person may not sign it, with the rule named; None when they may."""
    if by.user is not None and addendum.written_by_id == by.user.pk:
        return "You wrote this addendum. Nobody signs what they wrote."
    return minutes.why_not_sign(addendum.minutes, by)


@transaction.atomic
def sign(addendum: Addendum, *, by: Actor, typed_name: str, record_sha256: str, fresh: bool) -> Addendum:
    """Sign an addendum as it was read; it freezes, and everybody who may read the minutes is told.

    `fresh`: a code was typed within five minutes (security.md M5). Raises StepRefused where the person may not or did
    not prove who they are or a name stands in it that must not, PermissionDenied, and Stale when it was changed since.
    """
    addendum = _waiting(addendum, by, "panels.sign_minutes")
    if why := why_not_sign(addendum, by):
        raise StepRefused([why])
    if problems := minutes.unproven(typed_name, fresh=fresh, by=by):
        raise StepRefused(problems)
    record = record_of(addendum)
    if fingerprint(record) != record_sha256:
        raise Stale(addendum)
    if found := _named(addendum.minutes, addendum.item_number, addendum.text, addendum.reason):
        raise StepRefused(names_kept_out.words(found))
    return _freeze(addendum, record, name=typed_name, by=by)


def hold_back(addendum: Addendum, *, by: Actor) -> list[str]:
    """What keeps an addendum from being signed because of names, telling those who keep them (`names_kept_out`)."""
    found = _named(addendum.minutes, addendum.item_number, addendum.text, addendum.reason)
    return names_kept_out.hold_back(found, addendum.minutes, f"addendum {addendum.pk} {addendum.version}", by=by)


def add_what_was_agreed(signed: Minutes, *, by: Actor) -> list[Addendum]:
    """The corrections that a meeting agreed to earlier minutes, as addenda signed with its own minutes.

    In the transaction in which those are signed: their chair's signature is the one under the addendum.
    """
    added = []
    for approval, decision in last_minutes.agreed_in(signed.meeting):
        if decision.outcome == Outcome.CORRECTIONS:
            addendum = _agreed(approval, decision, signed)
            added.append(_freeze(addendum, record_of(addendum), name=signed.signed_name, by=by))
    return added


def _agreed(approval: Approval, decision: Decision, signed: Minutes) -> Addendum:
    of = Minutes.objects.select_related("meeting__body", "meeting__scheme").get(pk=approval.minutes_id)
    return Addendum.objects.create(
        scheme=of.scheme,
        minutes=of,
        number=_next_number(of),
        text=last_minutes.words_of(decision)[:LONGEST],
        reason=last_minutes.why(decision),
        approval=approval,
        written_by=decision.decided_by,
        written_at=signed.signed_at,
    )


def shown_of(of: Minutes, record: Record) -> list[Addendum]:
    """The signed addenda of minutes that belong to what a reader sees of their `record`, in their order."""
    here = {item["number"] for item in record["items"]} | {""}
    rows = of.addenda.exclude(signed_at=None).select_related("approval__item__meeting", "signed_by", "document")
    rows = rows.defer("document__content")
    return [addendum for addendum in rows.order_by("number") if addendum.item_number in here]


def waiting_of(of: Minutes, record: Record) -> list[Addendum]:
    """The addenda that wait for their signature, as far as the reader sees the items that they are about."""
    here = {item["number"] for item in record["items"]} | {""}
    rows = of.addenda.filter(signed_at=None).select_related("written_by").order_by("number")
    return [addendum for addendum in rows if addendum.item_number in here]


def _freeze(addendum: Addendum, record: Record, *, name: str, by: Actor) -> Addendum:
    addendum.record, addendum.record_sha256 = record, fingerprint(record)
    addendum.signed_by, addendum.signed_name = by.user, " ".join(name.split())
    addendum.signed_at = clock.now()
    addendum.version += 1
    addendum.save(update_fields=["record", "record_sha256", "signed_by", "signed_name", "signed_at", "version"])
    _audit("sign_addendum", addendum, by)
    signed_files.ask_addendum(addendum, by=by)
    meeting = addendum.minutes.meeting
    notify.tell(
        minutes.readers_of(meeting),
        scheme=addendum.scheme,
        kind="addendum_signed",
        subject=f"addendum {addendum.pk}",
        text=f"Addendum to the minutes: {meeting.called}",
        url=_address(addendum),
        email_body="Something has been added to signed minutes. Sign in to read it:",
    )
    return addendum


def _waiting(addendum: Addendum, by: Actor, permission: str, version: int | None = None) -> Addendum:
    addendum = locked(Addendum, addendum.pk, version=version)
    if not by.can(permission, addendum.minutes):
        raise PermissionDenied
    if addendum.signed:
        raise StepRefused([SIGNED])
    return addendum


def _must_be_whole(of: Minutes, text: str, reason: str, item_number: str) -> None:
    problems = []
    if not text.strip():
        problems.append("Enter what is added.")
    if not reason.strip():
        problems.append("Enter why it is added.")
    if item_number and item_number not in {item["number"] for item in of.record["items"]}:
        problems.append("Choose an item of these minutes.")
    if problems:
        raise StepRefused(problems)


def _named(of: Minutes, item_number: str, *texts: str) -> list[names_kept_out.Found]:
    return names_kept_out.stand_in(of.meeting, item_number, *texts)


def _next_number(of: Minutes) -> int:
    return (of.addenda.aggregate(last=Max("number"))["last"] or 0) + 1


def _tell_chair(addendum: Addendum) -> None:
    meeting = addendum.minutes.meeting
    chair = chair_of(meeting)
    if chair is None:
        return
    notify.tell(
        [chair.user],
        scheme=addendum.scheme,
        kind="addendum_to_sign",
        subject=f"addendum {addendum.pk} {addendum.version}",
        text=f"Addendum to sign: {meeting.called}",
        url=_address(addendum),
        email_body="Something is to be added to signed minutes. Sign in to read and sign it:",
    )


def _address(addendum: Addendum) -> str:
    of = addendum.minutes
    return f"{of.meeting.get_absolute_url()}minutes/v{of.number}/addenda/"


def _audit(verb: str, addendum: Addendum, by: Actor) -> None:
    audit.record(verb, addendum, by=by, meeting=addendum.minutes.meeting.key, number=addendum.number)

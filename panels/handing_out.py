"""Giving out signed minutes: a copy for each agency, one without names, and what is carried out of the service.

What a copy says is made by `copies` and frozen when it is first given. Each time that one is given is written down: to
whom, when, and out of the service why. Minutes never travel by e-mail from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, exports, notify, outbox
from iom.models import Agency, Document, Export, Meeting, Membership, Seat
from iom.printing import sha256
from iom.steps import StepRefused, locked
from offenders.models import Case
from offenders.restricted import references_of

from . import pdf
from .canonical import fingerprint
from .chairing import chair_of
from .copies import Line, Reader, copy_for, lines, redacted
from .models import Attendance, CopyGiven, Minutes, MinutesCopy, MinutesStatus
from .record import reference_of

if TYPE_CHECKING:
    from iom.access import Actor

WITHOUT_NAMES = "Copy without names, for use inside the partnership"


# --- Whose copies there are -------------------------------------------------------


def agencies_of(meeting: Meeting) -> list[Agency]:
    """The agencies that get a copy: those with a seat on the body, those that were there or had the agenda."""
    seated = Seat.objects.filter(body=meeting.body_id).values("agency")
    there = Attendance.objects.filter(meeting=meeting, agency__isnull=False).values("agency")
    sent = Membership.objects.filter(circulation__meeting=meeting).values("agency")
    rows = Agency.objects.filter(scheme=meeting.scheme)
    return list((rows.filter(pk__in=seated) | rows.filter(pk__in=there) | rows.filter(pk__in=sent)).order_by("name"))


def reader_of(minutes: Minutes, agency: Agency) -> Reader:
    """What of the minutes is open to an agency as a whole."""
    meeting = minutes.meeting
    numbers = {str(item.pk): item.number for item in meeting.items.all()}
    marked = {
        numbers[pk]: said["text"]
        for pk, said in minutes.marked.items()
        if agency.slug in said["agencies"] and pk in numbers
    }
    return Reader(agency.slug, agency.name, closed_to_agencies(minutes), _invited_to(meeting, agency), marked)


def closed_to_agencies(minutes: Minutes) -> frozenset[str]:
    """What restricted cases and the nominations of their people are called: open to named people, to no agency."""
    cases = Case.objects.filter(scheme=minutes.scheme_id, restricted=True)
    return frozenset(reference for case in cases for reference in references_of(case))


def _invited_to(meeting: Meeting, agency: Agency) -> frozenset[str] | None:
    """The items of an agency that came as a guest alone; None for one that sits on the body."""
    if Seat.objects.filter(body=meeting.body_id, agency=agency).exists():
        return None
    rows = list(Attendance.objects.filter(meeting=meeting, agency=agency).prefetch_related("guest_items__item"))
    if not rows or any(row.standing != Attendance.Standing.GUEST or not row.guest_items.all() for row in rows):
        # A guest with no item of their own was there for the whole meeting.
        return None
    return frozenset(each.item.number for row in rows for each in row.guest_items.all())


# --- Agencies' copies ---------------------------------------------------------------


@transaction.atomic
def agency_copy(minutes: Minutes, agency: Agency, *, by: Actor) -> MinutesCopy:
    """The copy of an agency as it may read the minutes now: the one made before, or another when it may read less.

    Raises PermissionDenied for whoever is neither of the agency nor of the office, StepRefused while it is not signed.
    """
    minutes = locked(Minutes, minutes.pk)
    _must_be_signed(minutes)
    if not may_have(by, minutes, agency):
        raise PermissionDenied
    record = copy_for(minutes.record, reader_of(minutes, agency))
    before = minutes.copies.filter(kind=MinutesCopy.Kind.AGENCY, agency=agency).order_by("number").last()
    if before is not None and before.record_sha256 == fingerprint(record):
        return before
    made = MinutesCopy.objects.create(
        scheme=minutes.scheme,
        minutes=minutes,
        kind=MinutesCopy.Kind.AGENCY,
        agency=agency,
        number=before.number + 1 if before else 1,
        record=record,
        record_sha256=fingerprint(record),
        made_at=clock.now(),
        made_by=by.user,
    )
    audit.record("make_minutes_copy", made, by=by, meeting=minutes.meeting.key, agency=agency.slug)
    return made


def may_have(by: Actor, minutes: Minutes, agency: Agency) -> bool:
    """Whether somebody may read an agency's copy: their own agency's, or any by office."""
    if not by.can("panels.view_minutes", minutes):
        return False
    return by.can("panels.edit_minutes", minutes) or (by.agency is not None and by.agency.pk == agency.pk)


@transaction.atomic
def give_to_all(minutes: Minutes, *, by: Actor) -> list[MinutesCopy]:
    """Give every agency its copy here and tell its people, once; who has theirs already is left alone.

    The file of a copy is made when somebody first takes it: most are read here.
    Raises PermissionDenied, or StepRefused while the minutes are not signed.
    """
    minutes = locked(Minutes, minutes.pk)
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    _must_be_signed(minutes)
    given = []
    for agency in waiting_for(minutes):
        copy = agency_copy(minutes, agency, by=by)
        write_down(copy, CopyGiven.How.GIVEN, by=by)
        _tell(copy)
        given.append(copy)
    return given


def waiting_for(minutes: Minutes) -> list[Agency]:
    """The agencies that have not been given their copy."""
    has = CopyGiven.objects.filter(copy__minutes=minutes, copy__kind=MinutesCopy.Kind.AGENCY)
    given = set(has.filter(how=CopyGiven.How.GIVEN).values_list("copy__agency", flat=True))
    return [agency for agency in agencies_of(minutes.meeting) if agency.pk not in given]


def write_down(copy: MinutesCopy, how: str, *, by: Actor, reason: str = "", recipient: str = "") -> CopyGiven:
    """Keep that a copy was given, to whom and by whom."""
    made = CopyGiven.objects.create(
        scheme=copy.scheme,
        copy=copy,
        how=how,
        membership=by.membership,
        recipient=recipient.strip()[:200],
        reason=reason.strip()[:300],
        given_at=clock.now(),
        given_by=by.user,
    )
    audit.record(
        "give_minutes_copy",
        copy,
        by=by,
        after=how,
        reason=reason,
        meeting=copy.minutes.meeting.key,
        agency=copy.agency.slug if copy.agency else "",
        sha256=copy.record_sha256,
    )
    return made


def document_of(copy: MinutesCopy, *, by: Actor) -> Document:
    """The file of a copy: made once, kept, never made again. Raises as `pdf.render_minutes` does."""
    copy = MinutesCopy.objects.select_for_update(of=("self",)).select_related("document", "agency").get(pk=copy.pk)
    if copy.document is not None:
        return copy.document
    minutes = Minutes.objects.select_related("meeting__scheme", "meeting__body", "signed_by").get(pk=copy.minutes_id)
    whose = f"Copy for {copy.agency.name}" if copy.agency else WITHOUT_NAMES
    signature = pdf.signature_of(minutes)
    content = pdf.render_minutes(
        copy.record,
        variant="pdf/ua-1",
        copy_for=whose,
        signature=signature if copy.agency else pdf.Signature("the chair", signature.at, signature.fingerprint),
    )
    called = copy.agency.slug if copy.agency else "without-names"
    document = Document.objects.create(
        scheme=copy.scheme,
        kind="minutes_copy",
        reference=f"{minutes.meeting.key}-v{minutes.number}-{called}-{copy.number}",
        name=f"minutes-{reference_of(minutes.meeting).lower()}-v{minutes.number}-{called}-{copy.number}.pdf",
        content=content,
        sha256=sha256(content),
    )
    MinutesCopy.objects.filter(pk=copy.pk).update(document=document)
    audit.record("make_minutes_pdf", copy, by=by, after=document.name, meeting=minutes.meeting.key)
    return document


@transaction.atomic
def carry_out(copy: MinutesCopy, *, reason: str, recipient: str, by: Actor) -> Export:
    """Make a copy a file to be sent by secure e-mail to somebody without an account (Richmond, 4.13).

    The caller has asked for a fresh code (security.md M5). The file is its maker's alone and ends after a day. Raises
    PermissionDenied, StepRefused without a reason or a recipient, and as `pdf.render_minutes` does.
    """
    minutes = copy.minutes
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    if copy.kind == MinutesCopy.Kind.REDACTED and copy.approved_at is None:
        raise StepRefused(["The chair has not approved this copy yet."])
    document = document_of(copy, by=by)
    made = exports.make_file(
        by=by,
        kind="minutes_copy",
        name=document.name,
        content=bytes(document.content),
        rows=len(copy.record["items"]),
        reason=reason,
        recipient=recipient,
        chosen={"meeting": minutes.meeting.key, "agency": copy.agency.slug if copy.agency else "without names"},
        subjects=sorted({item["reference"] for item in copy.record["items"] if item["reference"]}),
    )
    write_down(copy, CopyGiven.How.EXPORTED, by=by, reason=reason, recipient=recipient)
    return made


# --- The copy without names ---------------------------------------------------------


def lines_of(minutes: Minutes) -> list[Line]:
    """The free text that a person may let through line by line, restricted cases left out."""
    return lines(copy_for(minutes.record, Reader("", "", closed_to_agencies(minutes))))


@transaction.atomic
def prepare_redacted(minutes: Minutes, keep: Iterable[str], *, by: Actor) -> MinutesCopy:
    """Prepare the copy without names with the lines that are let through, and ask the chair to approve it.

    One that is not approved yet is made anew. Raises PermissionDenied, or StepRefused when it is not signed or a line
    holds a name.
    """
    minutes = locked(Minutes, minutes.pk)
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    _must_be_signed(minutes)
    wanted = set(keep)
    known = {line.key: line for line in lines_of(minutes)}
    if named := sorted({known[key].item for key in wanted if key in known and known[key].names}):
        raise StepRefused([f"A line of item {', '.join(named)} holds a name or a reference. Leave it out."])
    kept = sorted(wanted & known.keys())
    record = redacted(minutes.record, frozenset(kept), closed=closed_to_agencies(minutes))
    rows = minutes.copies.filter(kind=MinutesCopy.Kind.REDACTED)
    rows.filter(approved_at=None).delete()
    last = rows.order_by("number").last()
    made = MinutesCopy.objects.create(
        scheme=minutes.scheme,
        minutes=minutes,
        kind=MinutesCopy.Kind.REDACTED,
        number=last.number + 1 if last else 1,
        record=record,
        record_sha256=fingerprint(record),
        kept_lines=kept,
        made_at=clock.now(),
        made_by=by.user,
    )
    meeting = minutes.meeting
    audit.record("prepare_redacted_minutes", made, by=by, meeting=meeting.key, lines=len(kept))
    chair = chair_of(meeting)
    if chair is not None:
        notify.tell(
            [chair.user],
            scheme=minutes.scheme,
            kind="redacted_to_approve",
            subject=f"copy {made.pk}",
            text=f"Copy without names to approve: {meeting.called}",
            url=f"{meeting.get_absolute_url()}minutes/v{minutes.number}/without-names/",
            email_body="A copy of the minutes without names is ready for you to approve. Sign in:",
        )
    return made


@transaction.atomic
def approve_redacted(copy: MinutesCopy, *, by: Actor, record_sha256: str) -> MinutesCopy:
    """The chair of the meeting lets the copy without names out, as they read it; it freezes and its file is made.

    Raises PermissionDenied, or StepRefused: for who prepared it, for another text than was read, for one approved.
    """
    copy = locked(MinutesCopy, copy.pk)
    if not by.can("panels.sign_minutes", copy.minutes):
        raise PermissionDenied
    if copy.made_by_id == by.user.pk:
        raise StepRefused(["You prepared this copy. Somebody else approves it."])
    if copy.approved_at is not None:
        raise StepRefused(["This copy has been approved."])
    if copy.record_sha256 != record_sha256:
        raise StepRefused(["This copy was prepared anew since you opened it. Read it again."])
    copy.approved_by, copy.approved_at = by.user, clock.now()
    copy.version += 1
    copy.save(update_fields=["approved_by", "approved_at", "version"])
    audit.record("approve_redacted_minutes", copy, by=by, meeting=copy.minutes.meeting.key, sha256=copy.record_sha256)
    outbox.add("minutes_copy_pdf", scheme=copy.scheme, key=f"minutes-copy:{copy.pk}", by=by, copy=copy.pk)
    return copy


# --- Parts ------------------------------------------------------------------------


def _must_be_signed(minutes: Minutes) -> None:
    if minutes.status != MinutesStatus.SIGNED:
        raise StepRefused(["The minutes are not signed yet. Copies are made of what was signed."])


def _tell(copy: MinutesCopy) -> None:
    """Everybody of the agency who may read the minutes."""
    from .minutes import readers_of

    meeting = copy.minutes.meeting
    theirs = set(
        Membership.objects.filter(scheme=copy.scheme_id, agency=copy.agency_id)
        .current(clock.today())
        .values_list("user", flat=True)
    )
    notify.tell(
        [user for user in readers_of(meeting) if user.pk in theirs],
        scheme=copy.scheme,
        kind="minutes_copy",
        subject=f"copy {copy.pk}",
        text=f"Your agency's copy of the minutes: {meeting.called}",
        url=f"{meeting.get_absolute_url()}minutes/v{copy.minutes.number}/copies/",
        email_body="Your agency's copy of signed minutes is ready. Sign in to read it:",
    )

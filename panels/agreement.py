"""The information sharing agreement: who has signed which version for which meeting (Merton, information sharing)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from iom import audit, clock, together
from iom.jinja import plural
from iom.models import Meeting, MeetingStatus, Membership
from iom.steps import StepRefused, locked

from .models import AgreementSignature, Attendance, TableSignature
from .transitions import OPEN_TO_ITEMS

if TYPE_CHECKING:
    from iom.access import Actor

NUMBERS = {2: "both", 3: "all three"}


def signature_of(membership: Membership | None, meeting: Meeting) -> AgreementSignature | None:
    """The signature that holds for a person at a meeting, under the version in force.

    Where the body signs at each meeting: one for this meeting. Where it signs once for each version: the newest one.
    """
    if membership is None:
        return None
    return signatures_for(meeting).get(membership.pk)


def holds_at(meeting: Meeting, signed: Iterable[int | None]) -> bool:
    """The same from the meetings for which somebody signed the version in force; None among them is between two."""
    each = meeting.body.policy.agreement.signed == "each_meeting"
    return meeting.pk in signed if each else any(True for _ in signed)


def signatures_for(meeting: Meeting) -> dict[int, AgreementSignature]:
    """Membership id to the signature that holds at this meeting, for everybody who has one."""
    rows = _signatures(meeting, meeting.scheme.policy.sharing_agreement.version, _signed_each_time(meeting))
    return {signature.membership_id: signature for signature in rows}


def _signed_each_time(meeting: Meeting) -> bool:
    return meeting.body.policy.agreement.signed == "each_meeting"


def _signatures(meeting: Meeting, version: str, each_time: bool) -> QuerySet[AgreementSignature]:
    rows = AgreementSignature.objects.filter(scheme=meeting.scheme_id, agreement_version=version)
    return (rows.filter(meeting=meeting) if each_time else rows).order_by("signed_at")


@dataclass(frozen=True, slots=True)
class Signed:
    """Who has signed for a meeting: by their account, and at the table by row of the attendance and name."""

    by_account: Mapping[int, AgreementSignature]
    at_the_table: Mapping[tuple[int, str], TableSignature]

    def missing(self, people: Iterable[Attendance]) -> tuple[str, ...]:
        """The names of those of these people who have signed in neither way."""
        return tuple(
            row.who
            for row in people
            if (row.account.pk not in self.by_account if row.account else (row.pk, row.who) not in self.at_the_table)
        )


def signed_steps(meeting: Meeting) -> together.Steps[Signed]:
    version, each_time = meeting.scheme.policy.sharing_agreement.version, _signed_each_time(meeting)
    by_account, on_paper = yield lambda: [_signatures(meeting, version, each_time), _on_paper(meeting, version)]
    return Signed(
        {signature.membership_id: signature for signature in by_account},
        {(row.attendance_id, row.name): row for row in on_paper},
    )


def unsigned(meeting: Meeting, people: Iterable[Attendance]) -> tuple[str, ...]:
    """The names of those of these people who have not signed: neither by their account nor at the table."""
    return together.run(signed_steps(meeting)).missing(people)


def table_signatures(meeting: Meeting) -> dict[tuple[int, str], TableSignature]:
    """What was signed on paper under the version in force, by row of the attendance and name."""
    version = meeting.scheme.policy.sharing_agreement.version
    return {(row.attendance_id, row.name): row for row in _on_paper(meeting, version)}


def _on_paper(meeting: Meeting, version: str) -> QuerySet[TableSignature]:
    rows = TableSignature.objects.filter(attendance__meeting=meeting, agreement_version=version)
    return rows.select_related("seen_by")


@transaction.atomic
def sign_at_the_table(row: Attendance, *, by: Actor) -> TableSignature:
    """Write down that somebody without an account signed on paper, seen by the actor; said twice it is said once.

    Raises PermissionDenied, or StepRefused for people with an account (they sign themselves) and for who is not here.
    """
    meeting = locked(Meeting, row.meeting_id)
    if not by.can("panels.take_attendance", meeting) or by.user is None:
        raise PermissionDenied
    row = locked(Attendance, row.pk)
    if row.account is not None:
        raise StepRefused([f"{row.who} has an account and signs there."])
    if not row.here:
        raise StepRefused([f"{row.who} is not recorded as here."])
    if meeting.status not in (*OPEN_TO_ITEMS, MeetingStatus.MINUTES_DRAFTED):
        raise StepRefused(["The minutes are signed: the signatures stay as they are."])
    version = by.scheme.policy.sharing_agreement.version
    signature, new = TableSignature.objects.get_or_create(
        attendance=row,
        name=row.who,
        agreement_version=version,
        defaults={"scheme": row.scheme, "seen_by": by.user, "signed_at": clock.now()},
    )
    if new:
        audit.record("see_agreement_signed", signature, by=by, after=version[:60], meeting=meeting.key)
    return signature


def opens_restricted(actor: Actor, meeting: Meeting) -> bool:
    """Whether marked items and restricted cases are open to the actor here (design.md 3, security.md Z12).

    From the start of a meeting it takes the signature that the body's rule asks for; between meetings the last one of
    the version in force counts. Being named on the case is asked for besides.
    """
    return opening_signatures(actor, meeting).exists()


def opening_signatures(actor: Actor, meeting: Meeting) -> QuerySet[AgreementSignature]:
    """The actor's signatures by which restricted material is open to them at a meeting, or until it and after it."""
    return signed_at(actor, needs_its_own(meeting))


def asks_if_opened(actor: Actor, meeting: Meeting) -> together.Read:
    """The question whether there is one of `opening_signatures`."""
    at = needs_its_own(meeting)
    return lambda: together.exists(signed_at(actor, at))


def needs_its_own(meeting: Meeting) -> Meeting | None:
    """The meeting itself while it goes on, where its body signs at each."""
    each = meeting.status == MeetingStatus.LIVE and _signed_each_time(meeting)
    return meeting if each else None


def signed_at(actor: Actor, meeting: Meeting | None) -> QuerySet[AgreementSignature]:
    """`opening_signatures`, where it is known which meeting `needs_its_own`."""
    rows = signed_by(actor)
    return rows if meeting is None else rows.filter(meeting=meeting)


def signed_by(actor: Actor) -> QuerySet[AgreementSignature]:
    """The actor's signatures under the version in force, whatever the meeting."""
    version = actor.scheme.policy.sharing_agreement.version
    return AgreementSignature.objects.filter(membership=actor.membership, agreement_version=version)


@transaction.atomic
def sign(meeting: Meeting | None, *, by: Actor, typed_name: str, agreed: Sequence[bool]) -> AgreementSignature:
    """Sign the version in force, for a meeting or (None) between meetings; signed twice is signed once.

    `agreed`: each statement, ticked or not. Raises PermissionDenied, or StepRefused when a statement is not ticked, the
    name is not the signer's own, or the meeting is over.
    """
    allowed = by.holds("panels.sign_agreement") if meeting is None else by.can("panels.sign_agreement", meeting)
    if not allowed or by.membership is None:
        raise PermissionDenied
    if meeting is not None and meeting.status not in OPEN_TO_ITEMS:
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: there is nothing to sign for it."])
    statements = by.scheme.policy.sharing_agreement.statements
    if len(agreed) != len(statements) or not all(agreed):
        raise StepRefused([tick_words(len(statements))])
    if _plain(typed_name) != _plain(by.user.name):
        raise StepRefused([f"Type your name as it stands on your account: {by.user.name}."])
    if signature := present_signature(by, meeting):
        return signature
    try:
        with transaction.atomic():
            signature = AgreementSignature.objects.create(
                scheme=by.scheme,
                meeting=meeting,
                membership=by.membership,
                agreement_version=by.scheme.policy.sharing_agreement.version,
                typed_name=typed_name,
                signed_at=clock.now(),
            )
    except IntegrityError:  # A double click: the other request signed.
        return signed_by(by).get(meeting=meeting)
    version = signature.agreement_version[:60]
    by.forget()
    audit.record("sign_agreement", signature, by=by, after=version, meeting=meeting.key if meeting else None)
    return signature


def present_signature(actor: Actor, meeting: Meeting | None) -> AgreementSignature | None:
    """The signature that spares another one: at a meeting by its body's rule, between meetings the last one."""
    if meeting is not None:
        return signature_of(actor.membership, meeting)
    return signed_by(actor).order_by("signed_at").last()


def tick_words(count: int) -> str:
    """What to do when a statement is left out: "Tick both statements to sign."."""
    if count == 1:
        return "Tick the statement to sign."
    return f"Tick {NUMBERS.get(count, 'all')} {plural(count, 'statement').split(' ', 1)[1]} to sign."


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()

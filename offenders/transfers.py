"""Transfers between areas and liaison about offending across them (Merton, Catchment area): what is done, verb by verb.

Where the other scheme is one of this installation, what is ticked here travels through the outbox and is written there,
behind that scheme's own wall, as rows of its own. Nothing else crosses: no key, no row, no right to read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify, outbox, walls
from iom.access import actor_for, task_actor
from iom.jinja import day
from iom.models import Counter, Membership, Scheme
from iom.steps import Step, StepRefused, locked, take
from offenders import likeness, sharing
from offenders.alike import NUMBERS
from offenders.models import (
    SEEN_FROM_THERE,
    Case,
    CaseStatus,
    Offender,
    Transfer,
    TransferKind,
    TransferShare,
    TransferStatus,
)

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.alike import Person

TOLD = "told"
ACCEPT = Step(
    "accept_transfer",
    frozenset({TransferStatus.WAITING}),
    TransferStatus.ACCEPTED,
    "offenders.answer_transfer",
    done="Accepted",
)
DECLINE = Step(
    "decline_transfer",
    frozenset({TransferStatus.WAITING}),
    TransferStatus.DECLINED,
    "offenders.answer_transfer",
    done="Declined",
)
END = Step(
    "end_transfer",
    frozenset({TransferStatus.WAITING, TransferStatus.ACCEPTED}),
    TransferStatus.ENDED,
    "offenders.answer_transfer",
    done="Ended",
)


def kinds_offered(scheme: Scheme) -> list[TransferKind]:
    """What the scheme's policy knows of: people who move in, and liaison. Moving away is always possible."""
    policy = scheme.policy.transfers
    kinds = [TransferKind.MOVED_AWAY]
    if policy.moved_in:
        kinds.insert(0, TransferKind.MOVED_HERE)
    if policy.liaison:
        kinds += [TransferKind.OFFENDS_THERE, TransferKind.OFFENDS_HERE]
    return kinds


def other_schemes(scheme: Scheme) -> list[Scheme]:
    """The other schemes of this installation."""
    return list(Scheme.objects.exclude(pk=scheme.pk).order_by("name"))


def answered_there(transfer: Transfer) -> bool:
    """Whether the answer is the other scheme's to give, here in this installation."""
    return transfer.other_scheme_id is not None and not transfer.incoming


# --- Begun here ---------------------------------------------------------------


@transaction.atomic
def begin(
    case: Case,
    *,
    by: Actor,
    kind: str,
    contact: str,
    purpose: str,
    keys: Collection[str],
    other_scheme: Scheme | None = None,
    other_name: str = "",
    words: str = "",
) -> Transfer:
    """Turn to another scheme about somebody on the cohort, and tell it the facts named by `keys`, and `words`.

    Raises PermissionDenied where the actor may not open the case, or is not named on a restricted one; StepRefused for
    a closed case, a kind that the policy does not offer, no other scheme or purpose, and while the same goes on.
    """
    case = locked(Case, case.pk)
    if not by.can("offenders.transfer_case", case):
        raise PermissionDenied
    name = other_scheme.name if other_scheme else other_name.strip()
    if problems := _reasons_not_to_begin(case, kind, name, purpose, other_scheme):
        raise StepRefused(problems)
    transfer = _add(
        by,
        incoming=False,
        kind=kind,
        offender=case.offender,
        case=case,
        other_scheme=other_scheme,
        other_name=name,
        contact=contact.strip(),
        purpose=purpose.strip(),
    )
    _share(transfer, by=by, facts=_facts(by, transfer, keys, words), purpose=purpose)
    return transfer


def _reasons_not_to_begin(case: Case, kind: str, name: str, purpose: str, other: Scheme | None) -> list[str]:
    problems = []
    if case.status == CaseStatus.CLOSED:
        problems.append(f"{case.reference} is closed.")
    if kind not in kinds_offered(case.scheme):
        problems.append("Choose how the other area is concerned.")
    if not name or other == case.scheme:
        problems.append("Choose the other scheme, or enter its name.")
    if not purpose.strip():
        problems.append("Enter why the other scheme needs to know.")
    if Transfer.objects.going_on().filter(case=case, kind=kind, other_name=name).exists():
        problems.append(f"{case.reference} is with {name} already for that. Tell them more there.")
    return problems


@transaction.atomic
def record_incoming(
    *,
    by: Actor,
    kind: str,
    person: Mapping[str, Any],
    other_name: str,
    contact: str,
    purpose: str,
    told: str = "",
) -> Transfer:
    """Record that another scheme, which is not here, knows somebody whom we may not know yet.

    `person` holds first names, last name and date of birth, `told` what that scheme said. Raises PermissionDenied, and
    StepRefused for a kind that is not offered or means somebody who leaves.
    """
    if not by.holds("offenders.record_transfer"):
        raise PermissionDenied
    if kind not in kinds_offered(by.scheme) or kind == TransferKind.MOVED_AWAY:
        raise StepRefused(["Choose how the other area is concerned."])
    transfer = _add(
        by,
        incoming=True,
        kind=kind,
        other_name=other_name.strip(),
        contact=contact.strip(),
        purpose=purpose.strip(),
    )
    born = person["date_of_birth"]
    facts = [
        sharing.Fact("given_names", "First names", person["given_names"], person["given_names"]),
        sharing.Fact("family_name", "Last name", person["family_name"], person["family_name"]),
        sharing.Fact("date_of_birth", "Date of birth", day(born) if born else "", born and born.isoformat()),
        sharing.Fact(TOLD, "What they told us", told.strip(), told.strip()),
    ]
    _keep_share(transfer, by, outgoing=False, facts=[fact.kept() for fact in facts if fact.words])
    return transfer


def _add(by: Actor, **fields: Any) -> Transfer:
    transfer = Transfer.objects.create(
        scheme=by.scheme,
        reference=f"IOM-T-{Counter.next(by.scheme, 'transfer'):04}",
        opened_on=clock.today(),
        opened_by=by.user,
        **fields,
    )
    audit.record(
        "begin_transfer", transfer, by=by, after=transfer.kind, reason=transfer.purpose, subjects=_subjects(transfer)
    )
    return transfer


# --- What is told ---------------------------------------------------------------


@transaction.atomic
def tell_more(transfer: Transfer, *, by: Actor, keys: Collection[str], words: str = "", purpose: str) -> TransferShare:
    """Tell the other scheme more, while it goes on. Raises PermissionDenied or StepRefused."""
    transfer = _for_change(transfer, by)
    facts = _facts(by, transfer, keys, words)
    problems = [] if facts else ["Choose what to share, or enter it."]
    if not purpose.strip():
        problems.append("Enter why the other scheme needs to know.")
    if problems:
        raise StepRefused(problems)
    return _share(transfer, by=by, facts=facts, purpose=purpose)


@transaction.atomic
def note_told(transfer: Transfer, *, by: Actor, words: str) -> TransferShare:
    """Record what the other scheme told us, by telephone or at a meeting. Raises PermissionDenied or StepRefused."""
    transfer = _for_change(transfer, by)
    if not words.strip():
        raise StepRefused(["Enter what they told us."])
    fact = sharing.Fact(TOLD, "What they told us", words.strip(), words.strip())
    return _keep_share(transfer, by, outgoing=False, facts=[fact.kept()])


def _facts(by: Actor, transfer: Transfer, keys: Collection[str], words: str) -> list[dict[str, Any]]:
    known = sharing.facts_of(by, transfer.offender, transfer.case) if transfer.offender else []
    facts = sharing.chosen(known, keys)
    if words.strip():
        facts.append(sharing.Fact(TOLD, "In words", words.strip(), words.strip()).kept())
    return facts


def _share(transfer: Transfer, *, by: Actor, facts: list[dict[str, Any]], purpose: str) -> TransferShare:
    share = _keep_share(transfer, by, outgoing=True, facts=facts, purpose=purpose.strip())
    if transfer.other_scheme_id:
        outbox.add("transfer_share", scheme=by.scheme, key=str(share.pair), by=by, share=share.pk)
    return share


def _keep_share(
    transfer: Transfer, by: Actor, *, outgoing: bool, facts: list[dict[str, Any]], purpose: str = ""
) -> TransferShare:
    share = TransferShare.objects.create(
        scheme=by.scheme,
        transfer=transfer,
        outgoing=outgoing,
        facts=facts,
        with_whom=", ".join(part for part in (transfer.other_name, transfer.contact) if part)[:200],
        purpose=purpose or transfer.purpose,
        shared_at=clock.now(),
        shared_by=by.user.name if by.user else by.scheme.name,
    )
    _audit_disclosure(transfer, share, by)
    return share


def _audit_disclosure(transfer: Transfer, share: TransferShare, by: Actor) -> None:
    """Which facts went over the border, in the chain of each scheme: labels, never values (security.md U3)."""
    audit.record(
        "disclose" if share.outgoing else "receive_disclosure",
        transfer,
        by=by,
        reason=share.purpose,
        fields=[fact["key"] for fact in share.facts],
        subjects=_subjects(transfer),
        other=transfer.other_scheme.slug if transfer.other_scheme else "another area",
    )


def deliver_share(share: TransferShare) -> str | None:
    """Write in the other scheme what was shared with it, once; called by the outbox in the sender's scheme."""
    transfer, sender = share.transfer, share.scheme
    other = transfer.other_scheme
    given = {
        "pair": transfer.pair,
        "kind": SEEN_FROM_THERE[TransferKind(transfer.kind)],
        "purpose": transfer.purpose,
        "incoming": not transfer.incoming,
    }
    with walls.within(other, cause=f"transfer_share from {sender.slug}"):
        task = task_actor(other, f"transfer_share from {sender.slug}")
        if TransferShare.objects.filter(scheme=other, pair=share.pair).exists():
            return "skipped"
        there = Transfer.objects.filter(scheme=other, pair=transfer.pair).first()
        if there is None:
            there = _add(task, other_scheme=sender, other_name=sender.name, contact=share.shared_by, **given)
        arrived = TransferShare.objects.create(
            scheme=other,
            transfer=there,
            pair=share.pair,
            outgoing=False,
            facts=share.facts,
            with_whom=other.name,
            purpose=share.purpose,
            shared_at=share.shared_at,
            shared_by=f"{share.shared_by}, {sender.name}"[:160],
        )
        _audit_disclosure(there, arrived, task)
        first = there.shares.count() == 1
        _tell(
            there,
            kind="transfer_received" if first else "transfer_told",
            subject=there.reference if first else f"{there.reference} {arrived.pk}",
            words=f"Answer transfer {there.reference} from {sender.name}"
            if first
            else f"Read what {sender.name} says about transfer {there.reference}",
            body="Another area's scheme has told you about somebody. Sign in to read it and answer:"
            if first
            else "Another area's scheme has told you more about somebody. Sign in to read it:",
        )
    return None


# --- The answer ---------------------------------------------------------------


@transaction.atomic
def accept(transfer: Transfer, *, by: Actor, offender: Offender | None = None, version: int | None = None) -> Transfer:
    """Take somebody over, or agree to keep in touch; `offender` is the person whom they are here, once that is known.

    Raises PermissionDenied, StepRefused when it is answered or not ours to answer, or Stale.
    """
    if answered_there(transfer):
        raise StepRefused([f"{transfer.other_name} answers this."])
    if offender is not None and offender.scheme_id != by.scheme.pk:
        raise PermissionDenied
    changes = {"offender": offender, "case": _open_case(offender)} if offender is not None else {}
    taken = take(ACCEPT, transfer, by=by, version=version, subjects=_subjects(transfer), **changes, **_answer(by))
    _send_answer(taken, by)
    return taken


@transaction.atomic
def nominated(transfer: Transfer, offender: Offender, *, by: Actor) -> Transfer:
    """Somebody whom another scheme knows has been nominated here: that accepts them, and says who they are here.

    Whoever recorded it may nominate, too. Raises PermissionDenied or StepRefused.
    """
    transfer = locked(Transfer, transfer.pk)
    if not Transfer.objects.visible_to(by).filter(pk=transfer.pk).exists() or offender.scheme_id != by.scheme.pk:
        raise PermissionDenied
    if not transfer.incoming or transfer.status != TransferStatus.WAITING:
        raise StepRefused([f"Transfer {transfer.reference} is {transfer.get_status_display().lower()}."])
    before, transfer.status, transfer.offender = transfer.status, TransferStatus.ACCEPTED, offender
    for name, value in _answer(by).items():
        setattr(transfer, name, value)
    transfer.version += 1
    transfer.save()
    audit.record(
        ACCEPT.verb, transfer, by=by, before=before, after=transfer.status, subjects=_subjects(transfer), nominated=True
    )
    _send_answer(transfer, by)
    return transfer


@transaction.atomic
def decline(transfer: Transfer, *, by: Actor, reason: str, version: int | None = None) -> Transfer:
    """Say no, with a reason that the other scheme reads. Raises as `accept`."""
    if answered_there(transfer):
        raise StepRefused([f"{transfer.other_name} answers this."])
    if not reason.strip():
        raise StepRefused(["Enter why it is declined."])
    taken = take(
        DECLINE,
        transfer,
        by=by,
        reason=reason,
        version=version,
        subjects=_subjects(transfer),
        declined_because=reason.strip(),
        **_answer(by),
    )
    _send_answer(taken, by)
    return taken


@transaction.atomic
def end(transfer: Transfer, *, by: Actor, notes: str, version: int | None = None) -> Transfer:
    """Liaison is over, or what was sent is taken back: kept, and no longer among what goes on. Raises as `accept`."""
    if not notes.strip():
        raise StepRefused(["Enter how it ended."])
    taken = take(
        END,
        transfer,
        by=by,
        reason=notes,
        version=version,
        subjects=_subjects(transfer),
        notes=notes.strip(),
        ended_on=clock.today(),
    )
    _send_answer(taken, by)
    return taken


def _answer(by: Actor) -> dict[str, Any]:
    name = by.user.name if by.user else ""
    return {"answered_on": clock.today(), "answered_by": f"{name}, {by.scheme.name}"[:160]}


def _open_case(offender: Offender) -> Case | None:
    return offender.cases.not_closed().first()


def _send_answer(transfer: Transfer, by: Actor) -> None:
    if transfer.other_scheme_id:
        key = f"{transfer.pair}:{transfer.status}"
        outbox.add("transfer_answer", scheme=by.scheme, key=key, by=by, transfer=transfer.pk)


def deliver_answer(transfer: Transfer) -> str | None:
    """Write the answer in the other scheme, once; called by the outbox in the scheme that gave it."""
    sender, other = transfer.scheme, transfer.other_scheme
    with walls.within(other, cause=f"transfer_answer from {sender.slug}"):
        task = task_actor(other, f"transfer_answer from {sender.slug}")
        there = Transfer.objects.select_for_update(of=("self",)).filter(scheme=other, pair=transfer.pair).first()
        if there is None or there.status in (transfer.status, TransferStatus.ENDED):
            return "skipped"
        before, there.status = there.status, transfer.status
        for name in ("answered_on", "answered_by", "declined_because", "ended_on"):
            setattr(there, name, getattr(transfer, name))
        there.version += 1
        there.save()
        audit.record(
            f"transfer_{there.status}_there",
            there,
            by=task,
            before=before,
            after=there.status,
            reason=there.declined_because,
            subjects=_subjects(there),
            other=sender.slug,
        )
        _tell(
            there,
            kind="transfer_answered",
            subject=f"{there.reference} {there.status}",
            words=f"Read the answer to transfer {there.reference}: {there.get_status_display().lower()}",
            body="Another area's scheme has answered. Sign in to read it:",
        )
    return None


# --- Shared -----------------------------------------------------------------


def person_of(transfer: Transfer) -> Person:
    """Whom the other scheme means, by what it shared: for the duplicate check."""
    return likeness.entered(**who(transfer), **identity(transfer))


def who(transfer: Transfer) -> dict[str, Any]:
    """Names and date of birth, as the other scheme shared them."""
    held = received(transfer)
    return {
        "given_names": held.get("given_names", ""),
        "family_name": held.get("family_name", ""),
        "date_of_birth": date.fromisoformat(held["date_of_birth"]) if held.get("date_of_birth") else None,
    }


def identity(transfer: Transfer) -> dict[str, Any]:
    """What else it shared of who they are. Where they lived there is not where they live now."""
    held = received(transfer)
    known = {kind: held[kind] for kind in ("gender", *NUMBERS) if held.get(kind)}
    return known | ({"aliases": held["aliases"]} if held.get("aliases") else {})


def received(transfer: Transfer) -> dict[str, Any]:
    """What the other scheme told us, by key; of what it told twice, the newest."""
    shares: Iterable[TransferShare] = transfer.shares.all()
    return {fact["key"]: fact["value"] for share in shares if not share.outgoing for fact in share.facts}


def _for_change(transfer: Transfer, by: Actor) -> Transfer:
    transfer = locked(Transfer, transfer.pk)
    if not by.can("offenders.answer_transfer", transfer):
        raise PermissionDenied
    if not transfer.is_open:
        raise StepRefused([f"Transfer {transfer.reference} is {transfer.get_status_display().lower()}."])
    return transfer


def _subjects(transfer: Transfer) -> list[str]:
    if transfer.case is not None:
        return [transfer.case.reference]
    return [transfer.audit_subject] if transfer.audit_subject else []


def _tell(transfer: Transfer, *, kind: str, subject: str, words: str, body: str) -> None:
    """Tell the coordinators who may meet the person; nothing of it names anybody."""
    held = Membership.objects.filter(scheme=transfer.scheme).current(clock.today()).with_role("coordinator")
    people = {
        each.user
        for each in held.select_related("user", "scheme", "agency")
        if Transfer.objects.visible_to(actor_for(each)).filter(pk=transfer.pk).exists()
    }
    notify.tell(
        people,
        scheme=transfer.scheme,
        kind=kind,
        subject=subject,
        text=words,
        url=transfer.get_absolute_url(),
        email_body=body,
    )

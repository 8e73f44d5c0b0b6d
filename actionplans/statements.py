"""Intervention statements for courts (London, Criminal Justice): drafted from the offers of a case, edited, approved by
its lead professional, frozen as PDF, and given to whom.

draft → approved; a draft may be dropped. While it is a draft it stays tied to the facts: what changed since is shown,
and is brought in before anybody approves. What is approved stays as it is for good: a later change is a new version.
Only offers and answers go into it, nothing that an agency marked, no intelligence, no victim's name and no MARAC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify, outbox
from iom.jinja import day, day_month, longday, moment
from iom.models import Document
from iom.printing import render, sha256
from iom.steps import Step, StepRefused, locked, take
from offenders import naming
from offenders.models import Case
from offenders.restricted import lead_of
from offenders.safeguarding import giveable

from .court_words import Changes, Line, OfferFact, brought_in, changes, drafted
from .models import CourtStatement, Offer, StatementGiven, StatementStatus

if TYPE_CHECKING:
    from iom.access import Actor

FORMAT = "iom-panel court statement 1"
NAME_IN_IT = (
    "The statement holds a name that must not stand in it. Those who keep it have been told, and can say where it is."
)
APPROVE = Step(
    "approve_statement",
    frozenset({StatementStatus.DRAFT}),
    StatementStatus.APPROVED,
    "actionplans.approve_statement",
    done="Approved. The PDF is being made",
)
DROP = Step(
    "drop_statement",
    frozenset({StatementStatus.DRAFT}),
    StatementStatus.DROPPED,
    "actionplans.write_statement",
    done="Draft dropped",
)
STEPS = {step.verb: step for step in (APPROVE, DROP)}


# --- What it is made from -------------------------------------------------------


def facts_of(case: Case) -> list[OfferFact]:
    """The offers of a case in the order in which a court reads them: by pathway of the scheme, then by day."""
    pathways = {each.slug: (place, each.name) for place, each in enumerate(case.scheme.policy.pathways)}
    rows = Offer.objects.filter(case=case).select_related("agency", "service").order_by("offered_on", "pk")
    placed = sorted(rows, key=lambda offer: pathways.get(offer.pathway, (len(pathways), ""))[0])
    return [
        OfferFact(
            key=offer.pk,
            pathway=pathways[offer.pathway][1] if offer.pathway in pathways else offer.pathway.replace("_", " "),
            text=offer.text,
            agency=offer.agency.name,
            offered_on=offer.offered_on,
            answer=offer.answer,
            answered_on=offer.answered_on,
            service=offer.service.name if offer.service else "",
        )
        for offer in placed
    ]


def lines_of(statement: CourtStatement) -> list[Line]:
    """What it says of each offer, as it was drafted and edited."""
    return [Line(**line) for line in statement.lines]


def changes_since(statement: CourtStatement) -> Changes:
    """What changed since it was drafted; nothing once it is approved."""
    if statement.status != StatementStatus.DRAFT:
        return Changes()
    return changes(facts_of(statement.case), lines_of(statement))


def opening_for(case: Case) -> str:
    """How a statement begins unless somebody writes otherwise."""
    return (
        f"{case.offender.plain_name} has been managed by {case.scheme.name} since {longday(case.accepted_on)}. "
        "This statement says what help was offered since then, and what became of each offer."
    )


# --- Writing it -----------------------------------------------------------------


@transaction.atomic
def draft(case: Case, *, court: str, hearing_on: date, by: Actor) -> CourtStatement:
    """Begin a statement for a hearing, from the facts as they stand and the words of the last one that was approved.

    Raises PermissionDenied, or StepRefused for a closed case, while another draft is open, or for a day that is over.
    """
    case = locked(Case, case.pk)
    made = CourtStatement(scheme=case.scheme, case=case, court=court.strip(), hearing_on=hearing_on)
    if not by.can("actionplans.write_statement", made):
        raise PermissionDenied
    rows = CourtStatement.objects.filter(case=case)
    problems = _hearing_problems(made)
    if case.status == "closed":
        problems.append(f"{case.reference} is closed.")
    if rows.filter(status=StatementStatus.DRAFT).exists():
        problems.append("A draft is open already. Finish or drop it first.")
    if problems:
        raise StepRefused(problems)
    last = rows.filter(status=StatementStatus.APPROVED).first()
    made.number = (rows.first().number if rows.exists() else 0) + 1
    made.opening = last.opening if last else opening_for(case)
    made.closing = last.closing if last else ""
    made.lines = [asdict(line) for line in drafted(facts_of(case), lines_of(last) if last else ())]
    made.drafted_by, made.drafted_at = by.user, clock.now()
    made.save()
    audit.record("draft_statement", made, by=by, after=made.status, subjects=[case.reference], number=made.number)
    return made


@transaction.atomic
def save(
    statement: CourtStatement,
    *,
    by: Actor,
    version: int | None = None,
    court: str,
    hearing_on: date,
    opening: str,
    closing: str,
    said: Mapping[int, tuple[str, bool]],
) -> CourtStatement:
    """Keep the words of a draft. `said` gives, for offers by their number, the words and whether they stand in it.

    Raises PermissionDenied, Stale or StepRefused.
    """
    statement = _open_draft(statement, by, version)
    statement.court, statement.hearing_on = court.strip(), hearing_on
    if problems := _hearing_problems(statement):
        raise StepRefused(problems)
    statement.opening, statement.closing = opening.strip(), closing.strip()
    lines = []
    for line in lines_of(statement):
        text, kept = said.get(line.key, (line.text, line.kept))
        lines.append(asdict(Line(line.key, line.pathway, line.drafted, text.strip() or line.drafted, kept)))
    statement.lines = lines
    # Whoever was asked to approve it has read other words.
    statement.asked_at = None
    statement.version += 1
    statement.save()
    audit.record("change_statement", statement, by=by, fields=["words"], subjects=[statement.case.reference])
    return statement


@transaction.atomic
def bring_in(statement: CourtStatement, *, by: Actor, version: int | None = None) -> CourtStatement:
    """Take over what changed since it was drafted. Raises PermissionDenied, Stale or StepRefused."""
    statement = _open_draft(statement, by, version)
    statement.lines = [asdict(line) for line in brought_in(facts_of(statement.case), lines_of(statement))]
    statement.drafted_at, statement.asked_at = clock.now(), None
    statement.version += 1
    statement.save()
    audit.record("refresh_statement", statement, by=by, subjects=[statement.case.reference])
    return statement


@transaction.atomic
def drop(statement: CourtStatement, *, by: Actor, version: int | None = None) -> CourtStatement:
    """Say that a draft is not needed. Raises PermissionDenied, Stale or StepRefused."""
    return take(DROP, statement, by=by, version=version, subjects=[statement.case.reference])


@transaction.atomic
def ask_approval(statement: CourtStatement, *, by: Actor, version: int | None = None) -> CourtStatement:
    """Ask the lead professional to approve a draft. Raises PermissionDenied, Stale or StepRefused."""
    statement = _open_draft(statement, by, version)
    lead = lead_of(statement.case)
    if lead is None:
        raise StepRefused(["The case has no lead professional with an account here, who alone can approve it."])
    if problems := obstacles(statement):
        raise StepRefused(problems)
    statement.asked_at = clock.now()
    statement.version += 1
    statement.save(update_fields=["asked_at", "version"])
    audit.record("ask_statement_approval", statement, by=by, subjects=[statement.case.reference])
    reference = statement.case.reference
    notify.tell(
        [lead.user],
        scheme=statement.scheme,
        kind="statement_to_approve",
        subject=f"{reference} {statement.number} {statement.version}",
        text=f"Approve the statement for court on {reference} by {day_month(statement.hearing_on)}",
        url=reverse("case_statement", args=[reference]),
        email_body="A statement on what was offered and how it was answered is drafted for a hearing. It goes out once "
        "you have approved it. Sign in:",
    )
    return statement


# --- Approving it ---------------------------------------------------------------


def obstacles(statement: CourtStatement) -> list[str]:
    """Why a draft cannot be approved yet, in words that tell nobody which names are kept."""
    problems = _hearing_problems(statement)
    if changes_since(statement):
        problems.append("Bring in what changed since it was drafted.")
    if not any(line.kept for line in lines_of(statement)):
        problems.append("Keep at least one offer in it.")
    return problems + giveable(_texts(statement), statement.scheme.policy)


def hold_back(statement: CourtStatement, *, by: Actor) -> list[str]:
    """Where somebody who is protected from the person stands by name in it: what the page says, once the agencies that
    keep the records have been told. Called where the answer keeps what it wrote.
    """
    slipped = naming.standing_in([statement.case.offender], [text for _, text in _texts(statement)])
    if not slipped:
        return []
    reference = statement.case.reference
    naming.tell_keepers(
        slipped,
        where=f"a statement for court, {reference}",
        subject=f"statement {statement.pk} {statement.version}",
    )
    audit.record("hold_statement_back", statement, by=by, subjects=[reference])
    return [NAME_IN_IT]


@transaction.atomic
def approve(statement: CourtStatement, *, by: Actor, version: int | None = None) -> CourtStatement:
    """The lead professional approves it: its record is frozen with its SHA-256, and the PDF follows.

    Nobody else can, not the coordinator who drafted it either. Raises PermissionDenied, Stale or StepRefused.
    """
    statement = locked(CourtStatement, statement.pk, version=version)
    if not by.can("actionplans.approve_statement", statement):
        raise PermissionDenied
    if problems := obstacles(statement):
        raise StepRefused(problems)
    if naming.standing_in([statement.case.offender], [text for _, text in _texts(statement)]):
        raise StepRefused([NAME_IN_IT])
    now = clock.now()
    record = record_of(statement, by, now.isoformat())
    approved: CourtStatement = take(
        APPROVE,
        statement,
        by=by,
        subjects=[statement.case.reference],
        approved_by=by.membership,
        approved_name=by.user.name if by.user else "",
        approved_at=now,
        record=record,
        record_sha256=fingerprint(record),
    )
    outbox.add("statement_pdf", scheme=approved.scheme, key=f"statement:{approved.pk}", by=by, statement=approved.pk)
    return approved


def record_of(statement: CourtStatement, by: Actor, at: str) -> dict[str, Any]:
    """What is approved, as it is printed: text alone, so that the same statement has one spelling."""
    case, person = statement.case, statement.case.offender
    kept = [line for line in lines_of(statement) if line.kept]
    return {
        "format": FORMAT,
        "scheme": statement.scheme.name,
        "reference": case.reference,
        "number": statement.number,
        "court": statement.court,
        "hearing_on": statement.hearing_on.isoformat(),
        "person": {
            "name": person.plain_name,
            "born": person.date_of_birth.isoformat() if person.date_of_birth else "",
        },
        "opening": statement.opening,
        "parts": [
            {"pathway": pathway, "lines": [line.text for line in lines]}
            for pathway, lines in groupby(kept, key=lambda line: line.pathway)
        ],
        "closing": statement.closing,
        "facts_as_of": statement.drafted_at.isoformat(),
        "approved": {
            "name": by.user.name if by.user else "",
            "post": by.membership.post if by.membership else "",
            "agency": by.agency.name if by.agency else "",
            "at": at,
        },
    }


def fingerprint(record: Mapping[str, Any]) -> str:
    """SHA-256 of the record in its one spelling."""
    spelled = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def keep_pdf(statement: CourtStatement, *, by: Actor) -> Document:
    """Make the PDF of an approved statement from its record and keep the bytes, for ever the same.

    In the caller's transaction. Raises as `iom.printing.render` does.
    """
    record, at = statement.record, statement.approved_at
    called = f"{record['reference']}-statement-{statement.number}"
    content = render(
        "actionplans/pdf/statement.html",
        {
            "record": record,
            "fingerprint": statement.record_sha256,
            "reference": f"{record['reference']} · statement {statement.number}",
            "printed": f"Approved by {statement.approved_name}, {moment(at)}. Record {statement.record_sha256[:16]}…",
            "author": record["scheme"],
            "made_at": at,
        },
        title=f"Intervention statement {called}",
        identifier=f"iom-panel-statement:{statement.record_sha256}",
    )
    document = Document.objects.create(
        scheme=statement.scheme,
        kind="court_statement",
        reference=called,
        name=f"{called.lower()}.pdf",
        content=content,
        sha256=sha256(content),
    )
    statement.document = document
    statement.save(update_fields=["document"])
    audit.record("make_statement_pdf", statement, by=by, after=document.name, subjects=[record["reference"]])
    return document


@transaction.atomic
def give(
    statement: CourtStatement, *, to: str, how: str, given_on: date, by: Actor, version: int | None = None
) -> StatementGiven:
    """Write down to whom an approved statement was given. Raises PermissionDenied, Stale or StepRefused."""
    statement = locked(CourtStatement, statement.pk, version=version)
    if not by.can("actionplans.write_statement", statement):
        raise PermissionDenied
    problems = []
    if statement.status != StatementStatus.APPROVED or statement.document_id is None:
        problems.append("Only an approved statement is given to anybody, once its PDF is made.")
    elif not clock.local(statement.approved_at).date() <= given_on <= clock.today():
        problems.append("It was given on a day from its approval until today.")
    if not to.strip():
        problems.append("Enter to whom it was given.")
    if problems:
        raise StepRefused(problems)
    made = StatementGiven.objects.create(
        scheme=statement.scheme, statement=statement, to=to.strip(), how=how, given_on=given_on, by=by.user
    )
    audit.record("give_statement", made, by=by, after=how, subjects=[statement.case.reference])
    return made


# --- Shared ---------------------------------------------------------------------


def _open_draft(statement: CourtStatement, by: Actor, version: int | None) -> CourtStatement:
    held: CourtStatement = locked(CourtStatement, statement.pk, version=version)
    if not by.can("actionplans.write_statement", held):
        raise PermissionDenied
    if held.status != StatementStatus.DRAFT:
        raise StepRefused([f"This is {held.get_status_display().lower()}: it stays as it is. Begin a new version."])
    return held


def _hearing_problems(statement: CourtStatement) -> list[str]:
    problems = []
    if not statement.court:
        problems.append("Enter the court.")
    if statement.hearing_on < clock.today():
        problems.append(f"The hearing was on {day(statement.hearing_on)}: enter a day that is still to come.")
    return problems


def _texts(statement: CourtStatement) -> Iterable[tuple[str, str]]:
    """Everything that would be printed, with its place."""
    yield "The court", statement.court
    yield "The opening", statement.opening
    for line in lines_of(statement):
        if line.kept:
            yield f"What is said of {line.pathway}", line.text
    yield "The end", statement.closing

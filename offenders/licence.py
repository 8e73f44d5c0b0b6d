"""Licence conditions that partners ask for (London, Probation and HMP): asked, agreed jointly, put in or not.

An agency asks for a condition and says which risk it answers, how the person could keep to it, and from which facts.
The agencies that it concerns say whether they agree; a meeting settles it where they do not. Probation puts it in, or
says why not, and the prison is told before release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify
from iom.models import Agency, Meeting, Membership, Role, User
from iom.steps import Step, StepRefused, locked, take

from . import naming
from .models import Case, CaseStatus, LicenceAnswer, LicenceRequest
from .safeguarding import giveable

if TYPE_CHECKING:
    from iom.access import Actor

Status = LicenceRequest.Status
# What a request can cite: lines of the record in words, of what was offered and how the person answered, say.
Citing = Callable[["Actor", Case], Iterable[str]]
_citing: list[Citing] = []


def can_be_cited(function: Citing) -> Citing:
    """Register lines that a request may cite: `fn(actor, case) -> Iterable[str]`, only what everybody who reads the
    case may read, and what may be given to the person: it goes into a request that the prison sees.
    """
    _citing.append(function)
    return function


def citable(actor: Actor, case: Case) -> list[str]:
    """The lines that the actor can cite, each once."""
    return list(dict.fromkeys(line for function in _citing for line in function(actor, case)))


def _told(request: LicenceRequest) -> str | None:
    return None if request.status == Status.INCLUDED else "Probation has not put it in."


SETTLE = Step(
    verb="agree_licence",
    sources=frozenset({Status.ASKED}),
    target=Status.AGREED,
    permission="offenders.settle_licence",
    done="Agreed. Probation is asked to put the condition in",
)
NOT_AGREE = Step(
    verb="refuse_licence",
    sources=frozenset({Status.ASKED}),
    target=Status.NOT_AGREED,
    permission="offenders.settle_licence",
    done="Not agreed",
)
INCLUDE = Step(
    verb="include_licence",
    sources=frozenset({Status.AGREED}),
    target=Status.INCLUDED,
    permission="offenders.decide_licence",
    done="In the licence. Tell the prison",
)
LEAVE_OUT = Step(
    verb="leave_licence_out",
    sources=frozenset({Status.AGREED}),
    target=Status.LEFT_OUT,
    permission="offenders.decide_licence",
    done="Not in the licence. Whoever asked is told why",
)
WITHDRAW = Step(
    verb="withdraw_licence",
    sources=frozenset({Status.ASKED, Status.AGREED}),
    target=Status.WITHDRAWN,
    permission="offenders.withdraw_licence",
    done="Withdrawn",
)
STEPS = {step.verb: step for step in (SETTLE, NOT_AGREE, INCLUDE, LEAVE_OUT, WITHDRAW)}


@transaction.atomic
def ask(
    case: Case,
    *,
    condition: str,
    why: str,
    how_met: str,
    facts: str = "",
    cites: Sequence[str] = (),
    agencies: Iterable[Agency] = (),
    by: Actor,
) -> LicenceRequest:
    """Ask for a condition. The scheme's rule names agencies that are always asked to agree; `agencies` are more.

    `cites` are among `citable`. Raises PermissionDenied or StepRefused.
    """
    held = locked(Case, case.pk)
    if not by.can("offenders.ask_licence", held) or by.agency is None:
        raise PermissionDenied
    if held.status == CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is closed."])
    if set(cites) - set(citable(by, held)):
        raise StepRefused(["What was cited has changed. Choose again."])
    # The licence is the person's to read.
    if problems := giveable([("The condition", condition)], held.scheme.policy):
        raise StepRefused(problems)
    request = LicenceRequest.objects.create(
        scheme=by.scheme,
        case=held,
        agency=by.agency,
        asked_by=by.user,
        asked_on=clock.today(),
        condition=condition,
        why=why,
        how_met=how_met,
        facts=facts,
        cites=list(cites),
    )
    asked = agencies_to_ask(held, agencies, by.agency)
    LicenceAnswer.objects.bulk_create(
        [LicenceAnswer(scheme=by.scheme, request=request, agency=agency) for agency in asked]
    )
    audit.record("ask_licence", request, by=by, subjects=[held.reference])
    texts = (condition, why, how_met, facts)
    where = f"a licence condition of {held.reference}"
    naming.tell_owners(held.offender, texts, where=where, subject=f"licence {request.pk}")
    _tell(request, _people_of(asked, held), "licence_asked", "Agree or not: a licence condition")
    return request


def agencies_to_ask(case: Case, more: Iterable[Agency], asking: Agency) -> list[Agency]:
    """Who is asked to agree: by the scheme's rule, and whom the request names; not whoever asks."""
    kinds = case.scheme.policy.licence_conditions.agree
    by_rule: dict[str, Agency] = {}
    for agency in Agency.objects.filter(scheme=case.scheme_id, kind__in=kinds).order_by("pk"):
        by_rule.setdefault(agency.kind, agency)
    found = {agency.pk: agency for agency in [*by_rule.values(), *more]}
    found.pop(asking.pk, None)
    return sorted(found.values(), key=lambda agency: agency.name)


@transaction.atomic
def answer(request: LicenceRequest, *, agrees: bool, words: str = "", by: Actor) -> LicenceRequest:
    """Say for one's agency whether it agrees. Once all do, it is agreed jointly; before that the last answer holds.

    Raises PermissionDenied or StepRefused.
    """
    request = _held(request, by, "offenders.answer_licence")
    if request.status != Status.ASKED:
        raise StepRefused([f"This is already {request.get_status_display().lower()}."])
    if not agrees and not words.strip():
        raise StepRefused(["Enter why your agency does not agree."])
    row = LicenceAnswer.objects.select_for_update().filter(request=request, agency=by.agency).first()
    if row is None:
        raise PermissionDenied
    row.agrees, row.words = agrees, words.strip()
    row.answered_by, row.answered_at = by.user, clock.now()
    row.version += 1
    row.save()
    reference = request.case.reference
    audit.record("answer_licence", request, by=by, after="agrees" if agrees else "does not agree", subjects=[reference])
    where = f"a licence condition of {reference}"
    naming.tell_owners(request.case.offender, [words], where=where, subject=f"licence answer {row.pk} {row.version}")
    if not LicenceAnswer.objects.filter(request=request).exclude(agrees=True).exists():
        return _agreed(request, by)
    return request


def _agreed(request: LicenceRequest, by: Actor) -> LicenceRequest:
    """Everybody asked has agreed: nobody needs to settle it."""
    request.status, request.agreed_on = Status.AGREED, clock.today()
    request.version += 1
    request.save(update_fields=["status", "agreed_on", "version"])
    audit.record(
        SETTLE.verb, request, by=by, before=Status.ASKED, after=Status.AGREED, subjects=[request.case.reference]
    )
    _tell(request, _probation(request.case), "licence_agreed", "Put in, or say why not: a licence condition")
    return request


@transaction.atomic
def settle(
    request: LicenceRequest,
    *,
    agreed: bool,
    meeting: Meeting | None,
    words: str = "",
    by: Actor,
    version: int | None = None,
) -> LicenceRequest:
    """Record what the panel or the team's meeting agreed of a request on which the agencies differ or wait.

    Raises PermissionDenied, Stale or StepRefused: no meeting, or one that is still to come.
    """
    if meeting is None or meeting.scheme_id != request.scheme_id or meeting.date > clock.today():
        raise StepRefused(["Choose the meeting that agreed on it."])
    if not agreed and not words.strip():
        raise StepRefused(["Enter why it was not agreed."])
    request = take(
        SETTLE if agreed else NOT_AGREE,
        request,
        by=by,
        version=version,
        subjects=[request.case.reference],
        agreed_on=meeting.date,
        agreed_at=meeting,
        agreed_words=words.strip(),
    )
    if agreed:
        _tell(request, _probation(request.case), "licence_agreed", "Put in, or say why not: a licence condition")
    else:
        _tell(request, _asker(request), "licence_answered", "Answered: the licence condition that you asked for")
    return request


@transaction.atomic
def decide(
    request: LicenceRequest, *, included: bool, because: str = "", by: Actor, version: int | None = None
) -> LicenceRequest:
    """Probation puts a condition in, or says why not. Raises PermissionDenied, Stale or StepRefused."""
    if not included and not because.strip():
        raise StepRefused(["Enter why it is not in the licence."])
    request = take(
        INCLUDE if included else LEAVE_OUT,
        request,
        by=by,
        version=version,
        reason=because,
        subjects=[request.case.reference],
        decided_on=clock.today(),
        decided_by=by.user,
        decided_because=because.strip(),
    )
    _tell(request, _asker(request), "licence_answered", "Answered: the licence condition that you asked for")
    return request


@transaction.atomic
def tell_prison(
    request: LicenceRequest, *, on: date, whom: str, by: Actor, version: int | None = None
) -> LicenceRequest:
    """Record that the prison was told of a condition that is in the licence. Raises as `answer`, or Stale."""
    request = _held(request, by, "offenders.tell_licence", version)
    if problem := _told(request):
        raise StepRefused([problem])
    if not (request.decided_on or on) <= on <= clock.today():
        raise StepRefused(["The date must be between the day on which it was put in, and today."])
    request.prison_told_on, request.prison_told = on, whom
    request.version += 1
    request.save(update_fields=["prison_told_on", "prison_told", "version"])
    audit.record("tell_prison", request, by=by, subjects=[request.case.reference])
    return request


@transaction.atomic
def withdraw(request: LicenceRequest, *, by: Actor, version: int | None = None) -> LicenceRequest:
    """Take a request back: whoever asked, and the coordinator. Raises PermissionDenied, Stale or StepRefused."""
    return take(WITHDRAW, request, by=by, version=version, subjects=[request.case.reference])


def _held(request: LicenceRequest, by: Actor, permission: str, version: int | None = None) -> LicenceRequest:
    request = locked(LicenceRequest, request.pk, version=version)
    if not by.can(permission, request):
        raise PermissionDenied
    return request


# --- Who hears -------------------------------------------------------------------


def _people_of(agencies: Iterable[Agency], case: Case) -> list[User]:
    rows = Membership.objects.filter(scheme=case.scheme_id, agency__in=list(agencies)).current(clock.today())
    return [held.user for held in rows.with_role(Role.MEMBER).select_related("user")]


def _probation(case: Case) -> list[User]:
    """The lead professional where probation leads, else everybody of probation who works with cases."""
    lead = case.assigned("lead_professional")
    if lead is not None and lead.membership is not None and lead.agency.kind == "probation":
        return [lead.membership.user]
    return _people_of(Agency.objects.filter(scheme=case.scheme_id, kind="probation"), case)


def _asker(request: LicenceRequest) -> list[User]:
    return [request.asked_by] if request.asked_by else []


def _tell(request: LicenceRequest, people: Iterable[User], kind: str, what: str) -> None:
    reference = request.case.reference
    notify.tell(
        people,
        scheme=request.case.scheme,
        kind=kind,
        subject=f"{reference} {request.pk}",
        text=f"{what}, {reference}",
        url=reverse("licence_request", args=[reference, request.pk]),
        email_body="Sign in to read it and to say what you have to say:",
    )

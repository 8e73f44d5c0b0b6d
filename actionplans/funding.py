"""Money for somebody's plan: asked for, decided by the panel or the coordinator, spent or not (Merton, Roles)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, Sum

from iom import audit, clock
from iom.access import Actor
from iom.models import Meeting, Scheme
from iom.steps import StepRefused, locked
from offenders.models import Case

from .actions import must_be_a_pathway, must_be_open
from .models import Funding, FundingStatus, Plan

NOTHING = Decimal(0)


@transaction.atomic
def ask(case: Case, *, text: str, amount: Decimal, payer: str, pathway: str = "", by: Actor) -> Funding:
    """Ask for an amount in pounds, for something in the plan, from somebody's money.

    Whoever may change the plan asks. Raises PermissionDenied or StepRefused.
    """
    _must_change_plan(by, case)
    must_be_open(case)
    must_be_a_pathway(case, pathway)
    if not text.strip() or not payer.strip():
        raise StepRefused(["Say what the money is for, and whose money it is."])
    if amount <= 0:
        raise StepRefused(["The amount must be more than nothing."])
    asked = Funding.objects.create(
        scheme=by.scheme,
        case=case,
        pathway=pathway,
        text=text.strip(),
        amount=amount,
        payer=payer.strip(),
        asked_on=clock.today(),
        asked_by=by.user,
    )
    audit.record("ask_funding", asked, by=by, after=asked.status, subjects=[case.reference])
    return asked


@transaction.atomic
def decide(asked: Funding, *, agreed: bool, reason: str = "", by: Actor, version: int | None = None) -> Funding:
    """The coordinator agrees or not, in a scheme whose panel does not allocate money.

    Raises PermissionDenied, Stale, or StepRefused: where the panel allocates, it is decided at its meeting.
    """
    asked = locked(Funding, asked.pk, version=version)
    if not by.can("actionplans.decide_funding", asked):
        raise PermissionDenied
    if by.scheme.policy.funding.panel_allocates:
        raise StepRefused(["The panel decides how money is used: it is asked at the case's item."])
    return _decided(asked, agreed=agreed, on=clock.today(), meeting=None, reason=reason, by=by)


@transaction.atomic
def decided_at(asked: Funding, *, agreed: bool, meeting: Meeting, by: Actor) -> Funding:
    """The panel agrees or not, at an item of a meeting. Called by whoever records the decision, in its transaction.

    Raises StepRefused when it was withdrawn or decided elsewhere meanwhile.
    """
    asked = locked(Funding, asked.pk)
    if asked.scheme_id != meeting.scheme_id:
        raise PermissionDenied
    if asked.status in (FundingStatus.AGREED, FundingStatus.NOT_AGREED) and asked.meeting_id == meeting.pk:
        wanted = FundingStatus.AGREED if agreed else FundingStatus.NOT_AGREED
        if asked.status == wanted:
            return asked
        asked = _reopened(asked, by)
    return _decided(asked, agreed=agreed, on=meeting.date, meeting=meeting, reason="", by=by)


@transaction.atomic
def taken_back_at(asked: Funding, *, meeting: Meeting, by: Actor) -> Funding:
    """The decision on it was undone at the meeting that made it: it is asked for as before."""
    asked = locked(Funding, asked.pk)
    return _reopened(asked, by) if asked.meeting_id == meeting.pk else asked


@transaction.atomic
def withdraw(asked: Funding, *, reason: str, by: Actor, version: int | None = None) -> Funding:
    """Ask for it no longer, and say why. Raises PermissionDenied, Stale or StepRefused."""
    asked = locked(Funding, asked.pk, version=version)
    _must_change_plan(by, asked.case)
    if asked.status != FundingStatus.ASKED:
        raise StepRefused([f"This is {asked.get_status_display().lower()} already."])
    if not reason.strip():
        raise StepRefused(["Say why it is withdrawn."])
    return _save(asked, "withdraw_funding", by, status=FundingStatus.WITHDRAWN, reason=reason.strip())


@transaction.atomic
def spent(asked: Funding, *, amount: Decimal, by: Actor, version: int | None = None) -> Funding:
    """Say how much of what was agreed was spent, in pounds; nothing: not spent. Raises as `withdraw`."""
    asked = locked(Funding, asked.pk, version=version)
    _must_change_plan(by, asked.case)
    if asked.status != FundingStatus.AGREED:
        raise StepRefused(["Only what was agreed can be spent."])
    if not 0 <= amount <= asked.amount:
        raise StepRefused([f"Enter an amount from 0 to {asked.amount}."])
    return _save(asked, "spend_funding", by, spent=amount, spent_on=clock.today())


@dataclass(frozen=True, slots=True)
class Totals:
    """Pounds asked for, agreed and spent, and how many requests there were. Nobody can be told from it."""

    requests: int
    waiting: Decimal
    agreed: Decimal
    spent: Decimal


def totals(scheme: Scheme, *, cases: Iterable[Case] | None = None, since: date | None = None) -> Totals:
    """What was asked, agreed and spent in a scheme, or of some cases, of requests made since a day."""
    rows = Funding.objects.filter(scheme=scheme).exclude(status=FundingStatus.WITHDRAWN).order_by()
    if cases is not None:
        rows = rows.filter(case__in=cases)
    if since is not None:
        rows = rows.filter(asked_on__gte=since)
    found = rows.aggregate(
        requests=Count("pk"),
        waiting=Sum("amount", filter=Q(status=FundingStatus.ASKED)),
        agreed=Sum("amount", filter=Q(status=FundingStatus.AGREED)),
        spent=Sum("spent"),
    )
    return Totals(found["requests"], *(found[name] or NOTHING for name in ("waiting", "agreed", "spent")))


def _decided(asked: Funding, *, agreed: bool, on: date, meeting: Meeting | None, reason: str, by: Actor) -> Funding:
    if asked.status != FundingStatus.ASKED:
        raise StepRefused([f"The money for “{asked.text}” is {asked.get_status_display().lower()} already."])
    return _save(
        asked,
        "decide_funding",
        by,
        status=FundingStatus.AGREED if agreed else FundingStatus.NOT_AGREED,
        decided_on=on,
        decided_by=by.user,
        meeting=meeting,
        reason=reason.strip(),
    )


def _reopened(asked: Funding, by: Actor) -> Funding:
    if asked.spent is not None:
        raise StepRefused([f"Money for “{asked.text}” was spent already."])
    return _save(
        asked, "reopen_funding", by, status=FundingStatus.ASKED, decided_on=None, decided_by=None, meeting=None
    )


def _save(asked: Funding, verb: str, by: Actor, **changes: object) -> Funding:
    before = asked.status
    for name, value in changes.items():
        setattr(asked, name, value)
    asked.version += 1
    asked.save(update_fields=[*changes, "version"])
    audit.record(
        verb,
        asked,
        by=by,
        before=before,
        after=asked.status,
        fields=changes,
        subjects=[asked.case.reference],
        meeting=asked.meeting.key if asked.meeting else None,
    )
    return asked


def _must_change_plan(by: Actor, case: Case) -> None:
    plan = Plan(scheme_id=case.scheme_id, case=case)
    if not (case.scheme_id == by.scheme.pk if by.user is None else by.can("actionplans.change_plan", plan)):
        raise PermissionDenied

"""Deciding an urgent nomination between two meetings, where the scheme's rules allow it (Hampshire).

The source is silent on when such a decision begins to hold. Here it takes effect at once, since it is urgent, says of
itself that it is to be ratified, and stands on the next agenda (`ratifying`). What the source does say, that people are
accepted or refused together, is kept by asking at least one agency besides the one that nominated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, clock, notify
from iom.models import Agency, Membership, Role
from iom.steps import StepRefused, locked
from offenders.models import AssignmentRole, Case
from referrals import actions as referrals
from referrals import scoring, triage
from referrals.models import Referral

from . import accepting, ratifying
from .accepting import Lead
from .models import Consulted, Outcome, OutsideDecision

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import PolicyVersion

OUTCOMES = (Outcome.ACCEPT, Outcome.NOT_ACCEPT, Outcome.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One agency that was asked: who spoke for it, how (`Consulted.By`), on which day, and what they said."""

    agency: Agency
    name: str
    how: str
    on: date
    said: str


@dataclass(frozen=True, slots=True)
class Urgent:
    """An urgent decision as it was written down. `decided_by` chairs here and answers for it."""

    urgent_because: str
    asked: tuple[Asked, ...]
    outcome: str
    reason: str
    decided_by: Membership
    decided_on: date
    colour: str = ""
    reason_for_referrer: str = ""
    leads: Mapping[str, Lead] = field(default_factory=dict)


def who_may_decide(referral: Referral) -> QuerySet[Membership]:
    """Who can answer for it: whoever chairs in the scheme now, but for the person who nominated."""
    rows = Membership.objects.filter(scheme=referral.scheme_id).current(clock.today()).with_role(Role.CHAIR)
    return rows.exclude(user=referral.referrer.user_id).select_related("user", "agency").order_by("user__name", "pk")


def standing(referral: Referral) -> OutsideDecision | None:
    """The last decision made outside the meeting on a nomination that the caller has found."""
    rows = referral.outside_decisions.select_related(
        "case", "decided_by__user", "decided_by__agency", "recorded_by", "referral"
    )
    return rows.prefetch_related("consulted__agency").order_by("-pk").first()


@transaction.atomic
def decide(referral: Referral, urgent: Urgent, *, by: Actor, version: int | None = None) -> OutsideDecision:
    """Write down what was decided between two meetings, make it so, and put it on the next agenda to be ratified.

    Raises PermissionDenied, Stale, or StepRefused: where the scheme decides at the panel alone, when something is
    missing, or when a rule excludes the person and nobody said why they are taken up.
    """
    referral = locked(Referral, referral.pk, version=version)
    if not by.can("referrals.decide_outside", referral):
        raise PermissionDenied
    referral.scheme = by.scheme
    if problems := _missing(referral, urgent):
        raise StepRefused(problems)
    rules = by.scheme.policy_on(urgent.decided_on)
    if urgent.outcome == Outcome.ACCEPT:
        _assess(referral, by)
    referral = referrals.decided_outside(referral, urgent.outcome, by=by, reason=urgent.reason)
    case = _take_on(referral, urgent, rules, by) if urgent.outcome == Outcome.ACCEPT else None
    outside = _keep(referral, urgent, case, rules, by)
    audit.record(
        "decide_outside",
        outside,
        by=by,
        after=urgent.outcome,
        reason=urgent.reason,
        subjects=[thing.reference for thing in (referral, case) if thing is not None],
        consulted=len(urgent.asked),
        rules=rules.number,
    )
    _tell_who_answers(outside, by)
    ratifying.bring_all(by=by)
    return outside


def _missing(referral: Referral, urgent: Urgent) -> list[str]:
    problems = []
    if urgent.outcome not in OUTCOMES:
        problems.append("Choose what was decided.")
    if not urgent.urgent_because.strip():
        problems.append("Enter why this cannot wait for the panel.")
    if not urgent.reason.strip():
        problems.append("Enter a reason.")
    if not any(each.agency.pk != referral.agency_id for each in urgent.asked):
        problems.append(
            f"Decisions are made together: enter at least one agency that was asked, besides {referral.agency.name}."
        )
    if any(each.on > urgent.decided_on for each in urgent.asked):
        problems.append("Everybody must have been asked by the day of the decision.")
    if urgent.outcome == Outcome.ACCEPT and not urgent.colour:
        problems.append("Choose a rating.")
    if urgent.outcome == Outcome.ACCEPT and AssignmentRole.LEAD_AGENCY not in urgent.leads:
        problems.append("Choose the lead agency.")
    if urgent.decided_on > clock.today():
        problems.append("The day of the decision must be today or earlier.")
    if referral.sent_at and urgent.decided_on < clock.local(referral.sent_at).date():
        problems.append("It cannot have been decided before the nomination was sent.")
    if not who_may_decide(referral).filter(pk=urgent.decided_by.pk).exists():
        problems.append("Choose somebody who chairs here and did not make the nomination.")
    return problems


def _assess(referral: Referral, by: Actor) -> None:
    """Score and finding as triage makes them; only a known exclusion stops it (design.md 3)."""
    if not scoring.obstacles_to_score(referral, clock.today()):
        scoring.score_ogrs3(referral, by=by)
    finding = scoring.assess(referral, by=by)
    if (words := triage.stop(finding)) and not referral.reopened_because:
        raise StepRefused([words])


def _take_on(referral: Referral, urgent: Urgent, rules: PolicyVersion, by: Actor) -> Case:
    case = accepting.take_on(
        referral, urgent.colour, urgent.reason, on=urgent.decided_on, meeting=None, version=rules, by=by
    )
    accepting.give_leads(case, urgent.leads, on=urgent.decided_on, meeting=None, by=by)
    return case


def _keep(referral: Referral, urgent: Urgent, case: Case | None, rules: PolicyVersion, by: Actor) -> OutsideDecision:
    accepts = urgent.outcome == Outcome.ACCEPT
    outside = OutsideDecision.objects.create(
        scheme=by.scheme,
        referral=referral,
        urgent_because=urgent.urgent_because.strip(),
        outcome=urgent.outcome,
        colour=urgent.colour if accepts else "",
        reason=urgent.reason.strip(),
        reason_for_referrer=urgent.reason_for_referrer.strip(),
        leads=accepting.as_minuted(urgent.leads) if accepts else {},
        case=case,
        decided_on=urgent.decided_on,
        decided_by=urgent.decided_by,
        recorded_by=by.user,
        policy_version=rules,
    )
    for each in urgent.asked:
        Consulted.objects.create(
            scheme=by.scheme,
            decision=outside,
            agency=each.agency,
            name=each.name.strip(),
            how=each.how,
            on=each.on,
            said=each.said.strip(),
        )
    return outside


def _tell_who_answers(outside: OutsideDecision, by: Actor) -> None:
    """Nobody has a decision written down in their name without hearing of it."""
    if outside.decided_by.user_id == by.user.pk:
        return
    reference = outside.referral.reference
    notify.tell(
        [outside.decided_by.user],
        scheme=by.scheme,
        kind="decided_outside",
        subject=f"outside:{outside.pk}",
        text=f"Check the decision recorded as yours: referral {reference}",
        url=f"/referrals/{reference}/outside/",
        email_body="A decision outside the meeting was recorded as yours. If it is not, tell the coordinator:",
    )

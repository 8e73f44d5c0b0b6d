"""Taking somebody onto the cohort: the case, its rating, its leads and the beginning of its plan.

At a meeting or, where the scheme allows it, between two: then there is no meeting to name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from actionplans import actions as plans
from iom.models import Agency, Meeting, Membership, PolicyVersion
from offenders import actions as cases
from offenders.models import Case
from referrals.engagement import needs_to_begin_with
from referrals.models import Referral, Supervision
from referrals.scoring import current_score

from .safeguarding import carry_from_nomination

if TYPE_CHECKING:
    from iom.access import Actor

STATUTORY = {Supervision.YES: True, Supervision.NO: False}
LONGEST_GOAL = 300


@dataclass(frozen=True, slots=True)
class Lead:
    """Who is given a lead: an agency, and in it a person with a membership or by name; `reason` is for the minutes."""

    agency: Agency
    membership: Membership | None = None
    name: str = ""
    reason: str = ""


def take_on(
    referral: Referral,
    colour: str,
    reason: str,
    *,
    on: date,
    meeting: Meeting | None,
    version: PolicyVersion,
    by: Actor,
    evidence: str = "",
) -> Case:
    """Open the case with its rating, and begin its plan from the needs that are known (Merton, steps 5 to 7).

    Raises PermissionDenied, or StepRefused when the person has an open case or the scheme has no such colour.
    """
    score = current_score(referral.offender)
    finding = referral.findings.first()
    case = cases.accept(
        offender=referral.offender,
        meeting=meeting,
        on=on,
        why=reason.strip(),
        criterion=finding.route if finding else "",
        score=score.pct_2yr if score else None,
        score_on=score.scored_on if score else None,
        statutory=STATUTORY.get(referral.supervision),
        colour=colour,
        reason=reason.strip(),
        policy_version=version,
        by=by,
        evidence=evidence.strip(),
        main_driver=referral.main_driver,
    )
    carry_from_nomination(referral, case, by=by)
    plan = plans.start_plan(case, by=by)
    for pathway, level, words in needs_to_begin_with(referral, version.policy):
        plans.set_need(plan, pathway, level=level, goal=words[:LONGEST_GOAL], by=by)
    plans.agree_plan(case, meeting=meeting, on=on, by=by)
    return case


def give_leads(case: Case, leads: Mapping[str, Lead], *, on: date, meeting: Meeting | None, by: Actor) -> None:
    """Give the case whoever was named. Raises PermissionDenied or StepRefused as `assign` does."""
    for role, lead in leads.items():
        cases.assign(
            case,
            role,
            agency=lead.agency,
            membership=lead.membership,
            person_name=lead.name,
            on=on,
            reason=lead.reason,
            meeting=meeting,
            by=by,
        )


def as_minuted(leads: Mapping[str, Lead]) -> dict[str, dict[str, str]]:
    """Who was named, in the words of the minutes."""
    return {
        role: {
            "agency": lead.agency.name,
            "name": lead.membership.user.name if lead.membership else lead.name,
            "reason": lead.reason,
        }
        for role, lead in leads.items()
    }


def to_give(leads: Mapping[str, Lead]) -> dict[str, dict[str, int | None]]:
    """Who was named, by number: kept with a decision that waits, so that it can be made so later (`leads_of`)."""
    return {
        role: {"agency": lead.agency.pk, "membership": lead.membership.pk if lead.membership else None}
        for role, lead in leads.items()
    }


def leads_of(kept: Mapping[str, Mapping[str, int | None]], minuted: Mapping[str, Mapping[str, str]]) -> dict[str, Lead]:
    """The leads that a waiting decision named: `kept` as by `to_give`, `minuted` as by `as_minuted`."""
    agencies = Agency.objects.in_bulk([each["agency"] for each in kept.values()])
    people = Membership.objects.select_related("user", "agency").in_bulk(
        [each["membership"] for each in kept.values() if each["membership"]]
    )
    return {
        role: Lead(
            agencies[each["agency"]],
            people.get(each["membership"]) if each["membership"] else None,
            name="" if each["membership"] else minuted[role]["name"],
            reason=minuted[role]["reason"],
        )
        for role, each in kept.items()
    }

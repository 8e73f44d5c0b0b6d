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
    )
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

"""What the coordinator decides about a nomination before the panel: everything of one screen in one go (ux.md 4.3).

Triage recommends, the panel refuses: only a known exclusion stops a nomination here, and the coordinator may take it up
with a reason (design.md 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.models import Agency, Meeting
from iom.steps import StepRefused, locked
from referrals import actions, scoring
from referrals.models import Finding, Recommendation, Referral

if TYPE_CHECKING:
    from iom.access import Actor

EXCLUDED = "excluded"


def stop(finding: Finding) -> str | None:
    """Why a nomination stops here by the scheme's exclusions, in words; None when it does not."""
    if finding.outcome != EXCLUDED:
        return None
    grounds = [each["label"] for each in finding.clauses if each["kind"] == "exclusion" and each["met"]]
    return f"The scheme's rules exclude this person: {'; '.join(grounds)}. Enter a reason for going against the rule."


@transaction.atomic
def put_to_panel(
    referral: Referral,
    *,
    meeting: Meeting,
    agencies: Iterable[Agency],
    recommendation: str,
    by: Actor,
    because: str = "",
    reopened_because: str = "",
    version: int | None = None,
) -> Referral:
    """Score and assess a nomination as far as its facts go, put it on a panel's agenda, and ask the agencies.

    `because` says why the panel is advised to refuse or refer elsewhere, `reopened_because` why an excluded person
    comes before it all the same. Raises PermissionDenied, StepRefused in words, or Stale.
    """
    referral = locked(Referral, referral.pk, version=version)
    if not by.can("referrals.triage", referral):
        raise PermissionDenied
    if problems := _incomplete(recommendation, because):
        raise StepRefused(problems)
    # The finding is that of the body which will decide: some have criteria of their own.
    referral.meeting = meeting
    referral.save(update_fields=["meeting"])
    if not scoring.obstacles_to_score(referral, clock.today()):
        scoring.score_ogrs3(referral, by=by)
    finding = scoring.assess(referral, by=by)
    if (words := stop(finding)) and not (reopened_because.strip() or referral.reopened_because):
        raise StepRefused([words])
    _recommend(referral, recommendation, because, reopened_because, by)
    return actions.put_to_panel(referral, meeting=meeting, agencies=agencies, by=by)


def _incomplete(recommendation: str, because: str) -> list[str]:
    if recommendation not in Recommendation.values:
        return ["Choose what you recommend to the panel."]
    if recommendation != Recommendation.ACCEPT and not because.strip():
        return ["Enter the reason for your recommendation."]
    return []


def _recommend(referral: Referral, recommendation: str, because: str, reopened_because: str, by: Actor) -> None:
    referral.recommendation = recommendation
    referral.recommended_because = because.strip()
    changed = ["recommendation", "recommended_because"]
    if reopened_because.strip():
        referral.reopened_because = reopened_because.strip()
        changed.append("reopened_because")
    referral.save(update_fields=changed)
    audit.record(
        "recommend",
        referral,
        by=by,
        after=recommendation,
        reason=because or reopened_because,
        fields=changed,
        subjects=[referral.reference],
    )

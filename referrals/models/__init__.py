"""Nomination, score, findings, and what agencies answer."""

from auditlog.registry import auditlog

from referrals.models.checks import AgencyReturn, CheckRequest, Handling, Why
from referrals.models.criteria import HarmJudgement, Presentation, ResourcedCohort
from referrals.models.engagement import Engagement, EngagementKind, Met, NeedLevel, Where
from referrals.models.nominations import OPEN, MainDriver, Recommendation, Referral, ReferralStatus, Supervision
from referrals.models.papers import Paper
from referrals.models.research import CheckContact, ResearchCheck, Result
from referrals.models.scores import Finding, Score

__all__ = [
    "OPEN",
    "AgencyReturn",
    "CheckContact",
    "CheckRequest",
    "Engagement",
    "EngagementKind",
    "Finding",
    "Handling",
    "HarmJudgement",
    "MainDriver",
    "Met",
    "NeedLevel",
    "Paper",
    "Presentation",
    "Recommendation",
    "Referral",
    "ReferralStatus",
    "ResearchCheck",
    "ResourcedCohort",
    "Result",
    "Score",
    "Supervision",
    "Where",
    "Why",
]

# Half-typed answers change every few seconds and are no history.
auditlog.register(Referral, exclude_fields=["typed"])
auditlog.register(Engagement, exclude_fields=["typed"])
for _model in (
    CheckRequest,
    Paper,
    AgencyReturn,
    HarmJudgement,
    Presentation,
    ResourcedCohort,
    ResearchCheck,
    CheckContact,
):
    auditlog.register(_model)

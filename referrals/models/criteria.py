"""What the scheme's criteria need beside a nomination's own answers: who judged, what is resourced, who presents."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from iom.models import Meeting, Membership, SchemeModel, per_scheme, same_scheme
from referrals.models.nominations import Referral
from referrals.querysets import OfReferralsQuerySet


class HarmJudgement(SchemeModel):
    """The team's own judgement of somebody's risk of harm (Merton, step 3). The newest counts; none changes."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="harm_judgements")
    high = models.BooleanField(help_text="Whether the risk of harm is judged to be high")
    reason = models.CharField(max_length=1000)
    judged_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField()

    objects = OfReferralsQuerySet.as_manager()

    class Meta:
        ordering = ["-judged_at", "-pk"]
        constraints = [per_scheme(), *same_scheme("referral", "judged_by")]
        triggers = [pgtrigger.Protect(name="harm_judgement_stays", operation=pgtrigger.Update)]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.referral.audit_subject

    def __str__(self) -> str:
        return f"judgement {self.pk}"


class ResourcedCohort(SchemeModel):
    """The scheme's word that the cohort of one clause is established and resourced, so that the next may open.

    It holds from `said_on` until (not including) `until`; only one at a time for each clause.
    """

    criteria = models.SlugField(max_length=40)
    clause = models.SlugField(max_length=40)
    said_on = models.DateField()
    reason = models.CharField(max_length=600)
    said_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    until = models.DateField(null=True)
    ended_because = models.CharField(max_length=600, blank=True)
    ended_by = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-said_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("said_by", "ended_by"),
            models.UniqueConstraint(
                fields=["scheme", "criteria", "clause"],
                condition=Q(until=None),
                name="referrals_resourced_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(until=None, ended_by=None) | Q(until__isnull=False, ended_by__isnull=False),
                name="referrals_resourced_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause} of {self.criteria} resourced"


class Presentation(SchemeModel):
    """Whoever put somebody forward, asked to come to the meeting that decides, for that item alone.

    `must` where the scheme's rules require it (London, step 2), else they are invited (Richmond, 4.12).
    """

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="presentations")
    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="presentations")
    proposer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="presentations")
    name = models.CharField(max_length=120, help_text="Who will present it, as the nomination says")
    must = models.BooleanField()
    source = models.CharField(max_length=120, help_text="The paragraph that asks for it")
    asked_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    objects = OfReferralsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("referral", "meeting", "proposer"),
            models.UniqueConstraint(
                fields=["referral", "meeting"], condition=Q(cancelled_at=None), name="referrals_presented_once"
            ),
        ]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.referral.audit_subject

    def __str__(self) -> str:
        return f"presentation {self.pk}"

"""What a nomination is judged by: scores and the findings of the rules."""

from __future__ import annotations

import pgtrigger
from django.db import models

from iom.models import PolicyVersion, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Offender
from referrals.models.nominations import Referral


class Score(SchemeModel):
    """A reoffending score: facts in, result out. Never changed; a new one supersedes it."""

    class Model(models.TextChoices):
        OGRS3 = "OGRS3", "OGRS3"
        OVP = "OVP", "OVP"
        OFFICIAL = "official", "Official OGRS score from probation"

    offender = models.ForeignKey(Offender, on_delete=models.CASCADE, related_name="scores")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="scores")
    model = models.CharField(max_length=10, choices=Model.choices)
    model_version = models.CharField(max_length=20)
    inputs = models.JSONField()
    pct_1yr = models.PositiveSmallIntegerField(null=True)
    pct_2yr = models.PositiveSmallIntegerField()
    band = models.CharField(max_length=10, blank=True)
    effects = models.JSONField(default=list)
    scored_on = models.DateField()
    scored_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-scored_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("offender", "referral")]
        triggers = [pgtrigger.Protect(name="score_is_immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.model} {self.pct_2yr}%"


class Finding(SchemeModel):
    """The eligibility rules applied to one referral, each clause met, not met or not known, with its source."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="findings")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    criteria = models.SlugField(max_length=40, blank=True)
    outcome = models.CharField(max_length=20)
    route = models.CharField(max_length=60, blank=True)
    clauses = models.JSONField()
    facts = models.JSONField()
    sub_cohorts = models.JSONField(default=list, help_text="Slugs of the sub-cohorts to which the person belongs")
    as_of = models.DateField()

    class Meta:
        ordering = ["-pk"]
        constraints = [per_scheme(), *same_scheme("referral", "policy_version")]

    def __str__(self) -> str:
        return self.outcome

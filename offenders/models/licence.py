"""Licence conditions that partners ask for: agreed jointly, put in by probation or not, told to the prison (London)."""

from __future__ import annotations

from django.db import models

from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.feed_querysets import LicenceQuerySet
from offenders.models.cases import Case


class LicenceRequest(SchemeModel):
    """One condition that an agency asks for. `offenders.licence` writes its status."""

    class Status(models.TextChoices):
        ASKED = "asked", "Asked for"
        AGREED = "agreed", "Agreed jointly"
        NOT_AGREED = "not_agreed", "Not agreed"
        INCLUDED = "included", "In the licence"
        LEFT_OUT = "left_out", "Not in the licence"
        WITHDRAWN = "withdrawn", "Withdrawn"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="licence_requests")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ASKED, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Who asks")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_on = models.DateField()
    condition = models.CharField(max_length=600)
    why = models.CharField(max_length=600, help_text="Which risk it answers")
    how_met = models.CharField(max_length=600, help_text="How the person could keep to it, and who would know")
    facts = models.CharField(max_length=600, blank=True, help_text="What it rests on")
    cites = models.JSONField(default=list, help_text="Lines of the record that it cites, as they stood then")
    agreed_on = models.DateField(null=True)
    agreed_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    agreed_words = models.CharField(max_length=600, blank=True)
    decided_on = models.DateField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_because = models.CharField(max_length=600, blank=True, help_text="Probation's reason")
    prison_told_on = models.DateField(null=True)
    prison_told = models.CharField(max_length=120, blank=True, help_text="Who in the prison was told")

    objects = LicenceQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("case", "agency", "agreed_at")]

    def __str__(self) -> str:
        return f"licence condition {self.pk}"

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.case.audit_subject


class LicenceAnswer(SchemeModel):
    """An agency asked to agree, and what it says."""

    request = models.ForeignKey(LicenceRequest, on_delete=models.CASCADE, related_name="answers")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    agrees = models.BooleanField(null=True)
    words = models.CharField(max_length=300, blank=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("request", "agency"),
            models.UniqueConstraint(fields=["request", "agency"], name="offenders_asked_of_agency_once"),
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"

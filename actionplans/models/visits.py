"""Visits that are planned: to the home for supported compliance, and to prison before release."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models

from actionplans.querysets import OfCasesQuerySet
from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class Visit(SchemeModel):
    """A visit by two agencies together: planned, then made or not. One that was made is told on the timeline too
    (London, Police; Waltham Forest, 2.3).
    """

    class Kind(models.TextChoices):
        COMPLIANCE = "compliance_visit", "Supported-compliance visit"
        PRISON = "prison_visit", "Visit in prison before release"

    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        MADE = "made", "Made"
        NOT_MADE = "not_made", "Not made"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="visits")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    planned_on = models.DateField()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    together_with = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED, editable=False)
    happened_on = models.DateField(null=True)
    words = models.CharField(max_length=600, blank=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-planned_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("case", "agency", "together_with")]

    def __str__(self) -> str:
        return f"visit {self.pk}"


auditlog.register(Visit)

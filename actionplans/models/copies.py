"""Copies of a plan for those who are not on the service."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models

from actionplans.querysets import OfCasesQuerySet
from iom.models import Document, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class PlanCopy(SchemeModel):
    """A plan printed for somebody: for whom, by whom, when, and the file as it was (Merton, step 7)."""

    class Audience(models.TextChoices):
        PERSON = "person", "For the person"
        AGENCY = "agency", "For an agency off the system"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="plan_copies")
    audience = models.CharField(max_length=10, choices=Audience.choices)
    recipient = models.CharField(max_length=160, help_text="Who gets it")
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="+")
    made_on = models.DateField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    left_out = models.PositiveSmallIntegerField(default=0, help_text="How many entries this reader may not have")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "plan copies"
        constraints = [per_scheme(), *same_scheme("case", "document")]

    def __str__(self) -> str:
        return f"copy {self.pk}"


auditlog.register(PlanCopy)

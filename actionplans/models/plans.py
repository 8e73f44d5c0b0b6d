"""The plan of a case, and what somebody needs on each pathway."""

from __future__ import annotations

import pgtrigger
from auditlog.registry import auditlog
from django.db import models

from actionplans.querysets import OfCasesQuerySet
from iom.models import Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class PlanStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    AGREED = "agreed", "Agreed"


class Plan(SchemeModel):
    """The action plan of a case: one for its whole time on the scheme."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="plan")
    status = models.CharField(max_length=10, choices=PlanStatus.choices, default=PlanStatus.DRAFT, editable=False)
    agreed_on = models.DateField(null=True)
    agreed_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_on = models.DateField(null=True)

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme(), *same_scheme("case", "agreed_at")]

    def __str__(self) -> str:
        return f"plan of {self.case.reference}"


class PathwayNeed(SchemeModel):
    """What a person needs on one resettlement pathway of the scheme."""

    class Level(models.TextChoices):
        NONE = "none", "None"
        SOME = "some", "Some"
        HIGH = "high", "High"
        NOT_ASSESSED = "not_assessed", "Not assessed"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="needs")
    pathway = models.CharField(max_length=40)
    level = models.CharField(max_length=15, choices=Level.choices, default=Level.NOT_ASSESSED)
    goal = models.CharField(max_length=300, blank=True)
    updated_on = models.DateField()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("plan"),
            models.UniqueConstraint(fields=["plan", "pathway"], name="actionplans_need_once"),
        ]

    def __str__(self) -> str:
        return self.pathway


class PlanVersion(SchemeModel):
    """The plan as a panel agreed it on a day: what was read then can be read later, whatever has changed since.

    `content` are the pathways in their order, each with need, goal and actions, as plain values.
    """

    not_in_audit = ("content",)

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="versions")
    agreed_on = models.DateField()
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    content = models.JSONField()
    agreed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-agreed_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("plan", "meeting")]
        triggers = [pgtrigger.Protect(name="plan_version_is_frozen", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"plan agreed on {self.agreed_on}"


for _model in (Plan, PathwayNeed):
    auditlog.register(_model)

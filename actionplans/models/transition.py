"""The transition plan: how support is scaled back towards the end of supervision."""

from __future__ import annotations

from datetime import date, timedelta

from auditlog.registry import auditlog
from django.db import models

from actionplans.querysets import OfCasesQuerySet
from iom.models import Agency, Meeting, SchemeModel, per_scheme, same_scheme
from offenders.models import Case


class TransitionPlan(SchemeModel):
    """Support is scaled back step by step until `ends_on` (Hampshire, When IOM Ends); agreed at a meeting."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="transition_plan")
    ends_on = models.DateField()
    agreed_on = models.DateField(null=True)
    agreed_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme(), *same_scheme("case", "agreed_at")]

    def __str__(self) -> str:
        return f"transition plan of {self.case.reference}"


class TransitionStep(SchemeModel):
    """What happens so many weeks before the end; its day moves with the end."""

    plan = models.ForeignKey(TransitionPlan, on_delete=models.CASCADE, related_name="steps")
    weeks_before = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    done_on = models.DateField(null=True)

    class Meta:
        ordering = ["-weeks_before", "pk"]
        constraints = [per_scheme(), *same_scheme("plan", "agency")]

    def __str__(self) -> str:
        return f"step {self.pk}"

    @property
    def on(self) -> date:
        """The day on which it falls."""
        return self.plan.ends_on - timedelta(weeks=self.weeks_before)


for _model in (TransitionPlan, TransitionStep):
    auditlog.register(_model)

"""Reviews of a case that were held, and what agencies tell the panel before one."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models

from actionplans.querysets import OfCasesQuerySet
from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class Review(SchemeModel):
    """A review that was held: of which kind of the scheme's rules, when it was due, when, where and by whom.

    What is due next is worked out from these and the calendar (`actionplans.reviewing`), never stored.
    """

    class Kind(models.TextChoices):
        FIRST = "first", "First review"
        PROGRESS = "progress", "Progress review"
        PRE_RELEASE = "pre_release", "Rating before release"
        OPERATIONAL = "operational", "Operational review"
        SUPERVISOR = "supervisor", "Supervisor's review"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=15, choices=Kind.choices)
    due_on = models.DateField(null=True)
    done_on = models.DateField()
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    words = models.CharField(max_length=600, blank=True)

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-done_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting"),
            models.UniqueConstraint(fields=["case", "kind", "done_on"], name="actionplans_review_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"review {self.pk}"


class PanelUpdate(SchemeModel):
    """What one agency tells the panel of a case before a meeting; the lead agency gives the background (Merton, Roles).

    Everybody at the panel reads it: what only some may read goes into the agency's checks, marked.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="panel_updates")
    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=600)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    said_on = models.DateField()

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["agency__name"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting", "agency"),
            models.UniqueConstraint(fields=["case", "meeting", "agency"], name="actionplans_update_once_a_meeting"),
        ]

    def __str__(self) -> str:
        return f"update {self.pk}"


for _model in (Review, PanelUpdate):
    auditlog.register(_model)

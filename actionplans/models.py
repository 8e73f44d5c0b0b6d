"""Action plans: needs by pathway, and who does what by when."""

from __future__ import annotations

from datetime import date

from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from iom.models import Agency, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case

from .querysets import ActionQuerySet, OfCasesQuerySet


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


class ActionStatus(models.TextChoices):
    """MARAC practice keeps "could not be done" apart from "was not done"."""

    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    NO_LONGER = "no_longer", "No longer needed or possible"
    NOT_DONE = "not_done", "Not done"


STILL_TO_DO = (ActionStatus.OPEN, ActionStatus.IN_PROGRESS)


class Action(SchemeModel):
    """Something that an agency does by a day: the same thing in the plan, in the meeting and in the minutes."""

    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="actions")
    meeting = models.ForeignKey(
        Meeting, null=True, on_delete=models.PROTECT, related_name="actions", help_text="Where it was agreed"
    )
    pathway = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="actions")
    owner = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="actions")
    owner_name = models.CharField(max_length=120, blank=True)
    due_on = models.DateField()
    status = models.CharField(max_length=15, choices=ActionStatus.choices, default=ActionStatus.OPEN, editable=False)
    note = models.CharField(max_length=600, blank=True)
    finished_on = models.DateField(null=True)
    carried_forward = models.PositiveSmallIntegerField(default=0)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [per_scheme(), *same_scheme("case", "meeting", "agency", "owner")]
        indexes = [
            models.Index(
                fields=["scheme", "due_on"],
                condition=Q(status__in=["open", "in_progress"]),
                name="actionplans_to_do",
            )
        ]

    def __str__(self) -> str:
        return f"action {self.pk}"

    @property
    def to_do(self) -> bool:
        return self.status in STILL_TO_DO

    def overdue(self, on: date) -> bool:
        return self.to_do and self.due_on < on

    @property
    def who(self) -> str:
        """The named owner, else the agency."""
        if self.owner is not None:
            return self.owner.user.name
        return self.owner_name or self.agency.name


for _model in (Plan, PathwayNeed, Action):
    auditlog.register(_model)

"""Who does what by when: one model for the plan, the meeting and the minutes."""

from __future__ import annotations

from datetime import date

from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from actionplans.querysets import ActionQuerySet
from iom.models import Agency, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class KeptManager(models.Manager):
    """Leaves out what was removed."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(removed_at=None)


class ActionStatus(models.TextChoices):
    """MARAC practice keeps "could not be done" apart from "was not done"."""

    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    NO_LONGER = "no_longer", "No longer needed or possible"
    NOT_DONE = "not_done", "Not done"


STILL_TO_DO = (ActionStatus.OPEN, ActionStatus.IN_PROGRESS)


class ActionKind(models.TextChoices):
    """What an action weighs for: support, enforcement, or protection of others. Nothing until somebody says it."""

    SUPPORT = "support", "Support"
    ENFORCEMENT = "enforcement", "Enforcement"
    PROTECTION = "protection", "Protection"


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
    kind = models.CharField(max_length=12, choices=ActionKind.choices, blank=True, help_text="Blank: not said")
    place = models.PositiveSmallIntegerField(default=0, editable=False, help_text="Where it stands on its pathway")
    cost = models.DecimalField(max_digits=8, decimal_places=2, null=True, help_text="In pounds, if it costs anything")
    funder = models.CharField(max_length=120, blank=True)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    # What was removed is nowhere but where it can be brought back.
    objects = KeptManager.from_queryset(ActionQuerySet)()
    with_removed = ActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting", "agency", "owner"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(meeting=None), name="actionplans_agreed_action_stays"
            ),
            models.CheckConstraint(condition=Q(cost=None) | Q(cost__gte=0), name="actionplans_cost_is_no_debt"),
        ]
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


auditlog.register(Action)

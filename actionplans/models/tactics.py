"""Which of a rating's tactical options were chosen, and the tasks that a change of rating brings for police systems."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from actionplans.querysets import OfCasesQuerySet
from iom.models import SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case, Colour

from .actions import Action


class TacticAnswer(models.TextChoices):
    """What was said of an option. A chosen one is an action of its agency."""

    CHOSEN = "chosen", "Chosen"
    IN_PLACE = "in_place", "Already in place"
    NOT_NEEDED = "not_needed", "Not needed"


class Tactic(SchemeModel):
    """What was said of one tactical option, for as long as a rating holds: the next rating begins with a clean sheet.

    The rating is kept by its colour and first day. `text` is the option as the scheme's rules had it then.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tactics")
    colour = models.CharField(max_length=5, choices=Colour.choices)
    since = models.DateField()
    group = models.CharField(max_length=12)
    text = models.CharField(max_length=300)
    answer = models.CharField(max_length=10, choices=TacticAnswer.choices)
    because = models.CharField(max_length=300, blank=True)
    action = models.ForeignKey(Action, null=True, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["case", "since", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "action"),
            models.UniqueConstraint(fields=["case", "colour", "since", "text"], name="actionplans_tactic_said_once"),
            models.CheckConstraint(
                condition=Q(answer="chosen", action__isnull=False) | (~Q(answer="chosen") & Q(action=None)),
                name="actionplans_chosen_tactic_is_an_action",
            ),
            models.CheckConstraint(
                condition=~Q(answer="not_needed") | ~Q(because=""), name="actionplans_tactic_not_needed_because"
            ),
        ]

    def __str__(self) -> str:
        return f"tactic {self.pk}"


class MarkerTask(SchemeModel):
    """That police were asked to set or change a marker, for the change of rating of one day (London, Intelligence)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="marker_tasks")
    on = models.DateField()
    text = models.CharField(max_length=300)
    action = models.OneToOneField(Action, on_delete=models.PROTECT, related_name="marker")

    class Meta:
        ordering = ["on", "pk"]
        constraints = [per_scheme(), *same_scheme("case", "action")]

    def __str__(self) -> str:
        return f"marker {self.pk}"


auditlog.register(Tactic)
auditlog.register(MarkerTask)

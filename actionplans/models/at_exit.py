"""What becomes of open actions when somebody leaves the cohort (ux.md 4.5: outstanding actions)."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models

from iom.models import SchemeModel, User, per_scheme, same_scheme

from .actions import Action


class AtExit(models.TextChoices):
    ENDED = "ended", "It ends with the case"
    HANDED_OVER = "handed_over", "A service outside IOM takes it over"
    CARRIED = "carried", "It stays, with an owner after the person left"


class ActionAtExit(SchemeModel):
    """One open action of somebody who leaves: ended, handed over, or carried with an owner."""

    action = models.OneToOneField(Action, on_delete=models.CASCADE, related_name="at_exit")
    choice = models.CharField(max_length=15, choices=AtExit.choices)
    taken_by = models.CharField(max_length=120, blank=True, help_text="The service that takes it over, or the owner")
    settled_on = models.DateField()
    settled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "action at exit"
        verbose_name_plural = "actions at exit"
        constraints = [
            per_scheme(),
            *same_scheme("action"),
            models.CheckConstraint(
                condition=models.Q(choice="ended") | ~models.Q(taken_by=""), name="actionplans_at_exit_has_an_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"action {self.action_id} at exit"


auditlog.register(ActionAtExit)

"""Rights that need a second person (security.md Z11)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from .base import SchemeModel, per_scheme, same_scheme
from .people import Membership, Role, User


class RightsRequest(SchemeModel):
    """Roles that one scheme administrator asks for and another approves or refuses."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="rights_requests")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), help_text="All roles they will have")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, editable=False)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("membership"),
            models.UniqueConstraint(
                fields=["membership"], condition=Q(status="waiting"), name="iom_rights_asked_once_at_a_time"
            ),
            # The database, too, takes two people.
            models.CheckConstraint(
                condition=~Q(status="approved") | ~Q(decided_by=models.F("asked_by")), name="iom_rights_take_two"
            ),
        ]

    def __str__(self) -> str:
        return f"rights request {self.pk}"

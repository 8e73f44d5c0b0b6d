"""Money asked for somebody's plan, and what was decided of it."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models
from django.db.models import F, Q

from actionplans.querysets import FundingQuerySet
from iom.models import Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class FundingStatus(models.TextChoices):
    ASKED = "asked", "Asked for"
    AGREED = "agreed", "Agreed"
    NOT_AGREED = "not_agreed", "Not agreed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Funding(SchemeModel):
    """Pounds for something in the plan, from somebody's money (Merton, Roles). `text` says what for.

    Decided by the panel where the scheme's rules say that it allocates money, elsewhere by the coordinator; then spent,
    in whole or in part, or not.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="funding")
    pathway = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300)
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    payer = models.CharField(max_length=120)
    asked_on = models.DateField()
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=FundingStatus.choices, default=FundingStatus.ASKED, editable=False)
    decided_on = models.DateField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    spent = models.DecimalField(max_digits=8, decimal_places=2, null=True, help_text="Empty: not known yet")
    spent_on = models.DateField(null=True)

    objects = FundingQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="actionplans_funding_is_some_money"),
            models.CheckConstraint(
                condition=Q(status__in=["asked", "withdrawn"]) | Q(decided_on__isnull=False),
                name="actionplans_funding_decided_has_day",
            ),
            models.CheckConstraint(
                condition=Q(spent=None) | Q(status="agreed", spent__gte=0, spent__lte=F("amount")),
                name="actionplans_funding_spent_as_agreed",
            ),
        ]

    def __str__(self) -> str:
        return f"funding {self.pk}"


auditlog.register(Funding)

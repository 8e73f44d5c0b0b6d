"""Young people on their way from the youth offending team to adult services (Hampshire, Transfer Process)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from iom.models import Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models.people import Offender
from offenders.querysets import YouthQuerySet
from offenders.youth import ORDERS, PROBATION, YOT


class YouthStatus(models.TextChoices):
    STARTED = "started", "Started"
    RECOMMENDED = "recommended", "Recommended by the panel"
    REFERRED = "referred", "Referred to IOM"
    TAKEN_OVER = "taken_over", "Taken over"
    ENDED = "ended", "Ended"


class YouthRecommendation(models.TextChoices):
    IOM = "iom", "Police management goes on with IOM"
    MAPPA = "mappa", "Police management goes on with MAPPA"
    NONE = "none", "No police management is needed"


class YouthTransfer(SchemeModel):
    """A young person's move to adult services, `IOM-Y-0002`: most are not on the adult cohort yet, so it is the
    person's and not a case's. `offenders.youths` writes its status.
    """

    reference = models.CharField(max_length=20, editable=False)
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="youth_transfers")
    status = models.CharField(max_length=15, choices=YouthStatus.choices, default=YouthStatus.STARTED, editable=False)
    convicted_on = models.DateField(null=True)
    order = models.CharField(max_length=12, choices=ORDERS, blank=True)
    order_ends_on = models.DateField(null=True)
    managed_by = models.CharField(
        max_length=10, choices=((YOT, "Youth Offending Team"), (PROBATION, "Probation")), blank=True
    )
    opened_on = models.DateField()
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recommendation = models.CharField(max_length=10, choices=YouthRecommendation.choices, blank=True)
    recommended_on = models.DateField(null=True)
    recommended_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    recommended_because = models.CharField(max_length=600, blank=True)
    referred_by = models.CharField(
        max_length=10, choices=((YOT, "Youth Offending Team"), (PROBATION, "Probation")), blank=True
    )
    referred_on = models.DateField(null=True)
    taken_over_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)
    ended_because = models.CharField(max_length=300, blank=True)

    objects = YouthQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("offender", "recommended_at"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="offenders_youth_reference_once"),
            models.UniqueConstraint(
                fields=["offender"], condition=~Q(status__in=["ended", "taken_over"]), name="offenders_one_youth_move"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.offender_id}"

    def get_absolute_url(self) -> str:
        return reverse("youth", args=[self.reference])

    @property
    def is_open(self) -> bool:
        return self.status not in (YouthStatus.TAKEN_OVER, YouthStatus.ENDED)

"""The management report on a case, and the review of it by the supervisor of the officer who keeps it."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models
from django.db.models import F, Q

from actionplans.querysets import OfCasesQuerySet, SupervisorQuerySet
from iom.models import Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case, Colour


class ManagementReport(SchemeModel):
    """The lead officer's own words in the report on a case; everything else in it is read where it is kept
    (Hampshire, Once Accepted).
    """

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="management_report")
    narrative = models.TextField(max_length=6000)
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme(), *same_scheme("case")]

    def __str__(self) -> str:
        return f"management report on {self.case.reference}"


class Supervisor(SchemeModel):
    """Who supervises an officer that leads cases, from a day until (not including) another: of the same agency, and
    never themselves.
    """

    lead = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="supervised_by")
    supervisor = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="supervises")
    starts_on = models.DateField()
    until = models.DateField(null=True)
    named_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = SupervisorQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("lead", "supervisor"),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(until=None), name="actionplans_one_supervisor_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(lead=F("supervisor")), name="actionplans_nobody_supervises_themselves"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("starts_on")), name="actionplans_supervisor_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"supervisor {self.pk}"


class SupervisorReview(SchemeModel):
    """A supervisor looked at a report: whether what is done fits the risk grading, and in which words.

    `colour` is the grading that it was held against; `due_on` the day on which the review was due.
    """

    class Fits(models.TextChoices):
        FITS = "fits", "What is done fits the rating"
        TOO_LITTLE = "too_little", "Too little is done for the rating"
        TOO_MUCH = "too_much", "More is done than the rating asks for"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="supervisor_reviews")
    supervisor = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    lead = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    fits = models.CharField(max_length=10, choices=Fits.choices)
    words = models.CharField(max_length=1000)
    colour = models.CharField(max_length=5, choices=Colour.choices)
    due_on = models.DateField()
    done_on = models.DateField()
    next_due_on = models.DateField()

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-done_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "supervisor", "lead"),
            models.UniqueConstraint(fields=["case", "done_on"], name="actionplans_supervisor_review_once_a_day"),
            models.CheckConstraint(condition=~Q(lead=F("supervisor")), name="actionplans_nobody_reviews_their_own"),
        ]

    def __str__(self) -> str:
        return f"supervisor's review {self.pk}"


for _model in (ManagementReport, Supervisor, SupervisorReview):
    auditlog.register(_model)

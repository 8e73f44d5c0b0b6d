"""What agencies are asked about a person, and what they answer."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from iom.models import Agency, Handling, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case, Offender
from referrals.models.nominations import Referral
from referrals.querysets import CheckRequestQuerySet


class Why(models.TextChoices):
    """Why an agency is asked about a person."""

    REFERRAL = "referral", "New referral"
    REVIEW = "review", "Review"
    RELEASE = "release", "Release"


class CheckRequest(SchemeModel):
    """An agency asked about a person for a meeting."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="check_requests")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="check_requests")
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="check_requests")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="check_requests")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="check_requests")
    why = models.CharField(max_length=10, choices=Why.choices)
    due_on = models.DateField(null=True)
    asked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, help_text="When the item was decided: no return after that")
    withdrawn_at = models.DateTimeField(null=True, help_text="When the question was taken back; closed too")

    objects = CheckRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "agency", "offender", "referral", "case"),
            models.UniqueConstraint(fields=["meeting", "agency", "offender"], name="referrals_asked_once"),
        ]

    def __str__(self) -> str:
        return f"check {self.pk}"


class AgencyReturn(SchemeModel):
    """What an agency knows of a person. "Not known" is an answer."""

    class Known(models.TextChoices):
        NOW = "now", "Known now"
        BEFORE = "before", "Known before"
        NOT_KNOWN = "not_known", "Not known"
        CANNOT_SAY = "cannot_say", "Cannot say"

    class Family(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        NOT_KNOWN = "not_known", "Not known"

    request = models.OneToOneField(CheckRequest, on_delete=models.CASCADE, related_name="answer")
    known = models.CharField(max_length=10, choices=Known.choices)
    last_contact = models.DateField(null=True, blank=True)
    summary = models.CharField(max_length=600, blank=True)
    risk_to_others = models.BooleanField(null=True)
    risk_detail = models.CharField(max_length=300, blank=True)
    pathways = ArrayField(models.CharField(max_length=40), default=list)
    family = models.CharField(
        max_length=10,
        choices=Family.choices,
        blank=True,
        help_text="Whether the agency knows family or victims; what it knows of them stands elsewhere, sealed",
    )
    handling = models.CharField(max_length=20, choices=Handling.choices, blank=True)
    readers = ArrayField(
        models.CharField(max_length=60), default=list, help_text="Slugs of the agencies that may read it, if chosen"
    )
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True, help_text="Empty while it is a draft of the agency")
    late = models.BooleanField(default=False)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("request"),
            models.CheckConstraint(
                condition=Q(known__in=["not_known", "cannot_say"]) | Q(sent_at=None) | ~Q(handling=""),
                name="referrals_return_says_who_reads_it",
            ),
            models.CheckConstraint(
                condition=~Q(handling="agencies") | Q(sent_at=None) | ~Q(readers=[]),
                name="referrals_return_names_its_readers",
            ),
        ]

    def __str__(self) -> str:
        return self.get_known_display()

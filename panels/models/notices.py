"""What the referrer is told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Document, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from referrals.models import Referral

from .decisions import Decision, OutsideDecision


class Notice(SchemeModel):
    """What the referrer is told of a referral: that it was received, and what was decided (Richmond, 4.13).

    `number` counts the notices of a referral. A notice that could not reach anybody has failed, and says by what.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Acknowledgement"
        DECISION = "decision", "Decision"

    class Failure(models.TextChoices):
        EMAIL = "email", "The e-mail could not be sent"
        LEFT = "left", "The referrer has no account here any more"
        PDF = "pdf", "The PDF could not be made"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"
        OPENED = "opened", "Opened"
        FAILED = "failed", "Failed"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.DECISION)
    number = models.PositiveSmallIntegerField()
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="notices")
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="notices")
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="notice")
    outside = models.OneToOneField(OutsideDecision, null=True, on_delete=models.PROTECT, related_name="notice")
    recipient = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    sent_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=10, choices=Failure.choices, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, editable=False, help_text="How often it was sent")
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="notice")

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "referral", "decision", "outside", "recipient", "document"),
            models.UniqueConstraint(fields=["referral", "number"], name="panels_notice_number_once"),
            models.CheckConstraint(
                condition=Q(kind="receipt", decision=None, outside=None)
                | Q(kind="decision", decision__isnull=False, outside=None)
                | Q(kind="decision", decision=None, outside__isnull=False),
                name="panels_notice_tells_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(status="failed", failed_at__isnull=False) & ~Q(failure="")
                | (~Q(status="failed") & Q(failure="", failed_at=None)),
                name="panels_failed_notice_says_why",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(sent_at__isnull=False), name="panels_notice_sent_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"

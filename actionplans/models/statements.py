"""What a court is told of the help that somebody was offered, and how they answered."""

from __future__ import annotations

import pgtrigger
from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from actionplans.querysets import OfCasesQuerySet
from iom.models import Document, Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class StatementStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"
    DROPPED = "dropped", "Dropped"


class CourtStatement(SchemeModel):
    """An intervention statement for a hearing (London, Criminal Justice): drafted from the offers, edited, approved by
    the lead professional. What is approved is frozen; a later change is another row with the next `number`.

    `lines` are what the statement says of each offer, in order: the offer's number as `key`, the sentence made from
    the facts (`drafted`), the words as they were edited (`text`) and whether they stand in the statement (`kept`).
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="court_statements")
    number = models.PositiveSmallIntegerField()
    status = models.CharField(
        max_length=10, choices=StatementStatus.choices, default=StatementStatus.DRAFT, editable=False
    )
    court = models.CharField(max_length=120)
    hearing_on = models.DateField()
    opening = models.TextField(max_length=2000, blank=True)
    lines = models.JSONField(default=list)
    closing = models.TextField(max_length=2000, blank=True)
    drafted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, help_text="When the lead professional was asked to approve it")
    approved_by = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    approved_name = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True)
    record = models.JSONField(null=True, help_text="What was approved, as it is printed")
    record_sha256 = models.CharField(max_length=64, blank=True)
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "approved_by", "document"),
            models.UniqueConstraint(fields=["case", "number"], name="actionplans_statement_number_once"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(status="draft"), name="actionplans_one_draft_statement"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved")
                | Q(approved_by__isnull=False, approved_at__isnull=False, record__isnull=False),
                name="actionplans_statement_says_who_approved",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="approved_statement_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="approved"),
            ),
            pgtrigger.Trigger(
                name="approved_statement_is_frozen",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__status="approved"),
                # The one change allowed: the PDF made from the record joins it, once.
                func="""
                    IF OLD.document_id IS NOT NULL
                       OR (to_jsonb(NEW) - 'document_id') IS DISTINCT FROM (to_jsonb(OLD) - 'document_id') THEN
                        RAISE EXCEPTION 'an approved statement does not change';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"statement {self.number} on {self.case.reference}"

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.case.audit_subject


class StatementGiven(SchemeModel):
    """To whom an approved statement was given, how and when."""

    class How(models.TextChoices):
        COURT_PORTAL = "court", "Sent to the court"
        IN_PERSON = "person", "Handed over in court"
        PROBATION = "probation", "Through probation's court team"
        CPS = "cps", "Sent to the CPS"
        OTHER = "other", "Another way"

    statement = models.ForeignKey(CourtStatement, on_delete=models.PROTECT, related_name="given")
    to = models.CharField(max_length=120)
    how = models.CharField(max_length=10, choices=How.choices)
    given_on = models.DateField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["given_on", "pk"]
        constraints = [per_scheme(), *same_scheme("statement")]

    def __str__(self) -> str:
        return f"given {self.pk}"


for _model in (CourtStatement, StatementGiven):
    auditlog.register(_model, exclude_fields=["record"])

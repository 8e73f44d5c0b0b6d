"""Minutes, version by version."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from iom.models import Document, Meeting, SchemeModel, User, per_scheme, same_scheme
from panels.querysets import OfMeetingsQuerySet


class MinutesStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    WITH_CHAIR = "with_chair", "With chair"
    SIGNED = "signed", "Signed"


class Minutes(SchemeModel):
    """Minutes of a meeting, version by version. Once signed, nothing of the row changes but the PDFs that join it."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="minutes")
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=MinutesStatus.choices, default=MinutesStatus.DRAFT, editable=False)
    narrative = models.JSONField(default=dict, help_text="Item id to the words added to what was recorded")
    comments = models.TextField(blank=True, help_text="What the chair asks to be changed")
    item_comments = models.JSONField(default=dict, help_text="Item id to what the chair asks to be changed there")
    record = models.JSONField(null=True, help_text="The canonical record that was signed")
    record_sha256 = models.CharField(max_length=64, blank=True)
    signed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    signed_name = models.CharField(max_length=120, blank=True)
    signed_at = models.DateTimeField(null=True)
    document = models.OneToOneField(
        Document, null=True, on_delete=models.PROTECT, related_name="minutes", help_text="The signed copy: PDF/A"
    )
    accessible = models.OneToOneField(
        Document,
        null=True,
        on_delete=models.PROTECT,
        related_name="accessible_minutes",
        help_text="The accessible copy of the same record: PDF/UA, without a digital signature",
    )

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "minutes"
        ordering = ["meeting", "number"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "document", "accessible"),
            models.UniqueConstraint(fields=["meeting", "number"], name="panels_minutes_number_once"),
            models.CheckConstraint(
                condition=(
                    Q(status="signed", signed_at__isnull=False, signed_by__isnull=False, record__isnull=False)
                    & ~Q(record_sha256="")
                    & ~Q(signed_name="")
                )
                | (
                    ~Q(status="signed") & Q(signed_at=None, signed_by=None, record=None, document=None, accessible=None)
                ),
                name="panels_signed_whole_or_not_at_all",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_minutes_stay",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="signed"),
            ),
            pgtrigger.Trigger(
                name="signed_record_is_frozen",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__status="signed"),
                # The one change allowed: each PDF made from the record joins it, once.
                func="""
                    IF (OLD.document_id IS NOT NULL AND NEW.document_id IS DISTINCT FROM OLD.document_id)
                       OR (OLD.accessible_id IS NOT NULL AND NEW.accessible_id IS DISTINCT FROM OLD.accessible_id)
                       OR (to_jsonb(NEW) - '{document_id,accessible_id}'::text[])
                          IS DISTINCT FROM (to_jsonb(OLD) - '{document_id,accessible_id}'::text[]) THEN
                        RAISE EXCEPTION 'signed minutes do not change';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"minutes v{self.number} of {self.meeting_id}"

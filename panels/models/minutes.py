"""Minutes, version by version; what members say of a draft, what is added once signed, and the copies that go out."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from iom.models import Agency, Document, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from panels.querysets import OfMeetingsQuerySet, OfMinutesQuerySet

from .agenda import AgendaItem


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
    marked = models.JSONField(default=dict, help_text="Item id to words for some agencies only, with their slugs")
    left_out = models.JSONField(default=list, help_text="Corrected decisions whose words the minutes leave out, by id")
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


class MinutesComment(SchemeModel):
    """What somebody who was there says of a draft before it is signed; it never enters the record."""

    minutes = models.ForeignKey(Minutes, on_delete=models.CASCADE, related_name="thread")
    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=1000)
    written_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=300, blank=True, help_text="What came of it, in the coordinator's words")

    objects = OfMinutesQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("minutes", "item", "author"),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="panels_comment_resolved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"


class Approval(SchemeModel):
    """The item of a later meeting that is asked to agree to signed minutes; what it decided stands on the item."""

    item = models.OneToOneField(AgendaItem, on_delete=models.CASCADE, related_name="approval")
    minutes = models.ForeignKey(Minutes, on_delete=models.PROTECT, related_name="approvals")

    objects = OfMinutesQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme(), *same_scheme("item", "minutes")]

    def __str__(self) -> str:
        return f"approval of {self.minutes_id}"


class Addendum(SchemeModel):
    """A dated addition to signed minutes, with a record and a signature of its own. Once signed it stays as it is."""

    minutes = models.ForeignKey(Minutes, on_delete=models.PROTECT, related_name="addenda")
    number = models.PositiveSmallIntegerField()
    item_number = models.CharField(max_length=8, blank=True, help_text="The item of the minutes that it is about")
    text = models.TextField()
    reason = models.CharField(max_length=300)
    approval = models.OneToOneField(
        Approval,
        null=True,
        on_delete=models.PROTECT,
        related_name="addendum",
        help_text="What agreed to it",
    )
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    comment = models.CharField(max_length=1000, blank=True, help_text="What the chair asks to be changed")
    record = models.JSONField(null=True, help_text="The canonical record that was signed")
    record_sha256 = models.CharField(max_length=64, blank=True)
    signed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    signed_name = models.CharField(max_length=120, blank=True)
    signed_at = models.DateTimeField(null=True)
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="addendum")

    objects = OfMinutesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "addenda"
        ordering = ["minutes", "number"]
        constraints = [
            per_scheme(),
            *same_scheme("minutes", "approval", "document"),
            models.UniqueConstraint(fields=["minutes", "number"], name="panels_addendum_number_once"),
            models.CheckConstraint(
                condition=(
                    Q(signed_at__isnull=False, signed_by__isnull=False, record__isnull=False)
                    & ~Q(record_sha256="")
                    & ~Q(signed_name="")
                )
                | Q(signed_at=None, signed_by=None, record=None, document=None),
                name="panels_addendum_signed_whole_or_not_at_all",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_addendum_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            ),
            pgtrigger.Trigger(
                name="signed_addendum_is_frozen",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
                func="""
                    IF OLD.document_id IS NOT NULL
                       OR (to_jsonb(NEW) - 'document_id') IS DISTINCT FROM (to_jsonb(OLD) - 'document_id') THEN
                        RAISE EXCEPTION 'a signed addendum does not change';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"addendum {self.number} of {self.minutes_id}"

    @property
    def signed(self) -> bool:
        return self.signed_at is not None


class MinutesCopy(SchemeModel):
    """A copy of signed minutes: an agency's, without what it may not read, or the one without names.

    What it holds is frozen when it is made. When an agency may read less than its copy holds, another is made.
    """

    class Kind(models.TextChoices):
        AGENCY = "agency", "Agency's copy"
        REDACTED = "redacted", "Copy without names"

    minutes = models.ForeignKey(Minutes, on_delete=models.PROTECT, related_name="copies")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    record = models.JSONField(help_text="What this copy says")
    record_sha256 = models.CharField(max_length=64)
    kept_lines = models.JSONField(default=list, help_text="Of a copy without names: the lines of free text let through")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="minutes_copy")

    objects = OfMinutesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "minutes copies"
        ordering = ["minutes", "kind", "agency", "number"]
        constraints = [
            per_scheme(),
            *same_scheme("minutes", "agency", "document"),
            models.UniqueConstraint(
                fields=["minutes", "kind", "agency", "number"], name="panels_copy_number_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(kind="agency", agency__isnull=False) | Q(kind="redacted", agency=None),
                name="panels_copy_is_an_agencys_or_nobodys",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="copy_stays", operation=pgtrigger.Delete, condition=pgtrigger.Q(old__kind="agency")),
            pgtrigger.Trigger(
                name="copy_says_what_it_said",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__kind="agency") | pgtrigger.Q(old__approved_at__isnull=False),
                func="""
                    IF OLD.document_id IS NOT NULL
                       OR (to_jsonb(NEW) - 'document_id') IS DISTINCT FROM (to_jsonb(OLD) - 'document_id') THEN
                        RAISE EXCEPTION 'a copy of minutes does not change';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"copy {self.number} of {self.minutes_id}"


class CopyGiven(SchemeModel):
    """One time that a copy was given to somebody: to an agency here, or taken out of the service."""

    class How(models.TextChoices):
        GIVEN = "given", "Given to the agency here"
        TAKEN = "taken", "Downloaded by a member"
        EXPORTED = "exported", "Taken out to be sent by secure e-mail"

    copy = models.ForeignKey(MinutesCopy, on_delete=models.PROTECT, related_name="given")
    how = models.CharField(max_length=10, choices=How.choices)
    membership = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    recipient = models.CharField(max_length=200, blank=True, help_text="Outside the service: who it was for")
    reason = models.CharField(max_length=300, blank=True)
    given_at = models.DateTimeField()
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "copies given"
        ordering = ["given_at", "pk"]
        constraints = [per_scheme(), *same_scheme("copy", "membership")]
        triggers = [pgtrigger.Protect(name="given_copy_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"given {self.pk}"

"""What happened, on the day on which it happened, as whoever tells it knows it: the shared log of a case."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from iom.models import Agency, Handling, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Case
from offenders.querysets import EntryQuerySet


class EntryKind(models.TextChoices):
    NOTE = "note", "Note"
    CONTACT = "contact", "Contact"
    HOME_VISIT = "home_visit", "Home visit"
    COMPLIANCE_VISIT = "compliance_visit", "Compliance visit"
    PRISON_VISIT = "prison_visit", "Prison visit"
    CUSTODY_VISIT = "custody_visit", "Seen in police custody"
    COURT_ATTENDANCE = "court_attendance", "Court attendance"
    ENFORCEMENT = "enforcement", "Enforcement"
    INTELLIGENCE = "intelligence", "Intelligence"
    ARREST = "arrest", "Arrest"
    CHARGE = "charge", "Charge"
    BAIL = "bail", "Bail"
    COURT = "court", "Court"
    WANTED = "wanted", "Wanted"
    BREACH = "breach", "Breach"
    RECALL = "recall", "Recall"
    TAG = "tag", "Tag"
    TAG_HIT = "tag_hit", "Tag hit"
    TOLD = "told", "Told what is expected"
    SAFEGUARDING = "safeguarding", "Safeguarding"
    SUCCESS = "success", "Success"
    OUT_OF_HOURS = "out_of_hours", "Out of hours"
    OTHER = "other", "Other"


class Entry(SchemeModel):
    """One thing that happened, or that somebody says happened. Never changed: a correction is a new row about it.

    `source` is who or what system says so, `checked_at` when somebody last looked there. Handling and readers as with
    what agencies answer: for anybody else the row is absent (security.md Z6). A correction with no text withdraws.
    """

    # Its index is the one by case and day.
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="entries", db_index=False)
    kind = models.CharField(max_length=20, choices=EntryKind.choices)
    happened_on = models.DateField("date")
    happened_at = models.DateTimeField("time", null=True)
    text = models.CharField("what happened", max_length=1000, blank=True)
    agency = models.ForeignKey(
        Agency, null=True, on_delete=models.PROTECT, related_name="+", help_text="Whose it is to correct"
    )
    source = models.CharField(max_length=120, blank=True, help_text="Who or what system says so")
    checked_at = models.DateTimeField(null=True, help_text="When somebody last looked there")
    handling = models.CharField(max_length=20, choices=Handling.choices)
    readers = ArrayField(
        models.CharField(max_length=60), default=list, help_text="Slugs of the agencies that may read it, if chosen"
    )
    key = models.CharField(max_length=120, blank=True, help_text="What a feed calls it: the same thing comes in once")
    corrects = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="correction", editable=False
    )
    reason = models.CharField("why it is corrected", max_length=300, blank=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["-happened_on", "-pk"]
        verbose_name = "timeline entry"
        verbose_name_plural = "timeline entries"
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency", "corrects"),
            models.UniqueConstraint(fields=["case", "key"], condition=~Q(key=""), name="offenders_entry_comes_in_once"),
            models.CheckConstraint(
                condition=Q(corrects=None, reason="") | (Q(corrects__isnull=False) & ~Q(reason="")),
                name="offenders_entry_corrected_with_reason",
            ),
            models.CheckConstraint(
                condition=~Q(text="") | Q(corrects__isnull=False), name="offenders_entry_says_something"
            ),
            models.CheckConstraint(
                condition=~Q(handling="agencies") | ~Q(readers=[]), name="offenders_entry_names_its_readers"
            ),
        ]
        indexes = [
            models.Index(fields=["case", "happened_on"], name="offenders_entries_by_day"),
            models.Index(fields=["scheme", "happened_on"], name="offenders_entries_of_late"),
            # Few entries correct another one, and every look at the log asks whether one does.
            models.Index(
                fields=["scheme", "corrects"], condition=Q(corrects__isnull=False), name="offenders_corrections"
            ),
        ]
        triggers = [pgtrigger.Protect(name="entry_is_not_edited", operation=pgtrigger.Update)]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.case.audit_subject

    def __str__(self) -> str:
        return f"entry {self.pk}"

    @property
    def is_marked(self) -> bool:
        """For fewer than the panel."""
        return self.handling != Handling.PANEL

"""Files that people send in, and who may read what an agency contributes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from .base import SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .people import Agency, User

if TYPE_CHECKING:
    from iom.access import Actor


class Handling(models.TextChoices):
    """Who may read what an agency says. Chosen each time, never carried over."""

    PANEL = "panel", "Everyone on the panel"
    POLICE_PROBATION = "police_probation", "Police and probation"
    AGENCIES = "agencies", "Agencies that we choose"


# Whose agencies read what is marked for police and probation.
POLICE_AND_PROBATION = ("police", "probation")


class FileState(models.TextChoices):
    """Where a file stands (security.md F3)."""

    WAITING = "waiting", "Waiting for the virus scanner"
    CLEAN = "clean", "No virus found"
    INFECTED = "infected", "Had a virus"
    FAILED = "failed", "Could not be scanned"


class StoredFileQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> StoredFileQuerySet:
        """Nobody meets a file by itself, but through what it belongs to, whose rules hold for it."""
        return self.none()

    def kept(self) -> StoredFileQuerySet:
        """Whose bytes are to be there."""
        return self.filter(removed_at=None).exclude(state=FileState.INFECTED)


class StoredFile(SchemeModel):
    """A file that somebody sent in: its bytes lie outside the database, under `key` (`iom.files.store`)."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose contribution it is")
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, help_text="As the sender's machine called it, cleaned; shown on pages only")
    kind = models.CharField(max_length=4, help_text="pdf, docx, xlsx, jpg, png or txt")
    size = models.PositiveIntegerField(help_text="Bytes, as kept")
    sha256 = models.CharField(max_length=64, help_text="Of the bytes as kept")
    handling = models.CharField(max_length=20, choices=Handling.choices)
    readers = ArrayField(
        models.CharField(max_length=60), default=list, help_text="Slugs of the agencies that may read it, if chosen"
    )
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.WAITING, editable=False)
    scanner_said = models.CharField(max_length=120, blank=True, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False, help_text="How often the scanner failed on it")
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    removed_because = models.CharField(max_length=300, blank=True, editable=False)

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("agency"),
            models.CheckConstraint(
                condition=~Q(handling="agencies") | ~Q(readers=[]), name="iom_file_names_its_readers"
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed_by=None, removed_because="")
                | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(removed_because="")),
                name="iom_file_removed_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting") | Q(scanned_at__isnull=False), name="iom_file_scanned_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["scheme"], condition=Q(state="waiting", removed_at=None), name="iom_files_waiting")
        ]

    def __str__(self) -> str:
        return f"file {self.pk}"

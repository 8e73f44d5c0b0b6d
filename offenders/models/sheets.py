"""A sheet of a cohort between its upload and its import: a day at most, for nobody but whoever uploaded it."""

from __future__ import annotations

import uuid

from django.db import models

from iom.models import SchemeModel, User, per_scheme, same_scheme
from offenders.models.people import Offender
from offenders.querysets import SheetQuerySet


class SheetToImport(SchemeModel):
    """Headings of a sheet and what each was matched to; once it is imported, the references that were given."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Columns to check"
        CHECKED = "checked", "Checked"
        IMPORTED = "imported", "Imported"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UPLOADED, editable=False)
    heading_row = models.PositiveIntegerField()
    headings = models.JSONField(help_text="As they stand in the sheet, from the left")
    matched = models.JSONField(default=list, help_text="Our name for each, or nothing where it is left out")
    notes = models.JSONField(default=list, help_text="How the file was read")
    entered = models.JSONField(default=list, help_text="The references of the cases, in the order of the rows")

    objects = SheetQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme()]
        ordering = ["-created_at", "-pk"]
        verbose_name = "sheet to import"
        verbose_name_plural = "sheets to import"

    def __str__(self) -> str:
        return f"sheet {self.pk}"


class RowToImport(SchemeModel):
    """A row of it, what is wrong with it, whom of the scheme it may be, and what was said to that."""

    class Answer(models.TextChoices):
        NEW = "new", "A different person: enter them"
        SAME = "same", "The same person"
        OUT = "out", "Leave this row out"

    sheet = models.ForeignKey(SheetToImport, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text="As the spreadsheet counts")
    cells = models.JSONField()
    faults = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    alike = models.JSONField(default=list, help_text="Whom it may be, the surest first: number, how sure, why")
    answer = models.CharField(max_length=4, choices=Answer.choices, blank=True)
    same_as = models.ForeignKey(Offender, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("sheet", "same_as"),
            models.UniqueConstraint(fields=["sheet", "number"], name="offenders_row_of_sheet_once"),
        ]
        ordering = ["number"]
        verbose_name = "row to import"
        verbose_name_plural = "rows to import"

    def __str__(self) -> str:
        return f"row {self.number}"

    @property
    def people(self) -> list[int]:
        """The numbers of the people whom it may be."""
        return [each["id"] for each in self.alike]

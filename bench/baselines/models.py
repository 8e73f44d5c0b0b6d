"""What the ordinary write saves. Its table is made by `bench.stack.make_notes`, without our triggers."""

from __future__ import annotations

from django.db import models

from iom.models import Scheme
from offenders.models import Case


class Note(models.Model):
    """A note about a case: as many columns as a thing that one saves has."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"

    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+", editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", editable=False)
    text = models.CharField(max_length=600)
    reason = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    due_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        managed = False
        db_table = "bench_note"

    def __str__(self) -> str:
        return f"note {self.pk}"

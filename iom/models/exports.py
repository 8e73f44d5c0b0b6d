"""A file made on request: for whoever asked for it alone, and only for a day (security.md E1)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

from iom.clock import now
from iom.models.base import SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from iom.models.people import Membership

if TYPE_CHECKING:
    from iom.access import Actor


class ExportQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> ExportQuerySet:
        """One's own, until they end."""
        if actor is None or actor.membership is None:
            return self.none()
        return self.in_scheme_of(actor).filter(maker=actor.membership, ends_at__gt=now())


class Export(SchemeModel):
    """A file with what its maker may see: why it was made and for whom. It ends by itself."""

    not_in_audit = ("content",)

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    maker = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="exports")
    kind = models.SlugField(max_length=40)
    name = models.CharField(max_length=80, help_text="Of the file; no names of people")
    rows = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=300)
    recipient = models.CharField(max_length=200)
    content = models.BinaryField()
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]
        constraints = [per_scheme(), *same_scheme("maker")]

    def __str__(self) -> str:
        return f"export {self.pk}"

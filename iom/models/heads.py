"""When the heads of the audit last left the database (security.md U8)."""

from __future__ import annotations

from django.db import models


class HeadDelivery(models.Model):
    """One place outside, named by a digest of its address, which may hold a secret: when it last took the heads."""

    place = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=10)
    tried_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=60, blank=True, help_text="The class of the last error, without its words")

    class Meta:
        verbose_name_plural = "head deliveries"

    def __str__(self) -> str:
        return f"{self.kind} {self.place[:12]}"

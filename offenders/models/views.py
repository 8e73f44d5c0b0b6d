"""Ways of looking at the cohort board that somebody keeps."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from iom.models import Membership, SchemeModel, per_scheme, same_scheme
from offenders.querysets import SavedViewQuerySet


class SavedView(SchemeModel):
    """Filters, order and grouping of the cohort board under a name: one's own, or shared with the scheme.

    `query` is what stands in the address, without a page and without search words, which may name people (H4).
    """

    owner = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    shared = models.BooleanField(default=False)
    opens_first = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("owner"),
            models.UniqueConstraint(fields=["owner", "name"], name="offenders_view_name_once"),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(opens_first=True), name="offenders_one_view_opens_first"
            ),
        ]

    def __str__(self) -> str:
        return f"view {self.pk}"

    def get_absolute_url(self) -> str:
        return f"{reverse('cases')}?{self.query or 'all=1'}"

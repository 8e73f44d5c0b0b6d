"""What stands beside the record of a live meeting: the words of somebody who no longer records."""

from __future__ import annotations

from django.db import models

from iom.models import SchemeModel, User, per_scheme, same_scheme
from panels.models.agenda import AgendaItem
from panels.querysets import KeptWordsQuerySet


class KeptWords(SchemeModel):
    """What somebody typed on an item before another took over the recording (ux.md 5, point 1).

    It is no part of the record. Only its own person sees it, until they put it into the record or delete it.
    """

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="kept_words")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    taken_over_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    words = models.JSONField(default=dict, help_text="What was typed, by the name of the field")
    at = models.DateTimeField()

    not_in_audit = ("words", "at")
    objects = KeptWordsQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("item"),
            models.UniqueConstraint(fields=["item", "user"], name="panels_words_kept_once"),
        ]

    def __str__(self) -> str:
        return f"words kept on item {self.item_id}"

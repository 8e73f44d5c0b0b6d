"""How the organisations voted on an item, and decisions that were taken back before anything followed."""

from __future__ import annotations

import pgtrigger
from django.db import models

from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme

from .decisions import Decision, Side


class Vote(SchemeModel):
    """One organisation's vote on the motion of an item (Richmond, 1.12 and 4.10); its members speak with one voice."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="votes")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    vote = models.CharField(max_length=10, choices=Side.choices)

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("decision", "agency"),
            models.UniqueConstraint(fields=["decision", "agency"], name="panels_one_vote_an_organisation"),
        ]
        triggers = [pgtrigger.Protect(name="vote_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"vote {self.pk}"


class Undone(SchemeModel):
    """That a decision was taken back at the meeting, before the next item was saved: it stands in no minutes."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="undone")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [per_scheme(), *same_scheme("decision")]
        triggers = [pgtrigger.Protect(name="undone_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"undone {self.decision_id}"

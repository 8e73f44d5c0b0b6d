"""What a decision says of money that was asked for."""

from __future__ import annotations

import pgtrigger
from django.db import models

from actionplans.models import Funding
from iom.models import SchemeModel, per_scheme, same_scheme

from .decisions import Decision


class FundingRuling(SchemeModel):
    """The panel agreed to a request for money at an item, or did not. It belongs to the decision and stays as it is."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="funding")
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="rulings")
    agreed = models.BooleanField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("decision", "funding"),
            models.UniqueConstraint(fields=["decision", "funding"], name="panels_funding_ruled_once"),
        ]
        triggers = [pgtrigger.Protect(name="funding_ruling_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"ruling {self.pk}"

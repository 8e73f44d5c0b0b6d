"""What the radar is narrowed by."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import SaneForm
from iom.policy import Policy
from offenders.clocks import KINDS


class RadarForm(SaneForm):
    kind = forms.ChoiceField(label="What falls due", required=False)
    rating = forms.ChoiceField(label="Rating", required=False)

    def __init__(self, policy: Policy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kinds = [(slug, name) for slug, name in KINDS.items() if slug != "youth" or policy.youth_route]
        self.fields["kind"].choices = [("", "Everything"), *kinds]
        self.fields["rating"].choices = [("", "Every rating"), *((str(r.colour), r.name) for r in policy.ratings)]

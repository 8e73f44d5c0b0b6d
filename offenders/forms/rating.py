"""Changing a rating between two panels: which one, why, on what evidence, from when, and when the panel hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.policy import Policy
from offenders.models import Colour, RagRating
from offenders.rating import in_order

NOW, NEXT = "now", "next"
LONGEST_REASON, LONGEST_EVIDENCE = 600, 1000


class RatingForm(SaneForm):
    """Every rating of the scheme but the present one, the colour before custody first."""

    nouns = {"reason": "a reason", "evidence": "the evidence"}

    colour = forms.ChoiceField(
        label="New rating", widget=forms.RadioSelect, error_messages={"required": "Choose a rating"}
    )
    reason = CleanCharField(
        label="Reason",
        max_length=LONGEST_REASON,
        help_text="This appears in the minutes.",
        widget=forms.Textarea,
        error_messages={"required": "Enter a reason"},
    )
    evidence = CleanCharField(
        label="Evidence",
        max_length=LONGEST_EVIDENCE,
        required=False,
        widget=forms.Textarea,
        help_text="What it goes by, for the panel that ratifies it. Leave out what the whole panel may not read.",
    )
    starts_on = DateField(
        label="From which day", latest="today", noun="the day of the rating", help_text="For example, 17 3 2026."
    )
    agreed_until = DateField(
        label="If Green, agreed until",
        required=False,
        noun="the end of the agreed period",
        help_text="The end of the less intensive period. Leave it empty until it is agreed.",
    )
    tell = forms.ChoiceField(
        label="When does the panel hear of it?",
        choices=[(NEXT, "At the next panel"), (NOW, "Now")],
        widget=forms.RadioSelect,
        initial=NEXT,
        error_messages={"required": "Choose when the panel hears of it"},
    )
    version = VersionField()

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        present: RagRating,
        policy: Policy,
        today: date,
        version: int,
    ) -> None:
        self.present = present
        super().__init__(data, initial={"starts_on": today, "tell": NEXT, "version": version})
        names = {str(each.colour): each.name for each in policy.ratings}
        self.fields["colour"].choices = [(each, names[each]) for each in in_order(present, policy)]
        if policy.exit.force != "agreed_period":
            del self.fields["agreed_until"]

    def clean_starts_on(self) -> date:
        given = self.cleaned_data["starts_on"]
        if given < self.present.starts_on:
            raise forms.ValidationError("The day of the rating must not be before the present one began")
        return given

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        until, starts = given.get("agreed_until"), given.get("starts_on")
        if given.get("colour") != Colour.GREEN:
            given["agreed_until"] = None
        elif until and starts and until <= starts:
            self.add_error("agreed_until", "The end of the agreed period must be after the day of the rating")
        return given

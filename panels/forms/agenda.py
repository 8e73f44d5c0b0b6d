"""What can be put on an agenda by hand, and how it is ordered."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm, VersionField
from panels.models import Circulation, Section

MINUTES_ERRORS = {
    "required": "Enter how many minutes",
    "invalid": "Minutes must be a whole number",
    "min_value": "Minutes must be 1 or more",
    "max_value": "Minutes must be 180 or fewer",
}


class AddItemForm(SaneForm):
    """An item that is about nobody's case, or a case by its reference."""

    section = forms.ChoiceField(
        label="Section", choices=[(section.value, section.label) for section in Section if section != "referrals"]
    )
    reference = CleanCharField(
        label="Case reference", max_length=20, required=False, help_text="IOM- and its figures. Empty for other items."
    )
    title = CleanCharField(label="Title", max_length=120, required=False, help_text="No names.")
    why = CleanCharField(label="Why it is on the agenda", max_length=200, required=False)
    minutes = forms.IntegerField(
        label="Minutes", min_value=1, max_value=180, required=False, error_messages=MINUTES_ERRORS
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        about_cases = given.get("section") in (Section.RELEASES, Section.REVIEWS, Section.EXITS)
        if about_cases and not given.get("reference") and "reference" not in self.errors:
            self.add_error("reference", "Enter the reference of the case")
        if given.get("section") == Section.ESCALATIONS and not given.get("title") and "title" not in self.errors:
            self.add_error("title", "Enter a title")
        return given


class MoveForm(SaneForm):
    """Where to: one up, one down, or to a place."""

    move = forms.ChoiceField(choices=[("up", "Up"), ("down", "Down"), ("to", "To")])
    position = forms.IntegerField(
        min_value=1,
        max_value=999,
        required=False,
        error_messages={"invalid": "The place must be a number", "min_value": "The place must be 1 or more"},
    )


class MinutesForm(SaneForm):
    """How long an item is planned for."""

    minutes = forms.IntegerField(min_value=1, max_value=180, error_messages=MINUTES_ERRORS)
    version = VersionField()


class AnswerForm(SaneForm):
    """Will you attend?"""

    answer = forms.ChoiceField(
        label="Will you attend?",
        choices=Circulation.Answer.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether you will attend"},
    )
    substitute_name = CleanCharField(
        label="Who comes in your place?",
        max_length=120,
        required=False,
        help_text="Leave empty if you do not know yet.",
    )

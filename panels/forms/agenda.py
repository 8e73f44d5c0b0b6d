"""What can be put on an agenda by hand, and how it is ordered."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm, VersionField
from iom.policy.schema import SharingAgreement
from panels.agreement import tick_words
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


class ReadyForm(SaneForm):
    """What a member says with "I have read this agenda": whether they come, and their signature, if they wish."""

    answer = forms.ChoiceField(
        label="Will you attend?", choices=Circulation.Answer.choices, widget=forms.RadioSelect, required=False
    )
    substitute_name = CleanCharField(
        label="Who comes in your place?",
        max_length=120,
        required=False,
        help_text="Leave empty if you do not know yet.",
    )
    typed_name = CleanCharField(
        label="Type your full name to sign", max_length=120, noun="your full name", required=False
    )

    def __init__(self, *args: Any, agreement: SharingAgreement, may_sign: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.names = [f"statement_{number}" for number, _ in enumerate(agreement.statements, start=1)] * may_sign
        for name, words in zip(self.names, agreement.statements, strict=False):
            self.fields[name] = forms.BooleanField(label=words, required=False)
        if not may_sign:
            del self.fields["typed_name"]
        self.order_fields(["answer", "substitute_name", *self.names, "typed_name"])
        if may_sign:
            self.fields["typed_name"].widget.attrs["autocomplete"] = "name"

    @property
    def statements(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names]

    @property
    def agreed(self) -> list[bool]:
        return [bool(self.cleaned_data.get(name)) for name in self.names]

    @property
    def signs(self) -> bool:
        """Whether anything of the signature was given: then all of it is asked for."""
        return bool(self.cleaned_data.get("typed_name")) or any(self.agreed)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if self.signs and not all(self.agreed):
            missing = next(name for name in self.names if not given.get(name))
            self.add_error(missing, tick_words(len(self.names)))
        if self.signs and not given.get("typed_name") and not self.has_error("typed_name"):
            self.add_error("typed_name", "Enter your full name")
        return given

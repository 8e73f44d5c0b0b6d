"""Licence conditions: asking, agreeing, settling, deciding, telling the prison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency, Meeting

from .custody import text


class AskForm(SaneForm):
    """A condition that an agency asks for."""

    condition = text(600, "the condition", help_text="In the words in which it could stand in the licence.")
    why = text(600, "which risk it answers", label="Which risk it answers", help_text="Do not name victims.")
    how_met = text(
        600,
        "how the person could keep to it",
        label="How the person could keep to it",
        help_text="Who provides it, and who would know if it is not kept.",
    )
    facts = text(600, "what it rests on", label="What it rests on", required=False)
    cites = forms.MultipleChoiceField(
        label="Cite from the record",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "What was cited has changed. Choose again"},
    )
    agencies = forms.MultipleChoiceField(
        label="Ask these agencies too",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose agencies from the list"},
    )

    def __init__(self, lines: Sequence[str], others: Iterable[Agency], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["cites"].choices = [(line, line) for line in lines]
        self.fields["agencies"].choices = [(each.slug, each.name) for each in others]
        for name in ("cites", "agencies"):
            if not self.fields[name].choices:
                del self.fields[name]


class AnswerForm(SaneForm):
    """Whether an agency agrees."""

    agrees = forms.ChoiceField(
        label="Does your agency agree?",
        choices=[("yes", "Yes"), ("no", "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether your agency agrees"},
    )
    words = text(300, "why", label="Why, or what would change it", required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("agrees") == "no" and not data.get("words"):
            self.add_error("words", "Enter why your agency does not agree")
        return data


class SettleForm(SaneForm):
    """What a meeting agreed."""

    agreed = forms.ChoiceField(
        label="Was it agreed?",
        choices=[("yes", "Yes"), ("no", "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether it was agreed"},
    )
    meeting = forms.ChoiceField(label="At which meeting?")
    words = text(600, "why", label="Why", required=False)
    version = VersionField()

    def __init__(self, meetings: Iterable[Meeting], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["meeting"].choices = [(each.key, each.called) for each in meetings]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("agreed") == "no" and not data.get("words"):
            self.add_error("words", "Enter why it was not agreed")
        return data


class DecideForm(SaneForm):
    """Whether probation puts the condition in."""

    included = forms.ChoiceField(
        label="Is it in the licence?",
        choices=[("yes", "Yes"), ("no", "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether it is in the licence"},
    )
    because = text(600, "why it is not in the licence", label="Why, if it is not", required=False)
    version = VersionField()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("included") == "no" and not data.get("because"):
            self.add_error("because", "Enter why it is not in the licence")
        return data


class ToldForm(SaneForm):
    """That the prison was told."""

    on = DateField(label="Told on", latest="today", noun="the date")
    whom = CleanCharField(label="Who in the prison was told", max_length=120, noun="who in the prison was told")
    version = VersionField()

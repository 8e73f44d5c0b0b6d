"""What can be put on an agenda by hand, and how it is ordered."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm, VersionField
from iom.models import Agency, Grouping, Meeting
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

    section = forms.ChoiceField(label="Section")
    reference = CleanCharField(
        label="Case reference", max_length=20, required=False, help_text="IOM- and its figures. Empty for other items."
    )
    title = CleanCharField(label="Title", max_length=120, required=False, help_text="No names.")
    why = CleanCharField(label="Why it is on the agenda", max_length=200, required=False)
    presenter = CleanCharField(
        label="Who presents or reports",
        max_length=120,
        required=False,
        help_text="Somebody who is invited for this item.",
    )
    brought_by = forms.ModelChoiceField(
        Agency.objects.none(),
        label="Agency that brings it",
        required=False,
        help_text="The case stays with this agency and its policies; others lend support.",
        empty_label="No agency",
    )
    closed = forms.BooleanField(label="Take it in closed session, when invited people have left", required=False)
    minutes = forms.IntegerField(
        label="Minutes", min_value=1, max_value=180, required=False, error_messages=MINUTES_ERRORS
    )

    def __init__(self, *args: Any, meeting: Meeting, **options: Any) -> None:
        super().__init__(*args, **options)
        # Nominations come by triage, decisions to ratify by themselves.
        by_themselves = (Section.REFERRALS, Section.OUTSIDE, Section.LAST_MINUTES)
        offered = [section for section in Section if section not in by_themselves]
        rule = meeting.body.policy.agenda_rule
        if not rule.brought_by_agencies:
            offered.remove(Section.BROUGHT)
            del self.fields["brought_by"]
        else:
            self.fields["brought_by"].queryset = Agency.objects.filter(scheme=meeting.scheme)
        if not rule.closed_session:
            del self.fields["closed"]
        self.fields["section"].choices = [(section.value, section.label) for section in offered]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        section = given.get("section")
        about_cases = section in (Section.RELEASES, Section.REVIEWS, Section.EXITS)
        if about_cases and not given.get("reference") and "reference" not in self.errors:
            self.add_error("reference", "Enter the reference of the case")
        needs_title = section in (Section.ESCALATIONS, Section.REPORTS, Section.BROUGHT)
        if needs_title and not (given.get("title") or given.get("reference")) and "title" not in self.errors:
            self.add_error("title", "Enter a title")
        if section == Section.BROUGHT and not given.get("brought_by"):
            self.add_error("brought_by", "Choose the agency that brings it")
        return given


class ArrangeForm(SaneForm):
    """Who presents an item, who keeps its case, its need, and which agencies come for it."""

    presenter = CleanCharField(label="Who presents or reports", max_length=120, required=False)
    brought_by = forms.ModelChoiceField(
        Agency.objects.none(),
        label="Agency that brought it",
        required=False,
        help_text="The case stays with this agency and its policies; others lend support.",
        empty_label="No agency",
    )
    need = forms.ChoiceField(label="Need", required=False)
    closed = forms.BooleanField(label="Take it in closed session, when invited people have left", required=False)
    agencies = forms.ModelMultipleChoiceField(
        Agency.objects.none(),
        label="Agencies that come for it",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Ticked are those that the facts name: who leads, has an action to do, or knows the person.",
    )
    version = VersionField()

    def __init__(self, *args: Any, meeting: Meeting, **options: Any) -> None:
        super().__init__(*args, **options)
        agencies = Agency.objects.filter(scheme=meeting.scheme).order_by("name")
        self.fields["brought_by"].queryset = self.fields["agencies"].queryset = agencies
        pathways = [(pathway.slug, pathway.name) for pathway in meeting.scheme.policy.pathways]
        self.fields["need"].choices = [("", "What the plan says"), *pathways]


class GroupForm(SaneForm):
    """How the cases of a meeting stand together."""

    grouping = forms.ChoiceField(label="Cases stand", choices=Grouping.choices, required=False)
    version = VersionField()


class RefuseLateForm(SaneForm):
    """Why the chair does not take a late item now."""

    because = CleanCharField(
        label="Why not now?", max_length=300, error_messages={"required": "Enter why the panel does not take it now"}
    )


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

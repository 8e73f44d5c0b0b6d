"""What is typed into a statement for a court."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from actionplans.court_words import Line
from actionplans.models import CourtStatement, StatementGiven
from iom.forms import CleanCharField, DateField, SaneForm, VersionField

LONGEST_LINE = 1000


class HearingForm(SaneForm):
    """For which court, and which day."""

    court = CleanCharField(
        label="Court", noun="the court", max_length=120, help_text="For example, Sample Crown Court."
    )
    hearing_on = DateField(
        label="Day of the hearing", noun="the day of the hearing", assume_year=True, earliest="today"
    )


class StatementForm(HearingForm):
    """The words of a draft: the beginning, one text for each offer, the end."""

    opening = CleanCharField(
        label="How it begins",
        noun="how it begins",
        max_length=2000,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    closing = CleanCharField(
        label="How it ends (optional)",
        noun="how it ends",
        max_length=2000,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="For example, what could still be offered under an order. Facts, no opinion on the sentence.",
    )
    version = VersionField()

    def __init__(self, data: Any = None, *, statement: CourtStatement, lines: Iterable[Line]) -> None:
        self.lines = list(lines)
        initial: dict[str, Any] = {
            name: getattr(statement, name) for name in ("court", "hearing_on", "opening", "closing", "version")
        }
        for line in self.lines:
            initial |= {f"text-{line.key}": line.text, f"keep-{line.key}": line.kept}
        super().__init__(data, initial=initial)
        for line in self.lines:
            said = CleanCharField(
                label="What the statement says",
                noun="what the statement says of this offer",
                max_length=LONGEST_LINE,
                multiline=True,
                widget=forms.Textarea(attrs={"rows": 3}),
            )
            said.error_messages["required"] = "Enter what the statement says of this offer, or leave the offer out"
            self.fields[f"text-{line.key}"] = said
            self.fields[f"keep-{line.key}"] = forms.BooleanField(label="Stands in the statement", required=False)

    def stored_in(self, thing: CourtStatement) -> Mapping[str, Any]:
        held = {line["key"]: line for line in thing.lines}
        stored: dict[str, Any] = {}
        for key, line in held.items():
            stored |= {f"text-{key}": line["text"], f"keep-{key}": line["kept"]}
        return stored

    @property
    def rows(self) -> list[tuple[Line, Any, Any]]:
        """Each line with its two fields, for the page."""
        return [(line, self[f"text-{line.key}"], self[f"keep-{line.key}"]) for line in self.lines]

    @property
    def typed_fields(self) -> list[str]:
        """Every field that is printed."""
        return ["court", "opening", "closing", *(f"text-{line.key}" for line in self.lines)]

    def given(self) -> dict[str, Any]:
        """What the verb takes."""
        data = self.cleaned_data
        return {name: data[name] for name in ("court", "hearing_on", "opening", "closing", "version")} | {
            "said": {line.key: (data[f"text-{line.key}"], data[f"keep-{line.key}"]) for line in self.lines}
        }


class VersionOnlyForm(SaneForm):
    """A button on a draft as its reader saw it."""

    version = VersionField()


class GivenForm(SaneForm):
    """To whom an approved statement was given."""

    to = CleanCharField(
        label="To whom",
        noun="to whom it was given",
        max_length=120,
        help_text="The post or office, such as the clerk of the court.",
    )
    how = forms.ChoiceField(
        label="How",
        choices=StatementGiven.How.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it was given"},
    )
    given_on = DateField(label="On", noun="the day on which it was given", assume_year=False, latest="today")
    version = VersionField()

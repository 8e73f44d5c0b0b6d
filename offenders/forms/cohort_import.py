"""Uploading a sheet, saying which column is which, and saying who of the people in it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm, VersionField
from offenders.cohort_duplicates import Sighting
from offenders.cohort_files import MOST_BYTES
from offenders.cohort_page import Answer, Said
from offenders.cohort_sheet import COLUMNS, Column, label
from offenders.models import RowToImport

LEAVE_OUT = "-"


class UploadForm(SaneForm):
    """The sheet, and which part of a workbook."""

    file = forms.FileField(
        label="The sheet",
        help_text="Excel (.xlsx) or CSV, 20 MB and 25,000 people at most.",
        allow_empty_file=True,
        error_messages={
            "required": "Choose the file with your list",
            "invalid": "Choose the file with your list",
            "missing": "Choose the file with your list",
        },
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
    sheet = CleanCharField(
        label="Name of the sheet in the workbook",
        required=False,
        max_length=80,
        noun="the name of the sheet",
        help_text="Only if it is not the first one with your headings.",
    )

    def clean_file(self) -> Any:
        given = self.cleaned_data["file"]
        if given.size > MOST_BYTES:
            raise forms.ValidationError("The file must be 20 MB or smaller")
        return given


class ColumnsForm(SaneForm):
    """For each column of the sheet which of ours it is, or that it is left out."""

    version = VersionField()

    def __init__(self, columns: Sequence[Column], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.columns = columns
        ours = [(name, label(name)) for name in COLUMNS]
        for column in columns:
            first = [] if column.name else [("", "Choose")]
            self.fields[f"column_{column.place}"] = forms.ChoiceField(
                label=column.heading,
                choices=[*first, (LEAVE_OUT, "Leave this column out"), *ours],
                # What is only near a name we know is for a person to say.
                initial=column.name or ("" if column.suggestion else LEAVE_OUT),
                error_messages={
                    "required": f"Choose what “{column.heading}” is, or leave it out",
                    "invalid_choice": f"Choose what “{column.heading}” is from the list",
                },
            )

    @property
    def lines(self) -> list[tuple[Column, Any]]:
        """Each column with its field."""
        return [(column, self[f"column_{column.place}"]) for column in self.columns]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        taken: dict[str, Column] = {}
        for column in self.columns:
            name = data.get(f"column_{column.place}")
            if name in taken:
                words = f"“{column.heading}” and “{taken[name].heading}” cannot both be {label(name)}"
                self.add_error(f"column_{column.place}", words)
            elif name and name != LEAVE_OUT:
                taken[name] = column
        return data

    @property
    def names(self) -> dict[int, str]:
        """Our name for each place; columns that are left out are not in it."""
        said = {column.place: self.cleaned_data[f"column_{column.place}"] for column in self.columns}
        return {place: name for place, name in said.items() if name != LEAVE_OUT}


class AnswersForm(SaneForm):
    """Of each row on the page: the same person, a different one, or left out. What is not answered stays open."""

    version = VersionField()

    def __init__(self, rows: Sequence[tuple[RowToImport, Sequence[Sighting]]], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = rows
        for row, seen in rows:
            chosen = f"{Answer.SAME}:{row.same_as_id}" if row.answer == Answer.SAME else row.answer
            self.fields[f"row_{row.number}"] = forms.ChoiceField(
                label=f"Row {row.number}",
                required=False,
                widget=forms.RadioSelect,
                choices=[
                    *((f"{Answer.SAME}:{each.offender.pk}", _same_as(each)) for each in seen),
                    (Answer.NEW, Answer.NEW.label),
                    (Answer.OUT, Answer.OUT.label),
                ],
                initial=chosen,
                error_messages={"invalid_choice": f"Choose one of the answers for row {row.number}"},
            )

    @property
    def said(self) -> dict[int, Said]:
        """What was said, by row."""
        answers = {row.number: self.cleaned_data[f"row_{row.number}"] for row, _ in self.rows}
        return {number: _said(text) for number, text in answers.items() if text}


def _said(text: str) -> Said:
    answer, _, number = text.partition(":")
    return Said(answer, int(number) if number else None)


def _same_as(sighting: Sighting) -> str:
    name = sighting.offender.name
    if (case := sighting.open_case) is not None:
        return f"The same person as {name}, on the cohort already as {case.reference}: nothing is entered"
    return f"The same person as {name}: they get a new case, and what we know of them is kept"

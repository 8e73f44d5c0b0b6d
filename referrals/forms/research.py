"""Pages of many rows that each save by themselves: an agency's return, and what the police systems hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Self

from django import forms
from django.utils.datastructures import MultiValueDict

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.policy import Policy
from referrals import research, returns
from referrals.forms.nomination import NO, TRUTH, YES, text_area, yes_or_no
from referrals.models import AgencyReturn, CheckRequest, Handling, ResearchCheck, Result


class RowForm(SaneForm):
    """One row of many in a page. It carries the version that its reader saw, and a digest of what the row held then.

    A row in which nothing was typed is not saved, so that somebody else's newer answer to it stands.
    """

    version = VersionField()
    was = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    several: tuple[str, ...] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = False
        self.initial["was"] = self._digest({name: self.initial.get(name) for name in self._typed()})

    def _typed(self) -> list[str]:
        return [name for name, field in self.fields.items() if not isinstance(field.widget, forms.HiddenInput)]

    def _posted(self) -> dict[str, Any]:
        return {
            name: self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name in self._typed()
        }

    @property
    def untouched(self) -> bool:
        """Whether the row came back as it was drawn."""
        was = self.data.get(self.add_prefix("was"))
        return bool(was) and was == self._digest(self._posted())

    @staticmethod
    def _digest(values: dict[str, Any]) -> str:
        said = {name: _plain(value) for name, value in values.items()}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def hold(self, version: int) -> None:
        """Go on from what was saved: the page that is shown again carries its version."""
        self.kept = True
        was = self._digest(self._posted())
        self.data = self.data.copy()
        self.data[self.add_prefix("version")] = str(version)
        self.data[self.add_prefix("was")] = was

    def marks(self) -> dict[str, str]:
        """The hidden fields as they stand now, by their names in the page."""
        return {self.add_prefix(name): self.data[self.add_prefix(name)] for name in ("version", "was")}

    @classmethod
    def as_stored(cls, **options: Any) -> Self:
        """The row as it stands in the database: for one that was not typed into, or is newer than the page."""
        form = cls(None, **options)
        stored = MultiValueDict()
        for name, value in form.initial.items():
            # As a browser posts it: a version of 0 is a version.
            as_posted = list(value) if name in cls.several else [str(value) if name == "version" else value]
            stored.setlist(form.add_prefix(name), as_posted)
        return cls(stored, **options)

    @classmethod
    def of(cls, posted: Any, prefix: str, /, **options: Any) -> Self:
        """The row for a page: drawn where nothing was posted, else as typed, or as stored where nothing was typed."""
        if posted is None:
            return cls(None, **options)
        form = cls(posted, **options) if f"{prefix}-version" in posted else None
        return cls.as_stored(**options) if form is None or form.untouched else form


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return sorted(str(each) for each in value)
    if isinstance(value, date):
        return f"{value.day} {value.month} {value.year}"
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


class AnswerForm(RowForm):
    """What the agency knows of one person. A draft requires nothing; sending asks for what is missing."""

    several = ("pathways", "readers")
    known = forms.ChoiceField(
        label="Known?", choices=AgencyReturn.Known.choices, widget=forms.RadioSelect, required=False
    )
    last_contact = DateField(
        label="Last contact", noun="last contact", required=False, latest="today", help_text="For example, 13 3 2026."
    )
    summary = text_area(
        "Summary",
        noun="summary",
        limit=600,
        required=False,
        help_text="One or two sentences the panel can act on. Do not name victims.",
    )
    risk_to_others = yes_or_no("Risk to staff or others", not_known=False, required=False)
    risk_detail = CleanCharField(label="What the risk is", noun="what the risk is", max_length=300, required=False)
    family = forms.ChoiceField(
        label="Do you know family or victims of theirs?",
        choices=AgencyReturn.Family.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    pathways = forms.MultipleChoiceField(label="Pathways", widget=forms.CheckboxSelectMultiple, required=False)
    handling = forms.ChoiceField(
        label="Who can see this",
        choices=Handling.choices,
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": "Choose who can see this from the list"},
    )

    readers = forms.MultipleChoiceField(
        label="Agencies that can see this",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Nobody else finds it, in the meeting, in the minutes or anywhere.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        request: CheckRequest,
        policy: Policy,
        called: str,
        agencies: Sequence[tuple[str, str]] = (),
        **options: Any,
    ) -> None:
        self.request = request
        self.answer = returns.answer_to(request)
        self.is_silent = False
        super().__init__(data, prefix=f"p{request.pk}", initial=self._stored(), **options)
        self.fields["known"].label = f"Is {request.offender.plain_name} known to {called}?"
        self.fields["readers"].choices = agencies
        self.fields["pathways"].choices = [(pathway.slug, pathway.name) for pathway in policy.pathways]

    def _stored(self) -> dict[str, Any]:
        answer = self.answer
        if answer is None:
            return {"version": 0}
        names = (
            "version",
            "known",
            "last_contact",
            "summary",
            "risk_detail",
            "family",
            "pathways",
            "handling",
            "readers",
        )
        risk = "" if answer.risk_to_others is None else YES if answer.risk_to_others else NO
        return {name: getattr(answer, name) for name in names} | {"risk_to_others": risk}

    def keep(self, answer: AgencyReturn) -> None:
        """Go on from the answer that was saved."""
        self.answer = answer
        self.hold(answer.version)

    def point_out_what_is_missing(self) -> None:
        """Say beside the row what keeps the return from being sent."""
        person = self.request.offender
        if self.answer is None:
            self.add_error("known", f"Answer for {person.plain_name}")
            self.is_silent = True
        elif problem := returns.lacks(self.answer, person):
            self.add_error("readers" if self.answer.handling else "handling", problem)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        said = any(data.get(name) for name in self._typed() if name not in ("known", "readers"))
        if said and "known" in data and not data["known"]:
            self.add_error("known", f"Choose whether {self.request.offender.plain_name} is known")
        return data

    def details(self) -> dict[str, Any]:
        """The answer by the names of `returns.DETAILS`."""
        given = self.cleaned_data
        return {name: given[name] for name in returns.DETAILS} | {"risk_to_others": TRUTH.get(given["risk_to_others"])}


class SystemForm(RowForm):
    """What one police system holds of a person. A draft requires nothing; what is found asks who may read it."""

    several = ("readers",)
    result = forms.ChoiceField(label="Result", choices=Result.choices, widget=forms.RadioSelect, required=False)
    checked_on = DateField(
        label="Date checked", noun="date checked", required=False, latest="today", help_text="Today, if left empty."
    )
    finding = text_area(
        "What was found, or why it could not be checked",
        noun="what was found",
        limit=400,
        required=False,
        help_text="One or two sentences the panel can act on. Do not name victims or sources.",
    )
    handling = forms.ChoiceField(
        label="Who can see this",
        choices=Handling.choices,
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": "Choose who can see this from the list"},
    )
    readers = forms.MultipleChoiceField(
        label="Agencies that can see this", widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(
        self, data: Any = None, *, line: research.Line, prefix: str, agencies: Sequence[tuple[str, str]], **options: Any
    ) -> None:
        self.line = line
        self.check = line.check
        super().__init__(data, prefix=prefix, initial=self._stored(), **options)
        self.fields["result"].label = f"Result of {line.system}"
        self.fields["readers"].choices = agencies

    def _stored(self) -> dict[str, Any]:
        if self.check is None:
            return {"version": 0}
        names = ("version", "result", "checked_on", "finding", "handling", "readers")
        return {name: getattr(self.check, name) for name in names}

    def keep(self, check: ResearchCheck) -> None:
        """Go on from the check that was saved, and say what keeps it from being read."""
        self.check = check
        self.hold(check.version)

    def point_out_what_is_missing(self) -> None:
        """Say beside the row what keeps others from reading it."""
        if self.check is None or not (problem := research.lacks(self.check)):
            return
        self.add_error(_missing(self.check), problem)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        said = any(data.get(name) for name in ("checked_on", "finding"))
        if said and "result" in data and not data["result"]:
            self.add_error("result", f"Choose the result of {self.line.system}")
        return data

    def values(self) -> dict[str, Any]:
        """What `research.save_check` takes."""
        return {name: self.cleaned_data[name] for name in ("result", "checked_on", "finding", "handling", "readers")}


def _missing(check: ResearchCheck) -> str:
    if not check.finding:
        return "finding"
    return "readers" if check.handling else "handling"

"""Pages of many rows that each save by themselves: an agency's return, and what the police systems hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm
from iom.models import Agency, Membership
from iom.policy import Policy
from iom.rows import RowForm
from referrals import research, returns
from referrals.forms.nomination import NO, TRUTH, YES, text_area, yes_or_no
from referrals.models import AgencyReturn, CheckRequest, Handling, ResearchCheck, Result


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


class FurtherForm(SaneForm):
    """One more agency to ask, or a question to take back: about one person, or about everybody of the round."""

    agency = forms.ChoiceField(label="Agency", choices=[])
    person = forms.ChoiceField(label="About", choices=[], required=False)

    def __init__(
        self,
        *args: Any,
        agencies: Sequence[tuple[str, str]],
        people: Sequence[tuple[str, str]],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.fields["agency"].choices = [("", "Choose"), *agencies]
        self.fields["person"].choices = [("", "Everybody here"), *people]


class ContactsForm(SaneForm):
    """For each agency, by its slug: which of its people hear of its checks."""

    def __init__(
        self, *args: Any, agencies: Mapping[Agency, Sequence[Membership]], chosen: set[int], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        for agency, members in agencies.items():
            self.fields[agency.slug] = forms.MultipleChoiceField(
                label=agency.name,
                choices=[
                    (str(each.pk), f"{each.user.name}{', ' + each.post if each.post else ''}") for each in members
                ],
                initial=[str(each.pk) for each in members if each.pk in chosen],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )

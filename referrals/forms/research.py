"""An agency's return: one form a person, all of them in one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.policy import Policy
from referrals import returns
from referrals.forms.nomination import NO, TRUTH, YES, text_area, yes_or_no
from referrals.models import AgencyReturn, CheckRequest, Handling


class AnswerForm(SaneForm):
    """What the agency knows of one person. A draft requires nothing; sending asks for what is missing."""

    version = VersionField()
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
        names = ("version", "known", "last_contact", "summary", "risk_detail", "pathways", "handling", "readers")
        risk = "" if answer.risk_to_others is None else YES if answer.risk_to_others else NO
        return {name: getattr(answer, name) for name in names} | {"risk_to_others": risk}

    def keep(self, answer: AgencyReturn) -> None:
        """Go on from what was saved: the page that is shown again carries its version."""
        self.answer = answer
        self.data = self.data.copy()
        self.data[self.add_prefix("version")] = str(answer.version)

    def point_out_what_is_missing(self) -> None:
        """Say beside the row what keeps the return from being sent."""
        person = self.request.offender
        if self.answer is None:
            self.add_error("known", f"Answer for {person.plain_name}")
            self.is_silent = True
        elif problem := returns.lacks(self.answer, person):
            self.add_error("readers" if self.answer.handling else "handling", problem)

    @classmethod
    def as_stored(cls, **options: Any) -> AnswerForm:
        """The row as it stands in the database, for a page that was loaded before the person was added to it."""
        form = cls(None, **options)
        stored = MultiValueDict()
        for name, value in form.initial.items():
            stored.setlist(form.add_prefix(name), list(value) if name in ("pathways", "readers") else [value])
        return cls(stored, **options)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        said = any(data.get(name) for name in self.fields if name not in ("version", "known", "readers"))
        if said and "known" in data and not data["known"]:
            self.add_error("known", f"Choose whether {self.request.offender.plain_name} is known")
        return data

    def details(self) -> dict[str, Any]:
        """The answer by the names of `returns.DETAILS`."""
        given = self.cleaned_data
        return {name: given[name] for name in returns.DETAILS} | {"risk_to_others": TRUTH.get(given["risk_to_others"])}

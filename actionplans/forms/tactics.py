"""The checklist of a rating's tactical options: each chosen with who and by when, in place, or not needed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from actionplans.models import TacticAnswer
from actionplans.tactics import Option, Said
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency


class TacticForm(SaneForm):
    """One option. Nothing chosen: nothing is said of it now."""

    answer = forms.ChoiceField(
        label="What is to be done", choices=TacticAnswer.choices, widget=forms.RadioSelect, required=False
    )
    agency = forms.ChoiceField(label="Agency", required=False)
    due_on = DateField(
        label="By", assume_year=True, earliest="today", required=False, noun="the action date", help_text=""
    )
    because = CleanCharField(label="Not needed, because", max_length=300, required=False)

    def __init__(
        self, option: Option, agencies: Sequence[Agency], number: int, data: Mapping[str, Any] | None = None
    ) -> None:
        self.option, self.agencies = option, agencies
        before = option.said
        initial = {"answer": before.answer, "because": before.because} if before else {}
        super().__init__(data, prefix=f"tactic-{number}", initial=initial)
        self.fields["agency"].choices = [("", "Choose"), *((each.slug, each.name) for each in agencies)]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("answer") == TacticAnswer.CHOSEN:
            if not given.get("agency"):
                self.add_error("agency", f"Choose who does this: {self.option.option.text}")
            if not given.get("due_on") and "due_on" not in self.errors:
                self.add_error("due_on", f"Enter by when: {self.option.option.text}")
        elif given.get("answer") == TacticAnswer.NOT_NEEDED and not given.get("because"):
            self.add_error("because", f"Enter why it is not needed: {self.option.option.text}")
        return given

    def said(self) -> Said | None:
        """What is said now that was not said before; None for nothing."""
        given, before = self.cleaned_data, self.option.said
        if not given["answer"]:
            return None
        if before is not None and (before.answer, before.because) == (given["answer"], given["because"]):
            return None
        agency = next((each for each in self.agencies if each.slug == given["agency"]), None)
        return Said(self.option.option, given["answer"], agency, given["due_on"], given["because"])


class TacticsForm(SaneForm):
    """The whole sheet: one form, so that several actions come of one verb."""

    version = VersionField()

    def __init__(
        self,
        options: Sequence[Option],
        agencies: Sequence[Agency],
        data: Mapping[str, Any] | None = None,
        *,
        version: int,
    ) -> None:
        super().__init__(data, initial={"version": version})
        self.rows = [
            TacticForm(option, agencies, number, data)
            for number, option in enumerate(options)
            if option.said is None or option.said.answer != TacticAnswer.CHOSEN
        ]

    def is_valid(self) -> bool:
        rows = [row.is_valid() for row in self.rows]  # each says what is wrong with it
        return all([super().is_valid(), *rows])

    def said(self) -> list[Said]:
        return [said for row in self.rows if (said := row.said()) is not None]

"""What is typed of visits, copies and the transition plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from actionplans.models import PlanCopy, Visit
from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm, VersionField


class VisitForm(SaneForm):
    """A visit that is planned: of which kind, when, by whom."""

    kind = forms.ChoiceField(label="Which visit", widget=forms.RadioSelect)
    on = DateField(label="On", noun="the day of the visit", assume_year=True, earliest="today")
    agency = forms.ChoiceField(label="Which agency")
    together_with = forms.ChoiceField(label="Together with", required=False)

    def __init__(
        self, data: Any = None, *, kinds: Sequence[tuple[str, str]], agencies: Sequence[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(data, prefix="visit", **options)
        self.fields["kind"].choices = kinds
        self.fields["agency"].choices = [("", "Choose"), *agencies]
        self.fields["together_with"].choices = [("", "Nobody else"), *agencies]


class VisitMadeForm(SaneForm):
    """What came of a visit. The button says whether it was made."""

    on = DateField(label="On", noun="the day of the visit", latest="today", help_text="")
    words = CleanCharField(label="What came of it", max_length=600)
    version = VersionField()

    @classmethod
    def of(cls, visit: Visit, data: Any = None) -> VisitMadeForm:
        """The form in a visit's row."""
        on = min(visit.planned_on, clock.today())
        return cls(data, prefix=f"made-{visit.pk}", initial={"on": on, "version": visit.version})

    def stored_in(self, thing: Visit) -> dict[str, Any]:
        return {"on": thing.happened_on, "words": thing.words}


class CopyForm(SaneForm):
    """For whom a copy of the plan is made."""

    audience = forms.ChoiceField(label="For whom", choices=PlanCopy.Audience.choices, widget=forms.RadioSelect)
    recipient = CleanCharField(
        label="Who gets it",
        max_length=160,
        required=False,
        help_text="For an agency: its name, and how the copy is sent securely.",
    )


class EndForm(SaneForm):
    """Towards which day support is scaled back."""

    ends_on = DateField(label="Supervision ends on", noun="the end of supervision", assume_year=True)


class StepForm(SaneForm):
    """One step down, so many weeks before the end."""

    weeks_before = forms.IntegerField(label="Weeks before the end", min_value=0, max_value=104)
    text = CleanCharField(label="What is scaled back", max_length=300)
    agency = forms.ChoiceField(label="Which agency")

    def __init__(self, data: Any = None, *, agencies: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, prefix="step")
        self.fields["agency"].choices = [("", "Choose"), *agencies]


class AgreedForm(SaneForm):
    """At which meeting the transition plan was agreed."""

    meeting = forms.ChoiceField(label="Agreed at")

    def __init__(self, data: Any = None, *, meetings: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, prefix="agreed")
        self.fields["meeting"].choices = [("", "Choose"), *meetings]

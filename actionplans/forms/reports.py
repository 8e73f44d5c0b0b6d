"""What is typed into a management report and by whoever reviews it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms

from actionplans.models import SupervisorReview
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Membership


class NarrativeForm(SaneForm):
    """The lead officer's own words."""

    narrative = CleanCharField(
        label="What you did, and why",
        noun="what you did, and why",
        max_length=6000,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Offers, actions, decisions and ratings stand below by themselves. Say what they do not: what you "
        "aimed at, what worked, and why you go on, scale back or propose that the person leaves. Do not name victims.",
    )
    version = VersionField()


class ReviewForm(SaneForm):
    """Whether what is done fits the risk grading."""

    fits = forms.ChoiceField(
        label="Does what is done fit the rating?",
        choices=SupervisorReview.Fits.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether what is done fits the rating"},
    )
    words = CleanCharField(
        label="What you found",
        noun="what you found",
        max_length=1000,
        multiline=True,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Say what is to change, by whom and by when. Do not name victims.",
    )
    next_on = DateField(label="Look again on", noun="the day on which you look again", assume_year=True)
    version = VersionField()

    @classmethod
    def of(cls, version: int, next_on: date, data: Any = None) -> ReviewForm:
        """The form beside a report; `version` is that of its own words."""
        return cls(data, initial={"version": version, "next_on": next_on})


class SupervisorForm(SaneForm):
    """Who supervises one officer."""

    supervisor = forms.ChoiceField(error_messages={"required": "Choose who supervises them"})

    def __init__(self, data: Any, *, lead: Membership, people: Iterable[Membership], present: int | None) -> None:
        super().__init__(data, prefix=f"lead-{lead.pk}", initial={"supervisor": str(present or "")})
        self.lead = lead
        self.people = {str(each.pk): each for each in people}
        named = [(pk, each.user.name + (f", {each.post}" if each.post else "")) for pk, each in self.people.items()]
        self.fields["supervisor"].choices = [("", "Choose"), *named]

    @property
    def chosen(self) -> Membership:
        """Whom the form names. Only for a valid form."""
        return self.people[self.cleaned_data["supervisor"]]

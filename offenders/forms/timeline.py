"""What happened, when, and who may read it; and how it is put right."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms

from iom.clock import exactly
from iom.forms import CleanCharField, ClockField, DateField, SaneForm
from iom.models import Agency, Handling, Scheme
from offenders.models import EntryKind

# What a person writes by hand. Bail, court dates, wanted and tags have their own page, with source and time checked.
BY_HAND = (
    EntryKind.NOTE,
    EntryKind.CONTACT,
    EntryKind.HOME_VISIT,
    EntryKind.COMPLIANCE_VISIT,
    EntryKind.PRISON_VISIT,
    EntryKind.CUSTODY_VISIT,
    EntryKind.COURT_ATTENDANCE,
    EntryKind.TOLD,
    EntryKind.ENFORCEMENT,
    EntryKind.INTELLIGENCE,
    EntryKind.ARREST,
    EntryKind.CHARGE,
    EntryKind.BREACH,
    EntryKind.RECALL,
    EntryKind.SAFEGUARDING,
    EntryKind.SUCCESS,
    EntryKind.OUT_OF_HOURS,
    EntryKind.OTHER,
)
LONGEST = 1000


class EntryForm(SaneForm):
    """One entry. Who can read it is chosen each time, never carried over."""

    nouns = {"happened_on": "the date", "time": "the time"}
    moments = (("happened_on", "time"),)

    kind = forms.ChoiceField(
        label="What it was",
        choices=[("", "Choose"), *((kind.value, kind.label) for kind in BY_HAND)],
        error_messages={"required": "Choose what it was"},
    )
    happened_on = DateField(label="Date", latest="today", noun="the date", help_text="For example, 13 3 2026.")
    time = ClockField(label="Time, if it matters", required=False, noun="the time")
    text = CleanCharField(
        label="What happened",
        noun="what happened",
        max_length=LONGEST,
        widget=forms.Textarea,
        help_text="Facts first, opinion labelled as opinion. Do not name victims.",
    )
    source = CleanCharField(
        label="Who or what says so",
        noun="who or what says so",
        max_length=120,
        required=False,
        help_text="For example, custody record. Leave it empty if you saw it yourself.",
    )
    handling = forms.ChoiceField(
        label="Who can read it",
        choices=Handling.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who can read it"},
    )
    readers = forms.MultipleChoiceField(
        label="Agencies that can read it",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Your own agency can always read it. For anybody else it is not there.",
    )

    def __init__(self, scheme: Scheme, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        agencies = Agency.objects.filter(scheme=scheme).order_by("name")
        self.fields["readers"].choices = list(agencies.values_list("slug", "name"))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("handling") == Handling.AGENCIES and not data.get("readers"):
            self.add_error("readers", "Choose the agencies that can read it")
        return data

    @property
    def at(self) -> datetime | None:
        """The instant, where a time was typed."""
        wall = self.cleaned_data.get("time")
        return exactly(self.cleaned_data["happened_on"], wall) if wall else None


class CorrectForm(SaneForm):
    """What an entry should have said, or that it should not be there; and why."""

    nouns = {"happened_on": "the date"}

    what = forms.ChoiceField(
        label="What do you want to do?",
        choices=(("correct", "Put it right"), ("withdraw", "Withdraw it")),
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what you want to do"},
    )
    happened_on = DateField(label="Date", latest="today", noun="the date", required=False, help_text="")
    text = CleanCharField(
        label="What happened",
        noun="what happened",
        max_length=LONGEST,
        widget=forms.Textarea,
        required=False,
    )
    reason = CleanCharField(
        label="Why it is corrected",
        noun="why it is corrected",
        max_length=300,
        help_text="Everyone who can read the entry reads this.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("what") == "correct":
            for name, missing in (("happened_on", "Enter the date"), ("text", "Enter what happened")):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, missing)
        return data


class TimelineFilter(SaneForm):
    """What of the timeline is shown: all, one kind, or what happened after a day. Lives in the address."""

    type = forms.ChoiceField(label="Type", required=False)
    since = DateField(label="After", required=False, noun="the date", help_text="For example, 13 3 2026.")

    def __init__(self, kinds: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["type"].choices = [("", "Everything"), *kinds]

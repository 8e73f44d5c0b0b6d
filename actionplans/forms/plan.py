"""What is typed on the pages of a plan and of actions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from actionplans.forms.money import MoneyField
from actionplans.models import Action, ActionKind, ActionStatus, PathwayNeed
from actionplans.quickline import read_due
from iom import clock
from iom.forms import CleanCharField, SaneForm, VersionField, read_date
from iom.jinja import day, day_month
from iom.models import Agency, Membership
from iom.rows import RowForm
from iom.working_days import add_months

OTHER_DAY = "other"


def presets(today: date, next_panel: date | None) -> dict[str, date]:
    """The days that are chosen with one press (ux.md 4.6); without a planned panel there is none of it."""
    days = {"2w": today + timedelta(weeks=2), "panel": next_panel, "3m": add_months(today, 3)}
    return {key: day for key, day in days.items() if day is not None}


class NeedForm(SaneForm):
    """What somebody needs on one pathway."""

    level = forms.ChoiceField(label="Need", choices=PathwayNeed.Level.choices)
    goal = CleanCharField(max_length=300, required=False)
    version = VersionField()

    @classmethod
    def of(cls, need: PathwayNeed | None, pathway: str, data: Any = None) -> NeedForm:
        """The form of a pathway, filled with what is stored."""
        initial = {
            "level": need.level if need else PathwayNeed.Level.NOT_ASSESSED,
            "goal": need.goal if need else "",
            "version": need.version if need else 0,
        }
        return cls(data, prefix=f"need-{pathway}", initial=initial)


class ActionForm(SaneForm):
    """What, who, by when. `choices` are those of `reading.who_choices`, read once for a page."""

    text = CleanCharField(label="What", max_length=300, noun="what will be done")
    who = forms.ChoiceField(error_messages={"required": "Choose who will do this action"})
    when = forms.ChoiceField(label="By when", required=False, widget=forms.RadioSelect)
    due = CleanCharField(
        label="Date",
        max_length=40,
        noun="the action date",
        required=False,
        help_text="For example, 13 March, 2w or next panel.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label="For", required=False, choices=[("", "Not said"), *ActionKind.choices])
    cost = MoneyField(label="Cost in pounds", required=False)
    funder = CleanCharField(label="Who pays", max_length=120, required=False)
    pathway = forms.ChoiceField(required=False)
    version = VersionField(required=False)

    def __init__(
        self,
        *args: Any,
        choices: Sequence[tuple[str, str]],
        pathways: Sequence[tuple[str, str]],
        next_panel: date | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.next_panel = next_panel
        self.fields["who"].choices = [("", "Choose"), *choices]
        self.fields["pathway"].choices = [("", "No pathway"), *pathways]
        self.presets = presets(clock.today(), next_panel)
        named = {"2w": "2 weeks", "panel": "Next panel", "3m": "3 months"}
        self.fields["when"].choices = [
            *((key, f"{named[key]}, {day_month(on)}") for key, on in self.presets.items()),
            (OTHER_DAY, "Another date"),
        ]

    def stored_in(self, thing: Action) -> dict[str, Any]:
        return self.initial_of(thing)

    @classmethod
    def initial_of(cls, action: Action) -> dict[str, Any]:
        """The answers that a stored action stands for."""
        return {
            "text": action.text,
            "who": f"person:{action.owner_id}" if action.owner_id else f"agency:{action.agency_id}",
            "when": OTHER_DAY,
            "due": day(action.due_on),
            "kind": action.kind,
            "cost": f"{action.cost:.2f}" if action.cost is not None else "",
            "funder": action.funder,
            "pathway": action.pathway,
            "version": action.version,
        }

    def clean_due(self) -> date:
        """The day chosen or typed; one that is not plain is asked about, and so is one that is over, unless it stood
        there before.
        """
        if (chosen := self.cleaned_data.get("when")) in self.presets:
            return self.presets[chosen]
        typed = self.cleaned_data["due"]
        if not typed:
            raise forms.ValidationError("Enter the action date", code="required")
        if typed == self.initial.get("due"):
            return read_date(typed)
        found, question = read_due(typed, today=clock.today(), next_panel=self.next_panel)
        if found is None:
            raise forms.ValidationError(question)
        return found

    def given(self) -> dict[str, Any]:
        """What the verbs take."""
        kind, _, number = self.cleaned_data["who"].partition(":")
        owner = Membership.objects.select_related("agency").get(pk=number) if kind == "person" else None
        return {
            "text": self.cleaned_data["text"],
            "agency": owner.agency if owner else Agency.objects.get(pk=number),
            "owner": owner,
            "due_on": self.cleaned_data["due"],
            "kind": self.cleaned_data["kind"],
            "cost": self.cleaned_data["cost"],
            "funder": self.cleaned_data["funder"],
            "pathway": self.cleaned_data["pathway"],
        }


class UpdateForm(SaneForm):
    """How an action stands, with a note in a line. `back` is the page that the person came from."""

    status = forms.ChoiceField(label="Outcome", choices=ActionStatus.choices)
    note = CleanCharField(max_length=600, required=False)
    version = VersionField()
    back = forms.CharField(widget=forms.HiddenInput, required=False, max_length=300)

    @classmethod
    def of(cls, action: Action, back: str, data: Any = None) -> UpdateForm:
        """The form of one row of a list; its fields' ids carry the action's number."""
        initial = {"status": action.status, "note": action.note, "version": action.version, "back": back}
        return cls(data, auto_id=f"action-{action.pk}-%s", initial=initial)


class RowUpdateForm(RowForm):
    """The same as one row of a list that is saved with one press."""

    status = forms.ChoiceField(label="Outcome", choices=ActionStatus.choices)
    note = CleanCharField(max_length=600, required=False)

    def __init__(self, data: Any = None, *, action: Action, **options: Any) -> None:
        self.action = action
        initial = {"status": action.status, "note": action.note, "version": action.version}
        super().__init__(data, prefix=f"a{action.pk}", initial=initial, **options)


class BulkForm(SaneForm):
    """One outcome for several actions at once (ux.md 4.8)."""

    chosen = forms.TypedMultipleChoiceField(
        coerce=int,
        error_messages={"required": "Select at least one action", "invalid_list": "Select the actions again"},
    )
    outcome = forms.ChoiceField(label="Outcome of those you chose", choices=ActionStatus.choices)
    note = CleanCharField(label="Note on each of them", max_length=600, required=False)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"outcome": ActionStatus.DONE}, prefix="bulk")
        posted = data.getlist(self.add_prefix("chosen")) if data is not None else []
        # Whose they are the view knows: a number that is not among its rows marks nothing.
        self.fields["chosen"].choices = [(number, number) for number in posted if number.isdecimal()]

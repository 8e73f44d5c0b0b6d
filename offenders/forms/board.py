"""What one may look for on the cohort board. Filters are read from the address; search words are posted."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms

from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm
from iom.jinja import longday
from offenders.board_filters import board_filters
from offenders.models import Colour
from offenders.narrowing import due_by
from offenders.querysets import CaseQuerySet

REFERENCE = re.compile(r"[A-Za-z]{2,6}-\d{1,7}")
SORTS = ("rating", "name", "since", "score")


class SearchForm(SaneForm):
    """Words to look for: name, alias, reference, or a number of police, prison or probation."""

    words = CleanCharField(
        label="Search by name, alias, reference or number",
        max_length=120,
        noun="a name, alias, reference or number",
        help_text="PNC, CRO, prison or probation number. Other spellings of a name are found too.",
    )

    @property
    def reference(self) -> str:
        """The words, if they are the whole of a reference."""
        words = self.cleaned_data["words"]
        return words.upper() if REFERENCE.fullmatch(words) else ""


class FilterForm(SaneForm):
    """Filters of the board. Each narrows the list by itself; one that makes no sense is said and left out."""

    rating = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    by = DateField(label="Or due by a date", noun="the date by which something is due", required=False, help_text="")

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.actor = actor
        colours = [str(rating.colour) for rating in actor.scheme.policy.ratings]
        self.fields["rating"].choices = [(colour, Colour(colour).label) for colour in colours]
        self.registered = {}
        for each in board_filters():
            if choices := list(each.choices(actor)):
                self.registered[each.name] = each
                self.fields[each.name] = forms.ChoiceField(
                    label=each.label, required=False, choices=[("", each.anyone), *choices]
                )
        self.order_fields([name for name in self.fields if name != "by"])

    @property
    def names(self) -> list[str]:
        """What it reads from the address."""
        return list(self.fields)

    def narrowed(self, cases: CaseQuerySet) -> CaseQuerySet:
        """The cases that fit; what did not make sense narrows nothing. Without a stage, those on the cohort."""
        given = {name: value for name, value in self.cleaned_data.items() if value} if self.is_bound else {}
        if "stage" not in given:
            cases = cases.not_closed()
        if colours := given.get("rating"):
            cases = cases.rated(*colours)
        for name, each in self.registered.items():
            if value := given.get(name):
                cases = each.narrow(cases, value, self.actor)
        return due_by(cases, given["by"], self.actor) if "by" in given else cases

    def applied(self) -> list[tuple[str, str, str, str]]:
        """Each filter in use: its field, its value, its label, and the value in words."""
        if not self.is_bound:
            return []
        return [
            (name, value, str(self.fields[name].label), words)
            for name in self.fields
            for value, words in self._in_words(name)
        ]

    def _in_words(self, name: str) -> list[tuple[str, str]]:
        given = self.cleaned_data.get(name)
        if not given:
            return []
        if isinstance(given, date):
            return [(str(self.data[name]), longday(given))]
        words = dict(self.fields[name].choices)
        return [(value, str(words[value])) for value in (given if isinstance(given, list) else [given])]


class SaveViewForm(SaneForm):
    """Under which name the present filters are kept."""

    name = CleanCharField(
        label="Name of the view",
        noun="a name for the view",
        max_length=60,
        help_text="Say what it shows, for example Red without a lead. Do not name anyone.",
    )
    opens_first = forms.BooleanField(label="Open the cohort with this view", required=False)
    shared = forms.BooleanField(label="Share it with everybody in the scheme", required=False)

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not actor.holds("offenders.share_view"):
            del self.fields["shared"]


class ExportForm(SaneForm):
    """Why a file is needed and who will have it (security.md E1)."""

    reason = CleanCharField(label="Why do you need the file?", noun="why you need the file", max_length=300)
    recipient = CleanCharField(
        label="Who will receive it?",
        noun="who will receive it",
        max_length=200,
        help_text="For example, yourself, or the post and organisation of somebody else.",
    )

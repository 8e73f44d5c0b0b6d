"""What one may look for on the cohort board. Filters are read from the address; search words are posted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from inspect import isgenerator
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm
from iom.jinja import longday
from iom.together import Steps, all_of
from offenders.board_filters import BoardFilter, board_filters
from offenders.models import Colour
from offenders.narrowing import due_by

if TYPE_CHECKING:
    from offenders.models import Case
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


# By the name of a filter: the pairs that may be chosen, and what was.
Choices = Mapping[str, Sequence[tuple[str, str]]]
Given = dict[str, Any]


class FilterForm(SaneForm):
    """Filters of the board. Each narrows the list by itself; one that makes no sense is said and left out.

    `choices` are those of each registered filter (`choices_steps`).
    """

    rating = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    by = DateField(label="Or due by a date", noun="the date by which something is due", required=False, help_text="")

    def __init__(self, actor: Actor, choices: Choices, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.actor = actor
        colours = [str(rating.colour) for rating in actor.scheme.policy.ratings]
        self.fields["rating"].choices = [(colour, Colour(colour).label) for colour in colours]
        self.registered = {}
        for each in board_filters():
            if pairs := choices[each.name]:
                self.registered[each.name] = each
                self.fields[each.name] = forms.ChoiceField(
                    label=each.label, required=False, choices=[("", each.anyone), *pairs]
                )
        self.order_fields([name for name in self.fields if name != "by"])

    @property
    def given(self) -> Given:
        """What narrows the list: each filter that was given and made sense, with its value."""
        return {name: value for name, value in self.cleaned_data.items() if value} if self.is_bound else {}

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


def choices_steps(actor: Actor) -> Steps[Choices]:
    """What may be chosen of every registered filter, read together."""
    return (yield from all_of({each.name: each.choices(actor) for each in board_filters()}))


def at_first_sight(actor: Actor, parameters: QueryDict) -> Given:
    """What `FilterForm.given` will most likely be, before the choices that have to be read are known."""
    colours = {str(rating.colour) for rating in actor.scheme.policy.ratings}
    given: Given = {}
    if (rating := parameters.getlist("rating")) and colours.issuperset(rating):
        given["rating"] = rating
    for each in board_filters():
        if value := parameters.get(each.name):
            choices = each.choices(actor)
            fits = each.plausible(value) if isgenerator(choices) else value in dict(choices)
            if fits:
                given[each.name] = value
    return given


def narrowed(cases: CaseQuerySet, given: Given, actor: Actor) -> CaseQuerySet:
    """The cases that fit, as far as conditions can say; without a stage, those on the cohort."""
    if "stage" not in given:
        cases = cases.not_closed()
    if colours := given.get("rating"):
        cases = cases.rated(*colours)
    for each in board_filters():
        if each.narrow is not None and (value := given.get(each.name)):
            cases = each.narrow(cases, value, actor)
    return cases


def kept(cases: Sequence[Case], given: Given, actor: Actor) -> list[Any]:
    """For each filter in use that no condition can say: the ids that it keeps, or the steps to them."""
    found = [each.keep(cases, given[each.name], actor) for each in _keeping(given)]
    return [*found, due_by(cases, given["by"], actor)] if "by" in given else found


def keeps(given: Given) -> bool:
    """Whether a filter is in use that no condition can say."""
    return "by" in given or bool(_keeping(given))


def _keeping(given: Given) -> list[BoardFilter]:
    return [each for each in board_filters() if each.keep is not None and given.get(each.name)]


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

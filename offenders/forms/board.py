"""What one may look for on the cohort board. Filters are read from the address; search words are posted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms

from iom import clock
from iom.access import Actor
from iom.forms import CleanCharField, SaneForm
from iom.models import Agency
from iom.working_days import add_months
from offenders.clocks import RELEASE_DAYS
from offenders.models import Assignment, AssignmentRole, Case, Colour
from offenders.querysets import CaseQuerySet

REFERENCE = re.compile(r"[A-Za-z]{2,6}-\d{1,7}")
NOBODY, ME = "none", "me"
CUSTODY = (
    ("", "Anywhere"),
    ("in", "In custody"),
    ("soon", f"Release in {RELEASE_DAYS} days"),
    ("out", "In the community"),
)
RELEASE_WINDOW = timedelta(days=RELEASE_DAYS)
SORTS = ("rating", "name", "since", "score")


class SearchForm(SaneForm):
    """Words to look for: name, alias, reference, PNC number."""

    words = CleanCharField(
        label="Search by name, alias, reference or PNC number",
        max_length=120,
        noun="a name, alias, reference or PNC number",
    )

    @property
    def reference(self) -> str:
        """The words, if they are the whole of a reference."""
        words = self.cleaned_data["words"]
        return words.upper() if REFERENCE.fullmatch(words) else ""


class FilterForm(SaneForm):
    """Filters of the board. Each narrows the list by itself; one that makes no sense is said and left out."""

    rating = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    agency = forms.ChoiceField(label="Lead agency", required=False)
    lead = forms.ChoiceField(label="Lead professional", required=False)
    custody = forms.ChoiceField(label="Custody", required=False, choices=CUSTODY)
    green = forms.ChoiceField(label="Green for", required=False)

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.actor = actor
        policy = actor.scheme.policy
        colours = [str(rating.colour) for rating in policy.ratings]
        self.fields["rating"].choices = [(colour, Colour(colour).label) for colour in colours]
        agencies = Agency.objects.in_scheme_of(actor).values_list("slug", "name")
        self.fields["agency"].choices = [("", "Any agency"), *agencies]
        self.fields["lead"].choices = [
            ("", "Anyone"),
            (ME, "Me, or police officer"),
            (NOBODY, "Nobody yet"),
            *_leads(actor),
        ]
        months = policy.exit.green_months or 6
        self.fields["green"].choices = [
            ("", "Any time"),
            *((str(m), f"{m} months or more") for m in sorted({1, 3, months - 1, months})),
        ]

    def narrowed(self, cases: CaseQuerySet) -> CaseQuerySet:
        """The cases that fit; what did not make sense narrows nothing."""
        given = {name: value for name, value in self.cleaned_data.items() if value} if self.is_bound else {}
        if colours := given.get("rating"):
            cases = cases.rated(*colours)
        if slug := given.get("agency"):
            cases = cases.assigned_to(AssignmentRole.LEAD_AGENCY, agency__slug=slug)
        if lead := given.get("lead"):
            cases = self._led(cases, lead)
        if custody := given.get("custody"):
            cases = _where(cases, custody)
        if months := given.get("green"):
            cases = cases.green_since(add_months(clock.today(), -int(months)))
        return cases

    def _led(self, cases: CaseQuerySet, lead: str) -> CaseQuerySet:
        if lead == NOBODY:
            return cases.without_lead()
        if lead == ME:
            return cases.led_by(self.actor)
        return cases.assigned_to(AssignmentRole.LEAD_PROFESSIONAL, membership=int(lead))

    def applied(self) -> list[tuple[str, str, str, str]]:
        """Each filter in use: its field, its value, its label, and the value in words."""
        if not self.is_bound:
            return []
        given = {name: self.cleaned_data.get(name) or [] for name in self.fields}
        return [
            (name, value, str(self.fields[name].label), dict(self.fields[name].choices)[value])
            for name, values in given.items()
            for value in (values if isinstance(values, list) else [values])
        ]


def _where(cases: CaseQuerySet, custody: str) -> CaseQuerySet:
    if custody == "soon":
        return cases.release_expected(by=clock.today() + RELEASE_WINDOW)
    return cases.in_custody() if custody == "in" else cases.in_community()


def _leads(actor: Actor) -> list[tuple[str, str]]:
    """Who leads a case that the actor reads, by name."""
    held = Assignment.objects.filter(
        case__in=Case.objects.visible_to(actor).not_closed(),
        role=AssignmentRole.LEAD_PROFESSIONAL,
        until=None,
        membership__isnull=False,
    )
    rows = held.values_list("membership_id", "membership__user__name").distinct().order_by("membership__user__name")
    return [(str(pk), name) for pk, name in rows]

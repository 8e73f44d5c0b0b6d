"""Moves from youth justice to adult services."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from offenders.models import YouthRecommendation
from offenders.youth import ORDERS, PROBATION, YOT

MANAGED = ((YOT, "Youth Offending Team"), (PROBATION, "Probation"))


class FactsForm(SaneForm):
    """What the rules ask: each may be left empty where it is not known."""

    order = forms.ChoiceField(label="Order", choices=(("", "Not known"), *ORDERS), required=False)
    order_ends_on = DateField(label="The order ends on", required=False, noun="the end of the order")
    convicted_on = DateField(label="Convicted on", required=False, latest="today", noun="the day of conviction")
    managed_by = forms.ChoiceField(label="Managed by", choices=(("", "Not known"), *MANAGED), required=False)
    version = VersionField()


class StartForm(FactsForm):
    """Whose move begins: somebody known here by a case's reference, or by name and date of birth."""

    nouns = {"given_names": "their first names", "family_name": "their last name"}
    case = CleanCharField(
        label="Case reference, if the person is on the cohort (optional)",
        noun="the case reference",
        max_length=20,
        required=False,
    )
    given_names = CleanCharField(label="First names", max_length=120, required=False)
    family_name = CleanCharField(label="Last name", max_length=80, required=False)
    date_of_birth = DateField(label="Date of birth", latest="today", noun="date of birth", required=False)
    somebody_else = forms.BooleanField(label="It is nobody whom we know already", required=False)
    version = None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not data.get("case"):
            for name, words in (("given_names", "their first names"), ("family_name", "their last name")):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, f"Enter {words}")
            if not data.get("date_of_birth") and "date_of_birth" not in self.errors:
                self.add_error("date_of_birth", "Enter the date of birth")
        return data


class RecommendForm(SaneForm):
    what = forms.ChoiceField(
        label="What does the panel recommend?",
        choices=YouthRecommendation.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what the panel recommends"},
    )
    on = DateField(label="On which day?", latest="today", noun="the day of the panel")
    reason = CleanCharField(label="Why?", noun="why the panel recommends it", max_length=600, widget=forms.Textarea)


class ReferredForm(SaneForm):
    by_whom = forms.ChoiceField(
        label="Who refers to IOM?",
        choices=MANAGED,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who refers to IOM"},
    )


class TakeOverForm(SaneForm):
    on = DateField(label="Taken over on", latest="today", noun="the day of the take-over")


class EndForm(SaneForm):
    reason = CleanCharField(label="Why does it end?", noun="why it ends", max_length=300)

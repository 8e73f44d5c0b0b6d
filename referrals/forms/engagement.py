"""What the team is asked about meeting the person: whole when it is finished, in part while it saves itself."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from referrals.engagement import FIELDS
from referrals.models import Engagement, EngagementKind, Met, NeedLevel, Where

YES, NO = "yes", "no"
TRUTH = {YES: True, NO: False, "": None}
CHOICE = {True: YES, False: NO, None: ""}
SAYS_YES_OR_NO = ("offer_explained", "expectations_told")


def _text(label: str, noun: str, help_text: str, limit: int = 2000) -> CleanCharField:
    return CleanCharField(
        label=label, noun=noun, max_length=limit, required=False, widget=forms.Textarea, help_text=help_text
    )


def _yes_or_no(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[(YES, "Yes"), (NO, "No")], widget=forms.RadioSelect, required=False)


class EngagementForm(SaneForm):
    """One meeting. `partial` judges what is saved on the way, where nothing is missing yet."""

    nouns = {"met_by": "who met them", "met_on": "the date"}
    met = forms.ChoiceField(
        label="What came of it?",
        choices=Met.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what came of it"},
    )
    met_on = DateField(label="When was it?", noun="the date", latest="today")
    where = forms.ChoiceField(
        label="Where was it?",
        choices=Where.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose where it was"},
    )
    place = CleanCharField(
        label="Prison, office or street (optional)", noun="the place", max_length=120, required=False
    )
    met_by = CleanCharField(label="Who met them, or tried to", max_length=120)
    level = forms.ChoiceField(label="How far do they take part?", widget=forms.RadioSelect, required=False)
    own_words = _text(
        "What did they say themselves? (optional)",
        "their own words",
        "In their own words where you can: what they want, and what gets in the way. Do not name victims.",
    )
    risks = _text(
        "Risks that you saw (optional)", "the risks", "To others, to staff, to themselves. Do not name victims."
    )
    offer_explained = _yes_or_no("Did you explain what the services offer?")
    expectations_told = _yes_or_no("Did you tell them what is expected of them?")
    told_on = DateField(label="On which day were they told? (optional)", noun="the day", latest="today", required=False)
    support = CleanCharField(
        label="What helps them to take part? (optional)",
        noun="what helps them to take part",
        max_length=300,
        required=False,
        help_text="An interpreter and the language, reading, hearing, health, child care.",
    )
    version = VersionField()

    def __init__(self, data: Any = None, *, engagement: Engagement, partial: bool = False) -> None:
        self.engagement, self.partial = engagement, partial
        self.policy = engagement.scheme.policy
        super().__init__(data, initial=self.held(engagement) | engagement.typed)
        self.fields["level"].choices = [(level.slug, level.name) for level in self.policy.engagement_levels]
        for pathway in self.policy.pathways:
            self.fields[f"level_{pathway.slug}"] = forms.ChoiceField(
                label=pathway.name, choices=[("", "Not assessed"), *NeedLevel.choices[:3]], required=False
            )
            self.fields[f"words_{pathway.slug}"] = CleanCharField(
                label=f"{pathway.name}: what they need", noun="what they need", max_length=300, required=False
            )
        if engagement.kind == EngagementKind.RECEPTION:
            self.fields["met"].widget = forms.HiddenInput()
            self.fields["met_on"].label = "When was the reception interview?"
            self.fields["met_by"].label = "Who interviewed them"
        if partial:
            for name, field in self.fields.items():
                field.required = name == "version"

    def held(self, engagement: Engagement) -> dict[str, Any]:
        """The answers that we hold, as the fields show them."""
        stored = {name: getattr(engagement, name) for name in (*FIELDS, "version")}
        stored |= {name: CHOICE[stored[name]] for name in SAYS_YES_OR_NO}
        for slug, need in engagement.needs.items():
            stored[f"level_{slug}"], stored[f"words_{slug}"] = need.get("level", ""), need.get("words", "")
        return stored

    def stored_in(self, thing: Any) -> dict[str, Any]:
        return self.held(thing)

    @property
    def need_fields(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """For each pathway its name, how much is needed, and what."""
        return [(each.name, self[f"level_{each.slug}"], self[f"words_{each.slug}"]) for each in self.policy.pathways]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.partial and data.get("met") == Met.MET and not data.get("level"):
            self.add_error("level", "Choose how far they take part")
        told_on, met_on = data.get("told_on"), data.get("met_on")
        if told_on and data.get("expectations_told") != YES:
            self.add_error("expectations_told", "Choose yes, or leave out the day on which they were told")
        elif not told_on and met_on and data.get("expectations_told") == YES:
            data["told_on"] = met_on
        return data

    def answers(self) -> dict[str, Any]:
        """What can be stored, by the names of the verb."""
        data = self.cleaned_data
        found = {name: data[name] for name in FIELDS if name in data and name != "needs"}
        found |= {name: TRUTH[found[name]] for name in SAYS_YES_OR_NO if name in found}
        needs = dict(self.engagement.needs)
        for pathway in self.policy.pathways:
            held = dict(needs.get(pathway.slug, {}))
            for part in ("level", "words"):
                if (value := data.get(f"{part}_{pathway.slug}")) is not None:
                    held[part] = value
            needs[pathway.slug] = held
        found["needs"] = {slug: need for slug, need in needs.items() if need.get("level") or need.get("words")}
        return found

    def left_over(self) -> dict[str, Any]:
        """What was typed into fields that cannot be stored yet, word for word."""
        left = [name for name in self.fields if name not in self.cleaned_data and name != "version"]
        return {name: self.data.get(name, "") for name in left if self.data.get(name)}

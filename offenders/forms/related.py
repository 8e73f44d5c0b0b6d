"""What an agency is asked about somebody's family, victims and contacts, and to whom it opens a record."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency
from offenders.models import AtRisk, Audience, Relation, WhyEnded

YES, NO = "yes", "no"


class RelatedForm(SaneForm):
    """Only what protection needs: a name is optional, and an address is not asked for."""

    relation = forms.ChoiceField(
        label="Who are they to the person?",
        choices=Relation.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who they are to the person"},
    )
    victim = forms.ChoiceField(
        label="Are they a victim of the person?",
        choices=[(YES, "Yes"), (NO, "No, or not known")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether they are a victim of the person"},
    )
    at_risk = forms.ChoiceField(
        label="Are they at risk from the person now?",
        choices=AtRisk.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether they are at risk from the person now"},
    )
    name = CleanCharField(
        label="Name (optional)",
        noun="name",
        max_length=160,
        required=False,
        help_text="Leave it blank if they can be protected without it. What the panel reads refuses the name.",
    )
    protection = CleanCharField(
        label="What does protecting them need? (optional)",
        noun="what protecting them needs",
        max_length=600,
        required=False,
        widget=forms.Textarea,
        help_text="What those who visit, house or release the person must know. No more than that.",
    )
    safeguarding_lead = CleanCharField(
        label="Safeguarding lead (optional)",
        noun="safeguarding lead",
        max_length=160,
        required=False,
        help_text="Who looks after their safety, and how to reach them.",
    )
    known_since = DateField(
        label="Known to your agency since (optional)", noun="known since", required=False, latest="today"
    )
    version = VersionField(initial=0)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("relation") == Relation.VICTIM and data.get("victim") == NO:
            self.add_error("victim", "Choose yes: “Victim, no other tie” says so already")
        return data

    def stored_in(self, thing: Any) -> dict[str, Any]:
        return {"victim": YES if thing.victim else NO}

    @property
    def answers(self) -> dict[str, Any]:
        """What the verbs take."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return data | {"victim": data["victim"] == YES}


class OpenForm(SaneForm):
    """To whom a sealed record is opened, and why."""

    audience = forms.ChoiceField(
        label="Who can read it",
        choices=Audience.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who can read it"},
    )
    readers = forms.MultipleChoiceField(
        label="Which agencies", required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    reason = CleanCharField(
        label="Why they need it",
        noun="why they need it",
        max_length=300,
        help_text="Kept with the record and in the audit. Do not name anyone.",
    )
    version = VersionField()

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        others = Agency.objects.visible_to(actor).exclude(pk=actor.agency.pk if actor.agency else None)
        self.fields["readers"].choices = [(agency.slug, agency.name) for agency in others]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("audience") == Audience.AGENCIES and not data.get("readers") and "readers" not in self.errors:
            self.add_error("readers", "Choose the agencies that can read it")
        return data


class ShutForm(SaneForm):
    """Seal it again."""

    version = VersionField()


class EndForm(SaneForm):
    """Why a record no longer holds."""

    because = forms.ChoiceField(
        label="Why does it end?",
        choices=WhyEnded.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose why it ends"},
    )
    version = VersionField()

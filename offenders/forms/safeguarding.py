"""What is asked about a safeguarding check: who, when, what class of outcome; never what it found."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency
from offenders.models import HowKnown, MashReferral
from offenders.safeguarding import outcome_words, outcomes_of

DAY = "For example, 3 3 2026."
ASK = "A name and how to reach them. Do not write what the check found: that stays with the agency."


class OfAgencyForm(SaneForm):
    """A form about something that an agency did: one's own, or for the coordinator any, with how they know."""

    agency = forms.ChoiceField(label="Whose check is it?", choices=())
    how = forms.ChoiceField(label="How do you know?", widget=forms.RadioSelect, choices=HowKnown.choices)

    def __init__(self, actor: Actor, *args: Any, any_agency: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.own = actor.agency
        if not any_agency:
            del self.fields["agency"], self.fields["how"]
            return
        agencies = Agency.objects.visible_to(actor)
        self.fields["agency"].choices = [(each.slug, each.name) for each in agencies]
        self.fields["how"].choices = [each for each in HowKnown.choices if each[0] != HowKnown.NOMINATION]
        if self.own is not None:
            self.initial = {"agency": self.own.slug, "how": HowKnown.OWN} | self.initial
        self._agencies = {each.slug: each for each in agencies}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "agency" not in self.fields:
            return data | {"agency": self.own, "how": HowKnown.OWN}
        agency = self._agencies.get(data.get("agency", ""))
        if agency is not None and data.get("how"):
            own = self.own is not None and agency.pk == self.own.pk
            if not own and data["how"] == HowKnown.OWN:
                self.add_error("how", "Choose how you know of the other agency's check")
            elif own and data["how"] != HowKnown.OWN:
                self.add_error("how", f"Choose “{HowKnown.OWN.label}” for your own agency's check")
        return data | {"agency": agency}


class CheckForm(OfAgencyForm):
    """One line for the ledger."""

    outcome = forms.ChoiceField(label="What came of it", widget=forms.RadioSelect, choices=())
    checked_on = DateField(label="Checked on", latest="today", noun="the day of the check", help_text=DAY)
    checked_by = CleanCharField(
        label="Checked by", noun="who made the check", max_length=120, help_text="The name of who made it."
    )
    ask = CleanCharField(label="Whom to ask about it (optional)", noun="contact", max_length=120, required=False)

    field_order = ("agency", "how", "outcome", "checked_on", "checked_by", "ask")

    def __init__(self, actor: Actor, kind: str, *args: Any, any_agency: bool, **options: Any) -> None:
        super().__init__(actor, *args, any_agency=any_agency, **options)
        self.fields["ask"].help_text = ASK
        self.fields["outcome"].choices = [(each.value, outcome_words(kind, each)) for each in outcomes_of(kind)]


class AskForm(SaneForm):
    """Which agency is asked for a check, and by when."""

    agency = forms.ChoiceField(label="Which agency", choices=())
    due_on = DateField(label="By when", noun="the day", earliest="today", assume_year=True)

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        agencies = Agency.objects.visible_to(actor)
        self.fields["agency"].choices = [("", "Choose an agency"), *((each.slug, each.name) for each in agencies)]
        self._agencies = {each.slug: each for each in agencies}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        return data | {"agency": self._agencies.get(data.get("agency", ""))}


class ChildForm(OfAgencyForm):
    """That a concern for a child was referred; nothing of the concern."""

    referred_on = DateField(label="Referred on", latest="today", noun="the day of the referral", help_text=DAY)
    referred_by = CleanCharField(label="Referred by", noun="who referred", max_length=120)
    reference_there = CleanCharField(
        label="Their reference (optional)", noun="their reference", max_length=60, required=False
    )

    field_order = ("agency", "how", "referred_on", "referred_by", "reference_there")

    def __init__(self, actor: Actor, *args: Any, any_agency: bool, **options: Any) -> None:
        super().__init__(actor, *args, any_agency=any_agency, **options)
        if "agency" in self.fields:
            self.fields["agency"].label = "Which agency referred?"
            self.fields["agency"].error_messages["required"] = "Choose which agency referred"


class ChildAnswerForm(SaneForm):
    """How the referral was answered."""

    answer = forms.ChoiceField(
        label="How was it answered?",
        widget=forms.RadioSelect,
        choices=[each for each in MashReferral.Answer.choices if each[0] != MashReferral.Answer.WAITING],
        error_messages={"required": "Choose how it was answered"},
    )
    answered_on = DateField(label="Answered on", latest="today", noun="the day of the answer", help_text=DAY)
    reference_there = CleanCharField(
        label="Their reference (optional)", noun="their reference", max_length=60, required=False
    )
    version = VersionField()


class StrikeForm(SaneForm):
    """Nothing but the button."""

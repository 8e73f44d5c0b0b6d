"""Leaving the cohort, one question set per page (ux.md 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency
from iom.policy.managing import ExitRule
from offenders.models import SafetyView


def _area(label: str, *, limit: int = 600, **options: Any) -> CleanCharField:
    return CleanCharField(label=label, max_length=limit, widget=forms.Textarea, **options)


class StrategyForm(SaneForm):
    """Who stays involved, whom to ring, and the way back in."""

    who_stays = _area(
        "Who stays involved, and with what?",
        noun="who stays involved",
        help_text="For example: the drugs service every fortnight, the housing officer until the tenancy is settled.",
    )
    contact = CleanCharField(
        label="Whom can the person ring?",
        noun="whom the person can ring",
        max_length=200,
        help_text="Name or service, and telephone.",
    )
    way_back = _area(
        "What is the way back in?",
        noun="the way back in",
        help_text="What would make you think of IOM again, and who would nominate.",
    )
    version = VersionField()


class SafetyForm(SaneForm):
    """That victims and safeguarding were considered, without content that belongs to others."""

    safety = forms.ChoiceField(
        label="What is the view of victims and safeguarding?",
        choices=SafetyView.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what the view of victims and safeguarding is"},
    )
    safety_words = _area(
        "What was considered, and who deals with it? (optional where nothing stands against leaving)",
        noun="what was considered",
        required=False,
        help_text="Victim contact, MARAC, MASH, adults and children at the address. Do not name victims.",
    )
    version = VersionField()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("safety") not in (None, SafetyView.NOTHING) and not data.get("safety_words"):
            self.add_error("safety_words", "Enter what the concern is and who deals with it")
        return data


class AgenciesForm(SaneForm):
    """Which agencies are told now, and how those hear who are not here."""

    agencies = forms.MultipleChoiceField(
        label="Whom do you tell?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one agency"},
    )
    how = CleanCharField(
        label="How were they told? (leave empty to tell them through this service now)",
        noun="how they were told",
        max_length=120,
        required=False,
        help_text="For example: at the panel, or by telephone.",
    )

    def __init__(self, agencies: Sequence[Agency], concerned: Iterable[Agency], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._by_slug = {agency.slug: agency for agency in agencies}
        self.fields["agencies"].choices = [(slug, agency.name) for slug, agency in self._by_slug.items()]
        if not self.is_bound:
            self.initial["agencies"] = [agency.slug for agency in concerned if agency.slug in self._by_slug]

    @property
    def chosen(self) -> list[Agency]:
        return [self._by_slug[slug] for slug in self.cleaned_data["agencies"]]


class WithoutForm(SaneForm):
    """A reason to go on where something is missing; the field is there only then."""

    without = CleanCharField(
        label="Why do you go on without it?", noun="a reason for going on without it", max_length=300
    )

    def __init__(self, missing: Sequence[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not missing:
            del self.fields["without"]


class ProposalForm(WithoutForm):
    """Why leaving is proposed to the panel."""

    proposal = _area("Why do you propose it?", noun="why you propose it", help_text="This appears on the agenda item.")
    version = VersionField()


class PeriodForm(SaneForm):
    """Until when Green is watched, as a panel agreed."""

    agreed_on = DateField(label="When did the panel agree it?", latest="today", noun="the day on which it was agreed")
    agreed_until = DateField(label="Until when is Green watched more lightly?", noun="the end of the time")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        on, until = data.get("agreed_on"), data.get("agreed_until")
        if on and until and until <= on:
            self.add_error("agreed_until", "The end of the time must be after the day on which it was agreed")
        return data


class CloseForm(SaneForm):
    """How and why a case ends, and on which day."""

    outcome = forms.ChoiceField(
        label="How does the case end?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the case ends"},
    )
    ended_on = DateField(label="On which day does it end?", latest="today", noun="the closing day")
    reason = _area("Why does the case end?", noun="why the case ends", help_text="It will still be read in a year.")
    story = _area(
        "What made it a success? (optional)",
        limit=1000,
        noun="the story",
        required=False,
        help_text="It may be told to others, so name nobody: no names, streets or dates of birth.",
    )
    without = CleanCharField(
        label="Why do you go on without it?",
        noun="a reason for going on without it",
        max_length=300,
        required=False,
    )
    offer_again_on = DateField(
        label="When is it to be offered again? (optional)",
        required=False,
        noun="the day of the next offer",
        help_text="Such as a release that is expected. You are reminded on that day.",
    )
    version = VersionField()

    def __init__(self, rule: ExitRule, missing: Sequence[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rule, self.missing = rule, missing
        self.fields["outcome"].choices = [(each.slug, each.name) for each in rule.endings]
        if not any(each.success for each in rule.endings):
            del self.fields["story"]
        if not missing:
            del self.fields["without"]
        if not rule.offered_again_after_custody:
            del self.fields["offer_again_on"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        ending = self.rule.ending(data.get("outcome", ""))
        if self.missing and ending and not ending.at_once and not data.get("without"):
            self.add_error("without", "Enter a reason for going on without what is missing")
        return data


class CallOffForm(SaneForm):
    """Why somebody stays who was leaving."""

    reason = _area("Why does the person stay?", noun="why the person stays")


class OfferAgainForm(SaneForm):
    """When somebody who left is offered the scheme again. An empty day takes it back."""

    offer_again_on = DateField(
        label="On which day is it to be offered again?",
        required=False,
        noun="the day of the next offer",
        help_text="Such as a release that is expected. Leave empty if it is not to be offered.",
    )
    version = VersionField()

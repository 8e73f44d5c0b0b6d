"""What is asked for the plain records of the team and for the groups of a case."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency
from offenders.models import Cover, IntelligenceCheck

YES, NO = "yes", "no"


class WithAgencies(SaneForm):
    """A form with `agency`, one of the scheme's; for whoever is not the coordinator their own alone, unasked."""

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.actor = actor
        self._agencies = {each.slug: each for each in Agency.objects.visible_to(actor)}
        self.choices = [(each.slug, each.name) for each in self._agencies.values()]

    def agency_of(self, slug: str) -> Agency | None:
        return self._agencies.get(slug)


class CoverForm(WithAgencies):
    """Who stands by, when."""

    agency = forms.ChoiceField(label="Agency", choices=())
    kind = forms.ChoiceField(label="What for", choices=Cover.Kind.choices, widget=forms.RadioSelect)
    on = DateField(label="Day", noun="the day", assume_year=True)
    starts_at = forms.TimeField(
        label="From", help_text="For example, 17:00.", error_messages={"invalid": "From must be a time, such as 17:00"}
    )
    ends_at = forms.TimeField(
        label="To",
        help_text="The next morning, if it is before the start.",
        error_messages={"invalid": "To must be a time, such as 08:00"},
    )
    person = CleanCharField(label="Who", noun="who stands by", max_length=120)
    phone = CleanCharField(label="Telephone (optional)", noun="telephone", max_length=40, required=False)

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(actor, *args, **options)
        if actor.has_role("coordinator"):
            self.fields["agency"].choices = self.choices
        else:
            del self.fields["agency"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "agency" not in self.fields:
            return data | {"agency": self.actor.agency}
        return data | {"agency": self.agency_of(data.get("agency", ""))}


class IntelligenceForm(WithAgencies):
    """What was compared with what, and with which result; not what it says."""

    system = forms.ChoiceField(label="Police system", choices=())
    partner = forms.ChoiceField(label="Compared with the information of", choices=())
    checked_on = DateField(label="Compared on", noun="the day", latest="today")
    checked_by = CleanCharField(label="Compared by", noun="who compared it", max_length=120)
    result = forms.ChoiceField(label="Result", choices=IntelligenceCheck.Result.choices, widget=forms.RadioSelect)
    fed_back_on = DateField(
        label="Fed back into the police system on (optional)", noun="fed back on", latest="today", required=False
    )

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(actor, *args, **options)
        self.fields["system"].choices = [(each, each) for each in actor.scheme.policy.research_systems]
        self.fields["partner"].choices = [("", "Choose an agency"), *self.choices]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        on, back = data.get("checked_on"), data.get("fed_back_on")
        if on and back and back < on:
            self.add_error("fed_back_on", "It is fed back on the day of the comparison or later")
        return data | {"partner": self.agency_of(data.get("partner", ""))}


class StoryForm(SaneForm):
    """A story without names, and that the person agreed."""

    text = CleanCharField(
        label="The story",
        noun="the story",
        max_length=3000,
        widget=forms.Textarea,
        help_text="No names, dates of birth, addresses or references, and nobody else who could be known from it.",
    )
    consent_on = DateField(label="The person agreed on", noun="the day on which the person agreed", latest="today")
    consent_to = CleanCharField(label="To whom they said so", noun="to whom they said so", max_length=120)


class ToldForm(SaneForm):
    """Where and when it was told."""

    told_where = CleanCharField(label="Where it was told", noun="where it was told", max_length=200)
    told_on = DateField(label="Told on", noun="the day", latest="today")
    version = VersionField()


class VersionForm(SaneForm):
    """Nothing but what its reader saw."""

    version = VersionField()


class ListedForm(SaneForm):
    """Somebody of the police list, as it has them."""

    family_name = CleanCharField(label="Family name", noun="the family name", max_length=80)
    given_names = CleanCharField(label="Given names", noun="the given names", max_length=120)
    date_of_birth = DateField(label="Date of birth", noun="date of birth", latest="today")
    listed_from = DateField(label="On the list since", noun="the day", latest="today")
    source_on = DateField(label="Date of the list", noun="the date of the list", latest="today")


class PremisesForm(WithAgencies):
    """Where, who, when, and whether one can be seen alone."""

    place = CleanCharField(label="Place", noun="the place", max_length=160)
    agencies = forms.MultipleChoiceField(
        label="Agencies that work there",
        choices=(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose the agencies that work there"},
    )
    days = CleanCharField(
        label="Days", noun="the days", max_length=120, help_text="For example, Mondays and Thursdays, 9 to 5."
    )
    private_room = forms.ChoiceField(
        label="Is there a room in which somebody can be seen alone?",
        choices=[(YES, "Yes"), (NO, "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether there is a private room"},
    )
    since = DateField(label="Since", noun="since when", latest="today")

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(actor, *args, **options)
        self.fields["agencies"].choices = self.choices


class GroupForm(SaneForm):
    """Into which group of the cohort a case goes."""

    group = forms.ChoiceField(label="Group", choices=(), widget=forms.RadioSelect)
    starts_on = DateField(label="Since", noun="since when", latest="today")

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["group"].choices = [(each.slug, each.name) for each in actor.scheme.policy.sub_cohorts]


class FileForm(SaneForm):
    """Why a list is made into a file, and for whom (security.md E1)."""

    reason = CleanCharField(label="Why you need the file", noun="why you need the file", max_length=300)
    recipient = CleanCharField(label="Who will receive it", noun="who will receive it", max_length=120)

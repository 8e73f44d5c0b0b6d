"""What is typed into the directory of services, on the map of gaps, and about agreements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from actionplans.models import Agreement, GapNote, Service
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency
from iom.policy import Policy

YES, NO = "yes", "no"
OUTSIDE = "outside"
AREAS_HINT = "One ward to a line. Leave it empty for the whole area."
NO_NAMES = "Name nobody: the board reads this."


def pathway_choices(policy: Policy) -> list[tuple[str, str]]:
    """The pathways of the scheme."""
    return [(each.slug, each.name) for each in policy.pathways]


class ServiceFilter(forms.Form):
    """Which services are listed: in the address, never stored."""

    pathway = forms.ChoiceField(label="Pathway", required=False)
    ward = forms.ChoiceField(label="Ward", required=False)
    priority = forms.BooleanField(label="With priority access for the cohort", required=False)
    ended = forms.BooleanField(label="Ended ones too", required=False)

    def __init__(self, data: Mapping[str, Any], *, policy: Policy, wards: Iterable[str]) -> None:
        super().__init__(data, label_suffix="")
        self.fields["pathway"].choices = [("", "All pathways"), *pathway_choices(policy)]
        self.fields["ward"].choices = [("", "All wards"), *((ward, ward) for ward in wards)]

    @property
    def chosen(self) -> dict[str, Any]:
        """What can be used of the address; a pathway or ward that is not there is as none."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class ServiceForm(SaneForm):
    """An entry of the directory."""

    name = CleanCharField(label="Name of the service", noun="the name of the service", max_length=120)
    provider = forms.ChoiceField(label="Provided by", error_messages={"required": "Choose who provides it"})
    organisation = CleanCharField(
        label="Name of the other organisation", noun="the name of the organisation", max_length=120, required=False
    )
    pathways = forms.MultipleChoiceField(
        label="Pathways",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one pathway"},
    )
    areas = CleanCharField(
        label="Wards covered (optional)",
        noun="wards covered",
        max_length=2000,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=AREAS_HINT,
    )
    for_whom = CleanCharField(label="For whom (optional)", noun="for whom", max_length=300, required=False)
    how_to_refer = CleanCharField(
        label="How to refer",
        noun="how to refer",
        max_length=600,
        multiline=True,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    contact = CleanCharField(label="Contact (optional)", noun="contact", max_length=200, required=False)
    cost = CleanCharField(label="Cost (optional)", noun="cost", max_length=120, required=False)
    opening = CleanCharField(label="When it is open (optional)", noun="when it is open", max_length=200, required=False)
    places = forms.IntegerField(
        label="Places (optional)",
        required=False,
        min_value=0,
        max_value=9999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "Places must be a whole number"},
    )
    waiting = CleanCharField(
        label="Waiting time (optional)",
        noun="waiting time",
        max_length=120,
        required=False,
        help_text="For example, about 3 weeks.",
    )
    priority = forms.ChoiceField(
        label="Do people on the cohort have priority?",
        choices=[(YES, "Yes"), (NO, "No")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether people on the cohort have priority"},
    )
    priority_terms = CleanCharField(
        label="What priority means here",
        noun="what priority means here",
        max_length=300,
        required=False,
        help_text="For example, seen within 5 working days.",
    )
    commissioned_by = CleanCharField(
        label="Commissioned by (optional)", noun="commissioned by", max_length=120, required=False
    )
    starts_on = DateField(label="From", noun="the first day")
    until = DateField(label="Until (optional)", noun="the last day", required=False)
    version = VersionField(required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        policy: Policy,
        agencies: Iterable[Agency],
        outside: bool,
        service: Service | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial or {})
        self.agencies = {str(each.pk): each for each in agencies}
        others = [(OUTSIDE, "Another organisation")] if outside else []
        self.fields["provider"].choices = [
            ("", "Choose"),
            *((pk, each.name) for pk, each in self.agencies.items()),
            *others,
        ]
        names = dict(pathway_choices(policy))
        # What an entry names from earlier rules stays until somebody takes it off.
        for slug in service.pathways if service else ():
            names.setdefault(slug, slug.replace("_", " ").capitalize())
        self.fields["pathways"].choices = list(names.items())

    def stored_in(self, thing: Service) -> Mapping[str, Any]:
        return self.initial_of(thing)

    @classmethod
    def initial_of(cls, service: Service) -> dict[str, Any]:
        """The form as an entry stands."""
        as_they_are = ("name", "organisation", "pathways", "for_whom", "how_to_refer", "contact", "cost", "opening")
        more = ("places", "waiting", "priority_terms", "commissioned_by", "starts_on", "until", "version")
        return {name: getattr(service, name) for name in (*as_they_are, *more)} | {
            "provider": str(service.agency_id) if service.agency_id else OUTSIDE,
            "areas": "\n".join(service.areas),
            "priority": YES if service.priority else NO,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("provider") == OUTSIDE and not data.get("organisation") and "organisation" not in self.errors:
            self.add_error("organisation", "Enter the name of the organisation")
        if data.get("priority") == YES and not data.get("priority_terms") and "priority_terms" not in self.errors:
            self.add_error("priority_terms", "Enter what priority means here")
        first, last = data.get("starts_on"), data.get("until")
        if first and last and last < first:
            self.add_error("until", "The last day must be the first day or later")
        if any(len(area) > 80 for area in self._areas(data)):
            self.add_error("areas", "A ward must be 80 characters or fewer")
        return data

    def given(self) -> dict[str, Any]:
        """What the verbs take."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("version", "provider")}
        agency = self.agencies.get(self.cleaned_data["provider"])
        prioritised = data["priority"] == YES
        return data | {
            "agency": agency,
            "organisation": "" if agency else data["organisation"],
            "areas": self._areas(data),
            "priority": prioritised,
            "priority_terms": data["priority_terms"] if prioritised else "",
        }

    @staticmethod
    def _areas(data: Mapping[str, Any]) -> list[str]:
        """The wards that were typed, each once."""
        lines = (line.strip(" ,;\t") for line in (data.get("areas") or "").split("\n"))
        return list({line.casefold(): line for line in lines if line}.values())


class EndServiceForm(SaneForm):
    """The last day of a service, and why it ends."""

    last_day = DateField(label="Last day", noun="the last day")
    because = CleanCharField(label="Why it ends", noun="why it ends", max_length=300)
    version = VersionField()


class GapNoteForm(SaneForm):
    """Who bids for what is missing."""

    pathway = forms.ChoiceField(label="Pathway")
    area = forms.ChoiceField(label="Ward", required=False)
    text = CleanCharField(
        label="What is missing, and what would fill it",
        noun="what is missing",
        max_length=600,
        multiline=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=NO_NAMES,
    )
    bidder = CleanCharField(label="Who bids or commissions", noun="who bids", max_length=120)
    bid_to = CleanCharField(label="To whom (optional)", noun="to whom", max_length=120, required=False)
    due_on = DateField(label="By when", noun="by when", assume_year=True)
    state = forms.ChoiceField(label="How it stands", choices=GapNote.State.choices)
    version = VersionField(required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        policy: Policy,
        wards: Iterable[str],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial or {})
        self.fields["pathway"].choices = pathway_choices(policy)
        self.fields["area"].choices = [("", "The whole area"), *((ward, ward) for ward in wards)]

    def given(self) -> dict[str, Any]:
        """What the verbs take."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class AgreementForm(SaneForm):
    """What was agreed with whom."""

    kind = forms.ChoiceField(
        label="With what kind of organisation",
        choices=Agreement.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose with what kind of organisation"},
    )
    with_whom = CleanCharField(label="With whom", noun="with whom it is", max_length=120)
    service = forms.ChoiceField(label="Service that it is about", required=False)
    premium = forms.BooleanField(
        label="It covers the premium service", required=False, help_text="For those who need it most at court."
    )
    promised = CleanCharField(
        label="What they promise",
        noun="what they promise",
        max_length=1000,
        multiline=True,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    given = CleanCharField(
        label="What the scheme does for it (optional)",
        noun="what the scheme does for it",
        max_length=600,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    starts_on = DateField(label="From", noun="the first day")
    review_on = DateField(label="To be reviewed on", noun="the day of the review")
    version = VersionField(required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        services: Iterable[Service],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial or {})
        self.services = {str(each.pk): each for each in services}
        self.fields["service"].choices = [("", "None"), *((pk, each.name) for pk, each in self.services.items())]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") == Agreement.Kind.PRIORITY and not data.get("service") and "service" not in self.errors:
            self.add_error("service", "Choose the service to which people have priority access")
        first, review = data.get("starts_on"), data.get("review_on")
        if first and review and review <= first:
            self.add_error("review_on", "The review must come after the first day")
        return data

    def stored_in(self, thing: Agreement) -> Mapping[str, Any]:
        return self.initial_of(thing)

    @classmethod
    def initial_of(cls, agreement: Agreement) -> dict[str, Any]:
        """The form as an agreement stands."""
        names = ("kind", "with_whom", "premium", "promised", "given", "starts_on", "review_on", "version")
        return {name: getattr(agreement, name) for name in names} | {"service": str(agreement.service_id or "")}

    def taken(self) -> dict[str, Any]:
        """What the verbs take."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return data | {"service": self.services.get(data["service"])}


class ReviewAgreementForm(SaneForm):
    """What a look at an agreement found."""

    words = CleanCharField(
        label="What the review found",
        noun="what the review found",
        max_length=600,
        multiline=True,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    next_on = DateField(label="To be reviewed next on", noun="the next review", assume_year=True, earliest="today")
    version = VersionField()


class EndAgreementForm(SaneForm):
    """From when an agreement no longer holds, and why."""

    on = DateField(label="Ended on", noun="the day on which it ended", latest="today")
    because = CleanCharField(label="Why it ended", noun="why it ended", max_length=300)
    version = VersionField()


def services_for(services: Iterable[Service], kept: Service | None = None) -> list[Service]:
    """The services that an agreement may name, and the one that it names already."""
    rows = {each.pk: each for each in services}
    if kept is not None:
        rows.setdefault(kept.pk, kept)
    return list(rows.values())

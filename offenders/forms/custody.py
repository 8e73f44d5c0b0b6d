"""Custody and release, bail, court and wanted, arrests, tags and hits, prisons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, EmailField, SaneForm, VersionField
from iom.jinja import day
from offenders.models import CustodyPeriod, CustodyProposal, LegalStatus, Supervision, TagHit

# The list of the scheme's prisons on the page, which a browser offers while somebody types.
PRISONS = {"list": "prisons", "autocomplete": "off"}
SAYS_SO = "For example, PNC, the court's list, or the prison by telephone."


def text(most: int, noun: str, **options: Any) -> CleanCharField:
    """A text of several lines."""
    return CleanCharField(max_length=most, noun=noun, widget=forms.Textarea(attrs={"rows": 3}), **options)


class CustodyForm(SaneForm):
    """Where somebody is held, since when, and when they are expected out."""

    kind = forms.ChoiceField(
        label="Status",
        choices=CustodyPeriod.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose if they are on remand or under sentence"},
    )
    recalled = forms.BooleanField(label="Back on recall", required=False)
    prison = CleanCharField(max_length=120, noun="the prison", widget=forms.TextInput(attrs=PRISONS))
    sentence = CleanCharField(
        label="Length of the sentence", max_length=80, required=False, help_text="For example, 20 months."
    )
    offence = CleanCharField(label="Offence", max_length=120, required=False)
    starts_on = DateField(
        label="In custody since",
        latest="today",
        noun="the date of coming into custody",
        help_text="For example, 20 2 2026.",
    )
    release_expected_on = DateField(
        label="Release expected on",
        required=False,
        noun="the expected release",
        help_text="Leave empty if it is not known. For example, 17 3 2026.",
    )
    release_source = CleanCharField(
        label="Who says when the release is", max_length=80, required=False, help_text="For example, the prison."
    )
    version = VersionField()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        began, out = data.get("starts_on"), data.get("release_expected_on")
        if began and out and out < began:
            self.add_error("release_expected_on", "The expected release must be after the date of coming into custody")
        if data.get("recalled") and data.get("kind") == CustodyPeriod.Kind.REMAND:
            self.add_error("recalled", "Somebody on recall is under sentence: choose that, or take the tick away")
        return data


class ReleaseForm(SaneForm):
    """When somebody left custody."""

    released_on = DateField(
        label="Released on", latest="today", noun="the release date", help_text="For example, 17 3 2026."
    )
    version = VersionField()


class SupervisionForm(SaneForm):
    """Until when somebody is under an order or licence. An empty date takes the record of that kind back."""

    kind = forms.ChoiceField(label="Order or licence", choices=Supervision.Kind.choices)
    ends_on = DateField(
        label="Ends on",
        required=False,
        noun="the end of supervision",
        help_text="For example, 17 3 2026. Leave empty if there is none of this kind any more.",
    )


class StatusForm(SaneForm):
    """A return on bail, a court date, or since when somebody is wanted."""

    kind = forms.ChoiceField(choices=LegalStatus.Kind.choices, widget=forms.HiddenInput)
    on = DateField(label="Date", noun="the date", help_text="For example, 17 3 2026.")
    place = CleanCharField(label="Where", max_length=120, required=False)
    source = CleanCharField(label="Who or what says so", max_length=80, noun="who or what says so", help_text=SAYS_SO)
    replaces = forms.ChoiceField(label="Does it take the place of another date?", required=False)

    def __init__(self, kind: str, present: Iterable[LegalStatus], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        labels = {
            LegalStatus.Kind.BAIL: ("To return on", "Police station"),
            LegalStatus.Kind.COURT: ("Due in court on", "Court"),
            LegalStatus.Kind.WANTED: ("Wanted since", ""),
        }
        on, place = labels[LegalStatus.Kind(kind)]
        self.fields["on"].label, self.fields["on"].noun = on, "the date"
        self.fields["place"].label = place
        self.initial.setdefault("kind", kind)
        others = [(str(each.pk), f"The one of {day(each.on)}") for each in present if each.kind == kind]
        if kind == LegalStatus.Kind.WANTED:
            self.fields["on"].latest = "today"
            del self.fields["place"]
        if kind == LegalStatus.Kind.WANTED or not others:
            del self.fields["replaces"]
        else:
            self.fields["replaces"].choices = [("", "No, both hold"), *others]


class OutcomeForm(SaneForm):
    """What came of a date, or that it no longer holds."""

    because = forms.ChoiceField(
        label="What became of it?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what became of it"},
    )
    outcome = text(300, "what came of it", label="What came of it", required=False)
    version = VersionField()

    def __init__(self, status: LegalStatus, *args: Any, passed: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        ended = LegalStatus.Ended
        if status.kind == LegalStatus.Kind.WANTED:
            choices = [(ended.LIFTED, "They are no longer wanted"), (ended.MISTAKE, ended.MISTAKE.label)]
        else:
            choices = [
                *([(ended.HAPPENED, ended.HAPPENED.label)] if passed else []),
                (ended.REPLACED, ended.REPLACED.label),
                (ended.LIFTED, ended.LIFTED.label),
                (ended.MISTAKE, ended.MISTAKE.label),
            ]
        self.fields["because"].choices = choices

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("because") == LegalStatus.Ended.HAPPENED and not data.get("outcome"):
            self.add_error("outcome", "Enter what came of it")
        return data


class ArrestForm(SaneForm):
    """An arrest: when, for what, where the person is held."""

    on = DateField(label="Arrested on", latest="today", noun="the date of the arrest")
    what = CleanCharField(
        label="For what",
        max_length=300,
        noun="for what",
        help_text="The offence or the breach. Do not name victims.",
    )
    where = CleanCharField(label="Held at", max_length=120, required=False)
    source = CleanCharField(label="Who or what says so", max_length=80, noun="who or what says so", help_text=SAYS_SO)


class AttendedForm(SaneForm):
    """Whether police went to custody after an arrest."""

    went = forms.ChoiceField(
        label="Did somebody go?",
        choices=[("yes", "Yes"), ("no", "No, it was not possible")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether somebody went"},
    )
    on = DateField(label="Date", latest="today", noun="the date", help_text="For example, 17 3 2026.")
    words = text(800, "what came of it", label="What came of it, or why nobody went")


class TagForm(SaneForm):
    """A GPS tag: first and last day, offence, and the licence that asks for it."""

    starts_on = DateField(label="Worn from", noun="the first day")
    ends_on = DateField(label="Worn until", noun="the last day")
    offence = forms.ChoiceField(label="Kind of offence")
    licence = CleanCharField(label="Licence", max_length=120, required=False)
    version = VersionField()

    def __init__(self, offences: Iterable[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["offence"].choices = [(each, each.replace("_", " ").capitalize()) for each in offences]


class EndTagForm(SaneForm):
    """That a tag came off early."""

    on = DateField(label="Taken off on", latest="today", noun="the date")
    because = CleanCharField(label="Why", max_length=200, noun="why it was taken off")
    version = VersionField()


class HitForm(SaneForm):
    """A tag that was near a crime."""

    moments = (("on", "at"),)
    on = DateField(label="Date", latest="today", noun="the date")
    at = forms.TimeField(
        label="Time",
        input_formats=["%H:%M", "%H.%M"],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="By the 24-hour clock, such as 22:40.",
        error_messages={"required": "Enter the time", "invalid": "Enter a time such as 22:40"},
    )
    area = CleanCharField(
        label="Area",
        max_length=120,
        noun="the area",
        help_text="A ward or a street is enough. No house numbers, and nobody's name.",
    )
    crime_reference = CleanCharField(label="Crime reference", max_length=40, noun="the crime reference")


class RulingForm(SaneForm):
    """Whether the wearer of a tag is ruled in or out."""

    ruling = forms.ChoiceField(
        label="Ruled in or out?",
        choices=TagHit.Ruling.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether they are ruled in or out"},
    )
    because = text(300, "what rules them in or out", label="What rules them in or out")
    version = VersionField()


class PrisonForm(SaneForm):
    """A prison and the one person there to turn to."""

    name = CleanCharField(label="Prison", max_length=120, noun="the prison")
    contact = CleanCharField(label="Name of the contact", max_length=120, required=False)
    post = CleanCharField(label="Post", max_length=120, required=False)
    phone = CleanCharField(label="Telephone", max_length=40, required=False)
    email = EmailField(label="Email", required=False)
    version = VersionField(required=False)


class ProposalForm(SaneForm):
    """Accept what a feed says of custody, or dismiss it with a reason."""

    do = forms.ChoiceField(choices=[("accept", "Accept"), ("dismiss", "Dismiss")], widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label="On remand or under sentence?",
        choices=CustodyPeriod.Kind.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    because = CleanCharField(label="Why it is not so", max_length=300, required=False)

    def __init__(self, proposal: CustodyProposal, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asks_kind = proposal.kind == CustodyProposal.Kind.IN and not proposal.custody_kind
        if not self.asks_kind:
            del self.fields["kind"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("do") == "accept" and self.asks_kind and not data.get("kind"):
            self.add_error("kind", "Choose if they are on remand or under sentence")
        if data.get("do") == "dismiss" and not data.get("because"):
            self.add_error("because", "Enter why it is not so")
        return data


class IdiomForm(SaneForm):
    """The daily file."""

    file = forms.FileField(
        label="The file",
        help_text="CSV, 20 MB and 25,000 rows at most.",
        allow_empty_file=True,
        error_messages=dict.fromkeys(("required", "invalid", "missing"), "Choose the file of the day"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt"}),
    )

    def clean_file(self) -> Any:
        from offenders.cohort_files import MOST_BYTES

        given = self.cleaned_data["file"]
        if given.size > MOST_BYTES:
            raise forms.ValidationError("The file must be 20 MB or smaller")
        return given

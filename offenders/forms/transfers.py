"""Transfers and liaison: turning to another scheme, what to tell it, and the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Scheme
from offenders import sharing
from offenders.models import TransferKind

if TYPE_CHECKING:
    from offenders.likeness import Alike

ELSEWHERE = "elsewhere"
NOBODY = "nobody"
KIND_ERROR = {"required": "Choose how the other area is concerned"}
PURPOSE = "For example: to agree who leads, or so that their team can visit. What is shared must be needed for it."


def _area(label: str, *, limit: int = 1000, **options: Any) -> CleanCharField:
    return CleanCharField(label=label, max_length=limit, widget=forms.Textarea, **options)


class BeginForm(SaneForm):
    """Which scheme, why, and what it is told."""

    kind = forms.ChoiceField(
        label="How is the other area concerned?", widget=forms.RadioSelect, error_messages=KIND_ERROR
    )
    other = forms.ChoiceField(
        label="Which scheme?", widget=forms.RadioSelect, error_messages={"required": "Choose which scheme it is"}
    )
    other_name = CleanCharField(
        label="Name of the scheme or area", noun="the name of the scheme or area", max_length=120, required=False
    )
    contact = CleanCharField(
        label="Contact there (optional)",
        noun="contact",
        max_length=200,
        required=False,
        help_text="Name, and telephone or e-mail.",
    )
    purpose = _area("Why do they need to know?", noun="why they need to know", help_text=PURPOSE)
    facts = forms.MultipleChoiceField(
        label="What do you share?",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Nothing is shared but what you tick here. Both schemes keep what was shared, with your name.",
    )
    words = _area("Anything else, in words (optional)", noun="the words", required=False)

    def __init__(
        self,
        kinds: Iterable[TransferKind],
        schemes: Sequence[Scheme],
        facts: Sequence[sharing.Fact],
        *args: Any,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.schemes = {scheme.slug: scheme for scheme in schemes}
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]
        self.fields["other"].choices = [*((slug, s.name) for slug, s in self.schemes.items()), (ELSEWHERE, "Another")]
        offer(self, facts)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("other") == ELSEWHERE and not data.get("other_name"):
            self.add_error("other_name", "Enter the name of the scheme or area")
        return data

    @property
    def other_scheme(self) -> Scheme | None:
        return self.schemes.get(self.cleaned_data["other"])


def offer(form: forms.Form, facts: Sequence[sharing.Fact]) -> None:
    """Offer facts to tick; who it is is ticked already, since nothing else means anything without it."""
    form.fields["facts"].choices = [(fact.key, fact.label) for fact in facts]
    form.fact_words = {fact.key: fact.words for fact in facts}
    if not form.is_bound:
        form.initial.setdefault("facts", [fact.key for fact in facts if fact.key in sharing.WHO])


class IncomingForm(SaneForm):
    """Somebody whom another area's scheme knows, as somebody here heard of it."""

    nouns = {"given_names": "their first names", "family_name": "their last name"}
    kind = forms.ChoiceField(
        label="How is the other area concerned?", widget=forms.RadioSelect, error_messages=KIND_ERROR
    )
    given_names = CleanCharField(label="First names", max_length=120)
    family_name = CleanCharField(label="Last name", max_length=80)
    date_of_birth = DateField(label="Date of birth", latest="today", noun="date of birth")
    other_name = CleanCharField(
        label="Name of the scheme or area", noun="the name of the scheme or area", max_length=120
    )
    contact = CleanCharField(
        label="Contact there", noun="who can be asked there", max_length=200, help_text="Name, and telephone or e-mail."
    )
    purpose = _area("What do they ask of us?", noun="what they ask of us")
    told = _area("What did they tell us? (optional)", noun="what they told us", limit=4000, required=False)

    def __init__(self, kinds: Iterable[TransferKind], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].choices = [(k.value, k.label) for k in kinds if k != TransferKind.MOVED_AWAY]

    @property
    def person(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("given_names", "family_name", "date_of_birth")}


class AcceptForm(SaneForm):
    """Who it is here, if anybody."""

    match = forms.ChoiceField(
        label="Do we know this person?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether we know this person"},
    )
    version = VersionField()

    def __init__(self, alike: Sequence[Alike], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = {str(each.offender.pk): each.offender for each in alike}
        self.fields["match"].choices = [
            *((pk, f"Yes, {offender.name}") for pk, offender in self.people.items()),
            (NOBODY, "No, nobody whom I can see"),
        ]
        self.match_words = {str(each.offender.pk): each.likeness.words for each in alike}


class DeclineForm(SaneForm):
    reason = _area("Why is it declined?", noun="why it is declined", help_text="The other scheme reads this.")
    version = VersionField()


class MoreForm(SaneForm):
    """More to tell while it goes on."""

    facts = forms.MultipleChoiceField(label="What do you share?", widget=forms.CheckboxSelectMultiple, required=False)
    words = _area("In words (optional)", noun="the words", required=False)
    purpose = _area("Why do they need to know?", noun="why they need to know")

    def __init__(self, facts: Sequence[sharing.Fact], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, facts)
        if not facts:
            del self.fields["facts"]
        if not self.is_bound:
            self.initial["facts"] = []


class ToldForm(SaneForm):
    words = _area(
        "What did they tell us?", noun="what they told us", limit=4000, help_text="Say who told you, and when."
    )


class EndForm(SaneForm):
    notes = _area("How did it end?", noun="how it ended")
    version = VersionField()

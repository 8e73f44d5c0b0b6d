"""Seats, chairs, requests to join, and how meetings are planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency, ChairReview, JoinRequest, Meeting, Membership, Seat


class PersonField(forms.TypedChoiceField):
    """One of these memberships by number, or nobody."""

    def __init__(self, *, nobody: str, **options: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **options)
        self.nobody = nobody
        self.known: dict[int, Membership] = {}

    def offer(self, people: Sequence[Membership], *, agency: bool = False) -> None:
        self.known = {one.pk: one for one in people}
        words = [
            (one.pk, f"{one.user.name}, {one.agency.name if agency else one.post or one.agency.name}") for one in people
        ]
        self.choices = [("", self.nobody), *words]

    def clean(self, value: Any) -> Membership | None:
        return self.known.get(super().clean(value))


class SeatForm(SaneForm):
    """Who holds a seat, who stands in, and on which other bodies the same post gets the same holder."""

    version = VersionField()
    holder = PersonField(label="Holder", nobody="Nobody", required=False)
    substitute = PersonField(label="Named substitute", nobody="Nobody", required=False)
    authority = forms.BooleanField(label="Has delegated authority", required=False)
    briefed = forms.BooleanField(label="Is briefed", required=False)
    leads = forms.BooleanField(label="Leads for the agency", required=False)
    also = forms.MultipleChoiceField(
        label="The same post on other bodies gets this holder too", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, *args: Any, seat: Seat, people: Sequence[Membership], others: Sequence[Seat], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.others = {str(one.pk): one for one in others}
        for name in ("holder", "substitute"):
            self.fields[name].offer(people)
        self.fields["also"].choices = [
            (pk, f"{one.body.name} ({f'now {one.holder.user.name}' if one.holder else 'nobody yet'})")
            for pk, one in self.others.items()
        ]
        rule = seat.body.policy
        for name, asked in {
            "authority": rule.attendance.delegated_authority or seat.substitute_authority,
            "briefed": rule.attendance.briefed or seat.substitute_briefed,
            "leads": rule.agency_lead is not None,
            "also": bool(others),
        }.items():
            if not asked:
                del self.fields[name]

    def clean_also(self) -> list[Seat]:
        return [self.others[pk] for pk in self.cleaned_data["also"]]


class EndSeatForm(SaneForm):
    """Why a seat ends."""

    reason = CleanCharField(label="Why does the seat end?", max_length=300, noun="why the seat ends")


class AgencyField(forms.TypedChoiceField):
    """An agency of the scheme by number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **options)
        self.known: dict[int, Agency] = {}

    def offer(self, agencies: Sequence[Agency], nothing: str) -> None:
        self.known = {one.pk: one for one in agencies}
        self.choices = [("", nothing), *((one.pk, one.name) for one in agencies)]

    def clean(self, value: Any) -> Agency | None:
        return self.known.get(super().clean(value))


PERMANENT = (("permanent", "Permanent: asked to every meeting"), ("as_required", "As required: asked when needed"))


class NewSeatForm(SaneForm):
    """A place for a post of an agency."""

    nouns = {"agency": "the agency", "attends": "whether the seat is permanent"}

    agency = AgencyField(label="Agency")
    post = CleanCharField(label="Post", max_length=120, noun="the post")
    attends = forms.ChoiceField(label="Attends", choices=PERMANENT, widget=forms.RadioSelect)

    def __init__(self, *args: Any, agencies: Sequence[Agency], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["agency"].offer(agencies, "Choose an agency")


class AppointForm(SaneForm):
    """Who chairs or stands in, from when, and who agreed to it."""

    nouns = {"role": "the post", "membership": "who is appointed"}

    role = forms.ChoiceField(
        label="Post", choices=[("chair", "Chair"), ("vice_chair", "Vice-chair")], widget=forms.RadioSelect
    )
    membership = PersonField(label="Who", nobody="Choose a person")
    starts_on = DateField(label="From", assume_year=True, noun="the day from which they hold the post")
    words = CleanCharField(label="Who appointed them, and where that was agreed", max_length=300, required=False)

    def __init__(self, *args: Any, people: Sequence[Membership], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["membership"].offer(people, agency=True)


class EndAppointmentForm(SaneForm):
    """The first day on which they no longer hold the post."""

    until = DateField(label="First day without them", assume_year=True, noun="the first day without them")


class ReviewForm(SaneForm):
    """What came of looking at an appointment again."""

    nouns = {"outcome": "what came of it"}

    reviewed_on = DateField(label="Day of the review", assume_year=False, latest="today", noun="the day of the review")
    outcome = forms.ChoiceField(label="What came of it", choices=ChairReview.Outcome.choices, widget=forms.RadioSelect)
    words = CleanCharField(label="Who decided, and why", max_length=300, required=False)


class ProposeForm(SaneForm):
    """Another organisation for a body: one that the scheme knows, or a name."""

    nouns = {"why": "what it would bring"}

    agency = AgencyField(label="Organisation", required=False)
    organisation = CleanCharField(label="Its name, if it is not in the list", max_length=120, required=False)
    post = CleanCharField(label="Who would come", max_length=120, noun="the post of who would come")
    why = CleanCharField(
        label="What would it bring?", max_length=600, widget=forms.Textarea, noun="what it would bring"
    )

    def __init__(self, *args: Any, agencies: Sequence[Agency], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["agency"].offer(agencies, "Not in this list")

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if not given.get("agency") and not given.get("organisation") and "organisation" not in self.errors:
            self.add_error("organisation", "Choose an organisation, or enter its name")
        return given


class AnswerRequestForm(SaneForm):
    """The answer to a proposal; accepted, whether the seat is permanent and which meeting agreed."""

    nouns = {"outcome": "the answer", "attends": "whether the seat is permanent"}

    version = VersionField()
    outcome = forms.ChoiceField(
        label="Answer",
        choices=[(JoinRequest.State.ACCEPTED, "Accept: a seat is made"), (JoinRequest.State.REFUSED, "Do not accept")],
        widget=forms.RadioSelect,
    )
    attends = forms.ChoiceField(
        label="The seat is", choices=PERMANENT, widget=forms.RadioSelect, initial="permanent", required=False
    )
    agreed_at = forms.TypedChoiceField(label="Agreed at the meeting of", coerce=int, empty_value=None, required=False)
    answer = CleanCharField(
        label="What the proposer reads", max_length=600, widget=forms.Textarea, noun="what the proposer reads"
    )

    def __init__(self, *args: Any, held: Sequence[Meeting], **options: Any) -> None:
        super().__init__(*args, **options)
        self.held = {one.pk: one for one in held}
        self.fields["agreed_at"].choices = [
            ("", "Not at a meeting"),
            *((one.pk, str(one)) for one in held),
        ]

    def clean_agreed_at(self) -> Meeting | None:
        return self.held.get(self.cleaned_data["agreed_at"])


class PlanningForm(SaneForm):
    """Whether a body's meetings are planned by themselves, and in which areas it meets."""

    version = VersionField()
    plans_itself = forms.TypedChoiceField(
        label="Next meetings",
        choices=[("1", "Are planned by the cadence"), ("0", "Are planned by hand")],
        coerce=lambda value: value == "1",
        widget=forms.RadioSelect,
    )
    areas = CleanCharField(label="Areas, one on each line", max_length=1000, widget=forms.Textarea, required=False)

    def __init__(self, *args: Any, in_areas: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not in_areas:
            del self.fields["areas"]

    def clean_areas(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["areas"].splitlines() if line.strip()]


class OtherMeetingForm(SaneForm):
    """A day on which the other body meets."""

    date = DateField(label="It meets on", assume_year=True, earliest="today", noun="the day on which it meets")


class PersonForm(SaneForm):
    """To whom somebody answers for what."""

    version = VersionField()
    scheme_to = CleanCharField(label="For the work of the scheme they answer to", max_length=120, required=False)
    scheme_for = CleanCharField(label="What they answer for there", max_length=300, required=False)
    line_manager = CleanCharField(label="Their line manager is", max_length=120, required=False)
    line_for = CleanCharField(label="What they ask the line manager about", max_length=300, required=False)


class TrainingForm(SaneForm):
    """What somebody was trained in."""

    what = CleanCharField(label="Trained in", max_length=120, noun="what they were trained in")
    on = DateField(label="On", latest="today", noun="the day of the training")

"""When and where a meeting is."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, ClockField, DateField, SaneForm, VersionField
from iom.models import Body, Membership, Scheme
from panels.meetings import chairs


class MeetingForm(SaneForm):
    """Date, time, length, place, and who chairs."""

    nouns = {"date": "the date", "starts_at": "the start time", "minutes_long": "how long it lasts"}
    moments = (("date", "starts_at"),)

    date = DateField(label="Date", assume_year=True, earliest="today", noun="the date")
    starts_at = ClockField(label="Start time", noun="the start time")
    minutes_long = forms.IntegerField(
        label="Length in minutes",
        min_value=5,
        max_value=600,
        error_messages={
            "invalid": "The length must be a number of minutes, such as 120",
            "min_value": "The length must be 5 minutes or more",
            "max_value": "The length must be 600 minutes or fewer",
        },
    )
    place = CleanCharField(label="Place or link", max_length=200, required=False)
    chair = forms.TypedChoiceField(label="Chair", required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, scheme: Scheme, **options: Any) -> None:
        super().__init__(*args, **options)
        self.known = {chair.pk: chair for chair in chairs(scheme)}
        self.fields["chair"].choices = [
            ("", "Not named yet"),
            *((pk, f"{chair.user.name}, {chair.agency.name}") for pk, chair in self.known.items()),
        ]

    def clean_chair(self) -> Membership | None:
        return self.known.get(self.cleaned_data["chair"])


class NewMeetingForm(MeetingForm):
    """The same with the body that meets."""

    body = forms.TypedChoiceField(label="Who meets", coerce=int)
    area = forms.ChoiceField(label="Area", required=False)
    times = forms.IntegerField(
        label="How many meetings",
        min_value=1,
        max_value=12,
        required=False,
        error_messages={
            "invalid": "How many meetings must be a number, such as 3",
            "min_value": "Plan at least 1 meeting",
            "max_value": "Plan at most 12 meetings at once",
        },
    )
    others = forms.BooleanField(label="Plan the other panels of the day too, one after another", required=False)
    field_order = ("body", "area", "date", "starts_at", "minutes_long", "place", "chair", "times", "others")

    def __init__(self, *args: Any, scheme: Scheme, bodies: list[Body], **options: Any) -> None:
        super().__init__(*args, scheme=scheme, **options)
        self.bodies = {body.pk: body for body in bodies}
        self.fields["body"].choices = [(pk, body.name) for pk, body in self.bodies.items()]
        areas = list(dict.fromkeys(area for body in bodies for area in body.areas))
        self.fields["area"].choices = [("", "Not in one area"), *((area, area) for area in areas)]
        if not areas:
            del self.fields["area"]
        if not any(body.policy.same_day for body in bodies):
            del self.fields["others"]

    def clean_body(self) -> Body:
        return self.bodies[self.cleaned_data["body"]]

    def clean_times(self) -> int:
        return self.cleaned_data["times"] or 1

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        body = given.get("body")
        if body is not None and body.areas and given.get("area") not in body.areas:
            self.add_error("area", f"Choose the area in which the {body.name} meets")
        return given


class EditMeetingForm(MeetingForm):
    """The same for a meeting that stands; `version` is what its reader saw."""

    version = VersionField()
    new_rhythm = forms.BooleanField(label="The meetings planned after it follow this day", required=False)


class CancelForm(SaneForm):
    """Why a meeting is called off."""

    reason = CleanCharField(label="Why is it called off?", max_length=300, noun="why the meeting is called off")


class AdjournForm(SaneForm):
    """When an adjourned meeting goes on."""

    date = DateField(label="Goes on on", assume_year=True, earliest="today", noun="the date")
    starts_at = ClockField(label="At", noun="the time")

"""Who came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm
from iom.models import Agency
from panels.attendance import Came, Place
from panels.models import Attendance


class PlaceForm(SaneForm):
    """One row of the attendance. Nothing chosen leaves the row unrecorded."""

    how = forms.ChoiceField(label="How", choices=Attendance.How.choices, widget=forms.RadioSelect, required=False)
    name = CleanCharField(label="Name", max_length=120, required=False)
    substitute_name = CleanCharField(label="Who came instead", max_length=120, required=False)
    delegated_authority = forms.BooleanField(label="Can decide for the agency", required=False)

    def __init__(self, place: Place, data: Any = None) -> None:
        self.place = place
        super().__init__(
            data,
            prefix=place.key,
            auto_id="%s",
            initial={
                "how": place.how,
                "name": place.row.name if place.row and place.membership is None else "",
                "substitute_name": place.substitute_name,
                "delegated_authority": bool(place.row and place.row.delegated_authority),
            },
        )
        who = place.name or place.seat.agency.name
        self.fields["how"].label = f"{who}, {place.seat.agency.name}"
        self.fields["substitute_name"].label = f"Who came for {who}"

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        how = given.get("how")
        if how == Attendance.How.SUBSTITUTE and not given.get("substitute_name") and not self.errors:
            self.add_error("substitute_name", f"Enter who came for {self.place.name or self.place.seat.agency.name}")
        named = self.place.membership is not None or given.get("name")
        if how in (Attendance.How.PRESENT, Attendance.How.REMOTE) and not named and "name" not in self.errors:
            self.add_error("name", f"Enter who came from {self.place.seat.agency.name}")
        return given

    def came(self, *, rest_absent: bool) -> Came:
        """What was recorded of the row; with `rest_absent` a row without an answer is absent."""
        given = self.cleaned_data
        return Came(
            key=self.place.key,
            how=given["how"] or (Attendance.How.ABSENT if rest_absent else ""),
            name=given["name"],
            substitute_name=given["substitute_name"],
            delegated_authority=given["delegated_authority"],
        )


class VisitorForm(SaneForm):
    """Somebody who holds no seat: a guest for their item, or an observer."""

    standing = forms.ChoiceField(
        label="Comes as",
        choices=[(value, text) for value, text in Attendance.Standing.choices if value != "member"],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose guest or observer"},
    )
    name = CleanCharField(label="Name", max_length=120)
    post = CleanCharField(label="Post", max_length=120, required=False)
    agency = forms.TypedChoiceField(label="Agency", required=False, coerce=int, empty_value=None)
    agreed_at = forms.CharField(
        label="Invitation agreed at the meeting of",
        widget=forms.Select,
        error_messages={"required": "Choose the meeting that agreed to the invitation, or “Not agreed at a meeting”"},
    )
    how = forms.ChoiceField(
        label="Here",
        choices=[("present", "In the room"), ("remote", "Remote")],
        initial="present",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, agencies: Iterable[Agency], before: Sequence[date], **options: Any) -> None:
        super().__init__(*args, **options)
        self.agencies = {agency.pk: agency for agency in agencies}
        self.fields["agency"].choices = [
            ("", "Another organisation"),
            *((a.pk, a.name) for a in self.agencies.values()),
        ]
        self.fields["agreed_at"].widget.choices = [
            ("", "Choose"),
            *((day.isoformat(), f"{day:%-d %B %Y}") for day in before),
            ("none", "Not agreed at a meeting"),
        ]
        self.days = {day.isoformat(): day for day in before}

    def clean_agency(self) -> Agency | None:
        return self.agencies.get(self.cleaned_data["agency"])

    def clean_agreed_at(self) -> date | None:
        chosen = self.cleaned_data["agreed_at"]
        if chosen != "none" and chosen not in self.days:
            raise forms.ValidationError("Choose the meeting from the list")
        return self.days.get(chosen)

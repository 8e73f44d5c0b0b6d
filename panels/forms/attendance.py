"""Who came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm
from iom.models import Agency, Membership
from panels.attendance import Came, Place
from panels.chairing import Succession
from panels.models import AgendaItem, Attendance
from panels.movements import LONGEST_INTEREST


class PlaceForm(SaneForm):
    """One row of the attendance. Nothing chosen leaves the row unrecorded."""

    how = forms.ChoiceField(label="How", choices=Attendance.How.choices, widget=forms.RadioSelect, required=False)
    name = CleanCharField(label="Name", max_length=120, required=False)
    substitute_name = CleanCharField(label="Who came instead", max_length=120, required=False)
    delegated_authority = forms.BooleanField(label="Has delegated authority", required=False)
    briefed = forms.BooleanField(label="Was briefed", required=False)

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
                "delegated_authority": _said(place, "delegated_authority", place.seat.substitute_authority),
                "briefed": _said(place, "briefed", place.seat.substitute_briefed),
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

    def came(self, *, rest_absent: bool, all_who_said_yes: bool = False) -> Came:
        """What was recorded of the row; with `rest_absent` a row without an answer is absent.

        With `all_who_said_yes` a row that is not recorded yet and was answered with yes is here, whatever is ticked.
        """
        given = self.cleaned_data
        how = Attendance.How.PRESENT if all_who_said_yes and self.place.said_yes else given["how"]
        return Came(
            key=self.place.key,
            how=how or (Attendance.How.ABSENT if rest_absent else ""),
            name=given["name"],
            substitute_name=given["substitute_name"],
            delegated_authority=given["delegated_authority"],
            briefed=given["briefed"],
        )


def _said(place: Place, field: str, named: bool) -> bool:
    """What was recorded of a substitute, else what is known of the one named for the seat."""
    substitute = place.row is not None and place.row.how == Attendance.How.SUBSTITUTE
    return bool(getattr(place.row, field)) if substitute else named


class ChairForm(SaneForm):
    """Who takes the chair, why, and from which item on."""

    who = forms.TypedChoiceField(
        label="Who takes the chair",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who takes the chair"},
    )
    because = CleanCharField(label="Why", max_length=300, noun="why they take the chair")
    item = forms.CharField(label="From item", required=False, max_length=8)

    def __init__(self, *args: Any, by_rule: Succession, items: Iterable[AgendaItem], **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = {row.account.pk: row.account for row in by_rule.everybody if row.account is not None}
        self.fields["who"].choices = [
            (row.account.pk, f"{row.who}, {row.agency.name if row.agency else row.post}")
            for row in by_rule.everybody
            if row.account is not None
        ]
        self.by_number = {item.number: item for item in items}

    def clean_who(self) -> Membership:
        return self.people[self.cleaned_data["who"]]

    def clean_item(self) -> AgendaItem | None:
        return _item(self.cleaned_data["item"].strip(), self.by_number)


def _item(number: str, items: Mapping[str, AgendaItem]) -> AgendaItem | None:
    if number and number not in items:
        raise forms.ValidationError(f"There is no item {number} on this agenda")
    return items.get(number)


class InviteForm(SaneForm):
    """Somebody whom the meeting agrees to invite to its next one."""

    name = CleanCharField(label="Name", max_length=120)
    post = CleanCharField(label="Post", max_length=120, required=False)
    agency = forms.TypedChoiceField(label="Agency", required=False, coerce=int, empty_value=None)
    purpose = CleanCharField(label="For what advice or information", max_length=200, noun="what they are invited for")

    def __init__(self, *args: Any, agencies: Iterable[Agency], **options: Any) -> None:
        super().__init__(*args, **options)
        self.agencies = {agency.pk: agency for agency in agencies}
        self.fields["agency"].choices = [
            ("", "Another organisation"),
            *((a.pk, a.name) for a in self.agencies.values()),
        ]

    def clean_agency(self) -> Agency | None:
        return self.agencies.get(self.cleaned_data["agency"])


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
    items = forms.CharField(
        label="Here for items", required=False, max_length=60, help_text="Such as 3, 4. Blank: the whole meeting"
    )
    how = forms.ChoiceField(
        label="Here",
        choices=[("present", "In the room"), ("remote", "Remote")],
        initial="present",
        widget=forms.RadioSelect,
    )

    def __init__(
        self,
        *args: Any,
        agencies: Iterable[Agency],
        before: Sequence[date],
        items: Iterable[AgendaItem],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.by_number = {item.number: item for item in items}
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

    def clean_items(self) -> list[AgendaItem]:
        numbers = self.cleaned_data["items"].replace(",", " ").split()
        return [item for number in numbers if (item := _item(number, self.by_number)) is not None]

    def clean_agreed_at(self) -> date | None:
        chosen = self.cleaned_data["agreed_at"]
        if chosen != "none" and chosen not in self.days:
            raise forms.ValidationError("Choose the meeting from the list")
        return self.days.get(chosen)


class InterestForm(SaneForm):
    """An interest that somebody declares at an item: one of those who are here at it, and in what."""

    attendance = forms.ChoiceField(
        label="Who declares an interest", error_messages={"required": "Choose who declares an interest"}
    )
    words = CleanCharField(
        label="What interest",
        help_text="This is read out and stands in the minutes.",
        max_length=LONGEST_INTEREST,
        error_messages={"required": "Enter what interest they have"},
    )

    def __init__(self, data: Any, *, here: Iterable[Attendance]) -> None:
        super().__init__(data)
        self._here = {str(row.pk): row for row in here}
        names = [(key, f"{row.who}, {row.agency.name}" if row.agency else row.who) for key, row in self._here.items()]
        self.fields["attendance"].choices = [("", "Choose"), *names]

    @property
    def row(self) -> Attendance:
        """Who declares it, once the form is valid."""
        return self._here[self.cleaned_data["attendance"]]

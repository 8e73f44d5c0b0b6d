"""Custody and release."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from offenders.models import CustodyPeriod, Supervision


class CustodyForm(SaneForm):
    """Where somebody is held, since when, and when they are expected out."""

    kind = forms.ChoiceField(
        label="Status",
        choices=CustodyPeriod.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose if they are on remand or under sentence"},
    )
    prison = CleanCharField(max_length=120, noun="the prison")
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
    version = VersionField()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        began, out = data.get("starts_on"), data.get("release_expected_on")
        if began and out and out < began:
            self.add_error("release_expected_on", "The expected release must be after the date of coming into custody")
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

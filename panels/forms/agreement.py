"""Signing the information sharing agreement."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm
from iom.policy.schema import SharingAgreement
from panels.agreement import tick_words


class SignForm(SaneForm):
    """Each statement to tick, and the name to type."""

    typed_name = CleanCharField(label="Type your full name to sign", max_length=120, noun="your full name")

    def __init__(self, *args: Any, agreement: SharingAgreement, **options: Any) -> None:
        super().__init__(*args, **options)
        self.names = [f"statement_{number}" for number, _ in enumerate(agreement.statements, start=1)]
        for name, words in zip(self.names, agreement.statements, strict=True):
            self.fields[name] = forms.BooleanField(label=words, required=False)
        self.order_fields([*self.names, "typed_name"])
        self.fields["typed_name"].widget.attrs["autocomplete"] = "name"

    @property
    def statements(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names]

    @property
    def agreed(self) -> list[bool]:
        return [bool(self.cleaned_data.get(name)) for name in self.names]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        missing = [name for name in self.names if not given.get(name)]
        if missing:
            self.add_error(missing[0], tick_words(len(self.names)))
        return given

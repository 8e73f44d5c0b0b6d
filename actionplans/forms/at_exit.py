"""What becomes of an open action when somebody leaves."""

from __future__ import annotations

from typing import Any

from django import forms

from actionplans.models import Action, AtExit
from iom.forms import CleanCharField, SaneForm


class AtExitForm(SaneForm):
    """One action: whether it ends, is handed over, or stays with somebody."""

    choice = forms.ChoiceField(
        label="What becomes of it?", choices=AtExit.choices, widget=forms.RadioSelect, required=False
    )
    taken_by = CleanCharField(
        label="Which service or person takes it on?", noun="who takes it on", max_length=120, required=False
    )

    def __init__(self, action: Action, *args: Any, **options: Any) -> None:
        held = getattr(action, "at_exit", None)
        initial = {"choice": held.choice, "taken_by": held.taken_by} if held else {}
        super().__init__(*args, prefix=f"a{action.pk}", initial=initial, **options)
        self.action = action

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("choice") in (AtExit.HANDED_OVER, AtExit.CARRIED) and not data.get("taken_by"):
            self.add_error("taken_by", "Enter which service or person takes it on")
        return data

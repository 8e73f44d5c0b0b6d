"""What is typed on the page of a case's reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from actionplans.models import PanelUpdate
from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm, VersionField


class HeldForm(SaneForm):
    """A review that was held outside a panel's item."""

    kind = forms.ChoiceField(label="Which review")
    on = DateField(label="Held on", noun="the day of the review", latest="today", help_text="")
    words = CleanCharField(label="What came of it", max_length=600, widget=forms.Textarea)

    def __init__(self, data: Any = None, *, kinds: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, prefix="held", initial={"on": clock.today()})
        self.fields["kind"].choices = kinds


class TellForm(SaneForm):
    """What one's agency tells the panel of a case."""

    text = CleanCharField(
        label="Update for the panel", max_length=600, noun="what the panel should know", widget=forms.Textarea
    )
    version = VersionField()

    @classmethod
    def of(cls, update: PanelUpdate | None, data: Any = None) -> TellForm:
        """The form with what the agency has written already."""
        initial = {"text": update.text if update else "", "version": update.version if update else 0}
        return cls(data, prefix="tell", initial=initial)

    def stored_in(self, thing: PanelUpdate) -> dict[str, Any]:
        return {"text": thing.text}

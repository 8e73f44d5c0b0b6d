"""An item that nobody foresaw, added while the meeting is live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm
from panels.late import Found
from panels.models import Section

OF_A_CASE = (Section.REVIEWS, Section.RELEASES, Section.EXITS)
OF_NOBODY = (Section.ESCALATIONS, Section.AOB)
TYPES = [
    (Section.REVIEWS.value, "Review"),
    (Section.RELEASES.value, "Release or re-rating"),
    (Section.EXITS.value, "Exit"),
    (Section.REFERRALS.value, "New referral"),
    (Section.ESCALATIONS.value, "Escalation"),
    (Section.AOB.value, "Any other business"),
]


class LateItemForm(SaneForm):
    """Whom or what it is about, and of which type: a person by name or reference, or a title where it is nobody."""

    nouns = {"section": "the type of item"}

    person = CleanCharField(
        label="Person",
        max_length=100,
        required=False,
        help_text="Name or reference. Empty if it is about nobody.",
    )
    thing = forms.ChoiceField(label="Which person", widget=forms.RadioSelect, required=False)
    section = forms.ChoiceField(label="Type", choices=TYPES)
    title = CleanCharField(
        label="Title", max_length=120, required=False, help_text="Only for an item about nobody. No names."
    )

    def __init__(self, data: Any = None, *, matches: Sequence[Found] = ()) -> None:
        self.matches = matches
        super().__init__(data, auto_id="late-%s")
        self.fields["thing"].choices = [(each.key, each.words) for each in matches]
        if len(matches) == 1:
            self.fields["thing"].initial = matches[0].key

    @property
    def chosen(self) -> Found | None:
        """Whom the item is about; of one match that one."""
        key = self.cleaned_data.get("thing") or (self.matches[0].key if len(self.matches) == 1 else "")
        return next((each for each in self.matches if each.key == key), None)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        section = given.get("section")
        if section in OF_NOBODY and not given.get("person"):
            if not given.get("title") and "title" not in self.errors:
                self.add_error("title", "Enter a title")
            return given
        if not given.get("person"):
            self.add_error("person", "Enter a name or a reference")
        elif not self.matches:
            self.add_error("person", f"No case or nomination matches “{given['person']}”. Check the spelling")
        elif self.chosen is None:
            self.add_error("thing", "Choose which person")
        elif section not in self.chosen.sections:
            self.add_error("section", f"{self.chosen.reference} is a {self.chosen.kind}: choose another type")
        return given

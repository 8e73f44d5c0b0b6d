"""Which criteria are tried, with which figures; and what a file of the result asks."""

from __future__ import annotations

from typing import Any

from django import forms

from iom.forms import CleanCharField, SaneForm
from iom.policy import Policy
from iom.policy.joining import Criteria
from referrals import trying

STATES = {"in_force": "in force", "draft": "draft"}


class TrialForm(SaneForm):
    """A set of criteria, and its figures as they are or moved."""

    criteria = forms.ChoiceField(
        label="Criteria to try",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the criteria to try", "invalid_choice": "Choose the criteria to try"},
    )

    def __init__(self, policy: Policy, data: Any, **options: Any) -> None:
        self.policy = policy
        self.chosen = _chosen(policy, data.get("criteria"))
        held = data.copy()
        held.setdefault("criteria", self.chosen.name)
        self.figures = trying.thresholds(self.chosen)
        # Figures of other criteria mean nothing here: those of the chosen set stand in their place.
        for each in self.figures:
            held.setdefault(each.name, str(each.value))
        super().__init__(held, **options)
        self.fields["criteria"].choices = [
            (each.name, f"{each.label} ({STATES[each.state]})") for each in policy.eligibility
        ]
        for each in self.figures:
            self.fields[each.name] = forms.IntegerField(
                label=each.label,
                min_value=each.low,
                max_value=each.high,
                error_messages={
                    "required": f"Enter a whole number from {each.low} to {each.high}",
                    "invalid": f"Enter a whole number from {each.low} to {each.high}",
                },
            )
        if not trying.asks_for_ovp(self.chosen):
            self.fields["also_ovp"] = forms.IntegerField(
                label="And in every clause an OVP of at least (optional)", min_value=0, max_value=100, required=False
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for each in self.figures:
            least, most = f"{each.name.removesuffix('.at_most')}.at_least", each.name
            both = each.name.endswith(".at_most") and None not in (data.get(least), data.get(most))
            if both and data[least] > data[most]:
                self.add_error(most, "The upper figure must not lie below the lower one")
        return data

    @property
    def clauses(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The figures by the clause in which they stand."""
        found: dict[str, list[forms.BoundField]] = {}
        for each in self.figures:
            found.setdefault(each.clause, []).append(self[each.name])
        return list(found.items())

    @property
    def tried(self) -> Criteria:
        data = self.cleaned_data
        return trying.tried(self.chosen, {each.name: data[each.name] for each in self.figures}, data.get("also_ovp"))

    @property
    def moved(self) -> list[str]:
        """What differs from the scheme's own figures, in words."""
        data = self.cleaned_data
        words = [
            f"{each.label} {data[each.name]} instead of {each.value}"
            for each in self.figures
            if data[each.name] != each.value
        ]
        return [*words, *([f"OVP: at least {data['also_ovp']}"] if data.get("also_ovp") is not None else [])]

    @property
    def asked(self) -> dict[str, str]:
        """Everything that was chosen, for the file and its event."""
        data = self.cleaned_data
        return {name: str(value) for name, value in data.items() if value is not None}


class ExportForm(SaneForm):
    """Why a file is needed and who will have it (security.md E1)."""

    reason = CleanCharField(label="Why do you need the file?", noun="why you need the file", max_length=300)
    recipient = CleanCharField(
        label="Who will receive it?",
        noun="who will receive it",
        max_length=200,
        help_text="For example, yourself, or the post and organisation of somebody else.",
    )


def _chosen(policy: Policy, name: Any) -> Criteria:
    """The criteria of that name; else the first draft, since drafts are there to be tried; else those in force."""
    named = next((each for each in policy.eligibility if each.name == name), None)
    drafts = (each for each in policy.eligibility if each.state == "draft")
    return named or next(drafts, policy.criteria())

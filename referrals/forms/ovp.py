"""What OVP asks beside the facts of the reoffending score: nine answers of an assessment (OASys)."""

from __future__ import annotations

from typing import Any

from django import forms

from iom import clock
from iom.forms import SaneForm, VersionField
from referrals import ovp, ovp_scoring
from referrals.forms.nomination import NOT_KNOWN, TRUTH, as_choice, yes_or_no
from referrals.models import Referral
from referrals.offences import offence as offence_of

LEVELS = (
    (ovp.Level.NO_PROBLEMS.value, "No problems"),
    (ovp.Level.SOME_PROBLEMS.value, "Some problems"),
    (ovp.Level.SIGNIFICANT_PROBLEMS.value, "Significant problems"),
    (NOT_KNOWN, "Not known"),
)
# By the questions of OASys that ask the same.
QUESTIONS = {
    "recognises_impact_on_others": "Does the person recognise the impact of offending on others? (2.6)",
    "no_fixed_abode_or_transient": "Is the person of no fixed abode, or in transient accommodation? (3.3)",
    "unemployed": "Is the person unemployed? (4.2)",
    "current_alcohol_use_problems": "Is current alcohol use a problem? (9.1)",
    "excessive_alcohol_use": "Was there excessive alcohol use in the last 6 months? (9.2)",
    "current_psychiatric_treatment": "Is there psychiatric treatment, now or pending? (10.7)",
    "temper_control": "Is temper control a problem? (11.4)",
    "pro_criminal_attitudes": "Are pro-criminal attitudes a problem? (12.1)",
}
HINTS = {"unemployed": "Somebody who is not available for work counts as no."}


class OvpForm(SaneForm):
    """The nine answers. What is not known stays open: without all of them there is no score."""

    version = VersionField()
    total_number_of_violent_sanctions = forms.IntegerField(
        label="Number of violent sanctions (1.40)",
        required=False,
        error_messages={"invalid": "Number of violent sanctions must be a whole number, such as 3"},
    )

    def __init__(self, data: Any = None, *, referral: Referral, **options: Any) -> None:
        self.referral = referral
        super().__init__(data, initial=self._stored(), **options)
        self.fields[ovp_scoring.VIOLENT].help_text = self._count_hint()
        for name, question in QUESTIONS.items():
            if name in ovp_scoring.LEVELS:
                self.fields[name] = forms.ChoiceField(
                    label=question, choices=LEVELS, widget=forms.RadioSelect, required=False
                )
            else:
                self.fields[name] = yes_or_no(question, required=False, help_text=HINTS.get(name, ""))

    def _count_hint(self) -> str:
        """How to count; the flag of the current offence suggests, and never overrules the assessor."""
        hint = "Occasions on which a violent offence was dealt with, the current one included."
        offence = offence_of(self.referral.offence_code) if self.referral.offence_code else None
        if offence is None:
            return hint
        counts = "counts" if offence.violent else "does not count"
        return f"{hint} In the Home Office's list the current offence {counts} as violent."

    def _stored(self) -> dict[str, Any]:
        held = self.referral.ovp_facts
        shown = {name: as_choice(v, answered=True) if isinstance(v, bool) else v for name, v in held.items()}
        return shown | {"version": self.referral.version}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for each in ovp.form_problems(ovp_scoring.facts(self.referral, self.answers()), clock.today()):
            if each.field in self.fields:
                self.add_error(each.field, each.message)
        return data

    def answers(self) -> dict[str, Any]:
        """The answers by the names of the facts; None is not known."""
        return {name: self._answer(name) for name in ovp_scoring.ASSESSED}

    def _answer(self, name: str) -> Any:
        given = self.cleaned_data.get(name)
        if name == ovp_scoring.VIOLENT:
            return given
        if name in ovp_scoring.LEVELS:
            return given if given and given != NOT_KNOWN else None
        return TRUTH.get(given or "")

    @property
    def shown(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name != "version"]

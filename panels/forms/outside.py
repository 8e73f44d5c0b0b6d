"""A decision made between two meetings: why at once, who was asked, what was decided, by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.models import Agency, Membership
from iom.policy import Policy
from offenders.leads import LeadProposal
from offenders.models import AssignmentRole
from panels.accepting import Lead
from panels.live import Table
from panels.models import Consulted, Outcome
from panels.outside import OUTCOMES, Asked, Urgent
from panels.words import CHOICE_WORDS

from .live import AGAINST_THE_RULE, LABELS, PERSON_FIELDS, chosen_person, people_choices

# So many agencies can be entered; the first rows stand open.
ROWS, OPEN_ROWS = 8, 3
LONGEST = 600


class AskedForm(SaneForm):
    """One agency that was asked. A row without an agency and without words is left out."""

    nouns = {"agency": "the agency", "name": "who spoke for it", "how": "how they were asked", "said": "what they said"}

    agency = forms.ChoiceField(label="Agency", required=False)
    name = CleanCharField(label="Who spoke for it", max_length=120, required=False)
    how = forms.ChoiceField(label="How", choices=[("", "Choose"), *Consulted.By.choices], required=False)
    on = DateField(label="When", latest="today", required=False, help_text="", noun="the day they were asked")
    said = CleanCharField(label="What they said", max_length=LONGEST, required=False, widget=forms.Textarea)

    def __init__(self, agencies: tuple[Agency, ...], number: int, data: Mapping[str, Any] | None, today: date) -> None:
        self.agencies, self.number = agencies, number
        super().__init__(data, prefix=f"asked-{number}", initial={"on": today}, auto_id="%s")
        self.fields["agency"].choices = [("", "Choose"), *((each.slug, each.name) for each in agencies)]

    @property
    def is_used(self) -> bool:
        """Whether anything was put into the row. The day stands there from the start."""
        return any(self[name].value() for name in ("agency", "name", "how", "said"))

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if self.is_used:
            for name, words in (
                ("agency", "Choose the agency that was asked"),
                ("name", "Enter who spoke for the agency"),
                ("how", "Choose how they were asked"),
                ("on", "Enter the day they were asked"),
                ("said", "Enter what they said"),
            ):
                if name not in self.errors and not given.get(name):
                    self.add_error(name, words)
        return given

    def asked(self) -> Asked:
        given = self.cleaned_data
        agency = next(each for each in self.agencies if each.slug == given["agency"])
        return Asked(agency, given["name"], given["how"], given["on"], given["said"])


class OutsideForm(SaneForm):
    """The decision itself. Who was asked stands in rows of their own (`asked`)."""

    nouns = {"reason": "a reason"}

    version = VersionField()
    urgent_because = CleanCharField(
        label="Why can this not wait for the panel?", max_length=2000, widget=forms.Textarea, multiline=True
    )
    outcome = forms.ChoiceField(
        label="What was decided?",
        choices=[(outcome.value, CHOICE_WORDS[outcome]) for outcome in OUTCOMES],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what was decided"},
    )
    colour = forms.ChoiceField(label="Rating", widget=forms.RadioSelect, required=False)
    lead_agency = forms.ChoiceField(label="Lead agency", required=False)
    lead_reason = CleanCharField(label="If not by the rule, why", max_length=300, required=False)
    lead_professional = forms.ChoiceField(label="Lead professional", required=False)
    lead_professional_name = CleanCharField(
        label="Lead professional without an account", max_length=120, required=False
    )
    police_officer = forms.ChoiceField(label="Police officer", required=False)
    police_officer_name = CleanCharField(label="Police officer without an account", max_length=120, required=False)
    reason = CleanCharField(
        label="Reason",
        max_length=LONGEST,
        widget=forms.Textarea,
        help_text="The next panel reads it, and it stands in the minutes.",
    )
    reason_for_referrer = CleanCharField(
        label="What the referrer may be told",
        max_length=LONGEST,
        required=False,
        widget=forms.Textarea,
        help_text="For the notice. You can change it before the notice goes.",
    )
    decided_by = forms.ChoiceField(
        label="Who decided?",
        help_text="Whoever chairs and answers for it. They are told that it was recorded as theirs.",
        error_messages={"required": "Choose who decided"},
    )
    decided_on = DateField(label="When was it decided?", latest="today", noun="the day of the decision")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        table: Table,
        deciders: tuple[Membership, ...],
        policy: Policy,
        proposal: LeadProposal | None,
        proposed: Agency | None,
        today: date,
        initial: Mapping[str, Any],
    ) -> None:
        self.table, self.deciders, self.policy = table, deciders, policy
        self.proposal, self.proposed = proposal, proposed
        super().__init__(data, initial=dict(initial), auto_id="%s")
        self.asked = [AskedForm(table.agencies, number, data, today) for number in range(ROWS)]
        self.fields["colour"].choices = [(str(rating.colour), rating.name) for rating in policy.ratings]
        self.fields["lead_agency"].choices = [("", "Choose"), *((each.slug, each.name) for each in table.agencies)]
        self.fields["lead_professional"].choices = people_choices(table.people)
        self.fields["police_officer"].choices = people_choices(table.police)
        self.fields["decided_by"].choices = people_choices(deciders)

    @property
    def every_form(self) -> list[SaneForm]:
        return [self, *(row for row in self.asked if row.is_used)]

    @property
    def open_rows(self) -> list[AskedForm]:
        """The rows that stand open: the first ones, and any in which something was typed."""
        used = max((row.number for row in self.asked if row.is_used), default=-1)
        return self.asked[: max(OPEN_ROWS, used + 1)]

    @property
    def folded_rows(self) -> list[AskedForm]:
        return self.asked[len(self.open_rows) :]

    def is_valid(self) -> bool:
        rows = [row.is_valid() for row in self.asked]  # each says what is wrong with it
        return all([super().is_valid(), *rows])

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("outcome") == Outcome.ACCEPT:
            if not given.get("colour"):
                self.add_error("colour", "Choose a rating")
            self._needs_leads(given)
        elif given.get("outcome") and not given.get("reason_for_referrer"):
            self.add_error("reason_for_referrer", "Enter a reason that the referrer may see")
        return given

    def _needs_leads(self, given: dict[str, Any]) -> None:
        if not given.get("lead_agency"):
            self.add_error("lead_agency", "Choose the lead agency")
        elif self.proposed and given["lead_agency"] != self.proposed.slug and not given.get("lead_reason"):
            self.add_error("lead_reason", AGAINST_THE_RULE)
        for role in PERSON_FIELDS:
            rule = self.policy.lead(role)
            if rule and rule.required and not given.get(role) and not given.get(f"{role}_name"):
                self.add_error(role, f"Choose a {LABELS[role].lower()}")

    def urgent(self) -> Urgent:
        """What was written down, for `outside.decide`. Only for a valid form."""
        given = self.cleaned_data
        accepts = given["outcome"] == Outcome.ACCEPT
        return Urgent(
            urgent_because=given["urgent_because"],
            asked=tuple(row.asked() for row in self.asked if row.is_used),
            outcome=given["outcome"],
            reason=given["reason"],
            decided_by=chosen_person(self.deciders, given["decided_by"]),
            decided_on=given["decided_on"],
            colour=given["colour"] if accepts else "",
            reason_for_referrer=given["reason_for_referrer"],
            leads=self._leads() if accepts else {},
        )

    def _leads(self) -> dict[str, Lead]:
        given = self.cleaned_data
        agency = next(each for each in self.table.agencies if each.slug == given["lead_agency"])
        by_rule = self.proposal.reason if self.proposal and agency == self.proposed else ""
        leads = {AssignmentRole.LEAD_AGENCY.value: Lead(agency, reason=given["lead_reason"] or by_rule)}
        police = next((each for each in self.table.agencies if each.kind == "police"), agency)
        for role in PERSON_FIELDS:
            person = chosen_person(self.table.people, given.get(role))
            if person is not None:
                leads[role] = Lead(person.agency, person)
            elif given.get(f"{role}_name"):
                leads[role] = Lead(police if role == "police_officer" else agency, name=given[f"{role}_name"])
        return leads

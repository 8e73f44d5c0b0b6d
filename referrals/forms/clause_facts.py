"""What the scheme's clauses and sub-cohorts ask of whoever nominates, as questions of the nomination form.

The names are those of the eligibility rules (design.md 6), beside `history`: the types of offence on the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from iom.forms import CleanCharField
from iom.policy import Policy
from iom.policy.joining import AllOf, AnyOf, Expression, OffenceTest
from referrals import eligibility

YES, NO, NOT_KNOWN, NONE = "yes", "no", "not_known", "none"
TRUTH = {YES: True, NO: False, NOT_KNOWN: None}
# Questions that yes, no or not knowing answers; what has a question of its own elsewhere is not here.
FLAGS = {
    "marac": "Is the person engaged by the MARAC, as victim or perpetrator?",
    "dyo": "Is the person engaged by the Deter Young Offenders panel?",
    "repeat_offender": "Is this a repeat offender?",
    "ppo": "Is this a prolific and other priority offender?",
    "top_ten": "Is the person one of the area's “top ten”?",
    "prolific": "Is this a prolific offender?",
    "would_benefit": "Would the person benefit from integrated offender management?",
    "force_priority": "Is the person's offending a priority of the police force?",
    "domestic_abuse_perpetrator": "Do the police list the person as a repeat perpetrator of domestic abuse?",
    "on_yot_order": "Is the person on a youth offending team's order?",
}
HISTORY, EXCEPTIONAL = "history", "exceptional_circumstances"
# The field of the written case for exceptional circumstances.
CASE = "exceptional_case"
OFFENCES = {
    "burglary": "Burglary",
    "robbery": "Robbery",
    "vehicle_crime": "Vehicle crime",
    "theft": "Theft other than from shops",
    "shoplifting": "Theft from shops",
    "violence": "Violence",
    "sexual": "Sexual offences",
    "drugs": "Drugs",
    "criminal_damage": "Criminal damage",
    "fraud": "Fraud",
    "other": "Other offences",
}
GRADES = (("low", "Low"), ("medium", "Medium"), ("high", "High"), ("very_high", "Very high"), (NOT_KNOWN, "Not known"))


def asked_by(policy: Policy, criteria: str) -> tuple[str, ...]:
    """The facts that a nomination for these criteria asks for, each once: of its clauses, then of the sub-cohorts."""
    chosen = policy.criteria(criteria or None)
    whens = [clause.when for clause in chosen.clauses]
    whens += [
        each.when
        for each in policy.sub_cohorts
        if each.when is not None and not _of_other(policy, each.slug, chosen.name)
    ]
    facts = dict.fromkeys(fact for when in whens for fact in eligibility.facts_of(when))
    found = [fact for fact in facts if fact in FLAGS or fact in ("asset_score", "serious_harm", EXCEPTIONAL)]
    if any(test.within_months is None for when in whens for test in _offences(when)):
        found.append(HISTORY)
    return tuple(found)


def _of_other(policy: Policy, sub_cohort: str, chosen: str) -> bool:
    """Whether a sub-cohort has criteria of its own that are not those chosen (Richmond: Deter Young Offenders)."""
    return any(each.name == sub_cohort for each in policy.criteria_in_force) and sub_cohort != chosen


def _offences(expression: Expression) -> Iterator[OffenceTest]:
    if isinstance(expression, OffenceTest):
        yield expression
    elif isinstance(expression, AllOf | AnyOf):
        for part in expression.of:
            yield from _offences(part)


def fields(asked: tuple[str, ...]) -> dict[str, forms.Field]:
    """The fields of the form, by name."""
    made: dict[str, forms.Field] = {}
    for fact in asked:
        made[f"fact_{fact}"] = _field(fact)
        if fact == EXCEPTIONAL:
            made[CASE] = CleanCharField(
                label="What they are",
                noun="what the exceptional circumstances are",
                max_length=4000,
                widget=forms.Textarea,
                required=False,
                help_text="Show clearly that the person poses a high risk of harm or of reoffending. "
                "Whoever puts the person forward comes to the panel to present this and to answer questions.",
            )
    return made


def _field(fact: str) -> forms.Field:
    if fact == HISTORY:
        return forms.MultipleChoiceField(
            label="Which types of offence are on the record? (optional)",
            help_text="Choose all that apply. Leave it open if you do not know.",
            choices=[*OFFENCES.items(), (NONE, "None of these")],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )
    if fact == "asset_score":
        return forms.IntegerField(
            label="Asset score (optional)",
            required=False,
            min_value=0,
            max_value=1000,
            error_messages={"invalid": "Asset score must be a whole number, such as 24"},
        )
    if fact == "serious_harm":
        label = "What is the risk of serious harm to others?"
        return forms.ChoiceField(label=label, choices=GRADES, widget=forms.RadioSelect, required=False)
    label = FLAGS.get(fact, "Do you rely on exceptional circumstances?")
    choices = [(YES, "Yes"), (NO, "No"), (NOT_KNOWN, "Not known")]
    if fact == EXCEPTIONAL:
        choices = choices[:2]
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, required=False)


def shown(facts: Mapping[str, Any], asked: tuple[str, ...]) -> dict[str, Any]:
    """The answers that we hold, as the fields show them."""
    held: dict[str, Any] = {}
    for fact in asked:
        if fact not in facts:
            continue
        value = facts[fact]
        if fact == HISTORY:
            held[f"fact_{fact}"] = value or [NONE]
        elif fact == EXCEPTIONAL:
            held |= {f"fact_{fact}": YES if value.strip() else NO, CASE: value}
        elif isinstance(value, bool):
            held[f"fact_{fact}"] = YES if value else NO
        else:
            held[f"fact_{fact}"] = value
    return held


def contradicts(data: Mapping[str, Any]) -> bool:
    """Whether somebody chose both types of offence and none."""
    chosen = data.get(f"fact_{HISTORY}") or []
    return NONE in chosen and len(chosen) > 1


def kept(before: Mapping[str, Any], data: Mapping[str, Any], asked: tuple[str, ...]) -> dict[str, Any]:
    """All facts of the nomination once these are answered; what is not known is absent."""
    facts = {name: value for name, value in before.items() if name not in asked}
    for fact in asked:
        if (value := _answer(fact, data)) is not None:
            facts[fact] = value
    return facts


def _answer(fact: str, data: Mapping[str, Any]) -> Any:
    given = data.get(f"fact_{fact}")
    if given in (None, "", [], NOT_KNOWN):
        return None
    if fact == HISTORY:
        return [kind for kind in given if kind != NONE]
    if fact == EXCEPTIONAL:
        return {YES: data.get(CASE, "") or None, NO: ""}[given]
    return given if fact in ("asset_score", "serious_harm") else TRUTH[given]

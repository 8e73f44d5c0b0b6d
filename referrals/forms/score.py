"""What the score page asks: what else the scheme's clauses turn on, and the official score."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.policy import Policy
from iom.policy.joining import AllOf, AnyOf, Expression, FlagTest
from referrals import scoring
from referrals.forms.nomination import FACT_QUESTIONS, NO, NOT_KNOWN, TRUTH, YES, as_choice, text_area, yes_or_no
from referrals.models import Referral, Supervision

OFFENCE_WORDS = {
    "burglary": "a burglary",
    "robbery": "a robbery",
    "vehicle_crime": "vehicle crime",
    "theft": "a theft other than from shops",
    "shoplifting": "shoplifting",
    "violence": "violence",
    "sexual": "a sexual offence",
    "drugs": "a drug offence",
    "criminal_damage": "criminal damage",
    "fraud": "fraud",
    "other": "another offence",
}
MAPPA_LEVELS = (
    ("0", "Not managed under MAPPA"),
    ("1", "Level 1"),
    ("2", "Level 2"),
    ("3", "Level 3"),
    (NOT_KNOWN, "Not known"),
)
HARM_GRADES = (("low", "Low"), ("medium", "Medium"), ("high", "High"), ("very_high", "Very high"))


class FactsForm(SaneForm):
    """The questions that decide under the scheme's clauses (`scoring.questions`), and no others."""

    version = VersionField()

    def __init__(self, data: Any = None, *, referral: Referral, asked: list[str], **options: Any) -> None:
        self.referral, self.asked = referral, asked
        policy = referral.scheme.policy
        criteria = scoring.criteria_of(referral)
        self.question = scoring.offence_question(criteria)
        self.team = scoring.judging_team(criteria)
        super().__init__(data, initial=self._stored(), **options)
        for fact in asked:
            self.fields.update(self._fields_for(fact, policy))
        self.order_fields([name for name in self.fields if name != "version"])

    def _fields_for(self, fact: str, policy: Policy) -> dict[str, forms.Field]:
        if fact == "offences":
            return self._offence_fields()
        if fact == "exceptional_circumstances":
            return {
                "exceptional": yes_or_no("Are there exceptional circumstances?", required=False),
                "exceptional_circumstances": text_area(
                    "What they are",
                    noun="what the exceptional circumstances are",
                    required=False,
                    help_text=(
                        "Explain why the score does not tell the whole story. Whoever put the person forward "
                        "presents it at the panel and answers questions."
                    ),
                ),
                "presenter": CleanCharField(
                    label="Presented at the panel by",
                    noun="who will present this at the panel",
                    max_length=120,
                    required=False,
                ),
            }
        if fact == "high_risk_of_harm" and self.team:
            return {
                fact: yes_or_no(_question(fact, policy), required=False),
                "harm_because": text_area(
                    f"Why the {self.team} judges so",
                    noun="why the risk of harm is judged so",
                    limit=1000,
                    required=False,
                    help_text="Kept with your name and today's date. Do not name victims.",
                ),
            }
        if fact == "mappa_level":
            label = "At which MAPPA level is the person managed?"
            return {fact: _choice(label, MAPPA_LEVELS, "the MAPPA level")}
        if fact == "serious_harm":
            choices = (*HARM_GRADES, (NOT_KNOWN, "Not known"))
            return {fact: _choice("What is the risk of serious harm to others?", choices, "the risk of serious harm")}
        if fact in ("ovp", "asset_score"):
            return {fact: _number(fact)}
        return {fact: yes_or_no(_question(fact, policy), required=False)}

    def _offence_fields(self) -> dict[str, forms.Field]:
        question = self.question
        kinds = [OFFENCE_WORDS[kind] for kind in question.types]
        recent = f" in the last {question.within_months} months" if question.within_months else " on the record"
        fields: dict[str, forms.Field] = {
            "offences": yes_or_no(f"Has there been {_either(kinds)}{recent}?", required=False),
            "offence_type": _choice(
                "Which offence was it?",
                [(kind, words[:1].upper() + words[1:]) for kind, words in zip(question.types, kinds, strict=True)],
                "which offence it was",
            ),
            "offence_date": DateField(
                label="When was it committed?", noun="the date of the offence", required=False, latest="today"
            ),
        }
        if question.in_community:
            fields["offence_in_community"] = yes_or_no("Was the person in the community then?", required=False)
        return fields

    def _stored(self) -> dict[str, Any]:
        """What is known now, as the fields show it."""
        referral = self.referral
        held: dict[str, Any] = {"version": referral.version}
        for fact in self.asked:
            held |= self._stored_answer(fact)
        return held

    def _stored_answer(self, fact: str) -> dict[str, Any]:
        referral = self.referral
        if fact == "high_risk_of_harm":
            if not self.team:
                return {fact: as_choice(referral.high_risk_of_harm, answered=False)}
            judged = scoring.judgement_of(referral)
            return {fact: as_choice(judged.high, answered=True), "harm_because": judged.reason} if judged else {}
        if fact == "statutory":
            return {fact: {Supervision.YES: YES, Supervision.NO: NO}.get(referral.supervision, "")}
        if fact == "exceptional_circumstances":
            return self._stored_circumstances()
        if fact not in referral.facts:
            return {}
        value = referral.facts[fact]
        if fact == "offences":
            return self._stored_offence(value)
        return {fact: as_choice(value, answered=True) if isinstance(value, bool) else value}

    def _stored_circumstances(self) -> dict[str, Any]:
        held = {"presenter": self.referral.presenter}
        words = self.referral.facts.get("exceptional_circumstances")
        if words is None:
            return held
        return held | {"exceptional": YES if words.strip() else NO, "exceptional_circumstances": words}

    def _stored_offence(self, offences: list[dict[str, Any]]) -> dict[str, Any]:
        counted = [each for each in offences if self.question and each["type"] in self.question.types]
        if not counted:
            return {"offences": NO}
        newest = max(counted, key=lambda each: each.get("date") or "")
        outside = newest.get("in_community")
        return {
            "offences": YES,
            "offence_type": newest["type"],
            "offence_date": date.fromisoformat(newest["date"]) if newest.get("date") else None,
            "offence_in_community": as_choice(outside, answered=True),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("offences") == YES:
            self._need("offence_type", "Choose which offence it was")
            if self.question.within_months:
                self._need("offence_date", "Enter the date of the offence")
        if data.get("exceptional") == YES:
            self._need("exceptional_circumstances", "Enter what the exceptional circumstances are")
            self._need("presenter", "Enter who will present this at the panel")
        if data.get("high_risk_of_harm") in (YES, NO):
            self._need("harm_because", "Enter why the risk of harm is judged so")
        return data

    def _need(self, name: str, words: str) -> None:
        if name in self.cleaned_data and self.cleaned_data[name] in (None, ""):
            self.add_error(name, words)

    def answers(self) -> dict[str, Any]:
        """The facts by the names of the rules; None is not known."""
        return {fact: self._answer(fact) for fact in self.asked}

    def beside(self) -> dict[str, str]:
        """What goes with the answers: why the team judges so, and who presents exceptional circumstances."""
        data = self.cleaned_data
        presenter = data.get("presenter", "") if data.get("exceptional") == YES else ""
        return {"harm_because": data.get("harm_because", ""), "presenter": presenter}

    def _answer(self, fact: str) -> Any:
        data = self.cleaned_data
        if fact == "offences":
            return self._offences()
        if fact == "exceptional_circumstances":
            return {YES: data[fact], NO: ""}.get(data["exceptional"])
        if fact == "mappa_level":
            return int(data[fact]) if data[fact].isdigit() else None
        if fact == "serious_harm":
            return data[fact] if data[fact] not in ("", NOT_KNOWN) else None
        if fact in ("ovp", "asset_score"):
            return data[fact]
        return TRUTH.get(data[fact])

    def _offences(self) -> list[dict[str, Any]] | None:
        """What is known of offences: those of other kinds stay, those that the question is about are answered anew."""
        data = self.cleaned_data
        if data["offences"] not in (YES, NO):
            return None
        others = [each for each in self.referral.facts.get("offences") or [] if each["type"] not in self.question.types]
        if data["offences"] == NO:
            return others
        when = data["offence_date"]
        found = {"type": data["offence_type"], "date": when.isoformat() if when else None}
        if self.question.in_community:
            found["in_community"] = TRUTH.get(data["offence_in_community"])
        return [*others, {name: value for name, value in found.items() if value is not None}]

    @property
    def shown(self) -> list[forms.BoundField]:
        """The questions in their order, without those that another one reveals."""
        revealed = {"offence_type", "offence_date", "offence_in_community", "exceptional_circumstances", "version"}
        revealed |= {"harm_because", "presenter"}
        return [bound for bound in self if bound.name not in revealed]

    @property
    def offence_details(self) -> list[forms.BoundField]:
        names = ("offence_type", "offence_date", "offence_in_community")
        return [self[name] for name in names if name in self.fields]


class OfficialScoreForm(SaneForm):
    """The score as probation's own system gives it."""

    nouns = {"pct_2yr": "the official score within 2 years", "pct_1yr": "the official score within 1 year"}
    pct_2yr = forms.IntegerField(
        label="Within 2 years, per cent",
        min_value=1,
        max_value=99,
        error_messages={
            "invalid": "The score must be a whole number, such as 82",
            "min_value": "A score must be 1 to 99 per cent",
            "max_value": "A score must be 1 to 99 per cent",
        },
    )
    pct_1yr = forms.IntegerField(
        label="Within 1 year, per cent (optional)",
        min_value=1,
        max_value=99,
        required=False,
        error_messages={
            "invalid": "The score must be a whole number, such as 64",
            "min_value": "A score must be 1 to 99 per cent",
            "max_value": "A score must be 1 to 99 per cent",
        },
    )
    scored_on = DateField(
        label="Date of the official score",
        noun="the date of the official score",
        latest="today",
        help_text="For example, 13 3 2026.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        one, two = data.get("pct_1yr"), data.get("pct_2yr")
        if one and two and one > two:
            self.add_error("pct_1yr", "The score within 1 year cannot be higher than the score within 2 years")
        return data


def _choice(label: str, choices: Any, called: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=list(choices),
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": f"Choose {called} from the list"},
    )


def _number(fact: str) -> forms.IntegerField:
    label, most = {
        "ovp": ("OVP score (violence), per cent", 100),
        "asset_score": ("Asset score", 1000),
    }[fact]
    return forms.IntegerField(
        label=f"{label} (optional)",
        required=False,
        min_value=0,
        max_value=most,
        error_messages={"invalid": f"{label} must be a whole number"},
    )


def _question(fact: str, policy: Policy) -> str:
    """A yes-or-no question in the words of the scheme where it says who judges."""
    if fact == "high_risk_of_harm":
        return f"Does the {_judge(fact, policy)} judge the risk of harm to be high?"
    if fact == "statutory":
        return "Is the person under probation supervision?"
    return FACT_QUESTIONS[fact]


def _judge(fact: str, policy: Policy) -> str:
    clauses = (clause for criteria in policy.eligibility for clause in criteria.clauses)
    return next((clause.judged_by for clause in clauses if clause.judged_by and _asks(clause.when, fact)), policy.team)


def _asks(expression: Expression, fact: str) -> bool:
    if isinstance(expression, AllOf | AnyOf):
        return any(_asks(part, fact) for part in expression.of)
    return isinstance(expression, FlagTest) and expression.fact == fact


def _either(words: list[str]) -> str:
    """`a burglary or a robbery`: the words bring their article."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

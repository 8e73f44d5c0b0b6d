"""What a nomination asks: the questions before it starts, its seven sections, and how it ends.

A section's form judges twice: whole, for "Save and continue", and `partial`, for what is saved on the way. In both,
`answers()` gives what can be stored, and `left_over()` what was typed and cannot, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm
from iom.jinja import day_month, lower_first
from iom.policy import Policy
from iom.policy.joining import AllOf, AnyOf, Clause, Expression, FlagTest
from offenders.models import Gender
from referrals import ogrs
from referrals.deciding import Panels
from referrals.forms import clause_facts
from referrals.models import MainDriver, Referral, Supervision
from referrals.prefill import Known
from referrals.sections import BY_SLUG

YES, NO, NOT_KNOWN = "yes", "no", "not_known"
TRUTH = {YES: True, NO: False, NOT_KNOWN: None}
LONG_TEXT = 4000
CANNOT_SAY = ("cannot_say", "I cannot say")
# How a fact of the eligibility rules is asked about (design.md 6); what has a question of its own is not here.
FACT_QUESTIONS = clause_facts.FLAGS


def yes_or_no(label: str, *, not_known: bool = True, **options: Any) -> forms.ChoiceField:
    """A question that yes, no or not knowing answers."""
    choices = [(YES, "Yes"), (NO, "No"), *([(NOT_KNOWN, "Not known")] if not_known else [])]
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, **options)


def text_area(label: str, *, limit: int = LONG_TEXT, **options: Any) -> CleanCharField:
    return CleanCharField(label=label, max_length=limit, widget=forms.Textarea, **options)


def flags_of(clauses: tuple[Clause, ...]) -> tuple[str, ...]:
    """The yes-or-no facts that clauses ask for and that have a question here, each once."""
    found = (fact for clause in clauses for fact in _flags(clause.when))
    return tuple(fact for fact in dict.fromkeys(found) if fact in FACT_QUESTIONS)


def _flags(expression: Expression) -> list[str]:
    if isinstance(expression, AllOf | AnyOf):
        return [fact for part in expression.of for fact in _flags(part)]
    return [expression.fact] if isinstance(expression, FlagTest) else []


def excluding_flags(policy: Policy, criteria: str = "") -> tuple[str, ...]:
    """What besides MAPPA bars a person here (Richmond, 4.2), asked before anybody writes a nomination."""
    names = policy.criteria(criteria or None).exclusions
    return flags_of(tuple(clause for clause in policy.exclusions if clause.name in names))


# --- Before it starts -------------------------------------------------------


class StartForm(SaneForm):
    """Who it is, and whether the scheme can take them at all."""

    nouns = {"given_names": "their first names", "family_name": "their last name"}
    mappa = forms.ChoiceField(
        label="Is this person managed at MAPPA Level 2 or 3?",
        help_text="MAPPA: multi-agency public protection arrangements. The person's probation officer knows.",
        choices=[("0", "No"), ("2", "Yes, at Level 2"), ("3", "Yes, at Level 3"), (NOT_KNOWN, "I do not know")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether the person is managed at MAPPA Level 2 or 3"},
    )
    given_names = CleanCharField(label="First names", max_length=120)
    family_name = CleanCharField(label="Last name", max_length=80)
    date_of_birth = DateField(
        label="Date of birth",
        latest="today",
        noun="date of birth",
        error_messages={"required": "Enter their date of birth"},
    )

    def __init__(self, policy: Policy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.policy, sets = policy, policy.criteria_in_force
        # What bars somebody depends on what they are nominated for, where the scheme has several criteria.
        self.chooses = len(sets) > 1
        if self.chooses:
            self.fields["criteria"] = forms.ChoiceField(
                label="What do you nominate the person for?",
                choices=[(each.name, each.label) for each in sets],
                widget=forms.RadioSelect,
                error_messages={"required": "Choose what you nominate the person for"},
            )
        self.flags = tuple(dict.fromkeys(fact for each in sets for fact in excluding_flags(policy, each.name)))
        for fact in self.flags:
            self.fields[f"fact_{fact}"] = yes_or_no(
                FACT_QUESTIONS[fact],
                required=not self.chooses,
                error_messages={"required": f"Answer: {FACT_QUESTIONS[fact]}"},
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.chooses and data.get("criteria"):
            for fact in excluding_flags(self.policy, data["criteria"]):
                name = f"fact_{fact}"
                if name not in self.errors and not data.get(name):
                    self.add_error(name, f"Answer: {FACT_QUESTIONS[fact]}")
        return data

    @property
    def fact_fields(self) -> list[forms.BoundField]:
        """The questions about what bars a person, where they do not depend on what they are nominated for."""
        return [] if self.chooses else [self[f"fact_{fact}"] for fact in self.flags]

    @property
    def fields_by_criteria(self) -> dict[str, list[forms.BoundField]]:
        """The same, by what they are nominated for."""
        return {
            each.name: [self[f"fact_{fact}"] for fact in excluding_flags(self.policy, each.name)]
            for each in self.policy.criteria_in_force
        }

    @property
    def bodies(self) -> dict[str, str]:
        """Who decides on each."""
        policy = self.policy
        return {each.name: f"Decided by the {policy.body(each.body).name}." for each in policy.criteria_in_force}

    @property
    def nominated_for(self) -> str:
        """What they are nominated for; blank where the scheme has one set of criteria."""
        return self.cleaned_data["criteria"] if self.chooses else ""

    @property
    def mappa_level(self) -> int | None:
        """0, 2 or 3; None where the referrer does not know."""
        answer = self.cleaned_data["mappa"]
        return None if answer == NOT_KNOWN else int(answer)

    @property
    def facts(self) -> dict[str, bool]:
        """The facts that are known; what is not known is absent."""
        asked = excluding_flags(self.policy, self.nominated_for)
        answers = {fact: TRUTH[self.cleaned_data[f"fact_{fact}"]] for fact in asked}
        return {fact: value for fact, value in answers.items() if value is not None}

    @property
    def person(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("given_names", "family_name", "date_of_birth")}


class ReopenForm(SaneForm):
    """The coordinator's way past a known exclusion."""

    reopened_because = text_area(
        "Reason",
        limit=1000,
        help_text="Say why IOM should still consider this person. The reason is kept with the referral.",
        error_messages={"required": "Enter a reason for going against the scheme rule"},
    )


class KnownForm(SaneForm):
    """Whether one of the people whom we know is the one meant. Refused people cannot be chosen, only looked at."""

    NEW = "new"
    match = forms.ChoiceField(
        label="Is one of these the person you mean?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether one of these is the person you mean"},
    )

    def __init__(self, people: list[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["match"].choices = [*people, (self.NEW, "No, it is someone else. Continue anyway")]


# --- The sections -----------------------------------------------------------


class SectionForm(SaneForm):
    """The questions of one section."""

    slug = ""
    # Fields that cannot be stored empty, whatever else is saved on the way.
    never_empty: tuple[str, ...] = ()

    def __init__(
        self,
        data: Any = None,
        *,
        referral: Referral,
        partial: bool = False,
        known: Mapping[str, Known] | None = None,
        **options: Any,
    ) -> None:
        self.referral, self.partial = referral, partial
        self.policy = referral.scheme.policy
        self.section = BY_SLUG[self.slug]
        self.typed = referral.typed.get(self.slug, {})
        super().__init__(data, initial=self.stored() | self.typed, **options)
        self.ask_more()
        self.fill_in(known or {})
        if partial:
            for field in self.fields.values():
                field.required = False

    def ask_more(self) -> None:
        """Add the questions that the scheme's rules make."""

    def fill_in(self, known: Mapping[str, Known]) -> None:
        """Show what is known from elsewhere where nobody has answered yet, and say of each from where it is."""
        fresh = self.slug not in self.referral.sections_done and not self.typed
        for name, each in known.items():
            field, value = self.as_shown(name, each.value)
            if field not in self.fields:
                continue
            if fresh and self.initial.get(field) in (None, ""):
                self.initial[field] = value
            if self.initial.get(field) == value:
                hint = self.fields[field].help_text
                self.fields[field].help_text = f"{hint} Filled in from {each.source}.".lstrip()

    def as_shown(self, name: str, value: Any) -> tuple[str, Any]:
        """The field that shows a known value, and how."""
        return name, as_choice(value, answered=True) if isinstance(value, bool) else value

    def stored(self) -> dict[str, Any]:
        """The answers that we hold, as the fields show them."""
        held = {name: getattr(self.referral.offender, name) for name in self.section.offender if name != "aliases"}
        return held | {name: getattr(self.referral, name) for name in self.section.referral}

    def answers(self) -> dict[str, Any]:
        """What can be stored, by the names of the section."""
        names = (*self.section.offender, *self.section.referral)
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data and self._may_store(name)}

    def _may_store(self, name: str) -> bool:
        return name not in self.never_empty or self.cleaned_data[name] not in (None, "")

    def left_over(self) -> dict[str, Any]:
        """What was typed into fields that cannot be stored yet, word for word."""
        left = [name for name in self.fields if name not in self.cleaned_data or not self._may_store(name)]
        return {name: self._as_typed(name) for name in left}

    def _as_typed(self, name: str) -> Any:
        """What was typed into a field; of boxes that may be ticked together, all of them."""
        key = self.add_prefix(name)
        if isinstance(self.fields[name], forms.MultipleChoiceField):
            return self.fields[name].widget.value_from_datadict(self.data, self.files, key)
        return self.data.get(key, "")

    def need(self, name: str, words: str) -> None:
        """An answer that another answer makes necessary."""
        if not self.partial and name in self.cleaned_data and self.cleaned_data[name] in (None, ""):
            self.add_error(name, words)


def as_choice(value: bool | None, *, answered: bool) -> str:
    """How a stored yes or no stands among the radios; None is an answer only once the section was finished."""
    if value is None:
        return NOT_KNOWN if answered else ""
    return YES if value else NO


class IdentityForm(SectionForm):
    slug = "identity"
    never_empty = ("family_name", "given_names")
    nouns = {
        "given_names": "their first names",
        "family_name": "their last name",
        "pnc_number": "the PNC number",
        "cro_number": "the CRO number",
        "prison_number": "the prison number",
        "probation_number": "the probation number",
    }
    given_names = CleanCharField(label="First names", max_length=120)
    family_name = CleanCharField(label="Last name", max_length=80)
    date_of_birth = DateField(
        label="Date of birth",
        latest="today",
        noun="date of birth",
        error_messages={"required": "Enter their date of birth"},
    )
    gender = forms.ChoiceField(
        label="Sex",
        help_text="As the Police National Computer records it. The reoffending score is worked out with it.",
        choices=Gender.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the sex that the Police National Computer records"},
    )
    aliases = CleanCharField(
        label="Other names (optional)",
        noun="other names",
        help_text="One on each line.",
        widget=forms.Textarea,
        required=False,
        max_length=1000,
    )
    pnc_number = CleanCharField(label="PNC number (optional)", max_length=20, required=False)
    cro_number = CleanCharField(label="CRO number (optional)", max_length=20, required=False)
    prison_number = CleanCharField(label="Prison number (optional)", max_length=20, required=False)
    probation_number = CleanCharField(label="Probation number, CRN (optional)", max_length=20, required=False)

    def stored(self) -> dict[str, Any]:
        names = self.referral.offender.aliases.order_by("pk").values_list("name", flat=True)
        return super().stored() | {"aliases": "\n".join(names)}

    def clean_aliases(self) -> list[str]:
        names = [" ".join(line.split()) for line in self.cleaned_data["aliases"].splitlines()]
        if any(len(name) > 160 for name in names):
            raise forms.ValidationError("Each other name must be 160 characters or fewer")
        return list(dict.fromkeys(name for name in names if name))


class AddressForm(SectionForm):
    slug = "address"
    address = text_area(
        "Address (optional)",
        noun="address",
        limit=500,
        required=False,
        help_text="Where the person lives or stays. Say so if they have no fixed address.",
    )
    area = CleanCharField(
        label="Ward or neighbourhood (optional)", noun="ward or neighbourhood", max_length=80, required=False
    )
    in_custody = yes_or_no(
        "Is the person in custody now?",
        error_messages={"required": "Choose whether the person is in custody now"},
    )
    prison = CleanCharField(label="Prison", max_length=120, required=False)
    release_expected_on = DateField(
        label="Expected release (optional)", noun="expected release", required=False, earliest="today", assume_year=True
    )
    supervision = forms.ChoiceField(
        label="Is the person under probation supervision?",
        help_text="On an order of the court or on licence.",
        choices=Supervision.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether the person is under probation supervision"},
    )

    def stored(self) -> dict[str, Any]:
        done = self.slug in self.referral.sections_done
        return super().stored() | {"in_custody": as_choice(self.referral.in_custody, answered=done)}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("in_custody") == YES:
            self.need("prison", "Enter the prison")
        return data

    def answers(self) -> dict[str, Any]:
        held = super().answers()
        if "in_custody" not in held:
            return held
        held["in_custody"] = TRUTH.get(held["in_custody"])
        if not self.partial and not held["in_custody"]:
            held |= {"prison": "", "release_expected_on": None}
        return held


class OffendingForm(SectionForm):
    slug = "offending"
    nouns = {"evidence": "what has happened and how you know", "benefit": "how the person would benefit"}
    evidence = text_area(
        "What has happened",
        help_text=(
            "Say what has happened in the last 12 months and how you know. Facts first, opinion labelled as opinion."
        ),
    )
    benefit = text_area(
        "How agencies working together would help",
        help_text="What has been tried, who knows the person, and what nobody can do alone.",
    )
    main_driver = forms.ChoiceField(
        label="What mainly drives the offending?",
        choices=MainDriver.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what mainly drives the offending"},
    )

    def ask_more(self) -> None:
        nomination, criteria = self.policy.nomination, self.policy.criteria(self.referral.criteria or None)
        if nomination.which_clause:
            self.fields["proposed_clause"] = forms.ChoiceField(
                label=nomination.which_clause,
                choices=[*((each.name, each.label) for each in criteria.clauses), CANNOT_SAY],
                widget=forms.RadioSelect,
                error_messages={"required": f"Answer: {nomination.which_clause}"},
            )
        self.fields |= clause_facts.fields(self.asked)

    @property
    def asked(self) -> tuple[str, ...]:
        """What else the criteria and the sub-cohorts ask for, as far as nobody was asked before."""
        before = excluding_flags(self.policy, self.referral.criteria)
        return tuple(fact for fact in clause_facts.asked_by(self.policy, self.referral.criteria) if fact not in before)

    @property
    def fact_fields(self) -> list[forms.BoundField]:
        return [self[f"fact_{fact}"] for fact in self.asked]

    @property
    def revealed_fields(self) -> list[forms.BoundField]:
        """The written case for exceptional circumstances, shown once somebody says that there are any."""
        return [self[clause_facts.CASE]] if clause_facts.CASE in self.fields else []

    def stored(self) -> dict[str, Any]:
        return super().stored() | clause_facts.shown(self.referral.facts, self.asked)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get(f"fact_{clause_facts.EXCEPTIONAL}") == YES:
            self.need(clause_facts.CASE, "Enter what the exceptional circumstances are")
        if clause_facts.contradicts(data):
            self.add_error(f"fact_{clause_facts.HISTORY}", "Choose the types of offence, or “None of these”, not both")
        return data

    def left_over(self) -> dict[str, Any]:
        said = self.cleaned_data.get(f"fact_{clause_facts.EXCEPTIONAL}") == YES
        unwritten = said and not self.cleaned_data.get(clause_facts.CASE)
        return super().left_over() | ({f"fact_{clause_facts.EXCEPTIONAL}": YES} if unwritten else {})

    def answers(self) -> dict[str, Any]:
        facts = clause_facts.kept(self.referral.facts, self.cleaned_data, self.asked)
        return super().answers() | {"facts": facts}


class HarmForm(SectionForm):
    slug = "harm"
    nouns = {"harm": "what the risk is and to whom", "safeguarding": "safeguarding checks"}
    high_risk_of_harm = yes_or_no(
        "Do you judge the risk of serious harm to others to be high?",
        help_text="Your own view. The IOM team makes its own judgement.",
        error_messages={"required": "Choose whether you judge the risk of harm to be high"},
    )
    harm = text_area(
        "What the risk is, and to whom",
        required=False,
        help_text="Say what you base it on. Do not name victims: say partner, child, neighbour, staff.",
    )
    safeguarding = text_area(
        "Safeguarding checks (optional)",
        required=False,
        help_text=(
            "Which checks were made (MARAC, MASH, adult safeguarding, children at the address), by whom and when. "
            "Not what they found."
        ),
    )

    def stored(self) -> dict[str, Any]:
        done = self.slug in self.referral.sections_done
        return super().stored() | {"high_risk_of_harm": as_choice(self.referral.high_risk_of_harm, answered=done)}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("high_risk_of_harm") == YES:
            self.need("harm", "Enter what the risk is and to whom")
        return data

    def answers(self) -> dict[str, Any]:
        held = super().answers()
        if "high_risk_of_harm" in held:
            held["high_risk_of_harm"] = TRUTH.get(held["high_risk_of_harm"])
        return held


class NeedsForm(SectionForm):
    """One box for each of the scheme's pathways, in its order."""

    slug = "needs"

    def ask_more(self) -> None:
        for pathway in self.policy.pathways:
            self.fields[f"need_{pathway.slug}"] = text_area(
                pathway.name, noun=lower_first(pathway.name), limit=1000, required=False
            )

    def stored(self) -> dict[str, Any]:
        return {f"need_{slug}": words for slug, words in self.referral.needs.items()}

    def answers(self) -> dict[str, Any]:
        held = dict(self.referral.needs)
        for pathway in self.policy.pathways:
            if (words := self.cleaned_data.get(f"need_{pathway.slug}")) is not None:
                held[pathway.slug] = words
        return {"needs": {slug: words for slug, words in held.items() if words}}


class OffenceForm(SaneForm):
    """An offence by its name or Home Office code: words are typed, and one of those that fit is picked.

    Nothing is ever picked for anybody but a code that was typed whole. With a script what fits shows while one types;
    without, the page comes back with it.
    """

    SHOWN = 15
    offence = CleanCharField(
        label="Current offence (optional)",
        noun="current offence",
        max_length=120,
        required=False,
        help_text="Words such as burglary dwelling, or a Home Office code such as 028/03. Then choose what fits.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    picked = forms.CharField(label="Which offence is it?", required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.look_up()

    def look_up(self) -> None:
        """Find what fits the words, and offer it."""
        self.found: list[ogrs.Offence] = self._search(str(self["offence"].value() or ""))
        self.fields["picked"].widget.choices = [(each.code, described(each)) for each in self.found]

    def _search(self, words: str) -> list[ogrs.Offence]:
        """What fits the words, unless they are a code that says it all."""
        hits = ogrs.search_offences(words, self.SHOWN)
        return [] if len(hits) == 1 and _is_code(words) else hits

    @property
    def named(self) -> ogrs.Offence | None:
        """The offence of a code that was typed whole."""
        words = str(self["offence"].value() or "")
        hits = ogrs.search_offences(words, 2) if _is_code(words) else []
        return hits[0] if len(hits) == 1 else None


class ScoreFactsForm(OffenceForm, SectionForm):
    """The facts of OGRS3 that are not known from elsewhere. None must be given: the team finds what is missing."""

    slug = "score-facts"
    FIELDS = {
        "date_of_birth": "convicted_on",
        "date_of_current_conviction": "convicted_on",
        "date_at_start_of_followup": "follow_up_from",
        "total_number_of_sanctions": "sanctions",
        "age_at_first_sanction": "first_sanction_age",
        "current_offence_code": "offence",
    }
    convicted_on = DateField(
        label="Date of the current conviction (optional)",
        noun="date of the current conviction",
        required=False,
        help_text="The day of sentence. For example, 13 3 2026.",
    )
    follow_up_from = DateField(
        label="In the community from (optional)",
        noun="the date in the community",
        required=False,
        help_text="The day the community sentence started, or the earliest release from custody.",
    )
    sanctions = forms.IntegerField(
        label="Number of sanctions so far (optional)",
        required=False,
        help_text="Convictions, cautions, reprimands and warnings, the current one included. Count occasions.",
        error_messages={"invalid": "Number of sanctions must be a whole number, such as 12"},
    )
    first_sanction_age = forms.IntegerField(
        label="Age at the first sanction (optional)",
        required=False,
        error_messages={"invalid": "Age at the first sanction must be a whole number, such as 14"},
    )

    @property
    def current(self) -> ogrs.Offence | None:
        """The offence that is stored, to say in words beside its code."""
        return ogrs.offence(self.referral.offence_code) if self.referral.offence_code else None

    @property
    def asks_which(self) -> bool:
        """Whether the words fit several offences and none was picked."""
        return bool(self.found) and (self.is_bound or "offence" in self.typed)

    @property
    def doubts_birth(self) -> bool:
        """Whether something typed does not go with the date of birth, which is asked for elsewhere."""
        return any("date of birth" in words for errors in self.errors.values() for words in errors)

    def stored(self) -> dict[str, Any]:
        return super().stored() | {"offence": _slashed(self.referral.offence_code)}

    def as_shown(self, name: str, value: Any) -> tuple[str, Any]:
        return ("offence", _slashed(value)) if name == "offence_code" else super().as_shown(name, value)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["offence_code"] = self._code(data.get("offence", ""), data.get("picked", ""))
        if data["offence_code"] is None:
            del data["offence_code"]
        self._find_impossible(data)
        return data

    def _code(self, words: str, picked: str) -> str | None:
        """The code of the offence; "" for none given, None where the words leave it open."""
        if not words:
            return ""
        if picked in {each.code for each in self.found}:
            return picked
        hits = ogrs.search_offences(words, 2)
        if len(hits) == 1 and _is_code(words):
            return hits[0].code
        if self.found:
            self.add_error("picked", "Choose the offence that fits, or type other words")
        elif "offence" not in self.errors:
            self.add_error(
                "offence", f"No offence fits “{words}”. Try a word such as burglary, or a code such as 028/03"
            )
        return None

    def _find_impossible(self, data: dict[str, Any]) -> None:
        problems = ogrs.form_problems(
            ogrs.Facts(
                date_of_birth=self.referral.offender.date_of_birth,
                date_of_current_conviction=data.get("convicted_on"),
                date_at_start_of_followup=data.get("follow_up_from"),
                total_number_of_sanctions=data.get("sanctions"),
                age_at_first_sanction=data.get("first_sanction_age"),
                current_offence_code=data.get("offence_code") or None,
            ),
            clock.today(),
        )
        for problem in problems:
            name = self.FIELDS[problem.field]
            self.add_error(name, problem.message)
            if name == "offence":
                data.pop("offence_code", None)

    def left_over(self) -> dict[str, Any]:
        left = super().left_over()
        left.pop("picked", None)
        if "offence_code" not in self.cleaned_data:
            left["offence"] = self.data.get("offence", "")
        return left


def _is_code(words: str) -> bool:
    return words.replace("/", "").strip().isdigit()


def _slashed(code: str) -> str:
    """A code as charge sheets write it, 028/03."""
    return f"{code[:3]}/{code[3:]}" if code else ""


def described(offence: ogrs.Offence) -> str:
    heading = f" ({lower_first(offence.heading)})" if offence.heading not in offence.description else ""
    return f"{_slashed(offence.code)} {offence.description.rstrip('.')}{heading}"


class PresenterForm(SectionForm):
    slug = "presenter"
    presenter = CleanCharField(
        label="Name and post",
        noun="who will present this",
        max_length=120,
        help_text="You, or someone else who can answer the panel's questions about this person.",
    )

    def stored(self) -> dict[str, Any]:
        return {"presenter": self.referral.presenter or self.referral.referrer.user.name}


class LateForm(SectionForm):
    """After the deadline: urgent, with a reason, or a later panel (Merton, step 1)."""

    slug = "late"
    NEXT = "next"
    panel = forms.ChoiceField(
        label="Which panel should this go to?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose which panel this should go to"},
    )
    urgent_reason = text_area(
        "Why is this urgent?",
        noun="why this is urgent",
        limit=1000,
        required=False,
        help_text="Say what would go wrong if it waited for the next panel. The panel reads this.",
    )

    def __init__(self, *args: Any, panels: Panels, **options: Any) -> None:
        self.panels = panels
        super().__init__(*args, **options)
        later = f"Send it for {day_month(panels.open.date)}" if panels.open else "Send it for a later panel"
        self.fields["panel"].choices = [
            *((str(m.pk), f"Ask for this to be treated as urgent, for {day_month(m.date)}") for m in panels.urgent),
            (self.NEXT, later),
        ]

    def stored(self) -> dict[str, Any]:
        chosen = {str(meeting.pk) for meeting in self.panels.urgent}
        urgent = str(self.referral.meeting_id) in chosen and self.referral.urgent_reason
        return {
            "panel": str(self.referral.meeting_id) if urgent else "",
            "urgent_reason": self.referral.urgent_reason,
        }

    @property
    def is_urgent(self) -> bool:
        return self.cleaned_data.get("panel", "") not in ("", self.NEXT)

    @property
    def _lacks_reason(self) -> bool:
        """Half an answer: the panel stays the one it was until the reason is there too."""
        return self.is_urgent and not self.cleaned_data.get("urgent_reason")

    def left_over(self) -> dict[str, Any]:
        return super().left_over() | ({"panel": self.data.get("panel", "")} if self._lacks_reason else {})

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.is_urgent:
            self.need("urgent_reason", "Enter why this is urgent")
        return data

    def answers(self) -> dict[str, Any]:
        held = {"urgent_reason": self.cleaned_data.get("urgent_reason", "")}
        if self._lacks_reason:
            return {}
        if self.is_urgent:
            meetings = {str(meeting.pk): meeting for meeting in self.panels.urgent}
            return held | {"meeting": meetings[self.cleaned_data["panel"]]}
        if self.cleaned_data.get("panel") == self.NEXT:
            return {"meeting": self.panels.open, "urgent_reason": ""}
        return held


FORMS: Mapping[str, type[SectionForm]] = {
    form.slug: form
    for form in (
        IdentityForm,
        AddressForm,
        OffendingForm,
        HarmForm,
        NeedsForm,
        ScoreFactsForm,
        PresenterForm,
        LateForm,
    )
}


# --- How it ends ------------------------------------------------------------


class SendForm(SaneForm):
    """The declaration."""

    declaration = forms.BooleanField(
        label="What I have written is true as far as I know, and may be shared with the agencies of the panel",
        error_messages={"required": "Tick the box to say that what you have written is true as far as you know"},
    )


class WithdrawForm(SaneForm):
    """Why it is taken back: asked once somebody else has seen it."""

    reason = text_area(
        "Why are you withdrawing it?",
        noun="why you are withdrawing it",
        limit=1000,
        help_text="The coordinator reads this.",
    )

    def __init__(self, *args: Any, sent: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not sent:
            self.fields["reason"].required = False
            self.fields["reason"].label = "Why are you withdrawing it? (optional)"
            self.fields["reason"].help_text = ""

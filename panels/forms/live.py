"""The record of one item, as the recorder fills it in. Everything typed can be kept as a draft, valid or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from actionplans import quickline
from actionplans.models import Action, ActionKind, ActionStatus, Funding
from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm
from iom.jinja import weekday_short
from iom.models import Agency, Membership
from iom.policy import Policy
from offenders.models import AssignmentRole
from panels import voting
from panels.choices import ASKS_HARM, NEEDS_REASON, NEEDS_TAKER, Choice, LookedAt, NewAction, needs_colour
from panels.decide import Lead, offered_on
from panels.live import Brief, Table
from panels.models import AgendaItem, Decision, Harm, How, ItemAction, Outcome, Section, Side
from panels.saving import Asked
from panels.words import CHOICE_WORDS, HOW_CHOICES, REASON_CHIPS, SIDE_WORDS

AGAINST_THE_RULE = "Enter a reason for going against the scheme rule"
MOST_ACTIONS = 20
LONGEST_REASON = 600
LONGEST_EVIDENCE = 1000
OUTCOMES = [
    (ActionStatus.DONE, "Done"),
    (ActionStatus.IN_PROGRESS, "In progress"),
    (ActionStatus.NO_LONGER, "No longer needed or possible"),
    (ActionStatus.NOT_DONE, "Not done"),
]
PERSON_FIELDS = ("lead_professional", "police_officer")
LABELS = {"lead_professional": "Lead professional", "police_officer": "Police officer"}


class ItemForm(SaneForm):
    """Decision, rating, reason, leads, how it was decided, note: what the section of the item asks for and no more."""

    nouns = {"colour": "a rating", "outcome": "a decision", "reason": "a reason", "note": "the note"}

    outcome = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    score_agreed = forms.ChoiceField(
        label="Score", choices=[("yes", "Agreed"), ("no", "To be redone")], widget=forms.RadioSelect, required=False
    )
    colour = forms.ChoiceField(label="Rating", widget=forms.RadioSelect, required=False)
    chips = forms.MultipleChoiceField(label="Reason", widget=forms.CheckboxSelectMultiple, required=False)
    reason = CleanCharField(
        label="Reason, in a line", max_length=LONGEST_REASON, required=False, help_text="This appears in the minutes."
    )
    evidence = CleanCharField(
        label="Evidence for the rating",
        max_length=LONGEST_EVIDENCE,
        required=False,
        widget=forms.Textarea,
        help_text="What the panel goes by. It stands in the minutes and on the case.",
    )
    agreed_until = DateField(
        label="If Green, until when",
        required=False,
        noun="the end of the agreed period",
        help_text="The period of less intensive monitoring that the panel agrees.",
    )
    reason_for_referrer = CleanCharField(
        label="What the referrer may be told",
        max_length=LONGEST_REASON,
        required=False,
        widget=forms.Textarea,
        help_text="For the notice. You can also write it after the meeting.",
    )
    lead_agency = forms.ChoiceField(label="Lead agency", required=False)
    lead_reason = CleanCharField(label="If not by the rule, why", max_length=300, required=False)
    lead_professional = forms.ChoiceField(label="Lead professional", required=False)
    lead_professional_name = CleanCharField(label="or someone without an account", max_length=120, required=False)
    police_officer = forms.ChoiceField(label="Police officer", required=False)
    police_officer_name = CleanCharField(label="or someone without an account", max_length=120, required=False)
    taken_on_by = forms.ChoiceField(label="Which agency", required=False)
    plan_agreed = forms.BooleanField(
        label="The panel agrees the action plan", required=False, help_text="With the actions recorded here."
    )
    harm = forms.ChoiceField(label="Risk of harm", widget=forms.RadioSelect, required=False)
    harm_words = CleanCharField(label="What the concern is", max_length=600, required=False)
    harm_agency = forms.ChoiceField(label="Who deals with it", required=False)
    how = forms.ChoiceField(label="How it was decided", widget=forms.RadioSelect, required=False)
    motion = forms.ChoiceField(
        label="What was voted on", required=False, help_text="Only where that is not the decision above"
    )
    casting = forms.ChoiceField(
        label="Casting vote",
        choices=[(Side.FOR, "For"), (Side.AGAINST, "Against")],
        widget=forms.RadioSelect,
        required=False,
        help_text="Only when the vote is tied",
    )
    vote_note = CleanCharField(label="Note on how it was decided", max_length=300, required=False)
    dissent = CleanCharField(label="Who disagreed, and why", max_length=600, required=False, widget=forms.Textarea)
    note = CleanCharField(
        label="Note for the minutes", max_length=4000, required=False, widget=forms.Textarea, multiline=True
    )
    correction_reason = CleanCharField(
        label="Why the decision is corrected",
        max_length=300,
        required=False,
        help_text="The minutes keep the first decision and this reason.",
    )

    def __init__(
        self,
        item: AgendaItem,
        data: Mapping[str, Any] | None = None,
        *,
        brief: Brief | Asked | None,
        table: Table,
        policy: Policy,
        present: Decision | None = None,
    ) -> None:
        self.item, self.brief, self.table, self.policy, self.present = item, brief, table, policy, present
        self.rule = policy.body(item.meeting.body.slug).decision_rule
        self.offered = offered_on(item, policy)
        self.voters = table.voters if self.votes else ()
        super().__init__(data, initial=self._start(), auto_id="%s")
        self._offer()

    def _offer(self) -> None:
        agencies = [("", "Choose"), *((agency.slug, agency.name) for agency in self.table.agencies)]
        choices = {
            "outcome": [(outcome, self._called(outcome)) for outcome in self.offered],
            "colour": [(str(rating.colour), rating.name) for rating in self.policy.ratings],
            "chips": [(words, words) for words in REASON_CHIPS.get(self.item.section, ())],
            "lead_agency": agencies,
            "taken_on_by": agencies,
            "harm_agency": agencies,
            "lead_professional": people_choices(self.table.people),
            "police_officer": people_choices(self.table.police),
            "harm": [(Harm.NONE, self._no_concern()), (Harm.CONCERN, "Concern")],
            "how": [(how, HOW_CHOICES[How(how)]) for how in voting.ways(self.rule)],
            "motion": [("", "The decision above"), *((each, CHOICE_WORDS[each]) for each in self.offered)],
        }
        for name, of_field in choices.items():
            self.fields[name].choices = of_field
        self.fields["outcome"].required = self.decides and self.offered[0] != Outcome.NOTED
        if self.table.chair:
            self.fields["casting"].label = f"Casting vote of {self.table.chair}"
        for agency in self.voters:
            self.fields[vote_of(agency)] = forms.ChoiceField(
                label=agency.name, choices=list(SIDE_WORDS.items()), widget=forms.RadioSelect, required=False
            )
        for asked in self.money:
            self.fields[money_of(asked)] = forms.ChoiceField(
                label=f"Funding asked: £{asked.amount:.2f} for {asked.text}, from {asked.payer}",
                choices=[("yes", "Agree"), ("no", "Do not agree")],
                widget=forms.RadioSelect,
                required=False,
            )
        # What decides nothing here is not asked, and not taken from the client either.
        for name in self._not_asked():
            del self.fields[name]
        if self.item.section == Section.LAST_MINUTES:
            self.fields["reason"].label = "What is corrected"

    def _called(self, outcome: Outcome) -> str:
        if outcome == Outcome.RECOMMEND:
            to = self.policy.deciding_body.name
            return (
                f"Recommend to the {to}" if self.item.section != Section.REVIEWS else f"Recommend a rating to the {to}"
            )
        return CHOICE_WORDS[outcome]

    def _no_concern(self) -> str:
        if self.harm_stays:
            return "Stays: no new concern"
        return "No new concern" if self.item.case_id else "No concern raised"

    @property
    def decides(self) -> bool:
        """Whether there is anything to decide; some items are only noted."""
        return self.offered != (Outcome.NOTED,)

    @property
    def votes(self) -> bool:
        """Whether the body decides by vote."""
        return voting.MAJORITY in voting.ways(self.rule)

    @property
    def asks_harm(self) -> bool:
        """Whether the panel must say how the risk of harm stands: for every person whose case comes up."""
        return self.item.section in ASKS_HARM and self.brief is not None

    @property
    def harm_stays(self) -> bool:
        """Whether last time's statement stands until somebody says otherwise: only where there was no concern."""
        return bool(self.item.case_id and self.brief is not None and self.brief.harm_last == Harm.NONE)

    @property
    def money(self) -> tuple[Funding, ...]:
        """The requests for money that the panel is asked about here, where it decides how money is used."""
        return self.brief.money if self.brief is not None and self.decides else ()

    @property
    def requests(self) -> list[Any]:
        """The field of each of them."""
        return [self[money_of(asked)] for asked in self.money]

    @property
    def asks_plan(self) -> bool:
        """Whether the plan is agreed here: of a case, by the body that manages it. Acceptance agrees it by itself."""
        return self.item.case_id is not None and self.decides and Outcome.NO_CHANGE in self.offered

    def _not_asked(self) -> list[str]:
        nomination = Outcome.ACCEPT in self.offered
        leads = ("lead_agency", "lead_reason", "lead_professional_name", "police_officer_name", *PERSON_FIELDS)
        left_out = []
        if not nomination:
            left_out += ["reason_for_referrer", *leads]
        if not nomination or self.brief is None or self.brief.score is None:
            left_out.append("score_agreed")
        if not self.decides:
            left_out += ["colour", "evidence", "agreed_until", "chips", "reason", "how", "vote_note", "dissent"]
        elif not any(needs_colour(outcome, self.item.section) for outcome in self.offered):
            left_out += ["colour", "evidence", "agreed_until"]
        elif Outcome.CHANGE_RATING not in self.offered or self.policy.exit.force != "agreed_period":
            left_out.append("agreed_until")
        if not self.decides or not self.votes:
            left_out += ["motion", "casting"]
        elif not self.rule.casting_vote:
            left_out.append("casting")
        if not NEEDS_TAKER.intersection(self.offered):
            left_out.append("taken_on_by")
        if not self.asks_harm:
            left_out += ["harm", "harm_words", "harm_agency"]
        if not self.asks_plan:
            left_out.append("plan_agreed")
        if self.present is None:
            left_out.append("correction_reason")
        return left_out

    def _start(self) -> dict[str, Any]:
        """What the form starts from: the decision to be corrected, else what stays as it was; then what was typed."""
        start: dict[str, Any] = {"how": How.AGREED, "note": self.item.note}
        if self.offered[0] in (Outcome.NO_CHANGE, Outcome.NOTED):
            start["outcome"] = self.offered[0]
        if self.harm_stays:
            start["harm"] = Harm.NONE
        if self.brief and self.brief.proposed_agency:
            start["lead_agency"] = self.brief.proposed_agency.slug
        if self.present is not None:
            start |= _as_typed(self.present, self.table)
        return start | self.item.draft

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        outcome = given.get("outcome") or (Outcome.NOTED if self.offered[0] == Outcome.NOTED else "")
        given["outcome"] = outcome
        given["reason"] = _joined(given.get("chips") or [], given.get("reason", ""))
        if len(given["reason"]) > LONGEST_REASON and "reason" in self.fields:
            over = len(given["reason"]) - LONGEST_REASON
            self.add_error("reason", f"Reason must be {LONGEST_REASON} characters or fewer. You have {over} too many")
        if needs_colour(outcome, self.item.section):
            self._needs_rating(given, outcome)
        if given.get("agreed_until") and given["agreed_until"] <= self.item.meeting.date:
            self.add_error("agreed_until", "The agreed period must end after the meeting")
        if outcome in NEEDS_REASON and not given["reason"]:
            self.add_error("reason", "Enter a reason")
        if outcome in NEEDS_TAKER and not given.get("taken_on_by"):
            self.add_error("taken_on_by", "Choose the agency that sees to it")
        if outcome == Outcome.ACCEPT:
            self._needs_leads(given)
            if "score_agreed" in self.fields and not given.get("score_agreed"):
                self.add_error("score_agreed", "Say whether the panel agrees the score")
        if self.asks_harm:
            self._needs_harm(given)
        self._needs_vote(given, outcome)
        if self.present is not None and not given.get("correction_reason"):
            self.add_error("correction_reason", "Enter why the decision is corrected")
        return given

    def _needs_harm(self, given: dict[str, Any]) -> None:
        # Where last time's statement stands it is shown as chosen: a page that does not post it changes nothing.
        harm = given["harm"] = given.get("harm") or (Harm.NONE if self.harm_stays else "")
        if not harm:
            self.add_error("harm", f"Say how the risk of harm stands for {self.brief.person.plain_name}")
        if harm == Harm.CONCERN:
            if not given.get("harm_words"):
                self.add_error("harm_words", "Say what the concern about harm is")
            if not given.get("harm_agency"):
                self.add_error("harm_agency", "Choose who deals with the concern")

    def _needs_vote(self, given: dict[str, Any], outcome: str) -> None:
        how = given.get("how") or How.AGREED
        if how == How.CONSENSUS and not given.get("dissent"):
            self.add_error("dissent", "Enter who disagreed, and why")
        if how != How.MAJORITY or not outcome:
            return
        cast = voting.count([side for _, side in self._cast(given)], given.get("casting", ""))
        for problem in voting.problems(self.rule, cast, motion=given.get("motion") or outcome, outcome=outcome):
            self.add_error("casting" if cast.tied and "casting" in self.fields else "how", problem)

    def _cast(self, given: dict[str, Any]) -> list[tuple[Agency, str]]:
        """Every organisation's vote; one that is not marked abstained."""
        return [(agency, given.get(vote_of(agency)) or Side.ABSTAIN) for agency in self.voters]

    @property
    def ballot(self) -> list[Any]:
        """The row of each organisation that votes at this item."""
        return [self[vote_of(agency)] for agency in self.voters]

    def _needs_rating(self, given: dict[str, Any], outcome: str) -> None:
        if not given.get("colour"):
            name = self.brief.person.plain_name if self.brief else "this item"
            self.add_error("colour", f"Choose a rating for {name}")
        elif outcome != Outcome.ACCEPT and self.present is None and self._is_rated(given["colour"]):
            name = self.policy.rating(given["colour"]).name
            self.add_error("colour", f"The rating is {name} already. Choose another, or “No change”")

    def _is_rated(self, colour: str) -> bool:
        return self.brief is not None and self.brief.rating is not None and self.brief.rating.colour == colour

    def _needs_leads(self, given: dict[str, Any]) -> None:
        if not given.get("lead_agency"):
            self.add_error("lead_agency", "Choose the lead agency")
        proposed = self.brief.proposed_agency if self.brief else None
        if proposed and given.get("lead_agency") not in ("", proposed.slug) and not given.get("lead_reason"):
            self.add_error("lead_reason", AGAINST_THE_RULE)
        for role in PERSON_FIELDS:
            rule = self.policy.lead(role)
            if rule and rule.required and not given.get(role) and not given.get(f"{role}_name"):
                self.add_error(role, f"Choose a {LABELS[role].lower()}")

    def choice(
        self,
        actions: Sequence[NewAction],
        looked_at: Sequence[LookedAt],
        *,
        version: int | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> Choice:
        """What was recorded, for `decide`, with the answers as they were typed. Only for a valid form."""
        given = self.cleaned_data
        accepts = given["outcome"] == Outcome.ACCEPT
        voted = given.get("how") == How.MAJORITY
        concern = given.get("harm") == Harm.CONCERN
        return Choice(
            outcome=given["outcome"],
            reason=given["reason"],
            colour=given.get("colour", "") if needs_colour(given["outcome"], self.item.section) else "",
            evidence=given.get("evidence", ""),
            agreed_until=given.get("agreed_until") if given.get("colour") == "GREEN" else None,
            reason_for_referrer=given.get("reason_for_referrer", ""),
            how=given.get("how") or How.AGREED,
            votes=tuple(self._cast(given)) if voted else (),
            motion=given.get("motion", "") if voted else "",
            casting=given.get("casting", "") if voted else "",
            vote_note=given.get("vote_note", ""),
            dissent=given.get("dissent", ""),
            harm=given.get("harm", ""),
            harm_words=given.get("harm_words", "") if concern else "",
            harm_agency=self._agency(given.get("harm_agency")) if concern else None,
            taken_on_by=self._agency(given.get("taken_on_by")) if given["outcome"] in NEEDS_TAKER else None,
            score_agreed={"yes": True, "no": False}.get(given.get("score_agreed", "")),
            plan_agreed=bool(given.get("plan_agreed")) and given["outcome"] != Outcome.DEFER,
            money=tuple((asked, given[money_of(asked)] == "yes") for asked in self.money if given.get(money_of(asked))),
            leads=self._leads() if accepts else {},
            actions=tuple(actions),
            looked_at=tuple(looked_at),
            note=given.get("note", ""),
            correction_reason=given.get("correction_reason", ""),
            version=version,
            typed=typed or {},
        )

    def _agency(self, slug: str | None) -> Agency | None:
        return next((each for each in self.table.agencies if each.slug == slug), None)

    def _leads(self) -> dict[str, Lead]:
        given = self.cleaned_data
        agency = next(each for each in self.table.agencies if each.slug == given["lead_agency"])
        proposal = self.brief.proposal if self.brief else None
        by_rule = proposal.reason if proposal and agency == self.brief.proposed_agency else ""
        leads = {AssignmentRole.LEAD_AGENCY.value: Lead(agency, reason=given["lead_reason"] or by_rule)}
        for role in PERSON_FIELDS:
            person = chosen_person(self.table.people, given.get(role))
            if person is not None:
                leads[role] = Lead(person.agency, person)
            elif given.get(f"{role}_name"):
                of = next((each for each in self.table.agencies if each.kind == "police"), agency)
                leads[role] = Lead(of if role == "police_officer" else agency, name=given[f"{role}_name"])
        return leads


class ActionForm(SaneForm):
    """One action that the panel agreed, as it was read from the quick line or typed."""

    nouns = {"text": "what will be done", "due_on": "the action date"}

    text = CleanCharField(label="What", max_length=300)
    agency = forms.ChoiceField(label="Agency", error_messages={"required": "Choose who will do this action"})
    owner = forms.ChoiceField(label="Who", required=False)
    due_on = DateField(label="By", assume_year=True, earliest="today", help_text="", noun="the action date")
    kind = forms.ChoiceField(label="For", required=False, choices=[("", "Not said"), *ActionKind.choices])
    ask = CleanCharField(required=False, widget=forms.HiddenInput, max_length=400)

    def __init__(
        self, table: Table, number: int, data: Mapping[str, Any] | None = None, *, start: Mapping[str, Any]
    ) -> None:
        self.table = table
        super().__init__(data, prefix=f"action-{number}", initial=dict(start), auto_id="%s")
        self.fields["agency"].choices = [("", "Choose"), *((a.slug, a.name) for a in table.agencies)]
        self.fields["owner"].choices = people_choices(table.people, nobody="The agency, no one named yet")

    @property
    def is_plain(self) -> bool:
        """Whether the row can be read as it is; else it stands open with its questions."""
        return not self.errors and all(self[name].value() for name in ("text", "agency", "due_on"))

    @property
    def due_words(self) -> str:
        """The day with its weekday, so that a slip is seen; as it was typed while it cannot be read."""
        typed = self["due_on"].value()
        try:
            read = self.fields["due_on"].to_python(typed)
        except ValidationError:
            read = None
        return f"{weekday_short(read)} {read.year}" if read else str(typed or "")

    @property
    def agency_name(self) -> str:
        return next((a.name for a in self.table.agencies if a.slug == self["agency"].value()), "")

    @property
    def owner_name(self) -> str:
        person = chosen_person(self.table.people, self["owner"].value())
        return person.user.name if person else ""

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        owner = chosen_person(self.table.people, given.get("owner"))
        if owner is not None and given.get("agency") and owner.agency.slug != given["agency"]:
            self.add_error("owner", f"{owner.user.name} acts for {owner.agency.name}. Choose that agency, or nobody")
        return given

    def action(self) -> NewAction:
        """The action, for `decide`."""
        given = self.cleaned_data
        agency = next(each for each in self.table.agencies if each.slug == given["agency"])
        owner = chosen_person(self.table.people, given["owner"])
        return NewAction(given["text"], agency, given["due_on"], owner=owner, kind=given["kind"])


class LookForm(SaneForm):
    """How one earlier action stands. Nothing chosen: it was not talked about."""

    status = forms.ChoiceField(label="Outcome", choices=OUTCOMES, widget=forms.RadioSelect, required=False)
    note = CleanCharField(label="Note", max_length=600, required=False)

    def __init__(self, action: Action, data: Mapping[str, Any] | None = None, *, start: Mapping[str, Any]) -> None:
        self.action = action
        super().__init__(data, prefix=f"looked-{action.pk}", initial=dict(start), auto_id="%s")

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("note") and not given.get("status"):
            self.add_error("status", f"Say how this action stands: {self.action.text}")
        return given

    @property
    def not_due(self) -> bool:
        """Whether the action has time left and nothing is said of it: it stands folded away."""
        return self.action.due_on > clock.today() and not self["status"].value() and not self["note"].value()

    def looked_at(self) -> LookedAt | None:
        given = self.cleaned_data
        return LookedAt(self.action, given["status"], given["note"]) if given["status"] else None


class Sheet:
    """The whole record of an item: the item's form, its new actions, the outcomes of earlier ones, the quick line.

    `posted` is what came, else None; a draft kept on the item is what it starts from. `with_decision` is false for an
    item that is decided: only actions are added then.
    """

    def __init__(
        self,
        item: AgendaItem,
        posted: QueryDict | None,
        *,
        brief: Brief | Asked | None,
        table: Table,
        policy: Policy,
        look_at: Iterable[Action],
        said_before: Iterable[ItemAction] = (),
        present: Decision | None = None,
        with_decision: bool = True,
    ) -> None:
        draft = item.draft
        self.item, self.table, self.present, self.brief = item, table, present, brief
        source: Mapping[str, Any] = posted if posted is not None else draft
        count = _count(source.get("actions"))
        self.form = (
            ItemForm(item, posted, brief=brief, table=table, policy=policy, present=present) if with_decision else None
        )
        self.actions = [
            ActionForm(table, number, posted, start=_under(draft, f"action-{number}")) for number in range(count)
        ]
        said = {each.action_id: each for each in said_before} if with_decision else {}
        self.looks = [
            LookForm(action, posted, start=_said(said.get(action.pk)) | _under(draft, f"looked-{action.pk}"))
            for action in (look_at if with_decision else ())
        ]
        self.quick = str(source.get("quick") or "")

    @property
    def forms(self) -> list[SaneForm]:
        return [form for form in (self.form, *self.looks, *self.actions) if form is not None]

    def is_valid(self) -> bool:
        valid = [form.is_valid() for form in self.forms]  # each says what is wrong with it
        return all(valid)

    def choice(self, *, version: int | None, typed: Mapping[str, Any] | None = None) -> Choice:
        looked_at = [said for form in self.looks if (said := form.looked_at()) is not None]
        return self.form.choice(self.new_actions(), looked_at, version=version, typed=typed)

    def new_actions(self) -> list[NewAction]:
        return [form.action() for form in self.actions]


_OF_ROWS = re.compile(
    r"action-\d{1,2}-(text|agency|owner|due_on|kind|ask)|money-\d{1,18}|looked-\d{1,18}-(status|note)|vote-[-a-z0-9]{1,60}"
)
_SINGLE = frozenset(ItemForm.base_fields) | {"actions", "quick"}
MOST_ANSWERS = 400


def answers(posted: QueryDict) -> dict[str, Any]:
    """Every answer as it was typed, under its name: what is kept as the draft of an item. Nothing else is taken."""
    names = [name for name in posted if name in _SINGLE or _OF_ROWS.fullmatch(name)][:MOST_ANSWERS]
    return {name: posted.getlist(name) if name == "chips" else posted[name] for name in names}


def read_quick_line(kept: dict[str, Any], table: Table) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`kept` with the quick line read into a new action at the end, and the questions that it leaves open."""
    line = str(kept.get("quick") or "").strip()
    count = _count(kept.get("actions"))
    if not line or count >= MOST_ACTIONS:
        return kept, ()
    parsed = quickline.parse(
        line,
        agencies=[(agency.slug, agency.name) for agency in table.agencies],
        people=[(person.pk, person.user.name, person.agency.slug) for person in table.people],
        today=clock.today(),
        next_panel=table.next_panel,
    )
    due = parsed.due
    row = {
        "text": parsed.text,
        "agency": parsed.agency or "",
        "owner": str(parsed.owner or ""),
        "due_on": f"{due.day} {due.month} {due.year}" if due else "",
        "kind": parsed.kind,
        "ask": " ".join(parsed.questions)[:400],
    }
    read = {f"action-{count}-{name}": value for name, value in row.items()}
    return kept | read | {"actions": str(count + 1), "quick": ""}, parsed.questions


def without_action(kept: dict[str, Any], number: int) -> dict[str, Any]:
    """`kept` without the new action `number`; those after it move up."""
    count = _count(kept.get("actions"))
    rows = [_under(kept, f"action-{each}") for each in range(count) if each != number]
    rest = {name: value for name, value in kept.items() if not name.startswith("action-")}
    for place, row in enumerate(rows):
        rest |= {f"action-{place}-{name}": value for name, value in row.items()}
    return rest | {"actions": str(len(rows))}


def _under(draft: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    start = f"{prefix}-"
    return {name.removeprefix(start): value for name, value in draft.items() if name.startswith(start)}


def _count(value: Any) -> int:
    text = str(value or "0")
    return min(int(text), MOST_ACTIONS) if text.isdecimal() and len(text) < 4 else 0


def _said(said: Any) -> dict[str, str]:
    return {"status": said.status, "note": said.note} if said else {}


def people_choices(people: Iterable[Membership], nobody: str = "Choose") -> list[tuple[str, str]]:
    """The choices of a select of people, by their membership."""
    return [("", nobody), *((str(person.pk), f"{person.user.name}, {person.agency.name}") for person in people)]


def chosen_person(people: Iterable[Membership], value: Any) -> Membership | None:
    """Whoever was chosen in such a select; None when nobody was."""
    return next((person for person in people if str(person.pk) == str(value)), None) if value else None


def vote_of(agency: Agency) -> str:
    """The field of an organisation's vote."""
    return f"vote-{agency.slug}"


def money_of(asked: Funding) -> str:
    """The field of a request for money."""
    return f"money-{asked.pk}"


def _joined(chips: Sequence[str], line: str) -> str:
    """The reason as it stands in the minutes: what was tapped, then what was typed, as sentences."""
    parts = [part.strip().rstrip(".") for part in (*chips, line) if part.strip()]
    if len(parts) == 1 and not chips:
        return line.strip()
    return ". ".join(parts)


def _as_typed(decision: Decision, table: Table) -> dict[str, Any]:
    """A decision as answers of the form, to correct it."""
    typed: dict[str, Any] = {
        "outcome": decision.outcome,
        "colour": decision.colour if needs_colour(decision.outcome, decision.item.section) else "",
        "reason": decision.reason,
        "evidence": decision.evidence,
        "agreed_until": decision.agreed_until or "",
        "reason_for_referrer": decision.reason_for_referrer,
        "how": How.MAJORITY if decision.how == How.CASTING else decision.how,
        "motion": decision.motion if decision.motion != decision.outcome else "",
        "casting": decision.casting_vote,
        "vote_note": decision.vote_note,
        "dissent": decision.dissent,
        "harm": decision.harm,
        "harm_words": decision.harm_words,
        "harm_agency": decision.harm_agency.slug if decision.harm_agency else "",
        "taken_on_by": decision.taken_on_by.slug if decision.taken_on_by else "",
        "score_agreed": {True: "yes", False: "no"}.get(decision.score_agreed, ""),
        "plan_agreed": decision.plan_agreed,
    }
    typed |= {f"money-{each.funding_id}": "yes" if each.agreed else "no" for each in decision.funding.all()}
    if decision.motion:
        typed |= {vote_of(vote.agency): vote.vote for vote in decision.votes.select_related("agency")}
    for role, held in decision.leads.items():
        if role == AssignmentRole.LEAD_AGENCY:
            typed["lead_agency"] = _slug(table.agencies, held["agency"])
            typed["lead_reason"] = held["reason"]
            continue
        person = next((p for p in table.people if p.user.name == held["name"]), None)
        typed |= {role: str(person.pk)} if person else {f"{role}_name": held["name"]}
    return typed


def _slug(agencies: Iterable[Agency], name: str) -> str:
    return next((agency.slug for agency in agencies if agency.name == name), "")

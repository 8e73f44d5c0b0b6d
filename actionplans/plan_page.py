"""What the page of a plan shows (ux.md 4.6): every pathway with its need, actions and offers, money, balance, dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from iom import clock
from iom.access import Actor
from iom.models import Agency
from offenders.case_pages import case_page
from offenders.models import Case

from . import funding, offers
from .balance import Balance, weigh
from .beside import notes_for
from .forms.help import AnswerForm, AskForm, FundingForm, OfferForm
from .forms.plan import ActionForm, NeedForm, UpdateForm
from .models import Action, Funding, FundingStatus, Offer, Plan
from .reading import OTHER, PathwayLine, next_panel, pathway_lines, updatable, who_choices
from .reviewing import DueReview
from .reviews import due_for
from .services import to_offer

# An offer in one of these states may still change by itself, so that its row has the form.
OPEN_ANSWERS = ("waiting", "taken_up")


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action as the page shows it: `form` says how it stands, `edit` corrects what was agreed."""

    action: Action
    place: int
    count: int
    form: forms.Form | None
    edit: forms.Form | None
    notes: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class OfferRow:
    offer: Offer
    form: forms.Form | None
    may_answer: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One pathway with its forms. One that was refused stays as it was typed, and open."""

    line: PathwayLine
    actions: tuple[ActionRow, ...]
    offers: tuple[OfferRow, ...]
    offered: str
    need_form: forms.Form | None = None
    action_form: forms.Form | None = None
    offer_form: forms.Form | None = None
    adding: bool = False
    offering: bool = False
    needing: bool = False


@dataclass(frozen=True, slots=True)
class MoneyRow:
    asked: Funding
    form: forms.Form | None
    may_decide: bool


@dataclass
class PlanPage:
    """Gathers the page once. `bound` are forms that were refused, by their prefix; `editing` the action opened."""

    actor: Actor
    case: Case
    bound: Mapping[str, forms.Form] = field(default_factory=dict)
    editing: int = 0
    answering: int = 0

    def __post_init__(self) -> None:
        self.today = clock.today()
        self.plan = Plan.objects.visible_to(self.actor).filter(case=self.case).prefetch_related("needs").first()
        open_case = self.case.status != "closed"
        unsaved = Plan(scheme_id=self.case.scheme_id, case=self.case)
        self.may_change = open_case and self.actor.can("actionplans.change_plan", self.plan or unsaved)
        self.acts = list(Action.objects.visible_to(self.actor).filter(case=self.case).for_list().in_plan_order())
        self.mine = updatable(self.actor, self.acts) if open_case else set()
        self.who = who_choices(self.case.scheme, self.today) if self.may_change else []
        self.may_offer = open_case and (self.may_change or self._acts_for_an_agency())
        self.directory = to_offer(self.actor, self.case.offender.area) if self.may_offer else []
        self.panel = next_panel(self.case.scheme, self.today)
        self.pathways = [(each.slug, each.name) for each in self.case.scheme.policy.pathways]

    def _acts_for_an_agency(self) -> bool:
        offered = Offer(scheme_id=self.case.scheme_id, case=self.case, agency=self.actor.agency)
        return self.actor.agency is not None and self.actor.can("actionplans.make_offer", offered)

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """The context of the page."""
        sections, money = self.sections(), self.money()
        due = due_for([self.case], self.case.scheme.policy).get(self.case.pk, [])
        return case_page(request, self.case, "case_plan") | {
            "plan": self.plan,
            "may_change": self.may_change,
            "may_offer": self.may_offer,
            "sections": sections,
            "balance": self.balance(),
            "review": next_review(due, self.today),
            "money": money,
            "ask_form": (self.bound.get("ask") or AskForm(pathways=self.pathways)) if self.may_change else None,
            "money_total": funding.totals(self.case.scheme, cases=[self.case]) if money else None,
            "funding_rule": self.case.scheme.policy.funding,
            "removed": self.removed(),
            "problem_forms": list(self.bound.values()),
        }

    def sections(self) -> list[Section]:
        """The scheme's pathways in its order, then what belongs to none."""
        made: dict[str, list[Offer]] = {}
        rows = Offer.objects.visible_to(self.actor).filter(case=self.case).select_related("agency", "service")
        for each in rows:
            made.setdefault(each.pathway, []).append(each)
        counts = offers.counts(offer for held in made.values() for offer in held)
        notes = notes_for(self.actor, self.acts)
        agencies = self._agencies()
        return [
            self._section(line, made.get(line.slug, []), counts, notes, agencies)
            for line in pathway_lines(self.case, self.plan, self.acts)
        ]

    def _section(
        self,
        line: PathwayLine,
        made: list[Offer],
        counts: Mapping[str, Any],
        notes: Mapping[int, Any],
        agencies: Sequence[tuple[str, str]],
    ) -> Section:
        slug, bound = line.slug, self.bound
        count = len(line.actions)
        on_pathway = slug != OTHER
        return Section(
            line=line,
            actions=tuple(self._row(action, place, count, notes) for place, action in enumerate(line.actions, start=1)),
            offers=tuple(self._offer(each) for each in made),
            offered=offers.in_words(counts[slug]) if slug in counts else "",
            need_form=(bound.get(f"need-{slug}") or NeedForm.of(line.need, slug)) if self.may_change else None,
            action_form=(bound.get(f"new-{slug}") or self.new_action(slug)) if self.may_change else None,
            offer_form=(
                (bound.get(f"offer-{slug}") or OfferForm(pathway=slug, agencies=agencies, services=self.directory))
                if self.may_offer and on_pathway
                else None
            ),
            adding=f"new-{slug}" in bound,
            offering=f"offer-{slug}" in bound,
            needing=f"need-{slug}" in bound,
        )

    def _row(self, action: Action, place: int, count: int, notes: Mapping[int, Any]) -> ActionRow:
        back = f"{reverse('case_plan', args=[self.case.reference])}#action-{action.pk}"
        reports = action.to_do and action.pk in self.mine
        edit = self.bound.get(f"edit-{action.pk}")
        if edit is None and self.may_change and action.pk == self.editing:
            edit = self.edit_action(action)
        return ActionRow(
            action, place, count, UpdateForm.of(action, back) if reports else None, edit, notes.get(action.pk, ())
        )

    def _offer(self, made: Offer) -> OfferRow:
        may = self.may_offer and (self.may_change or made.agency_id == self.actor.agency.pk)
        shown = self.bound.get(f"answer-{made.pk}")
        if shown is None and may and (made.answer in OPEN_ANSWERS or made.pk == self.answering):
            shown = AnswerForm.of(made)
        return OfferRow(made, shown, may)

    def _agencies(self) -> list[tuple[str, str]]:
        """Who can be said to have offered something: any agency, or one's own."""
        if not self.may_offer:
            return []
        rows = Agency.objects.filter(scheme=self.case.scheme)
        if not self.may_change:
            rows = rows.filter(pk=self.actor.agency.pk)
        return [(each.slug, each.name) for each in rows.order_by("name")]

    def balance(self) -> Balance:
        """The open actions weighed against what the rating's tactical options expect."""
        rating = self.case.rating
        expected = {option.group for option in self.case.scheme.policy.tactics(rating.colour)} if rating else set()
        named = rating.get_colour_display() if rating else ""
        return weigh((action.kind for action in self.acts if action.to_do), expected=expected, rating=named)

    def money(self) -> list[MoneyRow]:
        """Requests for money, newest first, each with what may be done with it."""
        panel = self.case.scheme.policy.funding.panel_allocates
        rows = Funding.objects.visible_to(self.actor).filter(case=self.case).select_related("meeting__body")
        found = []
        for each in rows:
            waits = each.status == FundingStatus.ASKED or (each.status == FundingStatus.AGREED and each.spent is None)
            form = self.bound.get(f"money-{each.pk}")
            if form is None and self.may_change and waits:
                form = FundingForm.of(each)
            decides = not panel and each.status == FundingStatus.ASKED and self.actor.has_role("coordinator")
            found.append(MoneyRow(each, form, decides))
        return found

    def removed(self) -> list[Action]:
        """What was taken out of the plan and can be brought back, last first; for those who may do so."""
        if not self.may_change:
            return []
        rows = Action.with_removed.visible_to(self.actor).filter(case=self.case, removed_at__isnull=False)
        return list(rows.select_related("agency", "owner__user", "removed_by").order_by("-removed_at"))

    def new_action(self, pathway: str, data: Any = None) -> ActionForm:
        """The form that adds an action to a pathway, or to none."""
        return ActionForm(
            data, prefix=f"new-{pathway}", choices=self.who, pathways=[], next_panel=self.panel, initial={}
        )

    def edit_action(self, action: Action, data: Any = None) -> ActionForm:
        """The form in the row of an action that corrects what was agreed."""
        return ActionForm(
            data,
            prefix=f"edit-{action.pk}",
            choices=self.who,
            pathways=self.pathways,
            next_panel=self.panel,
            initial=ActionForm.initial_of(action),
        )


def next_review(due: Sequence[DueReview], today: date) -> DueReview | None:
    """The review that the head of the plan tells of: the longest overdue, else the next."""
    late = [each for each in due if each.overdue(today)]
    coming = [each for each in due if each.on is not None and not each.overdue(today)]
    return next(iter([*late, *coming]), None)

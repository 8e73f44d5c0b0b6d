"""What the pages of plans and actions gather before they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Case as Choose
from django.db.models import Count, Max, Q, QuerySet, When

from iom import together
from iom.access import Actor
from iom.clock import LONDON
from iom.models import Agency, Membership, Role, Scheme
from iom.together import Steps
from offenders.clocks import planned_meetings_steps
from offenders.models import Assignment, Case
from offenders.querysets import of_one_case

from .models import STILL_TO_DO, Action, PathwayNeed, Plan

OTHER = "other"
WORKING_ROLES = (Role.MEMBER, Role.RESEARCHER, Role.COORDINATOR, Role.CHAIR)


def updatable(actor: Actor, actions: Iterable[Action]) -> set[int]:
    """Which of these actions, all of them visible to the actor, the actor may say the state of.

    The same rule as `actionplans.update_action`, asked for a whole list with one query.
    """
    return together.run(updatable_steps(actor, actions))


def updatable_steps(actor: Actor, actions: Iterable[Action]) -> Steps[set[int]]:
    """`updatable`, read together with other rows."""
    if actor.has_role("coordinator", "chair"):
        return {action.pk for action in actions}
    led: set[int] = set()
    if actor.membership is not None:
        held = Assignment.objects.filter(membership=actor.membership, until=None)
        led = set((yield held.values_list("case_id", flat=True)))
    ours = actor.agency.pk if actor.agency else None
    return {action.pk for action in actions if action.agency_id == ours or action.case_id in led}


def next_panel(scheme: Scheme, today: date) -> date | None:
    """The next day on which the scheme's deciding body meets, after today."""
    return together.run(next_panel_steps(scheme, today))


def next_panel_steps(scheme: Scheme, today: date) -> Steps[date | None]:
    """`next_panel`, read together with other rows."""
    days = yield from planned_meetings_steps(scheme, scheme.policy.deciding_body.slug, today + timedelta(days=1))
    return next(iter(days), None)


def who_choices(scheme: Scheme, today: date) -> list[tuple[str, str]]:
    """Who can be given an action: each agency, and under it the people who act for it."""
    return together.run(who_choices_steps(scheme, today))


def who_choices_steps(scheme: Scheme, today: date) -> Steps[list[tuple[str, str]]]:
    """`who_choices`, read together with other rows."""
    working = Membership.objects.filter(scheme=scheme).current(today).with_role(*WORKING_ROLES)
    held, agencies = yield [
        working.order_by("user__name").values_list("agency", "pk", "user__name"),
        Agency.objects.filter(scheme=scheme).order_by("name").values_list("pk", "name"),
    ]
    people: dict[int, list[tuple[int, str]]] = {}
    for agency, membership, name in held:
        people.setdefault(agency, []).append((membership, name))
    choices = []
    for agency, called in agencies:
        choices.append((f"agency:{agency}", called))
        choices += [(f"person:{pk}", f"{called}: {name}") for pk, name in people.get(agency, ())]
    return choices


@dataclass(frozen=True, slots=True)
class PathwayLine:
    """One pathway of the scheme as a case's plan has it."""

    slug: str
    name: str
    need: PathwayNeed | None
    actions: tuple[Action, ...]

    def count(self, today: date) -> str:
        """How its actions stand, in words: "1 late, 1 open, 2 done"."""
        late = sum(action.overdue(today) for action in self.actions)
        to_do = sum(action.to_do for action in self.actions)
        done = sum(action.status == "done" for action in self.actions)
        words = [
            f"{late} late" if late else "",
            f"{to_do - late} open" if to_do - late else "",
            f"{done} done" if done else "",
        ]
        return ", ".join(filter(None, words))

    @property
    def agencies(self) -> list[str]:
        """Which agencies have something to do here."""
        return sorted({action.agency.name for action in self.actions if action.to_do})


def pathway_lines(case: Case, plan: Plan | None, actions: Sequence[Action]) -> list[PathwayLine]:
    """The scheme's pathways in its order, with what the plan says of each; then what belongs to none of them."""
    needs = {need.pathway: need for need in plan.needs.all()} if plan else {}
    pathways = case.scheme.policy.pathways
    known = {pathway.slug for pathway in pathways}
    lines = [
        PathwayLine(p.slug, p.name, needs.get(p.slug), tuple(a for a in actions if a.pathway == p.slug))
        for p in pathways
    ]
    other = tuple(action for action in actions if action.pathway not in known)
    return [*lines, PathwayLine(OTHER, "Other actions", None, other)]


class Stands(NamedTuple):
    """How the plan of a case stands: actions to be done, those of them that are late, and when it was last touched."""

    to_do: int
    late: int
    updated: date | None


def stands_steps(cases: Sequence[Case], today: date) -> Steps[dict[int, Stands]]:
    """How the plan of each case stands, if it has one or an action.

    It is touched when it is reviewed or agreed, a need assessed, an action agreed or finished.
    """
    wanted = [case.pk for case in cases]
    plans, actions = yield [_plans_of(cases=wanted), _actions_of(cases=wanted, today=today)]
    touched = {case: _last(made, *days) for case, made, *days in plans}
    return {
        **{case: Stands(0, 0, on) for case, on in touched.items()},
        **{
            case: Stands(to_do, late, max(_last(made, done), touched.get(case, date.min)))
            for case, to_do, late, made, done in actions
        },
    }


def _last(made: datetime, *days: date | None) -> date:
    return max([made.astimezone(LONDON).date(), *(day for day in days if day is not None)])


@together.worded
def _plans_of(cases: list[int]) -> QuerySet:
    rows = Plan.objects.filter(case__in=cases).annotate(assessed=Max("needs__updated_on"))
    return rows.values_list("case", "created_at", "reviewed_on", "agreed_on", "assessed")


@together.worded
def _actions_of(cases: list[int], today: date) -> QuerySet:
    to_do = Q(status__in=STILL_TO_DO)
    rows = Action.objects.filter(case__in=cases).order_by().values("case")
    counted = rows.annotate(open=Count("pk", filter=to_do), late=Count("pk", filter=to_do & Q(due_on__lt=today)))
    return counted.annotate(made=Max("created_at"), finished=Max("finished_on")).values_list(
        "case", "open", "late", "made", "finished"
    )


def plan_of_steps(actor: Actor, case: Case) -> Steps[Plan | None]:
    """The plan of a case, with its needs."""
    plan, needs = yield [_plan(actor, case), _needs(case.pk)]
    if plan is not None:
        plan.case = case
        together.attach([plan], "needs", needs)
    return plan


def actions_of_steps(actor: Actor, case: Case) -> Steps[list[Action]]:
    """The actions of a case that the reader may read, `overdue_first`."""
    return (yield _actions(actor, case))


_plan = of_one_case(Plan.objects.all, together.first)
_actions = of_one_case(
    Action.objects.all, lambda rows: overdue_first(rows.for_list()), permission="actionplans.view_actions"
)


@together.worded
def _needs(case: int) -> QuerySet[PathwayNeed]:
    return PathwayNeed.objects.filter(plan__case=case)


def overdue_first(actions: QuerySet[Action]) -> QuerySet[Action]:
    """To do before finished; among the first, the longest overdue first; among the others, the last finished first."""
    state = Choose(When(status__in=STILL_TO_DO, then=0), default=1)
    return actions.annotate(state=state).order_by("state", Choose(When(state=0, then="due_on")), "-finished_on", "pk")

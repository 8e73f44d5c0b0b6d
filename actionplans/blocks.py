"""What plans and actions contribute to pages that show several apps' things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Min
from django.urls import reverse

from iom.access import Actor
from iom.blocks import Block, Task, board_columns, case_block, home_tasks
from iom.jinja import plural
from offenders.history import Part, part_of_history
from offenders.models import Case

from .models import Action, PathwayNeed, Plan
from .reading import action_counts, overdue_first, pathway_lines, plan_updates

# Actions that are due this soon stand among the tasks.
SOON_DAYS = 7


@home_tasks
def our_actions(actor: Actor, today: date) -> Iterable[Task]:
    """What one's own agency has to do, overdue or within a week."""
    if actor.agency is None or not actor.has_role("member", "researcher"):
        return
    due = _visible(actor).filter(agency=actor.agency, due_on__lte=today + timedelta(days=SOON_DAYS))
    found = due.aggregate(count=Count("pk"), first=Min("due_on"))
    if found["count"]:
        late = due.overdue(today).count()
        words = f"{plural(found['count'], 'action')} for {actor.agency.name}" + (f", {late} overdue" if late else "")
        yield Task(found["first"], words, f"{reverse('actions')}?show=agency", "Update actions")


@home_tasks
def overdue_by_agency(actor: Actor, today: date) -> Iterable[Task]:
    """For coordinator and chair: which agencies are late, with how much."""
    if not actor.has_role("coordinator", "chair"):
        return
    rows = _visible(actor).overdue(today).order_by().values("agency__slug", "agency__name")
    for row in rows.annotate(count=Count("pk"), first=Min("due_on")).order_by("first", "agency__name"):
        yield Task(
            row["first"],
            f"{row['agency__name']}: {plural(row['count'], 'action')} overdue",
            f"{reverse('actions')}?show=all&agency={row['agency__slug']}",
            "Open actions",
        )


def _visible(actor: Actor) -> Any:
    return Action.objects.visible_to(actor).to_do()


@board_columns
def plan_columns(actor: Actor, cases: Sequence[Case], today: date) -> dict[int, dict[str, Any]]:
    """Open and late actions, and when the plan was last touched."""
    counts, updates = action_counts(cases, today), plan_updates(cases)
    return {
        case.pk: {
            "open_actions": counts.get(case.pk, (0, 0))[0],
            "late_actions": counts.get(case.pk, (0, 0))[1],
            "plan_updated": updates.get(case.pk),
        }
        for case in cases
    }


@case_block
def pathways_and_actions(actor: Actor, case: Case, today: date) -> Iterable[Block]:
    """The pathways with how each stands, and what is to be done."""
    plan = Plan.objects.visible_to(actor).filter(case=case).prefetch_related("needs").first()
    actions = list(overdue_first(Action.objects.visible_to(actor).filter(case=case).for_list()))
    lines = [line for line in pathway_lines(case, plan, actions) if line.slug != "other" or line.actions]
    unsaved = Plan(scheme_id=case.scheme_id, case=case)
    may_change = case.status != "closed" and actor.can("actionplans.change_plan", plan or unsaved)
    shared = {"may_change": may_change, "plan": plan}
    yield Block("actionplans/block_pathways.html", shared | {"lines": lines}, place=30)
    to_do = [action for action in actions if action.to_do]
    yield Block("actionplans/block_open_actions.html", shared | {"to_do": to_do}, place=40)


@part_of_history
def plan_and_actions(actor: Actor, case: Case) -> Iterable[Part]:
    """The plan, its needs and the case's actions."""
    yield Part(Plan.objects.visible_to(actor).filter(case=case), "case", case.pk)
    yield Part(PathwayNeed.objects.filter(plan__in=Plan.objects.visible_to(actor).filter(case=case)))
    yield Part(Action.objects.visible_to(actor).filter(case=case), "case", case.pk)

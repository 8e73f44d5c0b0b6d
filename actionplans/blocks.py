"""What plans and actions contribute to pages that show several apps' things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.urls import reverse

from iom import together
from iom.access import Actor
from iom.blocks import Block, Task, board_columns, case_block, home_tasks
from iom.jinja import plural
from iom.together import Steps
from offenders.history import Part, part_of_history
from offenders.models import Assignment, Case
from offenders.querysets import CaseQuerySet

from . import (
    at_exit,  # noqa: F401 -- registers what is asked before somebody leaves
    citing,  # noqa: F401 -- registers what a licence-condition request can cite
    handing_over,  # noqa: F401 -- registers what is handed over with a case
    markers,  # noqa: F401 -- asks police for their markers when a rating changes
    prompting,  # noqa: F401 -- registers tasks, filters and what the panel is asked
    reports,
    shown,  # noqa: F401 -- says what plans and offers show beside a rating
    tactics,
)
from .models import (
    Action,
    Agreement,
    CourtStatement,
    GapNote,
    ManagementReport,
    PathwayNeed,
    Plan,
    SupervisorReview,
)
from .reading import (
    Stands,
    actions_of_steps,
    pathway_lines,
    plan_of_steps,
    stands_steps,
)

# Actions and reports that are due this soon stand among the tasks; agreements and bids need longer.
SOON_DAYS = 7
# A statement of which its writer has asked for approval.
ASKED = {"status": "draft", "asked_at__isnull": False}
WEEKS_AHEAD = 4


@home_tasks
def our_actions(actor: Actor, today: date) -> Iterable[Task]:
    """What one's own agency has to do, overdue or within a week."""
    if actor.agency is None or not actor.has_role("member", "researcher"):
        return

    def due() -> QuerySet:
        rows = _visible(actor).filter(agency=actor.agency, due_on__lte=today + timedelta(days=SOON_DAYS))
        return rows.order_by().values_list("due_on").annotate(count=Count("pk"))

    if found := dict((yield due)):
        late = sum(count for on, count in found.items() if on < today)
        words = f"{plural(sum(found.values()), 'action')} for {actor.agency.name}"
        words += f", {late} overdue" if late else ""
        yield Task(min(found), words, f"{reverse('actions')}?show=agency", "Update actions")


@home_tasks
def overdue_by_agency(actor: Actor, today: date) -> Iterable[Task]:
    """For coordinator and chair: which agencies are late, with how much."""
    if not actor.has_role("coordinator", "chair"):
        return
    for row in (yield together.shared(overdue_of_agencies, actor, today)):
        yield Task(
            row["first"],
            f"{row['agency__name']}: {plural(row['count'], 'action')} overdue",
            f"{reverse('actions')}?show=all&agency={row['agency__slug']}",
            "Open actions",
        )


def overdue_of_agencies(actor: Actor, today: date) -> together.Steps[list[dict[str, Any]]]:
    """Of each agency that is late, by name: slug, name, with how many actions, and since when."""

    def late() -> QuerySet:
        rows = _visible(actor).overdue(today).order_by().values("agency__slug", "agency__name")
        return rows.annotate(count=Count("pk"), first=Min("due_on")).order_by("agency__name")

    return (yield late)


def _visible(actor: Actor) -> Any:
    return Action.objects.visible_to(actor).to_do()


@board_columns
def plan_columns(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, Any]]]:
    """Open and late actions, and when the plan was last touched."""
    found = yield from stands_steps(cases, today)
    return {
        case.pk: {"open_actions": stands.to_do, "late_actions": stands.late, "plan_updated": stands.updated}
        for case in cases
        if (stands := found.get(case.pk, Stands(0, 0, None)))
    }


@case_block
def pathways_and_actions(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """The pathways with how each stands, and what is to be done."""
    plan, actions = yield [
        together.shared(plan_of_steps, actor, case),
        together.shared(actions_of_steps, actor, case),
    ]
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


# --- Reports and statements -------------------------------------------------------------------


@case_block
def papers_about_the_case(actor: Actor, case: Case, today: date) -> Iterable[Block]:
    """The way to the management report, where the scheme keeps one, and to statements for courts."""
    yield Block(
        "actionplans/block_papers.html", {"report": reports.is_kept(case.scheme.policy)}, place=75, slot="aside"
    )


@home_tasks
def reports_to_review(actor: Actor, today: date) -> Iterable[Task]:
    """For a supervisor: the reports on the cases of their officers that are due within a week, or overdue."""
    if (
        actor.membership is None
        or not reports.is_reviewed(actor.scheme.policy)
        or not actor.holds("actionplans.view_reports")
    ):
        return

    def due() -> QuerySet:
        cases = Case.objects.visible_to(actor).not_closed().filter(reports.supervised_by(actor.membership))
        return _due_by(cases, actor, today + timedelta(days=SOON_DAYS))

    if near := dict((yield due)):
        words = f"Review {plural(sum(near.values()), 'management report')}"
        yield Task(min(near), words, f"{reverse('reports')}?show=mine", "Open reports")


@home_tasks
def reports_overdue(actor: Actor, today: date) -> Iterable[Task]:
    """For the coordinator: reports that nobody reviewed in time, and officers whom nobody supervises."""
    if not actor.has_role("coordinator") or not reports.is_reviewed(actor.scheme.policy):
        return

    def asked() -> list[together.Read]:
        cases = Case.objects.visible_to(actor).not_closed()
        return [
            _due_by(cases, actor, today - timedelta(days=1)),
            together.counted(reports.officers_without_supervisor(cases)),
        ]

    late, alone = yield asked
    if days := dict(late):
        words = f"{plural(sum(days.values()), 'management report')} overdue for review"
        yield Task(min(days), words, f"{reverse('reports')}?show=all", "Open reports")
    if alone:
        words = f"{plural(alone, 'lead officer')} without a supervisor"
        yield Task(None, words, reverse("report_supervisors"), "Name supervisors")


def _due_by(cases: CaseQuerySet, actor: Actor, day: date) -> QuerySet:
    """The days on which these reports are to be reviewed, up to a day, with how many on each."""
    rows = reports.with_review_due(cases, actor.scheme.policy).filter(review_due__lte=day).order_by()
    return rows.values_list("review_due").annotate(count=Count("pk"))


@home_tasks
def statements_to_approve(actor: Actor, today: date) -> Iterable[Task]:
    """For the lead professional: statements for courts that wait for their approval, by the day of the hearing."""
    if actor.membership is None or not actor.holds("actionplans.approve_statement"):
        return
    scheme = actor.scheme
    if not (yield lambda: together.exists(CourtStatement.objects.filter(scheme=scheme, **ASKED))):
        return

    def waiting() -> QuerySet:
        mine = Assignment.objects.filter(membership=actor.membership, role="lead_professional", until=None)
        rows = CourtStatement.objects.visible_to(actor).filter(case__in=mine.values("case"), **ASKED)
        return rows.select_related("case")

    for statement in (yield waiting):
        reference = statement.case.reference
        words = f"Approve the statement for court on {reference}"
        yield Task(statement.hearing_on, words, reverse("case_statement", args=[reference]), "Read and approve")


@home_tasks
def services_to_look_at(actor: Actor, today: date) -> Iterable[Task]:
    """For the coordinator: agreements to be reviewed, and bids that are due, within four weeks."""
    if not actor.has_role("coordinator"):
        return
    near = today + timedelta(weeks=WEEKS_AHEAD)

    def asked() -> list[QuerySet]:
        bids = GapNote.objects.visible_to(actor).filter(state=GapNote.State.OPEN, due_on__lte=near)
        return [
            Agreement.objects.visible_to(actor).in_force().filter(review_on__lte=near).order_by("review_on"),
            bids.order_by().values_list("due_on", flat=True),
        ]

    agreements, found = yield asked
    for agreement in agreements:
        words = f"Review the agreement with {agreement.with_whom}"
        yield Task(agreement.review_on, words, agreement.get_absolute_url(), "Open agreement")
    if found:
        yield Task(
            min(found),
            f"{plural(len(found), 'bid')} to make for services",
            reverse("service_gaps"),
            "Open gaps",
        )


@part_of_history
def reports_and_statements(actor: Actor, case: Case) -> Iterable[Part]:
    """The lead's words in the report, the supervisor's reviews, and statements for courts."""
    for model in (ManagementReport, SupervisorReview, CourtStatement):
        yield Part(model.objects.visible_to(actor).filter(case=case), "case", case.pk)


@case_block
def tactical_options(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """How far the options of the rating are gone through; nothing where the scheme suggests none."""
    found = (yield from tactics.options_of_steps(case)) if case.status != "closed" else []
    if found:
        said = [each.said for each in found if each.said is not None]
        shown = {"case": case, "count": len(found), "said": len(said)}
        chosen = sum(each.action_id is not None for each in said)
        yield Block("actionplans/block_tactics.html", shown | {"chosen": chosen}, place=35, slot="aside")

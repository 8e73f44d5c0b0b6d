"""Groups inside the cohort: in which a case is, and how each is worked with (Waltham Forest, 5.4; Hampshire, Criteria).

Somebody is in a group by the clause under which they were taken on, or because the panel or the coordinator said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, together
from iom.blocks import Block, board_columns, case_block
from iom.models import Meeting
from iom.steps import StepRefused, locked
from iom.together import Steps

from .models import Case, CaseStatus, InGroup
from .querysets import of_one_case

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.policy import Policy
    from iom.policy.joining import SubCohort


def by_clause(case: Case, policy: Policy) -> tuple[SubCohort, ...]:
    """The groups into which the clause that a case met takes people."""
    named = {
        clause.cohort for criteria in policy.eligibility for clause in criteria.clauses if clause.name == case.criterion
    }
    return tuple(each for each in policy.sub_cohorts if each.cohort and each.cohort in named)


@transaction.atomic
def put_in(case: Case, group: str, *, on: date, by: Actor, meeting: Meeting | None = None) -> InGroup:
    """Put a case into a group of the scheme's rules. One that is in it already stays.

    Raises PermissionDenied, or StepRefused: no such group, a day ahead, or a closed case.
    """
    case = locked(Case, case.pk)
    if not by.can("offenders.place_in_group", case):
        raise PermissionDenied
    problems = []
    if group not in {each.slug for each in by.scheme.policy.sub_cohorts}:
        problems.append("Choose a group from the list.")
    if on > clock.today():
        problems.append("The day must be today or earlier.")
    if case.status == CaseStatus.CLOSED:
        problems.append("This case is closed.")
    if problems:
        raise StepRefused(problems)
    held = InGroup.objects.filter(case=case, group=group, until=None).first()
    if held is not None:
        return held
    held = InGroup.objects.create(
        scheme=by.scheme, case=case, group=group, starts_on=on, meeting=meeting, made_by=by.user
    )
    audit.record("put_in_group", held, by=by, after=group, subjects=[case.audit_subject])
    return held


@transaction.atomic
def take_out(held: InGroup, *, on: date, by: Actor) -> InGroup:
    """Take a case out of a group; that it was in it stays. Raises PermissionDenied or StepRefused."""
    held = locked(InGroup, held.pk)
    if not by.can("offenders.place_in_group", held.case):
        raise PermissionDenied
    if held.until is not None or on < held.starts_on:
        raise StepRefused(["The case has left this group already, or came into it later than that."])
    held.until = on
    held.version += 1
    held.save(update_fields=["until", "version"])
    audit.record("take_out_of_group", held, by=by, before=held.group, subjects=[held.case.audit_subject])
    return held


def standing(actor: Actor, case: Case) -> list[dict[str, Any]]:
    """The groups of a case with how each is worked with, and how the case came into it."""
    return together.run(standing_steps(actor, case))


_placed = of_one_case(
    InGroup.objects.all, lambda rows: rows.filter(until=None).select_related("meeting__body", "made_by")
)


def standing_steps(actor: Actor, case: Case) -> Steps[list[dict[str, Any]]]:
    """`standing`, read together with other rows."""
    policy = actor.scheme.policy
    known = {each.slug: each for each in policy.sub_cohorts}
    rows = yield _placed(actor, case)
    placed = [{"group": known[row.group], "held": row} for row in rows if row.group in known]
    slugs = {each["group"].slug for each in placed}
    return [*({"group": each, "held": None} for each in by_clause(case, policy) if each.slug not in slugs), *placed]


@board_columns
def placed(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, Any]]]:
    """The groups into which cases were put by hand; those of their clause stand on the board as its cohort."""
    names = {each.slug: each.name for each in actor.scheme.policy.sub_cohorts}
    found: dict[int, dict[str, Any]] = {}
    if names:
        rows = InGroup.objects.filter(case__in=[case.pk for case in cases], until=None, group__in=names)
        for case, group in (yield rows.values_list("case", "group")):
            found.setdefault(case, {"placed": []})["placed"].append(names[group])
    return found


@case_block
def groups_of_the_case(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """In which group somebody is managed, and how that differs; the coordinator may change it."""
    if not actor.scheme.policy.sub_cohorts:
        return
    may = case.status != CaseStatus.CLOSED and actor.can("offenders.place_in_group", case)
    found = yield from standing_steps(actor, case)
    yield Block("offenders/block_groups.html", {"groups": found, "may_place": may}, place=6, slot="top")

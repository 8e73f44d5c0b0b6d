"""Visits that two agencies make together: to the home, so that somebody keeps to licence or order (London, Police), and
to prison before release (Waltham Forest, 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, clock, together
from iom.access import Actor
from iom.models import Agency
from iom.policy import Policy
from iom.policy.managing import SupportedCompliance
from iom.steps import StepRefused, locked
from offenders import timeline
from offenders.models import Case
from offenders.safeguarding import Flag, flags_of

from .actions import must_be_open
from .models import Plan, Visit

WORDS = {
    "da_perpetrator": "domestic violence is recorded of this person",
    "public_protection": "this is a public-protection case",
}


def why_not(rule: SupportedCompliance, flags: Sequence[Flag]) -> str:
    """Why nobody makes a supported-compliance visit here, in words; blank where one may be made. Pure."""
    found = [kind for kind in rule.not_for if any(flag.kind == kind and flag.concern for flag in flags)]
    return f"Not offered: {' and '.join(WORDS[kind] for kind in found)}." if found else ""


def refused_for(case: Case) -> str:
    """The same for a case."""
    rule = case.scheme.policy.supported_compliance
    return why_not(rule, flags_of([case])[case.pk]) if rule.not_for else ""


def prison_visit_due(case: Case, policy: Policy, today: date) -> date | None:
    """The day before which somebody inside should be visited: the expected release, once it is near."""
    inside = case.inside
    if not policy.custody.visits_before_release or inside is None or inside.release_expected_on is None:
        return None
    release = inside.release_expected_on
    return release if release <= today + timedelta(days=policy.custody.near_release_days) else None


def still_to_visit(cases: Sequence[Case], policy: Policy, today: date) -> list[tuple[Case, date]]:
    """Those in prison with release near whom nobody has visited since they came in, soonest first. Two queries."""
    return together.run(still_to_visit_steps(cases, policy, today))


def still_to_visit_steps(cases: Sequence[Case], policy: Policy, today: date) -> together.Steps[list[tuple[Case, date]]]:
    """`still_to_visit`, read in its caller's round."""
    near = [(case, due) for case in cases if (due := prison_visit_due(case, policy, today)) is not None]
    made: dict[int, date] = {}
    cases_near = [case.pk for case, _ in near]

    def visited() -> QuerySet:
        rows = Visit.objects.filter(case__in=cases_near, kind=Visit.Kind.PRISON, status=Visit.Status.MADE)
        return rows.order_by().values_list("case", "happened_on")

    for pk, on in (yield visited):
        made[pk] = max(on, made.get(pk, on))
    waiting = [(case, due) for case, due in near if made.get(case.pk, date.min) < case.inside.starts_on]
    return sorted(waiting, key=lambda pair: (pair[1], pair[0].reference))


@transaction.atomic
def plan(case: Case, *, kind: str, on: date, agency: Agency, together_with: Agency | None = None, by: Actor) -> Visit:
    """Plan a visit. Raises PermissionDenied, or StepRefused where the scheme's rules make none on this person."""
    if not by.can("actionplans.plan_visit", Plan(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied
    must_be_open(case)
    if problems := _problems(case, kind, on, agency, together_with):
        raise StepRefused(problems)
    visit = Visit.objects.create(
        scheme=case.scheme,
        case=case,
        kind=Visit.Kind(kind),
        planned_on=on,
        agency=agency,
        together_with=together_with,
        made_by=by.user,
    )
    audit.record("plan_visit", visit, by=by, after=visit.kind, subjects=[case.reference])
    return visit


@transaction.atomic
def record(
    visit: Visit, *, made: bool, on: date | None = None, words: str, by: Actor, version: int | None = None
) -> Visit:
    """Say that a visit was made, and what came of it, or why it was not. One that was made stands on the timeline.

    Raises PermissionDenied, Stale or StepRefused.
    """
    visit = locked(Visit, visit.pk, version=version)
    if not by.can("actionplans.plan_visit", visit):
        raise PermissionDenied
    must_be_open(visit.case)
    if visit.status != Visit.Status.PLANNED:
        raise StepRefused([f"This visit is recorded already: {visit.get_status_display().lower()}."])
    on = on or clock.today()
    if not words.strip():
        raise StepRefused(["Say what came of the visit, or why it was not made."])
    if on > clock.today():
        raise StepRefused(["The day of the visit must be today or earlier."])
    visit.status = Visit.Status.MADE if made else Visit.Status.NOT_MADE
    visit.happened_on, visit.words = on, words.strip()
    visit.version += 1
    visit.save(update_fields=["status", "happened_on", "words", "version"])
    if made:
        timeline.note(
            visit.case, visit.kind, on=on, text=visit.words, agency=visit.agency, key=f"visit-{visit.pk}", by=by
        )
    audit.record("record_visit", visit, by=by, after=visit.status, subjects=[visit.case.reference])
    return visit


def _problems(case: Case, kind: str, on: date, agency: Agency, together_with: Agency | None) -> list[str]:
    if kind == Visit.Kind.COMPLIANCE and (refused := refused_for(case)):
        return [refused]
    problems = []
    if on < clock.today():
        problems.append("The day of the visit must be today or later.")
    if kind == Visit.Kind.PRISON and case.inside is None:
        problems.append("This person is not in prison.")
    if any(each is not None and each.scheme_id != case.scheme_id for each in (agency, together_with)):
        problems.append("Choose an agency of this scheme.")
    if kind == Visit.Kind.COMPLIANCE:
        kinds = {each.kind for each in (agency, together_with) if each is not None}
        if not {"police", "probation"} <= kinds:
            problems.append("A supported-compliance visit is made by police together with probation: choose both.")
    return problems

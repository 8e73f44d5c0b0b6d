"""The cohort board's own filters: who leads, area, custody, release, Green, what is due, how far along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from django.db.models import Count, QuerySet

from iom import clock, together
from iom.access import Actor
from iom.models import Agency, Membership
from iom.together import Steps
from iom.working_days import add_months

from .board_filters import board_filter
from .coming import whose_next_is_by
from .models import Assignment, AssignmentRole, Case
from .querysets import CaseQuerySet, reader_of_all

NOBODY, ME = "none", "me"
Choices = Sequence[tuple[str, str]]
DAYS = (7, 14, 28, 56, 84)
# No number of a row is so long.
LONG = 18
IN_DAYS = tuple((str(days), f"{days} days") for days in DAYS)
LEAVING, CLOSED = "leaving", "closed"


def cohort(actor: Actor) -> CaseQuerySet:
    """Everybody on the cohort now whom the actor reads: what the counts count and the filters narrow."""
    return Case.objects.visible_to(actor).not_closed()


def of_the_cohort(question: Callable[[CaseQuerySet], QuerySet]) -> Callable[[Actor], together.Read]:
    """Make what is asked of cases a question about the whole cohort, as an actor reads it.

    For those who read every unrestricted case, which most do, its words are made once.
    """

    @together.worded
    def of_all(kind: str, /, scheme: int, opened: list[int]) -> QuerySet:
        return question(Case.objects.readable(kind, scheme, opened).not_closed())

    def ask(actor: Actor) -> together.Read:
        if kind := reader_of_all(actor):
            return of_all(kind, scheme=actor.scheme.pk, opened=sorted(actor.known["opened"]))
        return lambda: question(cohort(actor))

    return ask


def _agencies(actor: Actor) -> Steps[Choices]:
    return [("none", "No lead agency"), *(yield _agencies_of(scheme=actor.scheme.pk))]


@together.worded
def _agencies_of(scheme: int) -> QuerySet:
    return Agency.objects.filter(scheme=scheme).values_list("slug", "name")


def _of_agency(cases: CaseQuerySet, slug: str, actor: Actor) -> CaseQuerySet:
    if slug == NOBODY:
        return cases.without(AssignmentRole.LEAD_AGENCY)
    return cases.assigned_to(AssignmentRole.LEAD_AGENCY, agency__slug=slug)


def _leads(actor: Actor) -> Steps[Choices]:
    """Who leads a case that the actor reads, by name."""
    people = yield from _holders(actor, AssignmentRole.LEAD_PROFESSIONAL)
    return [(ME, "Me, or police officer"), (NOBODY, "Nobody, or somebody who has left"), *people]


def _holders(actor: Actor, role: str) -> Steps[Choices]:
    """Who holds a role in a case that the actor reads; of all roles at once, so that it is asked once."""
    held, people = yield [_held(actor), _people_of(scheme=actor.scheme.pk)]
    holders = {membership for holds, membership in held if holds == role}
    return [(str(pk), name) for pk, name in people if pk in holders]


@of_the_cohort
def _held(cases: CaseQuerySet) -> QuerySet:
    held = Assignment.objects.filter(case__in=cases, until=None, membership__isnull=False)
    return held.order_by().values_list("role", "membership_id").distinct()


@together.worded
def _people_of(scheme: int) -> QuerySet:
    """Everybody who ever acted in a scheme, by name: fewer than cases, each of which names its holders."""
    return Membership.objects.filter(scheme=scheme).order_by("user__name", "pk").values_list("pk", "user__name")


def _member(value: str) -> bool:
    return value in (ME, NOBODY) or (value.isascii() and value.isdigit() and len(value) < LONG)


def _led(cases: CaseQuerySet, lead: str, actor: Actor) -> CaseQuerySet:
    if lead == NOBODY:
        return cases.without_lead()
    if lead == ME:
        return cases.led_by(actor)
    return cases.assigned_to(AssignmentRole.LEAD_PROFESSIONAL, membership=int(lead))


def _officers(actor: Actor) -> Steps[Choices]:
    if actor.scheme.policy.lead(AssignmentRole.POLICE_OFFICER) is None:
        return []
    people = yield from _holders(actor, AssignmentRole.POLICE_OFFICER)
    return [(NOBODY, "Nobody, or somebody who has left"), *people]


def _with_officer(cases: CaseQuerySet, officer: str, actor: Actor) -> CaseQuerySet:
    if officer == NOBODY:
        return cases.without(AssignmentRole.POLICE_OFFICER)
    return cases.assigned_to(AssignmentRole.POLICE_OFFICER, membership=int(officer))


def _areas(actor: Actor) -> Steps[Choices]:
    areas = {area for area, _, _ in (yield how_many(actor))}
    return [(area, area) for area in sorted(areas - {""})]


@of_the_cohort
def how_many(cases: CaseQuerySet) -> QuerySet:
    """How many of the cohort an actor reads, as area, rating or None, and number."""
    return cases.rated_now().order_by().values_list("offender__area", "present__colour").annotate(count=Count("pk"))


def _custody(cases: CaseQuerySet, value: str, actor: Actor) -> CaseQuerySet:
    return cases.in_custody() if value == "in" else cases.in_community()


def _released(cases: CaseQuerySet, days: str, actor: Actor) -> CaseQuerySet:
    return cases.release_expected(by=clock.today() + timedelta(days=int(days)))


def _greens(actor: Actor) -> Choices:
    if not any(rating.colour == "GREEN" for rating in actor.scheme.policy.ratings):
        return []
    months = actor.scheme.policy.exit.green_months or 6
    return [(str(each), f"{each} months or more") for each in sorted({1, 3, months - 1, months} - {0})]


def _green_for(cases: CaseQuerySet, months: str, actor: Actor) -> CaseQuerySet:
    return cases.green_since(add_months(clock.today(), -int(months)))


def _due_in(cases: Sequence[Case], days: str, actor: Actor) -> Steps[list[int]]:
    return due_by(cases, clock.today() + timedelta(days=int(days)), actor)


def due_by(cases: Sequence[Case], last: date, actor: Actor) -> Steps[list[int]]:
    """Those with something dated on `last` or before: the exit radar (feature 306)."""
    return whose_next_is_by(cases, last, actor)


def _cohorts(actor: Actor) -> Choices:
    """The parts of the cohort under which people are taken on, where the scheme names any (Hampshire: flex)."""
    clauses = [clause for criteria in actor.scheme.policy.eligibility for clause in criteria.clauses if clause.cohort]
    return [(clause.name, f"{clause.cohort} cohort") for clause in clauses]


def _taken_on_under(cases: CaseQuerySet, clause: str, actor: Actor) -> CaseQuerySet:
    return cases.filter(criterion=clause)


def _stages(actor: Actor) -> Choices:
    """Who has left is found by those who read closed cases."""
    closed = [(CLOSED, "Has left (closed cases)")] if actor.has_role("coordinator", "chair", "researcher") else []
    return [("open", "On the cohort, not leaving"), (LEAVING, "Leaving"), *closed]


def _at_stage(cases: CaseQuerySet, stage: str, actor: Actor) -> CaseQuerySet:
    return cases.filter(status=stage)


board_filter("agency", "Lead agency", choices=_agencies, narrow=_of_agency, anyone="Any agency", place=10)
board_filter("lead", "Lead professional", choices=_leads, narrow=_led, anyone="Anyone", place=11, plausible=_member)
board_filter(
    "officer",
    "Police officer",
    choices=_officers,
    narrow=_with_officer,
    anyone="Anyone",
    place=12,
    plausible=lambda value: value != ME and _member(value),
)
board_filter("area", "Area", choices=_areas, narrow=lambda cases, area, _: cases.filter(offender__area=area), place=13)
board_filter("cohort", "Cohort", choices=_cohorts, narrow=_taken_on_under, place=20)
board_filter(
    "custody",
    "Custody",
    choices=lambda _: (("in", "In custody"), ("out", "In the community")),
    narrow=_custody,
    anyone="Anywhere",
    place=30,
)
board_filter("release", "Release within", choices=lambda _: IN_DAYS, narrow=_released, anyone="Any time", place=31)
board_filter("green", "Green for", choices=_greens, narrow=_green_for, anyone="Any time", place=32)
board_filter("due", "Something due within", choices=lambda _: IN_DAYS, keep=_due_in, anyone="Any time", place=60)
board_filter("stage", "Stage", choices=_stages, narrow=_at_stage, anyone="On the cohort", place=70)

"""How many cases somebody leads against the scheme's limit, and whose cases need a new lead.

More than the limit is said in words and stops nothing (Waltham Forest, 5.8; ux.md 2: rules advise, people decide).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from iom import together
from iom.access import Actor
from iom.jinja import day_month, plural
from iom.models import Membership
from iom.policy import Policy
from offenders.asks import Ask, Window, asks_panel
from offenders.models import Assignment, AssignmentRole, Case, CaseStatus, HandOver, RagRating

# Somebody who goes this soon has cases for which a new lead is needed.
LEAVES_SOON = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Load:
    """What one lead professional has: cases by colour, and how it stands to the limit."""

    membership: Membership
    colours: dict[str, int]
    limit: int | None

    @property
    def cases(self) -> int:
        return sum(self.colours.values())

    @property
    def over(self) -> bool:
        return self.limit is not None and self.cases > self.limit

    @property
    def words(self) -> str:
        """How many, and how it stands to the limit."""
        held = plural(self.cases, "case")
        if self.limit is None:
            return held
        return f"{held}, {self.cases - self.limit} over the limit of {self.limit}" if self.over else held


def counts(actor: Actor) -> dict[int, int]:
    """How many open cases each member leads now, of those that the reader may see."""
    return dict(_led(actor).values_list("membership").annotate(count=Count("case", distinct=True)))


def _led(actor: Actor) -> object:
    cases = Case.objects.visible_to(actor).not_closed()
    held = Assignment.objects.filter(case__in=cases, role=AssignmentRole.LEAD_PROFESSIONAL, until=None)
    return held.filter(membership__isnull=False).order_by()


def loads(actor: Actor) -> list[Load]:
    """Everybody who leads a case that the reader may see, most cases first."""
    pairs = list(_led(actor).values_list("membership", "case"))
    present = RagRating.objects.filter(case__in=[case for _, case in pairs], until=None)
    colours = dict(present.values_list("case", "colour"))
    held: dict[int, Counter[str]] = {}
    for member, case in pairs:
        held.setdefault(member, Counter())[colours.get(case, "")] += 1
    people = Membership.objects.filter(pk__in=held).select_related("user", "agency")
    limit = actor.scheme.policy.caseload.limit
    made = [Load(member, dict(held[member.pk]), limit) for member in people]
    return sorted(made, key=lambda load: (-load.cases, load.membership.user.name, load.membership.pk))


# --- Who goes, and who is missing ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who has left, or leaves soon, with the cases of which they still hold a role and nobody follows."""

    membership: Membership
    on: date | None
    gone: bool
    held: tuple[Assignment, ...]

    @property
    def words(self) -> str:
        name = self.membership.user.name
        if self.gone:
            return f"{name} no longer works here"
        return f"{name} leaves on {day_month(self.on)}"


def leavers(actor: Actor, today: date) -> list[Leaver]:
    """Whose cases need a new lead because they go, soonest first; roles that are handed over already left out."""
    return together.run(leavers_steps(actor, today))


def leavers_steps(actor: Actor, today: date) -> together.Steps[list[Leaver]]:
    """`leavers`, read in its caller's round: of those who stay nothing is read."""

    def asked() -> list[QuerySet]:
        cases = Case.objects.visible_to(actor).not_closed().order_by().values("pk")
        goes = Q(membership__user__is_active=False) | Q(membership__until__lte=today + LEAVES_SOON)
        rows = Assignment.objects.filter(
            goes, scheme=actor.scheme, case__in=cases, until=None, membership__isnull=False
        )
        rows = rows.select_related("case", "membership__user", "membership__agency").order_by("case__reference", "role")
        return [HandOver.objects.visible_to(actor).waiting().order_by().values_list("case", "role"), rows]

    arranged, rows = yield asked
    arranged = {tuple(each) for each in arranged}
    by_member: dict[Membership, list[Assignment]] = {}
    for held in rows:
        if (held.case_id, held.role) not in arranged:
            by_member.setdefault(held.membership, []).append(held)
    found = [Leaver(member, member.until, _has_left(member, today), tuple(held)) for member, held in by_member.items()]
    return sorted(found, key=lambda each: (not each.gone, each.on or today, each.membership.pk))


def _has_left(member: Membership, today: date) -> bool:
    return not member.user.is_active or (member.until is not None and member.until <= today)


def missing_roles(case: Case, policy: Policy, today: date) -> list[str]:
    """Required roles that nobody holds who still works here, in the scheme's words. Reads the case's present leads."""
    return [
        lead.label
        for lead in policy.leads
        if lead.required and ((held := case.assigned(lead.role)) is None or _holder_left(held, today))
    ]


def _holder_left(held: Assignment, today: date) -> bool:
    return held.membership is not None and _has_left(held.membership, today)


# --- On the agenda ------------------------------------------------------------


@asks_panel
def changed_between_panels(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """A change of lead by whoever leads or by the coordinator is noted at the next panel."""
    if window.body.slug not in window.policy.deciding_bodies:
        return
    changed = yield _changed([case.pk for case in cases], window.before, window.meeting)
    for case, role, on in changed:
        lead = window.policy.lead(role)
        label = lead.label if lead else AssignmentRole(role).label
        yield Ask(case, "reviews", f"{label} changed on {day_month(on)}: to be noted")


@together.worded
def _changed(cases: list[int], after: date, until: date) -> QuerySet:
    rows = HandOver.objects.filter(case__in=cases, assignment__isnull=False, on__gt=after, on__lte=until)
    return rows.order_by("on", "pk").values_list("case", "role", "on")


@together.worded
def _held(cases: list[int]) -> QuerySet:
    return Assignment.objects.filter(case__in=cases, until=None).select_related("membership__user")


@asks_panel
def nobody_leads(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """A required role without a holder comes to the panel that takes people on."""
    if window.body.slug not in window.policy.deciding_bodies:
        return
    held = yield _held([case.pk for case in cases])
    holders = {(each.case_id, each.role) for each in held if not _holder_left(each, window.today)}
    for case in cases:
        for lead in window.policy.leads:
            if lead.required and case.status != CaseStatus.CLOSED and (case.pk, lead.role) not in holders:
                yield Ask(case.pk, "reviews", f"No {lead.label.lower()}", lead.source)

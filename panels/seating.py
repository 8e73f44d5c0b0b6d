"""What the pages of bodies show: who sits where, what is missing, and how the people fare (docs/bodies.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from iom import bodies, clock
from iom.jinja import longday
from iom.models import Accountability, Body, ChairAppointment, Membership, Seat, Training
from offenders import caseloads

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.policy import Policy
    from iom.policy.schema import TrainingWanted


@dataclass(frozen=True, slots=True)
class Place:
    """A seat with what is missing, and the other bodies on which the same post sits."""

    seat: Seat
    gaps: tuple[str, ...]
    also_on: tuple[str, ...]
    duty: str = ""


def places(body: Body) -> list[Place]:
    """Every seat of a body. Questions to the database do not grow with the seats."""
    rows = list(
        Seat.objects.filter(body=body)
        .select_related("agency", "holder__user", "substitute__user")
        .order_by("-permanent", "position", "pk")
    )
    elsewhere: dict[tuple[int | None, str], list[str]] = {}
    others = Seat.objects.filter(scheme=body.scheme_id).exclude(body=body).order_by("body__position")
    for agency, post, name in others.values_list("agency", "post", "body__name"):
        elsewhere.setdefault(bodies.post_key(agency, post), []).append(name)
    duties = {(seat.organisation, seat.post): seat.duty for seat in body.policy.seats}
    over = _panel_over(body)
    here = set(Membership.objects.filter(scheme=body.scheme_id).current(clock.today()).values_list("pk", flat=True))
    return [
        Place(
            seat=seat,
            gaps=(*_gaps(seat, body, here), *_not_over(seat, over)),
            also_on=tuple(dict.fromkeys(elsewhere.get(bodies.post_key(seat.agency_id, seat.post), ()))),
            duty=duties.get((seat.agency.name, seat.post), ""),
        )
        for seat in rows
    ]


def _gaps(seat: Seat, body: Body, here: set[int]) -> Iterable[str]:
    rule = body.policy.attendance
    if seat.holder is None:
        yield "Nobody holds this seat"
    elif seat.holder_id not in here:
        yield "The holder has left"
    if seat.substitute is None:
        if rule.substitutes_named and seat.holder is not None and seat.permanent:
            yield "No substitute is named"
        return
    if seat.substitute_id not in here:
        yield "The substitute has left"
    if rule.delegated_authority and not seat.substitute_authority:
        yield "The substitute has no delegated authority"
    if rule.briefed and not seat.substitute_briefed:
        yield "The substitute is not briefed"


def _panel_over(body: Body) -> tuple[str, frozenset[int]] | None:
    """The panel over a casework group with who sits there: its members come from it (Waltham Forest, 6.2)."""
    if body.policy.kind != "casework":
        return None
    rows = Seat.objects.filter(scheme=body.scheme_id, body__name=body.policy.parent)
    holders = frozenset(rows.filter(holder__isnull=False).values_list("holder", flat=True))
    return (body.policy.parent, holders) if holders else None


def _not_over(seat: Seat, over: tuple[str, frozenset[int]] | None) -> Iterable[str]:
    if over is not None and seat.holder_id is not None and seat.holder_id not in over[1]:
        yield f"Does not sit on the {over[0]}"


def unfilled(known: Sequence[Place]) -> int:
    """How many permanent seats nobody holds."""
    return sum(place.seat.permanent and place.seat.holder is None for place in known)


def without_lead(body: Body, known: Sequence[Place]) -> list[str]:
    """Agencies of the body that name nobody who leads on what it deals with, where the rules ask (Richmond, 3.6)."""
    if body.policy.agency_lead is None:
        return []
    leading = {place.seat.agency_id for place in known if place.seat.leads and place.seat.holder is not None}
    return list(dict.fromkeys(p.seat.agency.name for p in known if p.seat.agency_id not in leading))


@dataclass(frozen=True, slots=True)
class Chairing:
    """One post of a body with who holds it."""

    role: str
    label: str
    appointment: ChairAppointment | None
    gone: bool
    review: str


def chairing(body: Body, today: date) -> list[Chairing]:
    """The chair, and the vice-chair where the rules know one or one is appointed."""
    wants_vice = any(step.kind == "vice_chair" for step in body.policy.succession)
    found = []
    for role in ChairAppointment.Role:
        held = bodies.appointment_on(body, today, role)
        if role == bodies.VICE_CHAIR and held is None and not wants_vice:
            continue
        holds = bodies.chair_on if role == bodies.CHAIR else bodies.vice_chair_on
        here = held is not None and holds(body, today) is not None
        found.append(Chairing(role, role.label, held, held is not None and not here, _review_words(held, today)))
    return found


def _review_words(held: ChairAppointment | None, today: date) -> str:
    if held is None:
        return ""
    if held.review_due is not None:
        was = "was due" if held.review_due < today else "is due"
        return f"The review {was} by {longday(held.review_due)}"
    last = held.reviews.first()
    if last is not None and last.outcome == "another":
        return f"Reviewed on {longday(last.reviewed_on)}: another is to be appointed"
    return ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here: what they were trained in, what is missing, how many they lead, to whom they answer."""

    membership: Membership
    trainings: tuple[Training, ...]
    missing: tuple[str, ...]
    cases: int
    over: bool
    lines: Accountability | None


def people(actor: Actor, today: date) -> list[Person]:
    """Everybody at the table, by agency and name. Restricted cases count only for those who may see them."""
    policy = actor.scheme.policy
    rows = Membership.objects.visible_to(actor).current(today).with_role("member", "chair", "coordinator", "researcher")
    known = list(rows.select_related("user", "agency").order_by("agency__name", "user__name", "pk"))
    trained: dict[int, list[Training]] = {}
    for one in Training.objects.visible_to(actor).filter(membership__in=known):
        trained.setdefault(one.membership_id, []).append(one)
    lines = {one.membership_id: one for one in Accountability.objects.visible_to(actor).filter(membership__in=known)}
    counts = caseloads.counts(actor)
    limit = policy.caseload.limit
    return [
        Person(
            membership=one,
            trainings=tuple(trained.get(one.pk, ())),
            missing=tuple(_missing(policy, one, trained.get(one.pk, []))),
            cases=counts.get(one.pk, 0),
            over=limit is not None and counts.get(one.pk, 0) > limit,
            lines=lines.get(one.pk),
        )
        for one in known
    ]


def _missing(policy: Policy, member: Membership, known: Sequence[Training]) -> Iterable[str]:
    had = [one.what.casefold() for one in known]
    for wanted in policy.training:
        if _asked_of(wanted, member) and not any(wanted.what.casefold() in each for each in had):
            yield wanted.what


def _asked_of(wanted: TrainingWanted, member: Membership) -> bool:
    return not wanted.agency_kinds or member.agency.kind in wanted.agency_kinds

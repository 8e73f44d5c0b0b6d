"""The accounts of a demonstration scheme: the named sign-ins, and someone on every seat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from iom.access import Actor, actor_for
from iom.models import Agency, Body, Membership, Role, Scheme, Seat, User

from .marks import Mark
from .names import STAFF_FAMILY, STAFF_GIVEN

PASSWORD = "harbour-lantern-2026"  # noqa: S105 -- printed by `make run`; the demonstration alone has it
SignIn = tuple[str, tuple[str, ...], str]
PLAIN = Mark()
# Name of the sign-in: kind of agency, roles, post. The contract of design.md 6.
SIGN_INS: dict[str, SignIn] = {
    "coordinator": ("council", (Role.COORDINATOR, Role.REFERRER), ""),
    "chair": ("", (Role.CHAIR, Role.MEMBER), ""),
    "police": ("police", (Role.MEMBER, Role.REFERRER), "IOM police officer"),
    "probation": ("probation", (Role.MEMBER, Role.REFERRER), "Probation officer"),
    "housing": ("housing", (Role.MEMBER, Role.REFERRER), "Housing options officer"),
    "health": ("health", (Role.MEMBER,), "Community nurse"),
    "board": ("council", (Role.BOARD_READER,), "Head of community safety"),
    "admin": ("council", (Role.SCHEME_ADMIN,), "Systems officer"),
}


@dataclass(slots=True)
class Staff:
    """Who works in a demonstration scheme: the sign-ins by name, and the others by kind of agency."""

    named: dict[str, Membership] = field(default_factory=dict)
    by_kind: dict[str, list[Membership]] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        return actor_for(self.named[name])

    def of(self, kind: str) -> list[Membership]:
        """People of agencies of a kind; the sign-in first."""
        return self.by_kind.get(kind, [])

    def officers(self, kind: str) -> list[Membership]:
        """People of agencies of a kind who can lead a case: anybody but the chair."""
        return [one for one in self.of(kind) if one != self.named["chair"]]

    def contact(self, agency: int) -> Membership:
        """Who answers for an agency, by its id."""
        return next(one for people in self.by_kind.values() for one in people if one.agency_id == agency)


def domain(scheme: Scheme) -> str:
    """`waltham-forest.example` for `waltham_forest`."""
    return f"{scheme.slug.replace('_', '-')}.example"


def hire(
    scheme: Scheme, dice: Random, *, since: date, sign_ins: Mapping[str, SignIn] = SIGN_INS, mark: Mark = PLAIN
) -> Staff:
    """Make the sign-ins, then somebody for each seat that is empty, with a post-like e-mail address."""
    staff = Staff()
    password = make_password(PASSWORD)
    names = [mark(f"{given} {family}") for given in STAFF_GIVEN for family in STAFF_FAMILY]
    dice.shuffle(names)
    chair_kind = scheme.policy.default_body.chair.agency_kind
    for sign_in, (kind, roles, post) in sign_ins.items():
        agency = _agency(scheme, kind or chair_kind)
        titled = post or (
            scheme.policy.posts.coordinator if sign_in == "coordinator" else scheme.policy.default_body.chair.post
        )
        staff.named[sign_in] = _member(
            scheme, agency, names.pop(), f"{sign_in}@{domain(scheme)}", password, roles, titled, since
        )
    for sign_in in ("chair", "police", "probation", "housing", "health"):
        _sit(scheme, staff.named[sign_in])
    _fill_seats(scheme, staff, names, password, since)
    _seat_bare_bodies(scheme, staff)
    for kind in ("police", "probation", "police", "probation"):
        _add_officer(scheme, kind, names, password, since)
    _give_contacts(scheme, names, password, since)
    for membership in (
        Membership.objects.filter(scheme=scheme).select_related("agency", "user", "scheme").order_by("pk")
    ):
        if Role.MEMBER in membership.roles:
            staff.by_kind.setdefault(membership.agency.kind, []).append(membership)
    return staff


def _agency(scheme: Scheme, kind: str) -> Agency:
    found = Agency.objects.filter(scheme=scheme, kind=kind).order_by("pk").first()
    if found is not None:
        return found
    name = kind.replace("_", " ").capitalize()
    return Agency.objects.create(scheme=scheme, slug=slugify(name), name=name, kind=kind)


def _member(
    scheme: Scheme,
    agency: Agency,
    name: str,
    email: str,
    password: str,
    roles: tuple[str, ...],
    post: str,
    since: date,
) -> Membership:
    # Numbers of this range are kept for drama: they ring nowhere.
    phone = f"020 7946 0{100 + Membership.objects.filter(scheme=scheme).count():03}"
    user = User.objects.create(email=email, name=name, password=password, phone=phone)
    return Membership.objects.create(
        scheme=scheme, user=user, agency=agency, roles=list(roles), post=post, starts_on=since
    )


def join(
    scheme: Scheme,
    kind: str,
    name: str,
    email: str,
    password: str,
    roles: tuple[str, ...],
    post: str,
    since: date,
) -> Membership:
    """Somebody new in an agency of a kind; `password` is hashed already."""
    return _member(scheme, _agency(scheme, kind), name, email, password, roles, post, since)


def _sit(scheme: Scheme, membership: Membership) -> None:
    """Give the person their agency's first empty seat on the first body, or make one."""
    body = Body.objects.get(scheme=scheme, position=0)
    seat = Seat.objects.filter(scheme=scheme, body=body, agency=membership.agency, holder=None).first()
    if seat is None:
        seat = Seat(
            scheme=scheme, body=body, agency=membership.agency, post=membership.post, position=body.seats.count()
        )
    seat.holder = membership
    seat.save()


def _fill_seats(scheme: Scheme, staff: Staff, names: list[str], password: str, since: date) -> None:
    """One person for each empty post; the same post on several bodies is one person (Richmond, appendix)."""
    held: dict[tuple[int, str], Membership] = {}
    for seat in Seat.objects.filter(scheme=scheme, holder=None).select_related("agency", "body").order_by("pk"):
        key = (seat.agency_id, seat.post)
        if key not in held:
            local = slugify(f"{seat.agency.slug}-{len(held) + 1}")[:50]
            held[key] = _member(
                scheme,
                seat.agency,
                names.pop(),
                f"{local}@{domain(scheme)}",
                password,
                (Role.MEMBER,),
                seat.post,
                since,
            )
        seat.holder = held[key]
        seat.save(update_fields=["holder"])


def _add_officer(scheme: Scheme, kind: str, names: list[str], password: str, since: date) -> None:
    """Somebody who works on cases and has no seat."""
    agency = _agency(scheme, kind)
    local = slugify(f"{agency.slug}-officer-{Membership.objects.filter(agency=agency).count()}")[:50]
    post = {"police": "IOM police officer", "probation": "Probation officer"}[kind]
    _member(scheme, agency, names.pop(), f"{local}@{domain(scheme)}", password, (Role.MEMBER,), post, since)


def _seat_bare_bodies(scheme: Scheme, staff: Staff) -> None:
    """The agencies' leads on a body whose seats the scheme's document does not name."""
    for body in Body.objects.filter(scheme=scheme, seats=None).order_by("position"):
        for position, sign_in in enumerate(("chair", "board", "police", "probation", "housing", "health")):
            holder = staff.named[sign_in]
            Seat.objects.create(
                scheme=scheme, body=body, agency=holder.agency, post=holder.post, holder=holder, position=position
            )


def _give_contacts(scheme: Scheme, names: list[str], password: str, since: date) -> None:
    """Somebody who answers for each core agency that has no seat."""
    seated = Membership.objects.filter(scheme=scheme, roles__contains=[Role.MEMBER]).values("agency")
    for agency in Agency.objects.filter(scheme=scheme, core=True).exclude(pk__in=seated).order_by("pk"):
        local = slugify(f"{agency.slug}-contact")[:50]
        _member(
            scheme,
            agency,
            names.pop(),
            f"{local}@{domain(scheme)}",
            password,
            (Role.MEMBER,),
            "Single point of contact",
            since,
        )

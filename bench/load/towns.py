"""One scheme of the load with the people who work in it: made by the product's own verbs, before anything is copied."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from django.utils.text import slugify

from iom import walls
from iom.models import Agency, Body, Membership, Role, Scheme, Seat, User
from iom.policy import Policy, load_preset
from iom.schemes import create_scheme
from panels.demonstration.names import STAFF_FAMILY, STAFF_GIVEN
from panels.demonstration.people import domain, hire

from .sizes import Share

BEGAN = timedelta(days=1_500)
# What a scheme with fewer organisations than this in its document has beside them.
AGENCIES = 15
OTHERS = (
    ("Substance Misuse Service", "substance_misuse"),
    ("Mental Health Trust", "health"),
    ("Jobcentre", "employment"),
    ("Benefits Office", "benefits"),
    ("Advice Centre", "advice"),
    ("Adult Education", "education"),
    ("Adult Social Care", "social_care"),
    ("Youth Justice Service", "youth_justice"),
    ("Victim Support Line", "victim_support"),
    ("Housing Association", "housing"),
    ("Monitoring Service", "monitoring"),
    ("Resettlement Prison", "prison"),
    ("Street Outreach", "council"),
    ("Family Hub", "council"),
    ("Night Shelter", "housing"),
    ("Employment Charity", "employment"),
)
# A professional or officer has so many open cases.
CASELOAD = 40
POSTS = {"police": "IOM police officer", "probation": "Probation officer"}


@dataclass(slots=True)
class Town:
    """A scheme with its people, as plain numbers and names, for what is written without the product's verbs."""

    share: Share
    scheme: Scheme
    policy: Policy
    rules: int
    body: Body
    today: date
    dice: Random
    agencies: list[Agency] = field(default_factory=list)
    members: list[Membership] = field(default_factory=list)
    named: dict[str, Membership] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=lambda: {"case": 0, "referral": 0})
    _of: dict[tuple[str, ...], list[Membership]] = field(default_factory=dict)

    @property
    def coordinator(self) -> Membership:
        return self.named["coordinator"]

    @property
    def chair(self) -> Membership:
        return self.named["chair"]

    @property
    def core(self) -> list[Agency]:
        return [agency for agency in self.agencies if agency.core]

    def of(self, *kinds: str) -> list[Membership]:
        """People of agencies of these kinds who can lead a case: anybody but the chair."""
        if kinds not in self._of:
            self._of[kinds] = [one for one in self.members if one.agency.kind in kinds and one.pk != self.chair.pk]
        return self._of[kinds]

    def contact(self, agency: int) -> Membership:
        """Who answers for an agency."""
        return next(one for one in self.members if one.agency_id == agency)

    def next_reference(self, kind: str) -> str:
        """`IOM-0001` for cases, `IOM-R-0001` for nominations."""
        self.references[kind] += 1
        return f"IOM-{'R-' if kind == 'referral' else ''}{self.references[kind]:04}"


def found(share: Share, today: date, seed: int) -> Town:
    """A scheme with its rules, bodies, fifteen organisations or more, somebody on every seat, and case workers."""
    dice = Random(f"{seed} {share.slug}")  # noqa: S311 -- made-up people, no secret
    policy = load_preset(share.preset)
    if share.slug != share.preset:
        number = f" {share.slug.rpartition('-')[2]}"
        policy = policy.model_copy(update={"title": policy.title + number, "area": policy.area + number})
    began = today - BEGAN
    scheme = create_scheme(share.slug, policy, on=began).scheme
    with walls.within(scheme, cause="bench_load"):
        staff = hire(scheme, dice, since=began)
        _add_agencies(scheme, staff.named["coordinator"], began, dice)
        _add_officers(scheme, share, staff.named["coordinator"], began, dice)
        town = Town(
            share,
            scheme,
            scheme.policy,
            scheme.policy_version.pk,
            Body.objects.get(scheme=scheme, position=0),
            today,
            dice,
            named=staff.named,
        )
        town.agencies = list(Agency.objects.filter(scheme=scheme).order_by("pk"))
        members = Membership.objects.filter(scheme=scheme, roles__contains=[Role.MEMBER])
        town.members = list(members.select_related("agency", "user").order_by("pk"))
        town.seats = list(Seat.objects.filter(scheme=scheme, body=town.body).select_related("holder__user", "agency"))
    return town


def _add_agencies(scheme: Scheme, like: Membership, since: date, dice: Random) -> None:
    present = Agency.objects.filter(scheme=scheme)
    slugs = set(present.values_list("slug", flat=True))
    more = [
        Agency(scheme=scheme, slug=slugify(name), name=name, kind=kind)
        for name, kind in OTHERS
        if slugify(name) not in slugs
    ]
    made = Agency.objects.bulk_create(more[: max(AGENCIES - len(slugs), 0)])
    _join(scheme, [(agency, "Single point of contact") for agency in made], like, since, dice)


def _add_officers(scheme: Scheme, share: Share, like: Membership, since: date, dice: Random) -> None:
    """As many police and probation officers as their open cases ask for."""
    of_kind = {kind: Agency.objects.filter(scheme=scheme, kind=kind).order_by("pk").first() for kind in POSTS}
    wanted = [(of_kind[kind], post) for kind, post in POSTS.items() for _ in range(share.open // CASELOAD)]
    _join(scheme, wanted, like, since, dice)


def _join(scheme: Scheme, posts: list[tuple[Agency, str]], like: Membership, since: date, dice: Random) -> None:
    """People with the password of `like`, which is hashed once a scheme."""
    number = Membership.objects.filter(scheme=scheme).count()
    users = User.objects.bulk_create(
        User(
            email=f"{agency.slug[:40]}-{number + place}@{domain(scheme)}",
            name=f"{dice.choice(STAFF_GIVEN)} {dice.choice(STAFF_FAMILY)}",
            password=like.user.password,
        )
        for place, (agency, _) in enumerate(posts)
    )
    Membership.objects.bulk_create(
        Membership(scheme=scheme, user=user, agency=agency, roles=[Role.MEMBER], post=post, starts_on=since)
        for user, (agency, post) in zip(users, posts, strict=True)
    )

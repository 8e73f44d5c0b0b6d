"""Making a scheme from its policy: the bodies, the organisations and the seats that its document names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.text import slugify

from iom import audit, invitations, walls
from iom.access import Actor, task_actor
from iom.models import Agency, Body, Invitation, PolicyVersion, Role, Scheme, Seat
from iom.policy import Policy

# Holds people who run the scheme's accounts and belong to no organisation of its seats.
OFFICE = ("Council", "council")


@dataclass(frozen=True, slots=True)
class Made:
    """A new scheme, with the first invitation and the secret of its link."""

    scheme: Scheme
    invitation: Invitation | None
    secret: str


@transaction.atomic
def create_scheme(slug: str, policy: Policy, *, on: date, admin_email: str = "") -> Made:
    """A scheme with its first policy version in force from `on`, its bodies, agencies and empty seats.

    Raises IntegrityError when the slug is taken.
    """
    scheme = Scheme.objects.create(slug=slug, name=policy.title, short_name=policy.area)
    by = task_actor(scheme, "create_scheme")
    with walls.within(scheme, by=by):
        return _furnish(scheme, policy, on, admin_email, by)


def _furnish(scheme: Scheme, policy: Policy, on: date, admin_email: str, by: Actor) -> Made:
    PolicyVersion.objects.create(
        scheme=scheme,
        number=1,
        valid_from=on,
        document=policy.model_dump(mode="json"),
        reason=f"Preset {policy.slug}",
    )
    _seat(scheme, policy)
    audit.record("create_scheme", scheme.policy_version, by=by, after=policy.slug)
    invitation, secret = None, ""
    if admin_email:
        office = Agency.objects.filter(scheme=scheme, kind="council").order_by("pk").first() or Agency.objects.create(
            scheme=scheme, slug=slugify(OFFICE[0]), name=OFFICE[0], kind=OFFICE[1], core=False
        )
        invitation, secret = invitations.invite(email=admin_email, agency=office, roles=[Role.SCHEME_ADMIN], by=by)
    return Made(scheme, invitation, secret)


def _seat(scheme: Scheme, policy: Policy) -> None:
    """Bodies, agencies and seats in their order, each kind at once: a scheme has some forty of them."""
    bodies = Body.objects.bulk_create(
        Body(scheme=scheme, slug=each.slug, name=each.name, kind=each.kind, position=position)
        for position, each in enumerate(policy.bodies)
    )
    first_named = {seat.organisation: seat for body in reversed(policy.bodies) for seat in reversed(body.seats)}
    in_order = dict.fromkeys(seat.organisation for body in policy.bodies for seat in body.seats)
    made = Agency.objects.bulk_create(
        Agency(
            scheme=scheme,
            slug=slugify(organisation)[:60],
            name=organisation,
            kind=first_named[organisation].agency_kind,
            core=first_named[organisation].core,
        )
        for organisation in in_order
    )
    agencies = {agency.name: agency for agency in made}
    Seat.objects.bulk_create(
        Seat(
            scheme=scheme,
            body=body,
            agency=agencies[seat.organisation],
            post=seat.post,
            permanent=seat.attends == "permanent",
            position=place,
        )
        for body, body_policy in zip(bodies, policy.bodies, strict=True)
        for place, seat in enumerate(body_policy.seats)
    )

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
    agencies: dict[str, Agency] = {}
    for position, body_policy in enumerate(policy.bodies):
        body = Body.objects.create(
            scheme=scheme,
            slug=body_policy.slug,
            name=body_policy.name,
            kind=body_policy.kind,
            position=position,
        )
        for place, seat in enumerate(body_policy.seats):
            if seat.organisation not in agencies:
                agencies[seat.organisation] = Agency.objects.create(
                    scheme=scheme,
                    slug=slugify(seat.organisation)[:60],
                    name=seat.organisation,
                    kind=seat.agency_kind,
                    core=seat.core,
                )
            Seat.objects.create(
                scheme=scheme,
                body=body,
                agency=agencies[seat.organisation],
                post=seat.post,
                permanent=seat.attends == "permanent",
                position=place,
            )

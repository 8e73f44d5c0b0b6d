"""Bringing people in: accounts are made by invitation only (security.md A1)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, walls
from iom.access import Actor, actor_for
from iom.models import Agency, Invitation, Membership, Role, Scheme, Seat, User

# Roles from the least to the greatest; whoever invites gives only what stands below what they are themselves.
RANKS = {
    Role.REFERRER: 1,
    Role.MEMBER: 1,
    Role.RESEARCHER: 1,
    Role.BOARD_READER: 1,
    Role.CHAIR: 2,
    Role.COORDINATOR: 2,
    Role.SCHEME_ADMIN: 3,
}


def may_give(by: Actor) -> list[Role]:
    """The roles below those of the actor. Nobody makes another scheme administrator but `create_scheme`: those rights
    need a second person (security.md Z11).
    """
    if by.user is None:
        return list(Role)
    own = max((RANKS[Role(role)] for role in by.roles), default=0)
    return [role for role in Role if RANKS[role] < own]


@transaction.atomic
def invite(
    *,
    email: str,
    agency: Agency,
    roles: Sequence[str],
    by: Actor,
    name: str = "",
    post: str = "",
    seats: Iterable[Seat] = (),
) -> tuple[Invitation, str]:
    """Make an invitation; returns it with the secret of its link, which is kept nowhere.

    Raises `PermissionDenied` for a role that is not below the inviter's own, and for an agency of another scheme.
    """
    if agency.scheme_id != by.scheme.pk or not set(roles) <= set(may_give(by)):
        raise PermissionDenied
    # The number of the scheme stands first: whoever opens the link is nobody yet, and acts in no scheme.
    secret = f"{agency.scheme_id}-{secrets.token_urlsafe(32)}"
    invitation = Invitation.objects.create(
        scheme=agency.scheme,
        email=email,
        name=name,
        agency=agency,
        roles=list(roles),
        post=post,
        seat_ids=[seat.pk for seat in seats if seat.scheme_id == agency.scheme_id],
        digest=_digest(secret),
        expires_at=clock.now() + timedelta(seconds=settings.INVITATION_SECONDS),
        made_by=by.user,
    )
    audit.record("invite", invitation, by=by, fields=["roles"])
    return invitation, secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def find(secret: str) -> Invitation | None:
    """The invitation of a link, if the link still works."""
    number = re.match(r"([0-9]{1,18})-", secret)
    scheme = Scheme.objects.filter(pk=int(number[1])).first() if number else None
    if scheme is None:
        return None
    with walls.within(scheme, cause="invitation"):
        invitation = (
            Invitation.objects.select_related("agency", "scheme")
            .filter(scheme=scheme, digest=_digest(secret), spent_at=None)
            .first()
        )
    return invitation if invitation and invitation.is_open(clock.now()) else None


def has_account(invitation: Invitation) -> bool:
    """Whether the invited person can already sign in, for another scheme or agency."""
    return User.objects.filter(email__iexact=invitation.email).exists()


def accept(invitation: Invitation, *, name: str, password: str | None) -> User | None:
    """Spend the invitation: the account, if there is none yet, and the membership.

    None if it was spent or ran out meanwhile; of two at once the second finds it spent.
    """
    with walls.within(invitation.scheme, cause="invitation"):
        found = Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
        if found is None or not found.is_open(clock.now()):
            return None
        user = User.objects.filter(email__iexact=found.email).first()
        if user is None:
            user = User.objects.create_user(found.email, name, password)
        membership, _ = Membership.objects.update_or_create(
            scheme=invitation.scheme,
            user=user,
            agency=invitation.agency,
            defaults={
                "roles": found.roles,
                "post": found.post,
                "starts_on": clock.today(),
                "until": None,
            },
        )
        Seat.objects.filter(scheme=invitation.scheme, pk__in=found.seat_ids).update(holder=membership)
        found.spent_at = clock.now()
        found.save(update_fields=["spent_at"])
        audit.record("accept_invitation", membership, by=actor_for(membership), fields=["roles"])
    return user

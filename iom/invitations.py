"""Bringing people in: accounts are made by invitation only (security.md A1)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor, actor_for
from iom.models import Agency, Invitation, Membership, Role, Seat, User

GOOD_FOR = timedelta(hours=72)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


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

    Nobody invites a scheme administrator but `create_scheme`: those rights need a second person (security.md Z11).
    """
    if by.user is not None and Role.SCHEME_ADMIN in roles:
        raise PermissionDenied
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        scheme=agency.scheme,
        email=email,
        name=name,
        agency=agency,
        roles=list(roles),
        post=post,
        seat_ids=[seat.pk for seat in seats if seat.scheme_id == agency.scheme_id],
        digest=_digest(secret),
        expires_at=clock.now() + GOOD_FOR,
        made_by=by.user,
    )
    audit.record("invite", invitation, by=by, fields=["roles"])
    return invitation, secret


def find(secret: str) -> Invitation | None:
    """The invitation of a link, if the link still works."""
    invitation = (
        Invitation.objects.select_related("agency", "scheme").filter(digest=_digest(secret), spent_at=None).first()
    )
    return invitation if invitation and invitation.is_open(clock.now()) else None


def has_account(invitation: Invitation) -> bool:
    """Whether the invited person can already sign in, for another scheme or agency."""
    return User.objects.filter(email__iexact=invitation.email).exists()


def account_of(invitation: Invitation, *, name: str) -> User:
    """The account that accepting would make, unsaved: what password rules look at."""
    return User(email=invitation.email, name=name)


@transaction.atomic
def accept(invitation: Invitation, *, name: str, password: str | None) -> User:
    """Spend the invitation: the account, if there is none yet, and the membership.

    Two at once: the second finds it spent and raises Invitation.DoesNotExist.
    """
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk, spent_at=None)
    user = User.objects.filter(email__iexact=invitation.email).first()
    if user is None:
        user = User.objects.create_user(invitation.email, name, password)
    membership, _ = Membership.objects.update_or_create(
        scheme=invitation.scheme,
        user=user,
        agency=invitation.agency,
        defaults={
            "roles": invitation.roles,
            "post": invitation.post,
            "starts_on": clock.today(),
            "until": None,
        },
    )
    Seat.objects.filter(scheme=invitation.scheme, pk__in=invitation.seat_ids).update(holder=membership)
    invitation.spent_at = clock.now()
    invitation.save(update_fields=["spent_at"])
    audit.record("accept_invitation", membership, by=actor_for(membership), fields=["roles"])
    return user

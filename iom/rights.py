"""What people may do in a scheme, as its administrators say: never one's own, the weightiest by two (security Z11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify
from iom.models import Membership, RightsRequest, Role
from iom.steps import StepRefused, locked

if TYPE_CHECKING:
    from iom.access import Actor

NOT_ONES_OWN = "Nobody changes their own rights. Ask another scheme administrator."
LAST_ADMIN = "The scheme needs one scheme administrator. Give the rights to somebody else first."

Left = Callable[[Membership, "Actor"], None]
_left: list[Left] = []


def when_rights_go(function: Left) -> Left:
    """Register what follows, in the same transaction, when somebody has fewer rights: `fn(membership, by)`."""
    _left.append(function)
    return function


@transaction.atomic
def change_roles(
    membership: Membership, roles: Iterable[str], *, by: Actor, version: int | None = None
) -> Membership | RightsRequest:
    """Give a member exactly these roles, from their next request on.

    Making somebody a scheme administrator only asks: another one approves it, and the request is returned. Raises
    PermissionDenied, Stale, or StepRefused: for one's own rights, for no role at all, for the last administrator.
    """
    membership = _member(membership, by, version)
    wanted = sorted({Role(role).value for role in roles})
    if not wanted:
        raise StepRefused(["Choose at least one role. To let somebody go, end their membership."])
    if wanted == sorted(membership.roles):
        return membership
    if Role.SCHEME_ADMIN in wanted and Role.SCHEME_ADMIN not in membership.roles:
        return _ask(membership, wanted, by)
    if Role.SCHEME_ADMIN in membership.roles and Role.SCHEME_ADMIN not in wanted:
        _keep_one_admin(membership)
    return _give(membership, wanted, by=by)


@transaction.atomic
def approve_rights(request: RightsRequest, *, by: Actor) -> RightsRequest:
    """Give what another administrator asked for. Raises PermissionDenied or StepRefused.

    Neither who asked nor who would get the rights approves them.
    """
    request = _waiting(request, by)
    if by.user.pk in (request.asked_by_id, request.membership.user_id):
        raise StepRefused(["Another scheme administrator approves this: not who asked, nor whose rights they are."])
    _give(_member(request.membership, by, None), request.roles, by=by)
    return _decide(request, RightsRequest.Status.APPROVED, by)


@transaction.atomic
def refuse_rights(request: RightsRequest, *, by: Actor) -> RightsRequest:
    """Refuse it, or take back what one asked for. Raises PermissionDenied or StepRefused."""
    return _decide(_waiting(request, by), RightsRequest.Status.REFUSED, by)


@transaction.atomic
def end_membership(membership: Membership, *, on: date, by: Actor) -> Membership:
    """Let a member go: from the day `on` they are nobody here. Raises PermissionDenied or StepRefused."""
    membership = _member(membership, by, None)
    if on < membership.starts_on:
        raise StepRefused(["The last day cannot be before the first."])
    if Role.SCHEME_ADMIN in membership.roles:
        _keep_one_admin(membership)
    membership.until = on
    membership.version += 1
    membership.save(update_fields=["until", "version"])
    audit.record("end_membership", membership, by=by, fields=["until"], of=f"user:{membership.user_id}")
    _fewer(membership, by)
    return membership


def _member(membership: Membership, by: Actor, version: int | None) -> Membership:
    membership = locked(Membership, membership.pk, version=version)
    if not by.can("iom.change_rights", membership):
        raise PermissionDenied
    if by.user is not None and membership.user_id == by.user.pk:
        raise StepRefused([NOT_ONES_OWN])
    return membership


def _give(membership: Membership, roles: list[str], *, by: Actor) -> Membership:
    before, membership.roles = set(membership.roles), list(roles)
    membership.version += 1
    membership.save(update_fields=["roles", "version"])
    audit.record(
        "change_roles",
        membership,
        by=by,
        before=",".join(sorted(before))[:60],
        after=",".join(roles)[:60],
        fields=["roles"],
        of=f"user:{membership.user_id}",
    )
    if before - set(roles):
        _fewer(membership, by)
    return membership


def _fewer(membership: Membership, by: Actor) -> None:
    for function in _left:
        function(membership, by)


def _keep_one_admin(membership: Membership) -> None:
    others = Membership.objects.filter(scheme=membership.scheme_id).current(clock.today()).with_role(Role.SCHEME_ADMIN)
    # Locked, so that two who leave at once do not each count on the other.
    if not others.exclude(user=membership.user_id).select_for_update(of=("self",)).exists():
        raise StepRefused([LAST_ADMIN])


def _ask(membership: Membership, roles: list[str], by: Actor) -> RightsRequest:
    if RightsRequest.objects.filter(membership=membership, status=RightsRequest.Status.WAITING).exists():
        raise StepRefused(["Rights for this person wait for a second administrator already."])
    request = RightsRequest.objects.create(
        scheme=by.scheme, membership=membership, roles=roles, asked_by=by.user, asked_at=clock.now()
    )
    audit.record("ask_for_rights", request, by=by, fields=["roles"], of=f"user:{membership.user_id}")
    admins = Membership.objects.filter(scheme=by.scheme).current(clock.today()).with_role(Role.SCHEME_ADMIN)
    others = {held.user for held in admins.select_related("user") if held.user_id != by.user.pk}
    notify.tell(
        others,
        scheme=by.scheme,
        kind="rights_to_approve",
        subject=f"rights:{request.pk}",
        text="Scheme administrator rights wait for your approval",
        url=reverse("rights"),
        email_body="Another administrator has asked for them. Approve or refuse:",
    )
    return request


def _waiting(request: RightsRequest, by: Actor) -> RightsRequest:
    request = locked(RightsRequest, request.pk)
    if not by.can("iom.change_rights", request):
        raise PermissionDenied
    if request.status != RightsRequest.Status.WAITING:
        raise StepRefused([f"This request is already {request.get_status_display().lower()}."])
    return request


def _decide(request: RightsRequest, status: str, by: Actor) -> RightsRequest:
    request.status, request.decided_by, request.decided_at = status, by.user, clock.now()
    request.version += 1
    request.save(update_fields=["status", "decided_by", "decided_at", "version"])
    audit.record("decide_rights", request, by=by, after=status, of=f"user:{request.membership.user_id}")
    return request

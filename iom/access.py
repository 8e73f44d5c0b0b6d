"""Who acts, and what they may do.

Permissions are written down in one `rules.py` an app, as `permit(name, holders, when)`: who holds the function in their
own scheme, and for which objects. Nothing else decides access. An absent object is a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import rules
from django.core.exceptions import ImproperlyConfigured
from rules.predicates import Predicate

if TYPE_CHECKING:
    from iom.models import Agency, Membership, Scheme, User

_holders: dict[str, Predicate] = {}


@dataclass(frozen=True)
class Actor:
    """A person acting for one agency in one scheme, or a task acting for nobody (`user` is None)."""

    user: User | None
    scheme: Scheme
    roles: frozenset[str]
    membership: Membership | None = None
    cause: str = ""

    @property
    def agency(self) -> Agency | None:
        """The organisation on whose behalf they act."""
        return self.membership.agency if self.membership else None

    @property
    def label(self) -> str:
        """How the audit names the actor."""
        return f"user:{self.user.pk}" if self.user else "task"

    def has_role(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))

    def holds(self, permission: str) -> bool:
        """Whether the function as such is open to the actor in their scheme. An unknown name is an error."""
        if permission not in _holders:
            raise ImproperlyConfigured(f"No rules.py permits anything under the name {permission!r}.")
        return _holders[permission].test(self)

    def can(self, permission: str, thing: Any) -> bool:
        """Whether the actor may do this to `thing`. No thing, or one of another scheme: no."""
        if permission not in _holders:
            raise ImproperlyConfigured(f"No rules.py permits anything under the name {permission!r}.")
        return thing is not None and rules.has_perm(permission, self, thing)

    @cached_property
    def seats(self) -> frozenset[str]:
        """Slugs of the bodies on which the person holds a seat or is the named substitute."""
        from django.db.models import Q

        from iom.models import Seat

        if self.membership is None:
            return frozenset()
        mine = Q(holder=self.membership) | Q(substitute=self.membership)
        return frozenset(Seat.objects.filter(mine, scheme=self.scheme).values_list("body__slug", flat=True))

    @cached_property
    def reads_all_cases(self) -> bool:
        """Whether every open, unrestricted case is theirs to read: by office, or by a seat where the policy says so.

        Merton, step 7: plans are open to all panel members. A seat on another kind of panel does not open the cohort.
        """
        if self.has_role("coordinator", "chair", "researcher"):
            return True
        policy = self.scheme.policy
        if not self.has_role("member") or policy.case_visibility != "all_seats":
            return False
        return any(body.slug in self.seats for body in policy.bodies if body.opens_cohort)


def actor_for(membership: Membership, cause: str = "") -> Actor:
    """The actor that a membership makes."""
    return Actor(
        user=membership.user,
        scheme=membership.scheme,
        roles=frozenset(membership.roles),
        membership=membership,
        cause=cause,
    )


def task_actor(scheme: Scheme, cause: str) -> Actor:
    """A task acting in `scheme`; `cause` names the task and the person who set it off (security.md U5)."""
    return Actor(user=None, scheme=scheme, roles=frozenset(), cause=cause)


@rules.predicate
def in_their_scheme(actor: Actor, thing: Any) -> bool:
    return thing is not None and thing.scheme_id == actor.scheme.pk


def has_role(*roles: str) -> Predicate:
    """Holds one of the roles in the active scheme."""
    return rules.predicate(lambda actor: actor.has_role(*roles), name=" or ".join(roles))


anyone = rules.predicate(lambda actor: actor.user is not None, name="anyone of the scheme")


def permit(name: str, holders: Predicate, when: Predicate | None = None) -> None:
    """Write down a permission: who holds it, and for which things of their own scheme."""
    if name in _holders:
        raise ImproperlyConfigured(f"{name!r} is permitted twice.")
    _holders[name] = holders
    whole = in_their_scheme & holders
    rules.add_perm(name, whole & when if when else whole)


def permissions() -> dict[str, Predicate]:
    """Every permission with its holders, for the access matrix."""
    return dict(_holders)

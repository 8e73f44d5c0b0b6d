"""Who acts, and what they may do.

Permissions are written down in one `rules.py` an app, as `permit(name, holders, when)`: who holds the function in their
own scheme, and for which objects. Nothing else decides access. An absent object is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import rules
from django.core.exceptions import ImproperlyConfigured
from rules.predicates import Predicate

from iom import asked_before, together

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from iom.models import Agency, Membership, PolicyVersion, Scheme, User

_holders: dict[str, Predicate] = {}


@dataclass(frozen=True)
class Actor:
    """A person acting for one agency in one scheme, or a task acting for nobody (`user` is None)."""

    user: User | None
    scheme: Scheme
    roles: frozenset[str]
    membership: Membership | None = None
    cause: str = ""
    # What a request has read of its actor (`learn`), by name; nothing is known of an actor outside a request.
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

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
        return self.known["seats"] if "seats" in self.known else together.run(_seats(self))

    def rules_on(self, day: date) -> PolicyVersion:
        """The rules in force on a day. A request that knows which hold today reads none that began before that day."""
        from iom.clock import today

        version = self.scheme.policy_version if "policy" in self.known else None
        if version is not None and version.pk == self.known["policy"] and version.valid_from <= day <= today():
            return version
        return self.scheme.policy_on(day)

    def as_asked(self) -> Iterator[Any]:
        """What of an actor belongs to a question (`iom.asked_before`); numbers are left open."""
        if self.membership is None or self.user is None or "policy_version" not in self.scheme.__dict__:
            raise asked_before.NotOnce
        yield from (self.roles, self.scheme.policy, self.scheme, self.scheme.policy_version, self.user, self.membership)
        if "opened" in self.known:
            yield from (self.seats, self.agency.kind, self.agency.slug, self.agency, list(self.known["opened"]))

    def stand_in(self, make: Any) -> Actor:
        """An actor with stand-ins for all numbers, in the order of `as_asked`."""
        scheme, version = make.row(self.scheme), make.row(self.scheme.policy_version)
        user, membership = make.row(self.user), make.row(self.membership)
        version.kept_policy, scheme.__dict__["policy_version"] = self.scheme.policy, version
        membership.user, membership.scheme = user, scheme
        actor = Actor(user, scheme, self.roles, membership)
        if "opened" in self.known:
            membership.agency = agency = make.row(self.membership.agency)
            agency.kind, agency.slug = self.agency.kind, self.agency.slug
            actor.known.update(opened=frozenset({make.next()}), seats=self.seats)
        return actor

    def forget(self) -> None:
        """What was read of the actor need not hold any more: what it rests on was changed in this request."""
        self.known.clear()
        self.__dict__.pop("seats", None)

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


# --- What a request reads of its actor once (docs/performance.md) ------------------------------

Fact = Callable[[Actor], together.Steps[Any]]
_facts: dict[str, Fact] = {}


def fact(read: Fact) -> Fact:
    """Register something that every request knows of its actor, under the name of the function, without a `_` before.

    It is a generator (`iom.together`); all facts are read in one statement a round. A verb that changes what a fact
    rests on tells the actor to `forget`.
    """
    _facts[read.__name__.removeprefix("_")] = read
    return read


def learn(actor: Actor) -> None:
    """Read every fact, at the beginning of a request and in its transaction."""
    actor.forget()
    expected = actor.scheme.expect()
    actor.known.update(_read(actor))
    if actor.known["policy"] != expected:
        # What was read rests on rules that hold no more, or on none.
        actor.forget()
        actor.known.update(_read(actor))


def _read(actor: Actor) -> dict[str, Any]:
    return together.run(together.all_of({name: read(actor) for name, read in _facts.items()}))


@fact
def _seats(actor: Actor) -> together.Steps[frozenset[str]]:
    from django.db.models import Q

    from iom.models import Seat

    if actor.membership is None:
        return frozenset()

    def mine() -> QuerySet:
        holds = Q(holder=actor.membership) | Q(substitute=actor.membership)
        return Seat.objects.filter(holds, scheme=actor.scheme).values_list("body__slug", flat=True)

    held = yield mine
    return frozenset(held)


@fact
def _unread(actor: Actor) -> together.Steps[int]:
    """How many notices wait for the actor: the number in the frame of every page."""
    from iom.models import Notification

    return (yield lambda: together.counted(Notification.objects.visible_to(actor).unread()))


@fact
def _agency(actor: Actor) -> together.Steps[None]:
    """The organisation, put where `Actor.agency` looks: memberships are read before it is known in which scheme."""
    from iom.models import Agency

    if actor.membership is not None:
        membership = actor.membership
        membership.agency = yield lambda: together.first(Agency.objects.filter(pk=membership.agency_id))


@fact
def _policy(actor: Actor) -> together.Steps[int | None]:
    """The number of today's rules. Their documents never change and are kept; which holds is read each time."""
    from iom.clock import today

    return (yield from actor.scheme.confirm(today()))


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

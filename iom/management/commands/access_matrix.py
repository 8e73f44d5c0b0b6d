"""`manage.py access_matrix [--json]`: every address, method and role, and what it answers (security.md Z1)."""

from __future__ import annotations

from functools import cache
from typing import Any

from iom.access import Actor, permissions
from iom.checks import every_url
from iom.management.plain_command import PlainCommand
from iom.models import Agency, Membership, Role, Scheme, User
from iom.pages import PUBLIC, SIGNED_IN
from iom.policy import load_preset, preset_slugs

SIGNED_OUT, NO_SCHEME = "signed out", "no scheme"
OPEN, SIGN_IN, REFUSED, NOT_ANSWERED = "open", "sign in", "403", "405"
OWN_AND_ALLOWED = "open; another scheme's thing: 404"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Command(PlainCommand):
    help = "Prints who may use which address with which method, from the permissions that guard the pages."
    requires_system_checks = ["security"]

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        cells = [
            {
                "address": f"/{path}",
                "name": pattern.name,
                "permission": pattern.callback.permission,
                "method": method,
                "role": role,
                "answer": answer(pattern.callback, method, role, about_a_thing="<" in path),
            }
            for path, pattern in every_url()
            for method in METHODS
            for role in (SIGNED_OUT, NO_SCHEME, *Role.values)
        ]
        lines = [f"{c['address']}  {c['method']}  {c['role']}  {c['answer']}" for c in cells]
        self.answer(cells, lines, as_json=as_json)


def answer(view: Any, method: str, role: str, *, about_a_thing: bool) -> str:
    """What a person with one role, and nothing else, meets at this address."""
    if method not in view.methods:
        return NOT_ANSWERED
    if view.permission == PUBLIC:
        return OPEN
    if role == SIGNED_OUT:
        return SIGN_IN
    if view.permission == SIGNED_IN:
        return OPEN
    holders = permissions()[view.permission]
    kinds = [] if role == NO_SCHEME else [kind for kind in agency_kinds() if holders.test(_somebody(role, kind))]
    if not kinds:
        return REFUSED
    allowed = OWN_AND_ALLOWED if about_a_thing else OPEN
    return allowed if len(kinds) == len(agency_kinds()) else f"{allowed}; of {', '.join(kinds)} only, else 403"


@cache
def agency_kinds() -> tuple[str, ...]:
    """Every kind of agency that a preset knows: some functions are for people of some agencies."""
    return tuple(
        sorted(
            {seat.agency_kind for slug in preset_slugs() for body in load_preset(slug).bodies for seat in body.seats}
        )
    )


def _somebody(role: str, kind: str) -> Actor:
    membership = Membership(agency=Agency(kind=kind))
    return Actor(user=User(), scheme=Scheme(), roles=frozenset({role}), membership=membership)

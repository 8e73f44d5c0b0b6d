"""What must be true before the panel serves: a web server, worker, clock or relay that starts otherwise ends at once.

Each reason is one line that names the setting (security.md L5). Apps add their own with `@before_start`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.utils import DatabaseError

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 5
BYPASSES = """
    SELECT EXISTS (SELECT FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')),
           EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                   AND pg_has_role(current_user, relowner, 'MEMBER'))
"""

Reasons = Callable[[], Iterable[str]]
_asked: list[Reasons] = []


class Refused(ImproperlyConfigured):
    """The panel must not serve like this; the text names the setting."""


def before_start(function: Reasons) -> Reasons:
    """Register what gives the reasons not to start. That the database is away is none: it may come back."""
    _asked.append(function)
    return function


def reasons() -> list[str]:
    """Every reason not to start."""
    return [reason for ask in _asked for reason in ask()]


def require() -> None:
    """Raises `Refused` with the first reason, if there is one."""
    for reason in reasons():
        raise Refused(reason)


def refuse_or_go_on() -> None:
    """End this process with a line for each reason; for the way in of a server or worker, before it does anything."""
    try:
        django.setup()
        found = reasons()
    except ImproperlyConfigured as error:
        found = [str(error)]
    finally:
        if settings.configured:
            connections.close_all()
    if found:
        sys.stderr.write("".join(f"IOM Panel does not start. {reason}\n" for reason in found))
        sys.exit(1)


@before_start
def settings_that_open_doors() -> Iterable[str]:
    """DEBUG, a key that others know, host names that anybody may claim."""
    if settings.DEBUG:
        yield "DEBUG is on: error pages would show the inside. Unset it."
    if weak(settings.SECRET_KEY):
        yield f"SECRET_KEY is a default or too short: set it to {SHORTEST_KEY} random characters or more."
    hosts = settings.ALLOWED_HOSTS
    if not hosts or any("*" in host or host.startswith(".") for host in hosts):
        yield "ALLOWED_HOSTS is empty or open: name each host exactly."


@before_start
def keys_of_codes() -> Iterable[str]:
    """security.md M4: what seals the secrets of authenticator apps."""
    keys = settings.SECOND_FACTOR_KEYS
    if not keys or any(weak(key) for key in keys):
        yield f"SECOND_FACTOR_KEYS is empty, a default or too short: each key needs {SHORTEST_KEY} characters or more."
    elif settings.SECRET_KEY in keys:
        yield "SECOND_FACTOR_KEYS is the same as SECRET_KEY: make one of its own."


def weak(key: str) -> bool:
    """Whether a secret key is short, of few characters, or one of those that come with examples."""
    known = key.lower().startswith(("django-insecure", "change", "secret", "insecure", "default"))
    return known or len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS


@before_start
def roles_that_pass_the_wall() -> Iterable[str]:
    """The role of DATABASE_URL may not be one that row-level security does not bind (security.md Z3)."""
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute(BYPASSES)
            bypasses, owns = cursor.fetchone()
    except DatabaseError:
        return
    if bypasses:
        yield (
            "DATABASE_URL names a role that is superuser or has BYPASSRLS: the wall between schemes does not hold it. "
            "Use a role without."
        )
    elif owns and not settings.OWNER_MAY_SERVE:
        yield "DATABASE_URL names the role that owns the tables: use the application's role, the owner only migrates."

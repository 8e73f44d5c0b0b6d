"""The one door to the audit (security.md section 5).

Events go into a schema of their own, through a function that only adds; the database sets their sequence, time and hash
when the transaction ends (`iom/embedded/audit.sql`). Besides what is recorded here, every write to a personal table
leaves an event of its own, by trigger. No names, no free text, no values: labels, references, names of fields, digests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, connection

from iom import clock
from iom.addresses import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from iom.access import Actor
    from iom.models import User

log = logging.getLogger(__name__)

# It begins with fixed letters, so that what stands between references is passed over at once; what may not stand before
# them is looked at after.
REFERENCE = re.compile(rb"IOM(?<![\w-]IOM)-(?:R-)?\d{4,}(?![\w-])")

# What stands in an address and names nobody: a reference, a number, a date, a key.
KEY = re.compile(r"IOM-(?:[RE]-)?\d{1,8}|v?\d{1,18}|\d{4}-\d\d-\d\d|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")

# So many events go to the database in one statement.
AT_ONCE = 1000

request_id: ContextVar[str] = ContextVar("request_id", default="")
_shown: ContextVar[set[str] | None] = ContextVar("shown", default=None)

Reader = Callable[["Actor", frozenset[str]], None]
_readers: list[Reader] = []


# --- What is said of who acts, and of whom it is about ---------------------------------------


def signature(by: Actor | None, cause: str = "") -> dict[str, str]:
    """Who acts, as the audit names them: the account or the task, in which roles, for which agency, set off by what."""
    if by is None:
        return {
            "actor": cause if cause.startswith("user:") else "task",
            "cause": "" if cause.startswith("user:") else cause,
        }
    agency = by.membership.agency_id if by.membership else ""
    return {
        "actor": by.label,
        "cause": by.cause or cause,
        "roles": ",".join(sorted(by.roles)),
        "agency": str(agency),
    }


def present_request() -> str | None:
    """The number of the request that this is, for django-auditlog: it ties the readable history to the chain."""
    return request_id.get() or None


def reference(thing: Any) -> str:
    """How a thing is named outside its pages: its reference, else its number."""
    return str(getattr(thing, "reference", None) or thing.pk)


def key() -> str:
    """The key of the digests, outside the database: a setting of its own, else made from the installation's secret."""
    return settings.AUDIT_KEY or hashlib.sha256(f"audit {settings.SECRET_KEY}".encode()).hexdigest()


def digest(text: str) -> str:
    """A keyed digest: the same words give the same digest, and nobody without the key can try words out."""
    return hmac.new(key().encode(), text.encode(), hashlib.sha256).hexdigest()[:24]


# --- Writing ---------------------------------------------------------------------------------


def _tidied(event: dict[str, Any]) -> dict[str, Any]:
    event = {name: value for name, value in event.items() if value not in ("", [], {}, None, False)}
    if request_id.get():
        event.setdefault("request", request_id.get())
    return event


def _append(scheme: int, event: dict[str, Any]) -> None:
    event = _tidied(event)
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.append(%s, %s)", [scheme, json.dumps(event)])


def record(
    verb: str,
    thing: Any,
    *,
    by: Actor,
    before: str = "",
    after: str = "",
    reason: str = "",
    fields: Iterable[str] = (),
    subjects: Iterable[str] = (),
    outcome: str = "done",
    **context: str | int | bool | None,
) -> None:
    """Write what was done, in the caller's transaction. Labels and names of fields only: no values, no free text.

    `subjects` are case or referral references of the people concerned; `context` says where it was (meeting, item).
    """
    said = _verb(
        verb,
        thing,
        by=by,
        before=before,
        after=after,
        reason=reason,
        fields=fields,
        subjects=subjects,
        outcome=outcome,
        context=context,
    )
    _append(by.scheme.pk, said)


def record_each(verb: str, things: Iterable[tuple[Any, dict[str, Any]]], *, by: Actor) -> None:
    """`record` of one verb for many things of a kind, each with its own `after`, `fields`, `reason` and `subjects`."""
    things = list(things)
    if things:
        said = ((reference(thing), about) for thing, about in things)
        record_references(verb, things[0][0]._meta.label_lower, said, by=by)


def record_references(verb: str, kind: str, things: Iterable[tuple[str, dict[str, Any]]], *, by: Actor) -> None:
    """As `record_each`, for things of a `kind` ("offenders.case") by their references, without the things."""
    common = _tidied(signature(by) | {"kind": "verb", "verb": verb, "object": kind, "context": _context({})})
    said = (json.dumps(_own(of, **about)) for of, about in things)
    while events := list(islice(said, AT_ONCE)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT audit.append_all(%s, ARRAY(SELECT %s::jsonb || jsonb_array_elements(%s::jsonb)))",
                [by.scheme.pk, json.dumps(common), f"[{','.join(events)}]"],
            )


def _own(
    of: str, *, after: str = "", fields: Iterable[str] = (), reason: str = "", subjects: Iterable[str] = ()
) -> dict[str, Any]:
    """What of an event is one thing's own; what is empty is left away."""
    said: dict[str, Any] = {"ref": of}
    if subjects := sorted(set(subjects)):
        said["subjects"] = subjects
    if after:
        said["after"] = after
    if fields := sorted(fields):
        said["fields"] = fields
    if reason := reason.strip():
        said |= {"reason": True, "reason_digest": digest(reason)}
    return said


def _verb(
    verb: str,
    thing: Any,
    *,
    by: Actor,
    before: str,
    outcome: str,
    context: dict[str, Any],
    after: str = "",
    reason: str = "",
    fields: Iterable[str] = (),
    subjects: Iterable[str] = (),
) -> dict[str, Any]:
    return signature(by) | {
        "kind": "verb",
        "verb": verb,
        "outcome": "" if outcome == "done" else outcome,
        "object": thing._meta.label_lower,
        "ref": reference(thing),
        "subjects": sorted(set(subjects)),
        "before": before,
        "after": after,
        "fields": sorted(fields),
        "reason": bool(reason.strip()),
        "reason_digest": digest(reason.strip()) if reason.strip() else "",
        "context": _context(context),
    }


def account(verb: str, user: User, *, outcome: str = "done", **context: str | int | bool | None) -> None:
    """Write what happened to an account: sign-in, failure, code, reset, session end (security.md U2).

    It stands in the chain of each scheme in which the person acts, since accounts belong to none; of one who acts in no
    scheme, in the installation's own.
    """
    from iom.models import Membership

    schemes = (
        Membership.objects.filter(user=user).order_by("scheme").distinct("scheme").values_list("scheme", flat=True)
    )
    for scheme in list(schemes) or [0]:
        _append(
            scheme,
            {
                "kind": "account",
                "actor": f"user:{user.pk}",
                "verb": verb,
                "outcome": "" if outcome == "done" else outcome,
                "object": "iom.user",
                "ref": str(user.pk),
                "context": _context(context),
            },
        )


def _context(context: dict[str, Any]) -> dict[str, Any]:
    """Where it was. In the demonstration, which lives through a past year, also the day that it stands for."""
    said = {name: value for name, value in context.items() if value is not None}
    if clock.is_told():
        said["as_of"] = clock.now().isoformat()
    return said


def chain() -> None:
    """Chain what waits, now instead of when the transaction ends: whoever cannot write the audit shows nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS audit.chain_at_the_end IMMEDIATE")
        cursor.execute("SET CONSTRAINTS audit.chain_at_the_end DEFERRED")


# --- Reading of people's data ----------------------------------------------------------------


@contextmanager
def watching() -> Iterator[set[str]]:
    """Collect the subjects that are shown inside: templates note them by themselves, other answers with `shown`."""
    seen: set[str] = set()
    token = _shown.set(seen)
    try:
        yield seen
    finally:
        _shown.reset(token)


def shown(*things: Any) -> None:
    """Note that the answer shows data of these people: things that have an `audit_subject`, or such tokens."""
    seen = _shown.get()
    if seen is not None:
        seen.update(thing if isinstance(thing, str) else thing.audit_subject for thing in things)


def references_in(response: HttpResponse) -> set[str]:
    """The case and referral references that stand in a page: of rows and texts that were made before the template."""
    if response.streaming or not response.get("Content-Type", "").startswith(("text/html", "application/json")):
        return set()
    return {reference.decode() for reference in REFERENCE.findall(response.content)}


def on_read(function: Reader) -> Reader:
    """Register who wants to know which subjects somebody read; called in the request's transaction."""
    _readers.append(function)
    return function


def read(request: HttpRequest, actor: Actor, subjects: Iterable[str]) -> None:
    """One event for the answer, with every subject that it shows (security.md U4)."""
    seen = frozenset(subjects)
    _append(
        actor.scheme.pk,
        signature(actor)
        | {"kind": "read", "verb": "read", "subjects": sorted(seen), "context": _context(_where(request))},
    )
    for tell in _readers:
        tell(actor, seen)


def refused(request: HttpRequest, status: int) -> None:
    """One event for what was refused or failed, in a transaction of its own after the rollback (security.md U1)."""
    from iom import walls

    actor = request.actor
    match = request.resolver_match
    if match is None:
        return
    kind = "denied" if status < 500 else "failed"
    scheme = actor.scheme.pk if actor else walls.INSTALLATION
    try:
        with walls.within(scheme, by=actor, cause=f"user:{request.user.pk}", address=client_address(request)):
            _append(
                scheme,
                {
                    "kind": kind,
                    "verb": kind,
                    "outcome": "refused" if kind == "denied" else "failed",
                    "subjects": sorted(request.shown),
                    "context": _context({**_where(request), "status": status}),
                },
            )
    except DatabaseError:
        # Nothing was done and nothing is shown but that: the log line of the request is all that there is.
        log.warning("a refusal could not be audited")


def _where(request: HttpRequest) -> dict[str, str]:
    """Which page, and what it was about: the parts of an address that are references, dates, keys or numbers.

    Anything else may have been typed by somebody, a name too, and stays out.
    """
    match = request.resolver_match
    about = [str(value) for value in (*match.args, *match.kwargs.values())] if match else []
    where = {"page": match.view_name if match else "", "method": request.method or ""}
    if kept := [value for value in about if KEY.fullmatch(value)]:
        where["of"] = "/".join(kept)
    if KEY.fullmatch(search := request.GET.get("s", "")):
        where["search"] = search
    return where

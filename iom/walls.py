"""The wall below the permission rules: whose rows a transaction may touch, and who acts in it (security.md Z3, U5).

PostgreSQL itself keeps the schemes apart: every table with a `scheme_id` shows and takes rows of the transaction's own
scheme alone, and every write to a personal table leaves an audit event or is refused. `build` makes both for each
table, after every migration, so that a new table has them without being asked.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DatabaseError, OperationalError, connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg import sql

from iom import audit, blocks
from iom.access import learn
from iom.addresses import client_address

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Membership, Scheme

# Read before it is known in which scheme somebody acts, and without anybody's case: which schemes a person acts in, and
# work to be done, by ids (security.md Z3).
OUTSIDE = frozenset({"iom_membership", "iom_outboxmessage"})
# Nobody's record changes with these: numbers given out, notices read, reminders sent; and the readable history itself.
UNWATCHED = frozenset({"iom_counter", "iom_notification", "iom_reminder", "iom_outboxmessage", "iom_logentry"})
INSTALLATION = 0
# So many joins the planner tries in every order; of more it keeps the order that is written. Our joins lead to
# one row each by its key, so that their order gains nothing and trying eight of them cost more than the query
# (docs/explain.md). Said with the wall: of the transaction alone, whatever pool or server its connection came from.
JOINS_REORDERED = "4"
# What the planner reckons for reading a row by its key, beside one that follows: not four times as much, as where a
# disk turns. Else it goes through all of a large scheme for what it should look up of a page of cases.
BY_KEY = "1.1"
# A statement that is kept (`iom.together`) is planned once on a connection, and not five times before: only numbers of
# rows are open in it, and of those the planner knows no more than that each is one.
PLANNED_ONCE = "force_generic_plan"

RETRIES = 3
DEADLOCKS = frozenset({"40P01", "40001"})


@contextmanager
def within(scheme: Scheme | int | None, *, by: Actor | None = None, cause: str = "", **about: str) -> Iterator[None]:
    """A transaction in which the rows of `scheme`, and of no other, can be seen and written.

    `by` acts in it; without an actor `cause` names the task ("sweep_reminders"). `INSTALLATION` is the chain of what
    belongs to no scheme. May be nested: the outer scheme is there again afterwards.
    """
    number = "" if scheme is None else str(scheme if isinstance(scheme, int) else scheme.pk)
    who = audit.signature(by, cause) | about
    nested = connection.in_atomic_block
    with transaction.atomic():
        before = _enter(number, json.dumps(who))
        yield
        if nested:
            _set(*before)


def _enter(scheme: str, who: str) -> tuple[str, str]:
    """Say whose transaction this is; returns what was said before. One statement, worked through in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('iom.scheme', true), ''), coalesce(current_setting('iom.who', true), ''), "
            "set_config('iom.scheme', %s, true), set_config('iom.who', %s, true), set_config('iom.key', %s, true), "
            "set_config('join_collapse_limit', %s, true), set_config('random_page_cost', %s, true), "
            "set_config('plan_cache_mode', %s, true)",
            [scheme, who, audit.key(), JOINS_REORDERED, BY_KEY, PLANNED_ONCE],
        )
        return cursor.fetchone()[:2]


def _set(scheme: str, who: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('iom.scheme', %s, true), set_config('iom.who', %s, true)", [scheme, who])


def agencies_of(memberships: Iterable[Membership]) -> list[Membership]:
    """The memberships of one person with their agencies, each read in its own scheme: by scheme and agency."""
    found = list(memberships)
    for membership in found:
        with within(membership.scheme, cause=f"user:{membership.user_id}"):
            membership.agency  # noqa: B018 -- read while its scheme is open, and kept
    return sorted(found, key=lambda one: (one.scheme.name, one.agency.name, one.pk))


# --- Building -------------------------------------------------------------------------------

OWN_SCHEME = "scheme_id = (SELECT nullif(current_setting('iom.scheme', true), '')::bigint)"


def walled_tables() -> dict[str, type[models.Model]]:
    """Each table of ours with a scheme, outside the few of `OUTSIDE`."""
    return {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and any(field.column == "scheme_id" for field in model._meta.local_fields)
        and model._meta.db_table not in OUTSIDE
    }


def watched_tables() -> dict[str, type[models.Model]]:
    """Each table whose writes leave an audit event: those with a scheme, and the accounts with their rights."""
    return {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and model._meta.db_table not in UNWATCHED
        and (any(field.column == "scheme_id" for field in model._meta.local_fields) or _says_watched(model))
    }


def _says_watched(model: type[models.Model]) -> bool:
    """A table without a scheme whose model asks for it, and the tables of its many-to-many fields."""
    return getattr(model._meta.auto_created or model, "watched", False)


SCRIPT = Path(__file__).parent / "embedded" / "audit.sql"


def make_audit(cursor: Any, application: str) -> bool:
    """Make the audit's schema where nobody with more rights has run the script; returns whether it had to.

    It then belongs to whoever migrates, who could change it: `docs/running.md` says how it gets an owner of its own.
    `application` is the role that serves.
    """
    cursor.execute("SELECT to_regnamespace('audit') IS NULL, current_user")
    missing, migrating = cursor.fetchone()
    if not missing:
        return False
    script = SCRIPT.read_text()
    script = re.sub(r"^(SET ROLE|RESET ROLE|ALTER SCHEMA).*;$", "", script, flags=re.MULTILINE)
    for there, here in (
        (" AUTHORIZATION iom_audit", ""),
        ("'iom_owner'", sql.Literal(migrating).as_string()),
        ("TO iom_app, iom_owner", f"TO {_name(application)}, {_name(migrating)}"),
        ("TO iom_owner", f"TO {_name(migrating)}"),
    ):
        script = script.replace(there, here)
    cursor.execute(script)
    return True


def _name(role: str) -> str:
    return sql.Identifier(role).as_string()


def build(using: str) -> None:
    """Put up the walls of every table; run as the owner after each `migrate`, as often as one likes."""
    from django.db import connections

    with connections[using].cursor() as cursor:
        present = set(connections[using].introspection.table_names(cursor))
        for table in walled_tables():
            if table in present:
                _wall(cursor, table)
        for table, model in watched_tables().items():
            if table in present:
                _watch(cursor, table, getattr(model, "not_in_audit", ()))


def _wall(cursor: Any, table: str) -> None:
    # Asked first: changing a table waits for everybody who reads it, and nearly always nothing is to be changed.
    cursor.execute(
        "SELECT relrowsecurity AND relforcerowsecurity "
        "AND obj_description(policy.oid, 'pg_policy') IS NOT DISTINCT FROM %s "
        "FROM pg_class LEFT JOIN pg_policy AS policy ON polrelid = pg_class.oid AND polname = 'own_scheme' "
        "WHERE pg_class.oid = %s::regclass",
        [OWN_SCHEME, table],
    )
    if cursor.fetchone()[0]:
        return
    for statement in (
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        "DROP POLICY IF EXISTS own_scheme ON {table}",
        "CREATE POLICY own_scheme ON {table} USING ({rule}) WITH CHECK ({rule})",
        "COMMENT ON POLICY own_scheme ON {table} IS {words}",
    ):
        cursor.execute(
            sql.SQL(statement).format(
                table=sql.Identifier(table), rule=sql.SQL(OWN_SCHEME), words=sql.Literal(OWN_SCHEME)
            )
        )


WATCHED_VERBS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def _watch(cursor: Any, table: str, left_out: tuple[str, ...]) -> None:
    cursor.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname IN "
        "('audit_insert', 'audit_update', 'audit_delete') AND obj_description(oid, 'pg_trigger') = %s",
        [table, ",".join(left_out)],
    )
    if cursor.fetchone()[0] == len(WATCHED_VERBS):
        return
    for verb, rows in WATCHED_VERBS.items():
        parts = {
            "name": sql.Identifier(f"audit_{verb.lower()}"),
            "verb": sql.SQL(verb),
            "table": sql.Identifier(table),
            "rows": sql.SQL(rows),
            "left_out": sql.SQL(", ").join(sql.Literal(column) for column in left_out),
            "words": sql.Literal(",".join(left_out)),
        }
        for statement in (
            (
                "CREATE OR REPLACE TRIGGER {name} AFTER {verb} ON {table} REFERENCING {rows} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit.rows_changed({left_out})"
            ),
            "COMMENT ON TRIGGER {name} ON {table} IS {words}",
        ):
            cursor.execute(sql.SQL(statement).format(**parts))


def build_after_migrating(using: str, **kwargs: Any) -> None:
    """`post_migrate` of the last app: every table is there."""
    build(using)


# --- Around each request --------------------------------------------------------------------


class _Again(Exception):
    """The transaction begins again: the database undid it in favour of another one, or some part of a page failed."""

    def __init__(self, *, one_by_one: bool = False) -> None:
        super().__init__()
        self.one_by_one = one_by_one


class _Undo(Exception):
    """Leaves the transaction with an answer that must change nothing."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def outlive(request: HttpRequest, function: Callable[[], None]) -> None:
    """Do what must outlive a refusal: once the request's transaction is over, either way; now, if there is none."""
    waiting = getattr(request, "afterwards", None)
    if waiting is None:
        function()
    else:
        waiting.append(function)


class OneTransaction:
    """One transaction for all that a request does and shows, templates and audit included (security.md Z3, U1).

    What is answered with an error changes nothing: the transaction is rolled back, and the refusal is written
    afterwards, in one of its own. A deadlock is tried again three times, then answered 503 (C4).
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.respond(request)
        blocks.one_by_one.set(False)
        messages = list(getattr(request._messages, "_queued_messages", ()))
        for attempt in range(RETRIES + 1):
            try:
                response = self._once(request)
            except _Again as again:
                blocks.one_by_one.set(again.one_by_one)
                request._messages._queued_messages = list(messages)
                # Each waits a little longer, and not as long as the other one.
                time.sleep(random.uniform(0.01, 0.03) * 2**attempt)  # noqa: S311 -- jitter
                continue
            except _Undo as undone:
                for function in request.afterwards:
                    function()
                audit.refused(request, undone.response.status_code)
                return undone.response
            except Exception:
                audit.refused(request, 500)
                raise
            for function in request.afterwards:
                function()
            return response
        response = render(request, "errors/503.html", status=503)
        response["Retry-After"] = "5"
        return response

    def _once(self, request: HttpRequest) -> HttpResponse:
        actor = request.actor
        request.conflict, request.one_by_one, request.afterwards, request.shown = False, False, [], set()
        try:
            with (
                audit.watching() as shown,
                within(
                    actor.scheme if actor else None,
                    by=actor,
                    cause="" if actor else f"user:{request.user.pk}",
                    request=request.id,
                    address=client_address(request),
                ),
            ):
                request.shown = shown
                if actor:
                    learn(actor)
                response = self.respond(request)
                if request.conflict:
                    raise _Again(one_by_one=request.one_by_one)
                shown.update(audit.references_in(response))
                if response.status_code >= 400:
                    raise _Undo(response)
                # A polled screen that shows again what its viewer was shown is one look (security.md U4).
                if actor and shown and not getattr(request, "looked_before", False):
                    audit.read(request, actor, shown)
        except OperationalError as error:
            if sqlstate(error) in DEADLOCKS:
                raise _Again from error
            raise
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A deadlock in a view is not an error yet, nor a failed statement on a page whose parts share theirs."""
        if not hasattr(request, "conflict"):
            return None  # a page that is not in a transaction of its own
        if isinstance(error, OperationalError) and sqlstate(error) in DEADLOCKS:
            request.conflict = True
            return HttpResponse(status=503)
        if isinstance(error, DatabaseError) and request.method in ("GET", "HEAD") and not blocks.one_by_one.get():
            request.conflict = request.one_by_one = True
            return HttpResponse(status=503)
        return None


def sqlstate(error: Exception) -> str:
    """The database's own number of what went wrong, or nothing."""
    return getattr(error.__cause__, "sqlstate", None) or ""

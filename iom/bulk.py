"""Thousands of new rows of one model in one statement, with their readable history (`LogEntry`).

`bulk_create` and `LogEntryManager.log_added` do the same from instances; making and comparing those takes most of the
time of an import. Here plain values go to the database as one JSON text, and it makes the rows and what is said of
each. Row-level security and the audit's triggers judge them like any other rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from auditlog.cid import get_cid
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from psycopg import sql

from iom import clock
from iom.models import LogEntry, Scheme, User

# The database's types by Django's. Texts go in as texts: what is too long is refused and not cut.
TYPES = {
    "AutoField": "bigint",
    "BigAutoField": "bigint",
    "ForeignKey": "bigint",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "smallint",
    "CharField": "text",
    "TextField": "text",
    "DateField": "date",
    "DateTimeField": "timestamptz",
    "BooleanField": "boolean",
}


def add(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    scheme: Scheme,
    actor: User | None,
) -> list[int]:
    """Add rows of `model` in `scheme` and their history; returns their numbers in the order of the rows.

    `names` are fields, relations as `offender_id`; each row holds their values and, last, what the history calls it
    (`str()` of an instance). Fields that are not named get the model's defaults. Raises KeyError for a field of a type
    that is not known here.
    """
    text = json.dumps(list(rows), default=date.isoformat)
    if text == "[]":
        return []
    about = {
        "scheme": scheme.pk,
        "content_type": ContentType.objects.get_for_model(model).pk,
        "actor": actor.pk if actor else None,
        "actor_email": actor.email if actor else None,
        "cid": get_cid(),
        "now": clock.now(),
        "logged_at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, tuple(names)), {"rows": text} | about | _defaults(model, names))
        return [number for (number,) in cursor.fetchall()]


def _defaults(model: type[models.Model], names: Sequence[str]) -> dict[str, Any]:
    """What the fields hold that are not named."""
    given = {*names, "id", "scheme_id", "created_at"}
    return {
        f"default_{field.attname}": field.get_default()
        for field in model._meta.concrete_fields
        if field.attname not in given
    }


@cache
def _statement(model: type[models.Model], names: tuple[str, ...]) -> sql.Composed:
    fields = list(model._meta.concrete_fields)
    table = sql.Identifier(model._meta.db_table)
    known = {"id": sql.SQL("nextval((SELECT pg_get_serial_sequence({}, 'id')::regclass))").format(model._meta.db_table)}
    known |= {"scheme_id": sql.SQL("%(scheme)s::bigint"), "created_at": sql.SQL("%(now)s::timestamptz")}
    known |= {name: sql.SQL("(row ->> {})").format(sql.Literal(place)) for place, name in enumerate(names)}
    given = [
        sql.SQL("{}::{} AS {}").format(
            known.get(field.attname, sql.SQL(f"%(default_{field.attname})s")),
            sql.SQL(TYPES[field.get_internal_type()]),
            sql.Identifier(field.attname),
        )
        for field in fields
    ]
    columns = sql.SQL(", ").join(sql.Identifier(field.attname) for field in fields)
    changes = sql.SQL(", ").join(part for field in fields for part in (sql.Literal(field.name), _change(field)))
    return sql.SQL(
        "WITH given AS MATERIALIZED ("
        "SELECT {given}, row ->> {shown} AS shown, place "
        "FROM jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS each (row, place)"
        "), added AS (INSERT INTO {table} ({columns}) SELECT {columns} FROM given ORDER BY place"
        "), logged AS (INSERT INTO {history} (scheme_id, content_type_id, object_pk, object_id, object_repr, action, "
        "changes, changes_text, actor_id, actor_email, cid, timestamp) "
        "SELECT scheme_id, %(content_type)s, id::text, id, shown, {create}, jsonb_strip_nulls(jsonb_build_object("
        "{changes})), '', %(actor)s, %(actor_email)s, %(cid)s, %(logged_at)s FROM given ORDER BY place"
        ") SELECT id FROM given ORDER BY place"
    ).format(
        given=sql.SQL(", ").join(given),
        shown=sql.Literal(len(names)),
        table=table,
        columns=columns,
        history=sql.Identifier(LogEntry._meta.db_table),
        create=sql.Literal(int(LogEntry.Action.CREATE)),
        changes=changes,
    )


def _change(field: models.Field) -> sql.Composed:
    """Before and after of one field as django-auditlog writes them, as texts; NULL where it says nothing."""
    column = sql.Identifier(field.attname)
    kind = field.get_internal_type()
    after = {
        "DateField": sql.SQL("to_char({}, 'YYYY-MM-DD')"),
        # Python leaves whole seconds without a fraction.
        "DateTimeField": sql.SQL(
            "regexp_replace(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '[.]000000$', '')"
        ),
        "BooleanField": sql.SQL("CASE {} WHEN true THEN 'True' WHEN false THEN 'False' END"),
    }.get(kind, sql.SQL("{}::text")).format(column)
    # Of relations and instants it says that there is none; of anything else nothing.
    if kind in ("ForeignKey", "DateTimeField"):
        return sql.SQL("jsonb_build_array('None', coalesce({}, 'None'))").format(after)
    return sql.SQL("CASE WHEN nullif({after}, 'None') IS NOT NULL THEN jsonb_build_array('None', {after}) END").format(
        after=after
    )

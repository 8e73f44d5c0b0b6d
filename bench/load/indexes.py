"""Indexes of the large tables, taken away while rows are copied and made again over all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

# Those that stand behind a constraint stay: foreign keys refer to some of them, and they grow at their end alone.
PLAIN = """
    SELECT format('%%I.%%I', namespace.nspname, index.relname), pg_get_indexdef(index.oid)
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_namespace AS namespace ON namespace.oid = index.relnamespace
    WHERE indrelid = %s::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x', 'f'))
"""
# For the length of a load, which is made again from the start if the machine goes down; `settled` puts them back.
IN_A_HURRY = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "'8GB'",
    "checkpoint_timeout": "'1h'",
    "autovacuum": "off",
}


@contextmanager
def taken_away(superuser: psycopg.Connection[Any], tables: Iterable[str]) -> Iterator[None]:
    """Without the plain indexes of these tables inside; with them afterwards."""
    made = [(name, how) for table in tables for name, how in superuser.execute(PLAIN, [table]).fetchall()]
    for name, _ in made:
        superuser.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    yield
    superuser.execute("SET maintenance_work_mem = '512MB'")
    for _, how in made:
        superuser.execute(how.encode())


@contextmanager
def in_a_hurry(superuser: psycopg.Connection[Any]) -> Iterator[None]:
    """The whole server without what keeps half a load safe from a power cut."""
    for name, value in IN_A_HURRY.items():
        superuser.execute(f"ALTER SYSTEM SET {name} = {value}".encode())
    superuser.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        for name in IN_A_HURRY:
            superuser.execute(f"ALTER SYSTEM RESET {name}".encode())
        superuser.execute("SELECT pg_reload_conf()")
        superuser.execute("CHECKPOINT")

"""Rows on their way into tables: written down as COPY wants them, a table at a time.

What a model says of its columns (their names, their defaults) is taken from the model, so that a new column with a
default needs nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import psycopg
from django.contrib.postgres.fields import ArrayField
from django.db import models
from psycopg import sql

NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def text(value: str) -> str:
    """A string as COPY takes it."""
    return value.translate(_ESCAPES)


def cell(value: Any) -> str:
    """A value of a column that is neither an array nor JSON."""
    if value is None:
        return NULL
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise TypeError(f"COPY is not told how to write {type(value).__name__}")


def document(value: Any) -> str:
    """A value of a JSON column."""
    return NULL if value is None else json.dumps(value).translate(_ESCAPES)


def array(value: Any) -> str:
    """A list of words, as an array's text."""
    inside = ",".join('"' + str(each).replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value)
    return ("{" + inside + "}").translate(_ESCAPES)


def _writer(field: models.Field) -> Callable[[Any], str]:
    if isinstance(field, models.JSONField):
        return document
    return array if isinstance(field, ArrayField) else cell


class Rows:
    """The rows of one table that wait for their COPY. Numbers are given out here, from the first that is free."""

    def __init__(self, model: type[models.Model], connection: psycopg.Connection[Any]) -> None:
        fields = [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]
        self.table = model._meta.db_table
        self.columns = [field.column for field in fields]
        self.writers = {field.column: _writer(field) for field in fields}
        self.defaults = {
            field.column: NULL if field.primary_key else self.writers[field.column](self._default(field))
            for field in fields
        }
        self.lines: list[str] = []
        self.written = 0
        self.numbered = model._meta.auto_field is not None
        top = connection.execute(f"SELECT coalesce(max(id), 0) FROM {self.table}").fetchone() if self.numbered else None  # noqa: S608
        self.next = top[0] + 1 if top else 1

    @staticmethod
    def _default(field: models.Field) -> Any:
        return field.get_default() if field.has_default() or not field.null else None

    def __call__(self, **values: Any) -> int:
        """Add a row by the names of its columns; returns its number."""
        row = self.defaults.copy()
        if self.numbered:
            values["id"] = self.next
            self.next += 1
        writers = self.writers
        for column, value in values.items():
            row[column] = writers[column](value)
        self.lines.append("\t".join(row.values()))
        return values.get("id", 0)

    def flush(self, connection: psycopg.Connection[Any]) -> None:
        """COPY what waits."""
        if not self.lines:
            return
        with connection.cursor().copy(statement(self.table, self.columns)) as copy:
            for start in range(0, len(self.lines), 5_000):
                copy.write("\n".join(self.lines[start : start + 5_000]) + "\n")
        self.written += len(self.lines)
        self.lines.clear()


def statement(table: str, columns: list[str]) -> sql.Composed:
    """`COPY table (columns) FROM STDIN`; the table may stand in a schema."""
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    )


class Tables:
    """Every table that is filled, by its model; made when first asked for, flushed together."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.all: dict[type[models.Model], Rows] = {}

    def __getitem__(self, model: type[models.Model]) -> Rows:
        if model not in self.all:
            self.all[model] = Rows(model, self.connection)
        return self.all[model]

    def flush(self) -> None:
        """COPY everything that waits, in one transaction."""
        with self.connection.transaction():
            for rows in self.all.values():
                rows.flush(self.connection)

    def settle_numbers(self) -> None:
        """Let the next row that the product adds get a number of its own."""
        for rows in self.all.values():
            if rows.numbered:
                self.connection.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [rows.table, max(rows.next - 1, 1)]
                )

"""Questions that are put into SQL once (docs/performance.md).

Most of what a page costs is Django making the same SQL again from the same code. A question that is given to
`iom.together` as a function is made once for all that differ in nothing but whom they are about:

    late, offers = yield lambda: [Action.objects.visible_to(actor).late(today), Offer.objects.filter(case=case)]

What the lambda names decides. Numbers of rows (of the actor, their scheme, agency and rules; of a case or meeting; of a
list of rows) are left open in the SQL and filled in each time; a model may say which columns of a row belong to the
question (`PART_OF_QUESTIONS`). Anything else that it names (roles, days, texts) and the
day itself belong to the question. So the first time the lambda is called with stand-ins, which have numbers that stand
nowhere else and no other values. The present instant (`clock.now`) is left open too. A question that looks at another
value of a row, reckons with the instant, or looks into the database while it is made is made anew each time.

Nothing that was read is kept, only how to ask. With `CHECK_QUESTIONS` every question is made anew as well and compared:
all tests run so.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import CellType, FunctionType
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.sql.where import WhereNode
from psycopg import sql

from iom import clock

# Stand-ins have numbers from here on: no sequence comes this far, and a text with one in it is found out.
FIRST_STAND_IN = 7_345_678_901_234_500_000
# Some 50 KB each. Those that were asked last are kept; of yesterday nobody asks any more.
AT_MOST = 1_000
# What stands for the present instant, and its place among the open numbers.
NOW, AT_ANY_TIME = datetime(9998, 12, 31, 23, 59, 59, 123457, tzinfo=UTC), -1
# What is itself part of a question.
PLAIN = type(None) | bool | int | str | bytes | float | Decimal | UUID | Enum | date

_kept: OrderedDict[Hashable, Questions | None] = OrderedDict()
_lock = threading.Lock()


class NotOnce(Exception):
    """A question depends on something else than what it names."""


@dataclasses.dataclass(slots=True)
class Kept:
    """A question in SQL, and how its rows are read."""

    asked: Any
    # Its text with a place for each open number, and which number stands where.
    text: str
    slots: list[int]
    # As Django makes it, to compare.
    template: str
    values: list[Any]
    # What is known by identity stays alive, so that nothing else gets its place in memory.
    alive: list[Any]

    def filled(self, numbers: Sequence[Any]) -> tuple[Any, ...]:
        """The open numbers in the order of their places; lists as tuples."""
        chosen = (clock.now() if slot == AT_ANY_TIME else numbers[slot] for slot in self.slots)
        return tuple(tuple(value) if isinstance(value, list) else value for value in chosen)


@dataclasses.dataclass(frozen=True, slots=True)
class Same:
    """Something that a lambda names and that is itself part of the question, known by its identity."""

    value: Any


# Under which name an actor keeps what `_Naming` says of them.
NAMED = "named"


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """What belongs to a question that names an actor, and the numbers left open in it, under these rules."""

    policy: Any
    key: Hashable
    open: list[Any]
    alive: list[Any]


# --- What a question names ---------------------------------------------------------------------


class _Naming:
    """Goes through what a lambda names: `key` says what belongs to the question, `open` the numbers left open."""

    def __init__(self) -> None:
        self.open: list[Any] = []
        self.alive: list[Any] = []

    def key(self, value: Any) -> Hashable:
        kind = type(value)
        if kind in _CERTAIN or (isinstance(value, PLAIN) and not isinstance(value, datetime)):
            return kind, value
        if isinstance(value, Model):
            return self._row(value)
        if isinstance(value, frozenset):
            if not all(isinstance(each, PLAIN) for each in value):
                raise NotOnce
            return kind, value
        if isinstance(value, list | tuple | set):
            return self._several(value)
        if isinstance(value, FunctionType):
            return id(value.__code__), *(self.key(each) for each in _named_by(value))
        if isinstance(value, type):
            return value
        if isinstance(value, Same):
            self.alive.append(value.value)
            return Same, id(value.value)
        if kind.__module__.startswith("iom.policy"):
            self.alive.append(value)
            return "the same", id(value)
        if dataclasses.is_dataclass(value) and kind.__dataclass_params__.frozen:
            if hasattr(value, "as_asked"):
                return self._actor(value)
            return kind, *(self.key(getattr(value, part.name)) for part in dataclasses.fields(value))
        raise NotOnce

    def _actor(self, actor: Any) -> Hashable:
        """Of an actor of whom all is read, the same for every question of a request."""
        said = actor.known.get(NAMED)
        if said is None or said.policy is not actor.scheme.policy:
            naming = _Naming()
            key = type(actor), *(naming.key(part) for part in actor.as_asked())
            said = _Said(actor.scheme.policy, key, naming.open, naming.alive)
            if "opened" in actor.known:
                actor.known[NAMED] = said
        self.open += said.open
        self.alive += said.alive
        return said.key

    def number(self, value: int | None) -> Hashable:
        if value is None:
            return None
        if type(value) is not int:
            raise NotOnce
        self.open.append(value)
        return "number"

    def numbers(self, values: Sequence[int]) -> Hashable:
        self.open.append(list(values))
        return "numbers"

    def _row(self, row: Model) -> Hashable:
        if row.pk is None:
            raise NotOnce
        kind, values = type(row), row.__dict__
        numbers = [self.number(row.pk), *(self.number(values.get(name)) for name in _pointers(kind))]
        return kind, *numbers, *(values.get(name) for name in getattr(kind, "PART_OF_QUESTIONS", ()))

    def _several(self, values: Any) -> Hashable:
        kinds = {type(value) for value in values}
        if len(kinds) == 1 and issubclass(one := next(iter(kinds)), Model):
            return type(values), one, self.numbers([value.pk for value in values])
        if kinds == {int} and not isinstance(values, tuple):
            return type(values), self.numbers(list(values))
        if isinstance(values, tuple):
            return tuple, *(self.key(value) for value in values)
        if not values or kinds <= {str}:
            return type(values), *(sorted(values) if isinstance(values, set) else values)
        raise NotOnce


_CERTAIN = frozenset({type(None), bool, int, str, date})
_pointers_of: dict[type[Model], tuple[str, ...]] = {}


def _pointers(model: type[Model]) -> tuple[str, ...]:
    """The columns of a table that hold numbers of other rows."""
    if model not in _pointers_of:
        _pointers_of[model] = tuple(
            field.attname for field in model._meta.concrete_fields if field.remote_field and not field.primary_key
        )
    return _pointers_of[model]


def _named_by(function: FunctionType) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


# --- Stand-ins ----------------------------------------------------------------------------------


class _StandingIn:
    """Makes what a lambda names anew with stand-ins, numbered in the order in which `_Naming` left numbers open."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return FIRST_STAND_IN + self.count - 1

    def of(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, PLAIN | type | Same) or kind.__module__.startswith("iom.policy"):
            return value
        if isinstance(value, Model):
            return self.row(value)
        if isinstance(value, frozenset):
            return value
        if isinstance(value, list | tuple | set):
            return self._several(value)
        if isinstance(value, FunctionType):
            return self.function(value)
        if (make := getattr(value, "stand_in", None)) is not None:
            return make(self)
        return dataclasses.replace(
            value, **{part.name: self.of(getattr(value, part.name)) for part in dataclasses.fields(value) if part.init}
        )

    def row(self, row: Model) -> Model:
        """The same kind of row, with stand-ins for its numbers and no other value: looking at one asks the database."""
        made = type(row).__new__(type(row))
        made._state = ModelState()
        made._state.db, made._state.adding = row._state.db, False
        made.__dict__[row._meta.pk.attname] = self.next()
        for name in _pointers(type(row)):
            made.__dict__[name] = None if row.__dict__.get(name) is None else self.next()
        made.__dict__.update(
            {name: row.__dict__[name] for name in getattr(type(row), "PART_OF_QUESTIONS", ()) if name in row.__dict__}
        )
        return made

    def function(self, function: FunctionType) -> FunctionType:
        cells = tuple(CellType(self.of(cell.cell_contents)) for cell in function.__closure__ or ())
        defaults = tuple(self.of(value) for value in function.__defaults__ or ()) or None
        made = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, cells)
        made.__kwdefaults__ = {name: self.of(value) for name, value in (function.__kwdefaults__ or {}).items()} or None
        return made

    def _several(self, values: Any) -> Any:
        kinds = {type(value) for value in values}
        if len(kinds) == 1 and issubclass(next(iter(kinds)), Model):
            row = next(iter(values))
            made = type(row).__new__(type(row))
            made._state = ModelState()
            made._state.db, made._state.adding = row._state.db, False
            made.__dict__[row._meta.pk.attname] = self.next()
            return type(values)([made])
        if kinds == {int} and not isinstance(values, tuple):
            return type(values)([self.next()])
        if isinstance(values, tuple):
            return tuple(self.of(value) for value in values)
        return values


# --- Asking ---------------------------------------------------------------------------------------


class Questions(list[Kept]):
    """What one function asks; `several`: it gave a list."""

    several = False


def lookup(make: FunctionType, put: Callable[[Any], Any]) -> tuple[Questions, list[Any]] | None:
    """How this question was put before, and the numbers that are open in it now; None where it is made anew.

    `put` makes SQL of what the lambda gives (`iom.together`).
    """
    naming = _Naming()
    try:
        key = (naming.key(make), clock.today())
    except (NotOnce, AttributeError, ValueError):
        return None
    try:
        with _lock:
            kept = _kept[key]
            _kept.move_to_end(key)
    except KeyError:
        kept = _make(make, put, naming)
        with _lock:
            _kept[key] = kept
            while len(_kept) > AT_MOST:
                _kept.popitem(last=False)
    except TypeError:
        return None
    return None if kept is None else (kept, naming.open)


def forget() -> None:
    """Make every question anew: for tests of this module."""
    _kept.clear()


def _make(make: FunctionType, put: Callable[[Any], Any], naming: _Naming) -> Questions | None:
    stand_ins = _StandingIn()
    try:
        function = stand_ins.function(make)
        with connections["default"].execute_wrapper(_refuse), clock.marked(NOW):
            asked, kept = function(), Questions()
            kept.several = isinstance(asked, list)
            for one in asked if isinstance(asked, list) else [asked]:
                kept.append(_kept_of(put(one), stand_ins.count, naming))
    except Exception:  # noqa: BLE001 -- whatever is wrong with it shows when it is made with what it really names
        return None
    return kept


def _refuse(*args: Any) -> Any:
    raise NotOnce


_PLACE = re.compile(r"%(?:%|s)")


def _kept_of(asked: Any, count: int, naming: _Naming) -> Kept:
    rows = asked.rows
    if rows._known_related_objects or count != len(naming.open):
        raise NotOnce
    if not asked.sql:
        return Kept(asked, "", [], "", [], naming.alive)  # nothing can be found, whomever it is about
    _without_stand_ins(rows._prefetch_related_lookups)
    texts, values = split(asked.sql), list(asked.parameters)
    if len(texts) != len(values) + 1:
        raise NotOnce
    made, slots = texts[0], []
    for value, text in zip(values, texts[1:], strict=True):
        slot = _slot(value)
        if slot is None:
            _must_be_certain(value)
            made += literal(value, asked.using) + text
            continue
        slots.append(slot)
        if slot == AT_ANY_TIME:
            made += "%s::timestamptz" + text
        elif not isinstance(naming.open[slot], list):
            made += "%s::bigint" + text
        elif made.endswith("IN (") and text.startswith(")"):
            made = made.removesuffix("IN (") + "= ANY(%s::bigint[])" + text[1:]
        else:
            raise NotOnce
    rows.query.where = WhereNode()  # the text says it: what made it need not be kept
    return Kept(asked, made, slots, asked.sql, values, naming.alive)


def _slot(value: Any) -> int | None:
    if isinstance(value, int) and value >= FIRST_STAND_IN:
        return int(value) - FIRST_STAND_IN  # the driver has kinds of numbers of its own
    return AT_ANY_TIME if value == NOW and isinstance(value, datetime) else None


def _must_be_certain(value: Any) -> None:
    if isinstance(value, datetime) or str(FIRST_STAND_IN)[:-5] in repr(value) or str(NOW.year) in repr(value):
        raise NotOnce


def _without_stand_ins(lookups: Sequence[Any]) -> None:
    for look in lookups:
        rows = getattr(look, "queryset", None)
        if rows is not None:
            for value in rows.query.get_compiler(rows.db).as_sql()[1]:
                if _slot(value) is not None:
                    raise NotOnce
                _must_be_certain(value)
            _without_stand_ins(rows._prefetch_related_lookups)


def literal(value: Any, using: str) -> str:
    """A value as it stands in SQL, for a statement with places for others."""
    value = list(value) if isinstance(value, tuple) else value
    return sql.Literal(value).as_string(connections[using].connection).replace("%", "%%")


def split(text: str) -> list[str]:
    """The text between its places for values; a doubled per cent sign stays."""
    parts, start = [], 0
    for found in _PLACE.finditer(text):
        if found[0] == "%s":
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


def differs(kept: Kept, numbers: Sequence[Any], fresh: Any) -> str:
    """What is wrong with a question that was kept, beside the same one made anew; nothing as a rule."""
    if [] in numbers:
        return ""  # Django leaves out what can find nothing; the kept question finds nothing
    parts, values, texts = [], [], split(kept.template)
    for text, value in zip(texts, kept.values, strict=False):
        slot = _slot(value)
        filled = value if slot is None or slot == AT_ANY_TIME else numbers[slot]
        many = list(dict.fromkeys(filled)) if slot is not None and isinstance(filled, list) else [filled]
        parts += [text, ", ".join(["%s"] * len(many))]
        values += many
    made, anew = "".join([*parts, texts[-1]]), list(fresh.parameters)
    for place, value in enumerate(values):
        if _slot(value) == AT_ANY_TIME and place < len(anew) and isinstance(anew[place], datetime):
            anew[place] = value
    return (
        ""
        if made == fresh.sql and _alike(values, anew)
        else f"kept:\n{made}\n{values}\nmade anew:\n{fresh.sql}\n{fresh.parameters}"
    )


def _alike(values: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether these are the same values: one that the driver wraps, such as JSON, equals nothing but itself."""
    return len(values) == len(others) and all(
        one == other or (type(one), repr(one)) == (type(other), repr(other))
        for one, other in zip(values, others, strict=True)
    )


def copied(kept: Kept) -> Any:
    """How the rows of a kept question are read: a copy, as threads share what is kept."""
    return twin(kept.asked)


def twin(thing: Any) -> Any:
    """A copy with the same values, which has no state but them: `copy.copy` takes ten times as long."""
    made = object.__new__(type(thing))
    made.__dict__.update(thing.__dict__)
    return made

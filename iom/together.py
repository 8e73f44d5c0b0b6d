"""Reads of many parts of a page in one statement (design.md 7).

A function that needs rows is a generator: it yields querysets and goes on with what they found.

    def flags(cases):
        checks, entries = yield [Check.objects.filter(...), Entry.objects.filter(...)]
        return {...}

    columns = together.run(together.all_of({"flags": flags(cases), "plans": plans(cases)}))

Whatever is asked for at the same time goes to the database as one statement, so that a page costs as many statements
as its longest chain of questions, and not as many as it has parts. A part calls another by `yield from`. What several
parts need is asked for as `shared(steps, ...)`, and found once for all of them.

Rows come as JSON and are turned into what the queryset gives by itself: instances (`select_related` too), dictionaries
or tuples. What `prefetch_related` names (to-many by foreign key) is read for all of a round in one statement more.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import FunctionType
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import BooleanField, Count, F, Func, ManyToOneRel, Model, Prefetch, QuerySet, Window
from django.utils.dateparse import parse_duration

from iom import asked_before
from iom.asked_before import Same, twin

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Counted:
    """Asks how many rows there are."""

    rows: QuerySet


@dataclass(frozen=True, slots=True)
class First:
    """Asks for the first row, or None."""

    rows: QuerySet


@dataclass(frozen=True, slots=True)
class Existing:
    """Asks whether there is a row."""

    rows: QuerySet


@dataclass(frozen=True, slots=True)
class Paged:
    """Asks for `size` of the rows that are `found`, after the first `start`, as `rows` reads them; and for how many."""

    found: QuerySet
    rows: QuerySet
    start: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Shared:
    """Asks for what several parts of a page need: whoever asks first has it found, for all who ask by this name."""

    name: Hashable
    steps: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Passed:
    """Something shared that is asked for among others that go on side by side: whoever goes through all finds it."""

    asked: Shared


@dataclass(frozen=True, slots=True)
class _Failed:
    """What is answered where finding something shared raised an error."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Worded:
    """Asks for the rows of a question whose words are made already (`worded`)."""

    asked: _Asked


# A function gives one of the others, or a list of them, and is put into SQL once (`iom.asked_before`).
Read = QuerySet | Counted | First | Existing | Paged | Worded | FunctionType
Steps = Generator[Any, Any, Answer]


def counted(rows: QuerySet) -> Counted:
    """How many rows there are; the order and what is selected do not matter."""
    return Counted(rows)


def first(rows: QuerySet) -> First:
    """The first row, or None."""
    return First(rows)


def exists(rows: QuerySet) -> Existing:
    """Whether there is a row."""
    return Existing(rows)


def paged(found: QuerySet, rows: QuerySet, *, start: int, size: int | None) -> Paged:
    """How many rows are `found`, and some of them: `size` in their order after the first `start`, None for all others.

    They are looked for once, by as little as tells who they are and where they stand; `rows` says what is then read of
    the few, and in which order: it finds by itself every row of their model, and prefetches nothing.
    """
    return Paged(found, rows, start, size)


def shared(steps: Callable[..., Any], *given: Hashable) -> Shared:
    """What `steps(*given)` finds, once for all that ask for it while somebody goes through all of their steps.

    Whatever is asked for beside it waits for it: it should be a matter of one round.
    """
    return Shared((steps, *given), functools.partial(steps, *given))


def asked(read: Read | Shared) -> Steps[Any]:
    """A part of `all_of` that asks one question and has its answer."""
    return (yield read)


def is_read(asked: Any) -> bool:
    """Whether a generator asks for rows with this: one read, or a list or tuple of them, or what is shared."""
    if isinstance(asked, list | tuple) and not hasattr(asked, "_fields"):
        return all(isinstance(one, Read | Shared | _Passed) for one in asked)
    return isinstance(asked, Read | Shared | _Passed)


# --- Going through the steps -----------------------------------------------------------------


def run(steps: Steps[Answer] | Answer) -> Answer:
    """Go through the steps to their end, with one statement for each round of questions.

    What is no generator has nothing to ask and is returned as it is.
    """
    if not inspect.isgenerator(steps):
        return steps  # type: ignore[return-value]
    rounds = _go_through(_SideBySide(None, outermost=True), {"": steps})
    answer = None
    while True:
        try:
            asked = rounds.send(answer)
        except StopIteration as end:
            return end.value[""]
        answer = fetch(asked)


def all_of(
    parts: Mapping[Hashable, Any], *, failed: Callable[[Hashable, Exception], Any] | None = None
) -> Steps[dict[Any, Any]]:
    """Take several parts side by side; their answers by name. A part that is no generator is its own answer.

    `failed` gives the answer in place of a part that raised something; without it the error goes on.
    """
    return (yield from _go_through(_SideBySide(failed), parts))


def _go_through(going: _SideBySide, parts: Mapping[Hashable, Any]) -> Steps[dict[Any, Any]]:
    for name, part in parts.items():
        going.begin(name, part)
    while going.asked:
        asked, going.asked = going.asked, []
        found = yield [read for read, *_ in asked]
        for answer, (_, waiting, place, ours) in zip(found, asked, strict=True):
            if ours and isinstance(answer, _Failed):
                going.answer(waiting, place, None, answer.error)
            else:
                going.answer(waiting, place, answer)
    return {name: going.answers[name] for name in parts}


@dataclass(slots=True)
class _Waiting:
    """A part that waits for the answers to what it asked; `many`: it asked for a list of them."""

    name: Hashable
    part: Generator
    many: bool
    answers: list[Any]
    left: int


class _SideBySide:
    """Parts that go on side by side. What is `Shared` is for the outermost a part of its own, named by its question;
    others pass it on.
    """

    def __init__(self, failed: Callable[[Hashable, Exception], Any] | None, *, outermost: bool = False) -> None:
        self.failed = failed
        self.outermost = outermost
        self.answers: dict[Hashable, Any] = {}
        # What is asked, who waits for it and in which place, and whether an error in its stead is that part's.
        self.asked: list[tuple[Any, _Waiting, int, bool]] = []
        self.common: dict[Hashable, tuple[Any, Exception | None]] = {}
        self.for_common: dict[Hashable, list[tuple[_Waiting, int, bool]]] = {}

    def begin(self, name: Hashable, part: Any) -> None:
        if inspect.isgenerator(part):
            self.go_on(name, part, lambda: part.send(None))
        else:
            self.end(name, part)

    def go_on(self, name: Hashable, part: Generator, go: Callable[[], Any]) -> None:
        """Let one part go on to its next question, or to its end."""
        try:
            asked = go()
        except StopIteration as end:
            self.end(name, end.value)
        except Exception as error:
            if isinstance(name, Shared):
                self.end(name, None, error)
            elif self.failed is None:
                raise
            else:
                self.answers[name] = self.failed(name, error)
        else:
            self.ask(name, part, asked)

    def ask(self, name: Hashable, part: Generator, asked: Any) -> None:
        many = isinstance(asked, list | tuple)
        reads = asked if many else [asked]
        waiting = _Waiting(name, part, many, [None] * len(reads), len(reads))
        for place, read in enumerate(reads):
            if not isinstance(read, Shared | _Passed):
                self.asked.append((read, waiting, place, False))
            elif self.outermost:
                self.ask_common(read, waiting, place)
            else:
                passed = read if isinstance(read, _Passed) else _Passed(read)
                self.asked.append((passed, waiting, place, isinstance(read, Shared)))
        if not reads:
            self.go_on(name, part, lambda: part.send([]))

    def ask_common(self, read: Shared | _Passed, waiting: _Waiting, place: int) -> None:
        own = isinstance(read, Shared)
        asked = read if isinstance(read, Shared) else read.asked
        if asked.name in self.common:
            self.tell(waiting, place, own, *self.common[asked.name])
        elif asked.name in self.for_common:
            self.for_common[asked.name].append((waiting, place, own))
        else:
            self.for_common[asked.name] = [(waiting, place, own)]
            self.begin(asked, asked.steps())

    def tell(self, waiting: _Waiting, place: int, own: bool, answer: Any, error: Exception | None) -> None:
        """What was found of something shared, to whoever asked; those who asked for somebody hear of errors too."""
        if error is not None and not own:
            self.answer(waiting, place, _Failed(error))
        else:
            self.answer(waiting, place, answer, error)

    def answer(self, waiting: _Waiting, place: int, answer: Any, error: Exception | None = None) -> None:
        """One answer has come; with the last of them, or with an error, the part goes on."""
        if waiting.left <= 0:
            return
        waiting.answers[place] = answer
        waiting.left -= 1
        if error is not None:
            waiting.left = 0
            self.go_on(waiting.name, waiting.part, lambda: waiting.part.throw(error))
        elif not waiting.left:
            answers = waiting.answers if waiting.many else waiting.answers[0]
            self.go_on(waiting.name, waiting.part, lambda: waiting.part.send(answers))

    def end(self, name: Hashable, answer: Any, error: Exception | None = None) -> None:
        if not isinstance(name, Shared):
            self.answers[name] = answer
            return
        self.common[name.name] = answer, error
        for waiting, place, own in self.for_common.pop(name.name):
            self.tell(waiting, place, own, answer, error)


def items_of(source: Iterable[Any]) -> Steps[list[Any]]:
    """What a source yields between its questions, as a list: a block or a task is an item, a queryset is a question."""
    if not inspect.isgenerator(source):
        return list(source)
    items: list[Any] = []
    answer = None
    while True:
        try:
            said = source.send(answer)
        except StopIteration:
            return items
        if is_read(said):
            answer = yield said
        else:
            items.append(said)
            answer = None


def prefetched(things: Sequence[Model], *lookups: Prefetch | str) -> Steps[None]:
    """Put on each of `things` the rows that point to it, as `prefetch_related` does, in the caller's round."""
    return (yield from _prefetched(things, lookups, kept=False))


def _prefetched(things: Sequence[Model], lookups: Sequence[Prefetch | str], *, kept: bool) -> Steps[None]:
    wanted = [look if isinstance(look, Prefetch) else Prefetch(look) for look in lookups]
    if not things:
        return
    model = type(things[0])
    relations = [model._meta.get_field(_relation_name(model, look.prefetch_through)) for look in wanted]
    pairs = list(zip(relations, wanted, strict=True))
    if kept:
        found = yield [_asked_of_all(Same(relation), Same(look), things) for relation, look in pairs]
    else:
        found = yield [_pointing(relation, look, things) for relation, look in pairs]
    for relation, look, rows in zip(relations, wanted, found, strict=True):
        _put(relation, look, things, rows)


def attach(things: Sequence[Model], lookup: Prefetch | str, rows: Sequence[Any]) -> None:
    """Put on each of `things` those of `rows` that point to it, as if `lookup` had been prefetched: somebody read them
    at the same time as the things, so that they cost no round of their own.
    """
    look = lookup if isinstance(lookup, Prefetch) else Prefetch(lookup)
    if things:
        model = type(things[0])
        _put(model._meta.get_field(_relation_name(model, look.prefetch_through)), look, things, rows)


def _asked_of_all(relation: Same, look: Same, things: Sequence[Model]) -> Callable[[], QuerySet]:
    rows = list(things)
    return lambda: _pointing(relation.value, look.value, rows)


def _relation_name(model: type[Model], accessor: str) -> str:
    for relation in model._meta.related_objects:
        if relation.get_accessor_name() == accessor:
            return relation.name
    raise TypeError(f"{model.__name__}.{accessor} is nothing that points to it: read it with a query of its own")


def _pointing(relation: Any, look: Prefetch, things: Sequence[Model]) -> QuerySet:
    if not isinstance(relation, ManyToOneRel):
        raise TypeError(f"{relation} is not read by foreign key")
    rows = look.queryset if look.queryset is not None else relation.related_model._default_manager.all()
    return rows.filter(**{f"{relation.field.attname}__in": [thing.pk for thing in things]})


def _put(relation: Any, look: Prefetch, things: Sequence[Model], rows: Sequence[Any]) -> None:
    field, by_key = relation.field, {}
    one = relation.one_to_one
    for row in rows:
        by_key.setdefault(getattr(row, field.attname), []).append(row)
    for thing in things:
        mine = by_key.get(thing.pk, [])
        for row in mine:
            field.set_cached_value(row, thing)
        if one:
            relation.set_cached_value(thing, mine[0] if mine else None)
        elif look.to_attr:
            setattr(thing, look.to_attr, mine)
        else:
            manager = getattr(thing, look.prefetch_through)
            kept = manager.get_queryset()
            kept._result_cache, kept._prefetch_done = mine, True
            thing.__dict__.setdefault("_prefetched_objects_cache", {})[look.prefetch_through] = kept


# --- One statement -----------------------------------------------------------------------------


def fetch(reads: Sequence[Read]) -> list[Any]:
    """The answers to all `reads`, in their order, from one statement; the same question twice is asked once."""
    groups = [[read.asked] if isinstance(read, Worded) else _asked(read) for read in reads]
    asked = [one for group in groups for one in group]
    parts: dict[tuple[str, tuple[Any, ...]], int] = {}
    for one in asked:
        if one.sql:
            parts.setdefault((one.sql, one.parameters), len(parts))
    if parts:
        using = next(one.using for one in asked if one.sql)
        words = "SELECT " + ", ".join(f"({sql})::text" for sql, _ in parts)
        values = [_listed_again(value) for _, parameters in parts for value in parameters]
        with _cursor(using, prepared=all(one.kept for one in asked if one.sql)) as cursor:
            cursor.execute(words, values)
            cells = cursor.fetchone()
    answers = [one.answer(cells[parts[one.sql, one.parameters]] if one.sql else None) for one in asked]
    more = {
        place: _prefetched(_listed(answers[place]), one.rows._prefetch_related_lookups, kept=one.kept)
        for place, one in enumerate(asked)
        if one.rows._prefetch_related_lookups
        and answers[place]
        and not isinstance(one.read, Counted | Existing | Paged)
    }
    if more:
        run(all_of(more))
    told = iter(answers)
    return [[next(told) for _ in group] if isinstance(group, _Group) else next(told) for group in groups]


def _listed(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _listed_again(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _cursor(using: str, *, prepared: bool) -> Any:
    """A cursor; for a statement whose text comes again and again one by which the database keeps its plan."""
    connection = connections[using]
    connection.ensure_connection()
    if not prepared:
        return connection.cursor()
    return connection._prepare_cursor(_KeepingPlans(connection.connection))


class _KeepingPlans(ServerBindingCursor):
    """The driver forgets the words of a statement that goes by its number; whoever logs or counts statements asks."""

    def _send_query_prepared(self, name: bytes, pgq: Any, **options: Any) -> None:
        self._query = pgq
        super()._send_query_prepared(name, pgq, **options)


class _Group(list["_Asked"]):
    """What one function asks at once: its answers come as a list."""


def _asked(read: Any) -> Sequence[_Asked]:
    if not isinstance(read, FunctionType):
        return [_Asked(read)]
    known = asked_before.lookup(read, _Asked)
    if known is None:
        return _made(read)
    kept, numbers = known
    if settings.CHECK_QUESTIONS:
        for before, fresh in zip(kept, _made(read), strict=True):
            if wrong := asked_before.differs(before, numbers, fresh):
                raise AssertionError(wrong)
    several = _Group() if kept.several else []
    for before in kept:
        one: _Asked = asked_before.copied(before)
        one.kept, one.sql, one.parameters = True, before.text, before.filled(numbers)
        several.append(one)
    return several


def _made(make: FunctionType) -> Sequence[_Asked]:
    asked = make()
    return _Group(map(_Asked, asked)) if isinstance(asked, list) else [_Asked(asked)]


class _Asked:
    """One read: its part of the statement, and how its cell becomes an answer; no `sql` if nothing can be found."""

    # Whether it was put into SQL before (`iom.asked_before`).
    kept = False

    def __init__(self, read: Read) -> None:
        self.read = read
        rows = read if isinstance(read, QuerySet) else read.rows
        if isinstance(read, First):
            rows = rows[:1]
        elif isinstance(read, Counted | Existing):
            rows = _bare(rows)
        elif isinstance(read, Paged):
            rows = rows.filter(_OnThePage(F("pk")))
        self.rows = rows
        self.using = rows.db
        self.compiler = rows.query.get_compiler(self.using)
        self.from_database: dict[int, Any] = {}
        self.sql, self.parameters = "", ()
        try:
            found, many, before, after = _narrowly(read) if isinstance(read, Paged) else ("", "", (), ())
            inner, parameters = self.compiler.as_sql()
        except (EmptyResultSet, FullResultSet):
            return
        self.parameters = tuple(_hashable(value) for value in (*before, *parameters, *after))
        match read:
            case Counted():
                self.sql = f"SELECT count(*) FROM ({inner}) AS r"  # noqa: S608 -- what Django made, values apart
            case Existing():
                self.sql = f"SELECT EXISTS ({inner})"
            case _:
                self.converters = [_from_json(column[0].output_field) for column in self.compiler.select]
                names = [f"c{place}" for place in range(len(self.converters))]
                inner = f"({inner}) AS r({', '.join(names)})"
                self.sql = f"SELECT json_agg({_line(names)}) FROM {inner}"  # noqa: S608 -- as above
        if isinstance(read, Paged):
            self.sql = f"WITH found (pk, many) AS MATERIALIZED ({found}) SELECT json_build_array(({self.sql}), {many})"

    def answer(self, cell: str | None) -> Any:
        match self.read:
            case Counted():
                return int(cell or 0)
            case Existing():
                return cell == "true"
            case First():
                found = self._found(cell)
                return found[0] if found else None
            case Paged():
                lines, count = json.loads(cell, parse_float=Decimal) if cell else ([], 0)
                return count, self._rows(lines) if lines else []
        return self._found(cell)

    def _found(self, cell: str | None) -> list[Any]:
        return self._rows(json.loads(cell, parse_float=Decimal) if cell else [])

    def _rows(self, lines: list[Any]) -> list[Any]:
        if not lines:
            return []
        if len(self.converters) > WIDEST:
            lines = [[value for part in line for value in part] for line in lines]
        for place, convert in enumerate(self.converters):
            if convert is not None:
                for line in lines:
                    if line[place] is not None:
                        line[place] = convert(line[place])
        # Words that are made once are asked by many threads: each reads with a compiler of its own.
        compiler, rows, query = twin(self.compiler), twin(self.rows), twin(self.rows.query)
        compiler.connection = connections[self.using]
        compiler.execute_sql = lambda *args, **options: [lines]
        compiler.get_converters = self._converters_of
        query.get_compiler = lambda *args, **options: compiler
        rows._query = query
        return list(rows._iterable_class(rows))

    def _converters_of(self, columns: Sequence[Any]) -> dict[int, Any]:
        """What turns values into those of the fields: looked up once for all times that the question is asked."""
        if len(columns) not in self.from_database:
            self.from_database[len(columns)] = self.compiler.get_converters(columns)
        return self.from_database[len(columns)]


# A function of PostgreSQL takes at most a hundred arguments.
WIDEST = 90


def _line(names: Sequence[str]) -> str:
    """One row as an array; a very wide one as an array of arrays."""
    parts = [names[start : start + WIDEST] for start in range(0, len(names), WIDEST)]
    arrays = [f"json_build_array({', '.join(part)})" for part in parts]
    return arrays[0] if len(arrays) == 1 else f"json_build_array({', '.join(arrays)})"


# --- Words that are made once ------------------------------------------------------------------


def worded(question: Callable[..., Any]) -> Callable[..., Worded]:
    """Make a function that gives a question into one that asks it in words made once in a process.

    Making SQL costs more than most answers. The question is put to the function once, with a mark for each value, and
    each later question puts its values where the marks stood. So the words must not depend on the values: each is an
    int, a text, a day, or a list of ints for `__in`, and stands in conditions as it is. Raises TypeError otherwise.

        @worded
        def checks_of(cases: list[int]) -> QuerySet:
            return Check.objects.filter(case__in=cases)

        checks = yield checks_of([1, 2])

    What the words do depend on, such as an order, is given before a `/`: there is one pattern for each. What depends on
    who asks stays a queryset, and what `prefetch_related` reads depends on no value.
    """
    names = list(inspect.signature(question).parameters.values())
    hows = sum(each.kind is each.POSITIONAL_ONLY for each in names)
    values = [each.name for each in names[hows:]]
    made: dict[tuple[Any, ...], _Pattern] = {}

    @functools.wraps(question)
    def ask(*given: Any, **named: Any) -> Worded:
        named.update(zip(values, given[hows:], strict=False))
        how = (*given[:hows], *named, *map(type, named.values()))
        pattern = made.get(how)
        if pattern is None:
            pattern = made[how] = _Pattern(functools.partial(question, *given[:hows]), named)
        return Worded(pattern.with_values(named))

    return ask


class _Pattern:
    """The SQL of a question, and which of its parameters is which of the values."""

    def __init__(self, question: Callable[..., Any], values: Mapping[str, Any]) -> None:
        marks = {name: _mark(place, value) for place, (name, value) in enumerate(values.items())}
        self.asked = _Asked(question(**marks))
        by_mark = {mark[0] if isinstance(mark, list) else mark: name for name, mark in marks.items()}
        self.places = [by_mark.get(value) for value in self.asked.parameters]
        missing = set(values) - set(self.places)
        if missing or not self.asked.sql:
            raise TypeError(f"a worded question does not say {', '.join(sorted(missing))} as it is")
        texts = asked_before.split(self.asked.sql)
        words, values_stand = texts[0], []
        for name, constant, text in zip(self.places, self.asked.parameters, texts[1:], strict=True):
            if name is None:
                words += asked_before.literal(constant, self.asked.using) + text
                continue
            values_stand.append(name)
            if not isinstance(marks[name], list):
                words += f"%s::{_TYPES[type(marks[name])]}{text}"
            elif words.endswith("IN (") and text.startswith(")"):
                words = f"{words.removesuffix('IN (')}= ANY (%s::bigint[]{text}"
            else:
                raise TypeError(f"a worded question must say {name} by __in")
        self.asked.sql, self.asked.kept, self.places = words, True, values_stand

    def with_values(self, values: Mapping[str, Any]) -> _Asked:
        asked = twin(self.asked)
        given = (values[name] for name in self.places)
        asked.parameters = tuple(tuple(value) if isinstance(value, list) else value for value in given)
        return asked


_TYPES = {int: "bigint", str: "text", date: "date"}
# No row of ours has such a number, which fits a column of any kind, and no day such a date.
MARKED, MARKED_DAY = 2_147_483_001, date(1, 2, 3)


def _mark(place: int, value: Any) -> Any:
    match value:
        case list():
            return [MARKED + place]
        case bool():
            raise TypeError("whether something is so changes the words of a question")
        case int():
            return MARKED + place
        case str():
            return f"<value {place}>"
        case date() if not isinstance(value, datetime):
            return MARKED_DAY + timedelta(days=place)
    raise TypeError(f"a {type(value).__name__} is no value of a worded question")


class _OnThePage(Func):
    """Whether a row is one of the page: by an array, so that each is found by its key whatever the planner expects."""

    template = "%(expressions)s = ANY (ARRAY(SELECT pk FROM found))"
    output_field = BooleanField()


def _narrowly(read: Paged) -> tuple[str, str, Sequence[Any], Sequence[Any]]:
    """Who is on a page, each with how many are found; how many if nobody is; and the values in both."""
    counted = read.found.annotate(many_in_all=Window(Count("pk"))).values_list("pk", "many_in_all")
    page = counted[read.start : None if read.size is None else read.start + read.size]
    found, before = page.query.get_compiler(page.db).as_sql()
    many = "(SELECT many FROM found LIMIT 1)"
    if not read.start:
        return found, f"coalesce({many}, 0)", before, ()
    # Past the end: looked for again, and only then.
    rows = _bare(read.found)
    others, after = rows.query.get_compiler(rows.db).as_sql()
    counting = f"SELECT count(*) FROM ({others}) AS r"  # noqa: S608 -- what Django made, values apart
    return found, f"coalesce({many}, ({counting}))", before, after


def _bare(rows: QuerySet) -> QuerySet:
    """The same rows with as little of each as will do to count them."""
    query = rows.query
    if query.is_sliced or query.distinct or query.combinator or query.group_by is not None:
        return rows
    return rows.order_by().values("pk")


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- From JSON to what the driver would have given --------------------------------------------


def _each(convert: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _range_of_days(words: str) -> DateRange:
    if words == "empty":
        return DateRange(empty=True)
    lower, _, upper = words[1:-1].partition(",")
    ends = [date.fromisoformat(end) if end else None for end in (lower, upper)]
    return DateRange(*ends, words[0] + words[-1])


# What JSON says as the driver does.
AS_IT_IS = frozenset(
    {
        "AutoField",
        "BigAutoField",
        "BigIntegerField",
        "BooleanField",
        "CharField",
        "EmailField",
        "FileField",
        "GenericIPAddressField",
        "IntegerField",
        "PositiveBigIntegerField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SlugField",
        "SmallIntegerField",
        "TextField",
        "URLField",
    }
)
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "BinaryField": lambda value: bytes.fromhex(value.removeprefix("\\x")),
    "DateField": date.fromisoformat,
    "DateRangeField": _range_of_days,
    "DateTimeField": datetime.fromisoformat,
    "DecimalField": Decimal,
    "DurationField": parse_duration,
    "FloatField": float,
    # The field itself reads it, as it would from the driver; only numbers with a fraction come as decimals.
    "JSONField": functools.partial(json.dumps, default=float),
    "TimeField": time.fromisoformat,
    "UUIDField": UUID,
}


def _from_json(field: Any) -> Callable[[Any], Any] | None:
    """How a value of this field's column is made from JSON; None: it is right already. Raises TypeError if unknown."""
    while getattr(field, "remote_field", None) is not None and hasattr(field, "target_field"):
        field = field.target_field
    if (base := getattr(field, "base_field", None)) is not None and field.get_internal_type() == "ArrayField":
        convert = _from_json(base)
        return None if convert is None else functools.partial(_each, convert)
    kind = field.get_internal_type()
    if kind in AS_IT_IS:
        return None
    if kind not in CONVERTED:
        raise TypeError(f"{kind} cannot be read together with other rows")
    return CONVERTED[kind]

"""Pages that show several apps' things are put together from what each app offers in its `blocks.py` (design.md 2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, transaction

from iom import together

if TYPE_CHECKING:
    from iom.access import Actor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that needs a person: by when, what, where it is done, and the words on its button."""

    due: date | None
    text: str
    url: str
    button: str = "Open"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page: a template with what it shows. `place` orders the parts; `slot` says which part of the page."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    place: int = 50
    slot: str = "main"


TaskSource = Callable[["Actor", date], Iterable[Task]]
BlockSource = Callable[["Actor", date], Iterable[Block]]
# For a whole list at once: case id to what the column shows; a generator asks for its rows (`iom.together`).
ColumnSource = Callable[["Actor", Sequence[Any], date], Any]
CaseBlockSource = Callable[["Actor", Any, date], Iterable[Block]]

_tasks: list[TaskSource] = []
_home: list[BlockSource] = []
_columns: list[ColumnSource] = []
_case: list[CaseBlockSource] = []
_referral: list[CaseBlockSource] = []


def home_tasks(find: TaskSource) -> TaskSource:
    """Register dated tasks for the home page."""
    _tasks.append(find)
    return find


def home_block(make: BlockSource) -> BlockSource:
    """Register a block of the home page; it yields nothing for roles it is not for."""
    _home.append(make)
    return make


def board_columns(make: ColumnSource) -> ColumnSource:
    """Register what an app adds to the cohort board, for all rows of the page at once."""
    _columns.append(make)
    return make


def case_block(make: CaseBlockSource) -> CaseBlockSource:
    """Register a block of the case page."""
    _case.append(make)
    return make


def referral_block(make: CaseBlockSource) -> CaseBlockSource:
    """Register a block of the page of a nomination that was sent."""
    _referral.append(make)
    return make


def home(actor: Actor, today: date) -> tuple[list[Task], list[Block]]:
    """Everything of the home page: its tasks and its blocks, read side by side."""
    return together.run(home_steps(actor, today))


def home_steps(actor: Actor, today: date) -> together.Steps[tuple[list[Task], list[Block]]]:
    """`home`, among other reads (`iom.together`)."""
    found = yield from together.all_of(
        {"tasks": _each(_tasks, actor, today), "blocks": _each(_home, actor, today, failing=FAILED)}
    )
    return _by_urgency(found["tasks"], today), _by_place(found["blocks"])


def tasks_for(actor: Actor, today: date) -> list[Task]:
    """Every task, most overdue first, those without a date last."""
    return _by_urgency(together.run(_each(_tasks, actor, today)), today)


def case_blocks(actor: Actor, case: Any, today: date) -> list[Block]:
    return together.run(case_blocks_steps(actor, case, today))


def case_blocks_steps(actor: Actor, case: Any, today: date) -> together.Steps[list[Block]]:
    """What every app shows of a case on its page, among other reads (`iom.together`)."""
    return _by_place((yield from _each(_case, actor, case, today, failing=FAILED)))


def referral_blocks(actor: Actor, referral: Any, today: date) -> list[Block]:
    return together.run(referral_blocks_steps(actor, referral, today))


def referral_blocks_steps(actor: Actor, referral: Any, today: date) -> together.Steps[list[Block]]:
    """What every app shows of a nomination that was sent, among other reads (`iom.together`)."""
    return _by_place((yield from _each(_referral, actor, referral, today, failing=FAILED)))


def _by_urgency(tasks: Iterable[Task], today: date) -> list[Task]:
    return sorted(tasks, key=lambda task: (task.due is None, task.due or today, task.text))


def _by_place(found: Iterable[Block]) -> list[Block]:
    return sorted(found, key=lambda block: block.place)


def columns_for(actor: Actor, cases: Sequence[Any], today: date) -> dict[int, dict[str, Any]]:
    """What every app adds to each of `cases`, merged by case id."""
    return together.run(columns_for_steps(actor, cases, today))


def columns_for_steps(actor: Actor, cases: Sequence[Any], today: date) -> together.Steps[dict[int, dict[str, Any]]]:
    """`columns_for`, read together with other rows: what the apps ask at the same time is one statement."""
    parts = yield from together.all_of({place: make(actor, cases, today) for place, make in enumerate(_columns)})
    merged: dict[int, dict[str, Any]] = {case.pk: {} for case in cases}
    for columns in parts.values():
        for pk, values in columns.items():
            merged[pk] |= values
    return merged


# --- One part that fails does not take the page with it (ux.md 4.2) -----------------------------

FAILED = (Block("components/block_failed.html"),)

# Whether each source is asked by itself. All share their statements as a rule; when one of these fails, the request
# begins again (`iom.walls.OneTransaction`) and asks one by one, to find out whose it was.
one_by_one: ContextVar[bool] = ContextVar("one_by_one", default=False)


def _each(
    sources: Sequence[Callable[..., Iterable[Any]]], *args: Any, failing: Sequence[Any] = ()
) -> together.Steps[list[Any]]:
    """What all `sources` yield, in their order; `failing` in place of one that raises something."""
    if one_by_one.get():
        return [item for source in sources for item in _alone(source, *args, failing=failing)]

    def failed(place: Any, error: Exception) -> Sequence[Any]:
        if isinstance(error, DatabaseError):
            raise error  # the transaction is spoilt for everybody
        log.error("block failed", extra=_named(sources[place]), exc_info=error)
        return failing

    found = yield from together.all_of(
        {place: _begun(source, *args) for place, source in enumerate(sources)}, failed=failed
    )
    return [item for items in found.values() for item in items]


def _begun(source: Callable[..., Iterable[Any]], *args: Any) -> together.Steps[list[Any]]:
    return (yield from together.items_of(source(*args)))


def _alone(source: Callable[..., Iterable[Any]], *args: Any, failing: Sequence[Any]) -> Sequence[Any]:
    """One source inside a savepoint: its failed statement spoils nothing."""
    try:
        with transaction.atomic():
            return together.run(_begun(source, *args))
    except Exception:
        log.exception("block failed", extra=_named(source))
        return failing


def _named(source: Callable[..., Any]) -> dict[str, str]:
    return {"verb": source.__qualname__}

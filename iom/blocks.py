"""Pages that show several apps' things are put together from what each app offers in its `blocks.py` (design.md 2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction

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


def tasks_for(actor: Actor, today: date) -> list[Task]:
    """Every task, most overdue first, those without a date last."""
    tasks = [task for find in _tasks for task in _safely(find, actor, today)]
    return sorted(tasks, key=lambda task: (task.due is None, task.due or today, task.text))


def home_blocks(actor: Actor, today: date) -> list[Block]:
    return sorted((b for make in _home for b in _safely(make, actor, today)), key=lambda b: b.place)


def case_blocks(actor: Actor, case: Any, today: date) -> list[Block]:
    return sorted((b for make in _case for b in _safely(make, actor, case, today)), key=lambda b: b.place)


def referral_blocks(actor: Actor, referral: Any, today: date) -> list[Block]:
    return sorted((b for make in _referral for b in _safely(make, actor, referral, today)), key=lambda b: b.place)


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


def _safely(make: Callable[..., Iterable[Any]], *args: Any) -> list[Any]:
    """One block that fails does not take the page with it (ux.md 4.2)."""
    # Inside a transaction a failed query would spoil the rest: a savepoint contains it. Outside, each stands alone.
    contained = transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext()
    try:
        with contained:
            return list(make(*args))
    except Exception:
        log.exception("block failed", extra={"verb": make.__qualname__})
        return [Block("components/block_failed.html")] if _makes_blocks(make) else []


def _makes_blocks(make: Callable[..., Iterable[Any]]) -> bool:
    return make in _home or make in _case or make in _referral

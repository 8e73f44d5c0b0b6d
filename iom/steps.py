"""Status steps: each app keeps its table, this takes them (style.md 3).

A step names the statuses it leaves from, the one it leads to, its permission, its guards in words, and what the page
says afterwards. Nothing but `take` writes a status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import SchemeModel

Guard = Callable[[Any], str | None]


class StepRefused(Exception):
    """The step is not open now. `problems` say why in words that someone can act on."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))


class Stale(Exception):
    """Somebody else changed the row since its reader saw it (security.md C1).

    `thing` is the row as it stands now; `words` say what happened where it is not that somebody changed it. Left to
    itself the refusal becomes a page with both texts (`iom.stale`).
    """

    def __init__(self, thing: SchemeModel | None = None, words: str = "") -> None:
        self.thing, self.words = thing, words
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Step:
    """One way on for a thing with a status."""

    verb: str
    sources: frozenset[str]
    target: str
    permission: str
    done: str
    guards: tuple[Guard, ...] = ()
    tells: str = ""


def obstacles(step: Step, thing: SchemeModel) -> list[str]:
    """Why the step is not open now; empty when it is."""
    if thing.status not in step.sources:
        return [f"This is already {thing.get_status_display().lower()}."]
    return [problem for guard in step.guards if (problem := guard(thing))]


def offers(actor: Actor, thing: SchemeModel, steps: Iterable[Step]) -> list[tuple[Step, list[str]]]:
    """The steps that the actor may take on `thing` from where it stands, each with what is in its way."""
    return [
        (step, obstacles(step, thing))
        for step in steps
        if thing.status in step.sources and actor.can(step.permission, thing)
    ]


def locked(model: type[SchemeModel], pk: int, *, version: int | None = None, beside: Sequence[str] = ()) -> Any:
    """The row, locked until the transaction ends; `Stale` if it is no longer the version that its reader saw.

    `beside` names what is read with it by foreign key and not locked.
    """
    rows = model.objects.select_for_update(of=("self",))
    thing = (rows.select_related(*beside) if beside else rows).get(pk=pk)
    if version is not None and thing.version != version:
        raise Stale(thing)
    return thing


@contextmanager
def joined() -> Iterator[None]:
    """The transaction that is under way, else one of its own: for verbs that refuse before they have written.

    Where it joins one, a refusal undoes nothing; nothing was done.
    """
    if transaction.get_connection().in_atomic_block:
        yield
    else:
        with transaction.atomic():
            yield


@transaction.atomic
def take(
    step: Step,
    thing: SchemeModel,
    *,
    by: Actor,
    reason: str = "",
    version: int | None = None,
    subjects: Iterable[str] = (),
    **changes: Any,
) -> Any:
    """Take `thing` one step on, with the `changes` to its other fields that belong to the step, and audit it.

    Raises PermissionDenied, StepRefused with the obstacles, or Stale.
    """
    thing = locked(type(thing), thing.pk, version=version)
    if not by.can(step.permission, thing):
        raise PermissionDenied
    if problems := obstacles(step, thing):
        raise StepRefused(problems)
    before, thing.status = thing.status, step.target
    for name, value in changes.items():
        setattr(thing, name, value)
    thing.version += 1
    thing.save(update_fields=["status", "version", *changes])
    audit.record(
        step.verb,
        thing,
        by=by,
        before=before,
        after=step.target,
        reason=reason,
        fields=changes,
        subjects=subjects,
    )
    return thing

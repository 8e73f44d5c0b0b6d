"""Asks whoever puts cases before a meeting (`offenders.asks`), all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from iom import together
from iom.together import Steps

from .asks import Ask, Window, sources
from .models import Case


def asked(cases: Sequence[Case], window: Window) -> tuple[Ask, ...]:
    """Everything that is asked of a meeting about these cases."""
    return together.run(asked_steps(cases, window))


def asked_steps(cases: Sequence[Case], window: Window) -> Steps[tuple[Ask, ...]]:
    """`asked`, read together with other rows."""
    finders = sources()
    found = yield from together.all_of({find: together.items_of(find(cases, window)) for find in finders})
    return tuple(ask for find in finders for ask in found[find])

"""What comes next for each case, from every app: the column "Next" of the board, and the filter by it (feature 306)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from iom import blocks, clock
from iom.access import Actor
from iom.together import Steps, all_of

from .clocks import Calendar, coming_for
from .models import Case

Dated = tuple[date, str]


def next_of(case: Case, calendar: Calendar, more: dict[str, Any]) -> list[Dated]:
    """The dated things of a case, soonest first: its clocks, and what the apps give as columns called `next_…`."""
    coming = [(each.on, each.text) for each in coming_for(case, calendar)]
    for name, dates in more.items():
        if name.startswith("next_"):
            coming += dates
    return sorted(coming)


def whose_next_is_by(cases: Sequence[Case], last: date, actor: Actor) -> Steps[list[int]]:
    """Which of `cases`, that come `with_current` and `with_custody`, have something dated on `last` or before."""
    today = clock.today()
    read = yield from all_of(
        {
            "calendar": Calendar.of_steps(actor.scheme, today),
            "columns": blocks.columns_for_steps(actor, cases, today),
        }
    )
    calendar, columns = read["calendar"], read["columns"]
    return [case.pk for case in cases if (coming := next_of(case, calendar, columns[case.pk])) and coming[0][0] <= last]

"""What comes next for each case, from every app: the column "Next" of the board, and the filter by it (feature 306)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from iom import blocks, clock
from iom.access import Actor

from .clocks import Calendar, coming_for
from .models import Case
from .querysets import CaseQuerySet

Dated = tuple[date, str]


def next_of(case: Case, calendar: Calendar, more: dict[str, Any]) -> list[Dated]:
    """The dated things of a case, soonest first: its clocks, and what the apps give as columns called `next_…`."""
    coming = [(each.on, each.text) for each in coming_for(case, calendar)]
    for name, dates in more.items():
        if name.startswith("next_"):
            coming += dates
    return sorted(coming)


def whose_next_is_by(cases: CaseQuerySet, last: date, actor: Actor) -> list[int]:
    """Which of `cases` have something dated on `last` or before. Reads them all, with a constant number of queries."""
    today = clock.today()
    listed: Sequence[Case] = list(cases.with_current().with_custody())
    calendar, columns = Calendar.of(actor.scheme, today), blocks.columns_for(actor, listed, today)
    return [
        case.pk for case in listed if (coming := next_of(case, calendar, columns[case.pk])) and coming[0][0] <= last
    ]

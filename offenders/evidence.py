"""What a rating is judged by, put beside it: each app says what it knows of a case (ux.md 4.5, "rating").

Two registries. `rating_evidence` gives words for one reader of one case, on the page where the rating is changed.
`shows` gives bare facts of many cases, without words and for rules alone (`offenders.mismatch`).
"""

from __future__ import annotations

import functools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Q

from iom import together
from iom.together import Steps

from .mismatch import Event, EventKind

if TYPE_CHECKING:
    from django.db.models import OuterRef, QuerySet

    from iom.access import Actor
    from offenders.models import Case


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known: what it is about, in words, when, and where there is more of it."""

    about: str
    words: str
    on: date | None = None
    href: str = ""


Known = Callable[["Actor", "Case", date], Iterable[Fact]]
# Pairs of case and event; between them what is yielded as a question (`iom.together`) is answered.
Shows = Callable[["Sequence[Case]", date], Iterable[Any]]
# Rows that show an event of a kind about a case, from a day to another; None: it shows none such.
Within = Callable[[EventKind, "OuterRef", Any, date], "QuerySet | None"]
_within: list[Within] = []
_known: list[Known] = []
_shows: list[Shows] = []


def rating_evidence(find: Known) -> Known:
    """Register what an app knows: `fn(actor, case, since)`, only what the actor may read, since the rating began."""
    _known.append(find)
    return find


def shows(find: Shows) -> Shows:
    """Register the bare facts of many cases since a day, as pairs of case and event; `rows = yield queryset` reads."""
    _shows.append(find)
    return find


def shows_within(find: Within) -> Within:
    """Register what `shows` tells of one kind of event for the database: `fn(kind, case, first, last)`, with both days.

    `case` and `first` may be fields of an outer query. Where only the number of ratings that do not fit is shown, no
    event is read; `tests/panels/test_home_costs.py` compares the two.
    """
    _within.append(find)
    return find


def shown_within(kind: EventKind, case: OuterRef, first: Any, last: date) -> Q:
    """Whether an event of this kind is shown of a case between two days, both included."""
    asked = (find(kind, case, first, last) for find in _within)
    return functools.reduce(operator.or_, (Q(Exists(rows)) for rows in asked if rows is not None), Q(pk__in=()))


def facts(actor: Actor, case: Case, since: date) -> list[Fact]:
    """Everything that the reader may know beside the rating, in the order of the apps."""
    return [fact for find in _known for fact in find(actor, case, since)]


def events(cases: Sequence[Case], since: date) -> dict[int, tuple[Event, ...]]:
    """What happened to each case since a day, oldest first."""
    return together.run(events_steps(cases, since))


def events_steps(cases: Sequence[Case], since: date) -> Steps[dict[int, tuple[Event, ...]]]:
    """`events`, read together with other rows."""
    told = yield from together.all_of(
        {place: together.items_of(find(cases, since)) for place, find in enumerate(_shows)}
    )
    found: dict[int, list[Event]] = defaultdict(list)
    for pairs in told.values():
        for case, event in pairs:
            found[case].append(event)
    return {case.pk: tuple(sorted(found.get(case.pk, ()), key=lambda event: event.on)) for case in cases}


def looks_back(today: date, *ratings_since: date, days: int) -> date:
    """From which day on events matter: the last `days`, and as long as the oldest of these ratings lasts."""
    return min([today - timedelta(days=days), *ratings_since])

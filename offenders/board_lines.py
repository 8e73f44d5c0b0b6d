"""The rows of the cohort board as its page draws them: the words are made here, the template only puts them down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.urls import reverse

from iom.jinja import colour_key, colour_mark, colour_word, day
from offenders.board import Row, score_of
from offenders.models import CaseStatus
from offenders.safeguarding import Flag

# So much of what comes next stands in the column.
NEXT = 2
# The case; its address and name; whether its person is under 18; how it leaves; more about the person, flags and what
# is not assured; rating, what it was, whether it waits, where it does not fit; since when; lead, agency and officer;
# score and its day; what comes next; actions, the late ones; when the plan was touched.
Line = tuple[Any, ...]


def lines(rows: Iterable[Row]) -> list[Line]:
    """What the template draws, in the order in which it takes it apart."""
    cases = reverse("cases")
    return [_line(row, f"{cases}{row.case.reference}/") for row in rows]


def _line(row: Row, address: str) -> Line:
    case, more, person, rating = row.case, row.more, row.case.offender, row.case.rating
    pct, scored = score_of(row)
    stage = f"Left {day(case.ended_on)}" if case.status == CaseStatus.CLOSED else ""
    return (
        case,
        address,
        person.name,
        person.under_18(),
        case.status == CaseStatus.LEAVING,
        stage,
        _seconds(row),
        *_flags(row.flags),
        _mark(rating.colour) if rating else None,
        colour_word(rating.colour_before) if rating and rating.colour_before else "",
        more.get("to_ratify", False),
        more.get("differs", ()),
        day(rating.starts_on) if rating else "",
        row.lead,
        f"{row.agency or 'No lead agency'}{f'; {row.officer}' if row.officer and row.officer != row.lead else ''}",
        pct,
        day(scored),
        [(day(on), text) for on, text in row.coming[:NEXT]],
        more.get("open_actions"),
        more.get("late_actions"),
        day(more.get("plan_updated")),
    )


@cache
def _mark(colour: str) -> tuple[str, str, str]:
    return colour_key(colour), colour_mark(colour), colour_word(colour)


def _seconds(row: Row) -> list[str]:
    """What else stands under the name: how they were found, the part of the cohort, groups."""
    more = row.more
    groups = more.get("groups", ())
    return [
        *(["Spelt alike"] if row.alike else []),
        *([f"{more['cohort']} cohort"] if "cohort" in more else []),
        *groups,
        *(group for group in more.get("placed", ()) if group not in groups),
    ]


def _flags(flags: Sequence[Flag]) -> tuple[list[tuple[str, str]], str]:
    """What is known, as label and words after it or as words alone; and what is not assured."""
    known = [
        (flag.label, f", checked {day(flag.on)}") if flag.state == "assured" else ("", flag.words)
        for flag in flags
        if flag.concern
    ]
    return known, ", ".join(flag.label for flag in flags if not flag.concern)

"""The cohort as its board lists it: narrowed, searched, ordered; the same for the page, for paper and for a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any

from django.http import QueryDict

from iom import blocks, clock
from iom.access import Actor
from offenders.clocks import Calendar
from offenders.coming import Dated, next_of
from offenders.forms.board import SORTS, FilterForm
from offenders.looking import Found, look_for
from offenders.models import Case, Search
from offenders.querysets import CaseQuerySet
from offenders.safeguarding import Flag

# What a file or a paper may hold; more is narrowed first.
MOST = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """A case with what every app adds: flags, columns, and the next dated things."""

    case: Case
    more: dict[str, Any]
    coming: Sequence[Dated]
    flags: Sequence[Flag]
    # Found under another spelling than the one that was typed.
    alike: bool = False


class Listing:
    """Whom an address asks for, of those whom its reader may see."""

    def __init__(self, actor: Actor, parameters: QueryDict) -> None:
        self.actor, self.parameters, self.today = actor, parameters, clock.today()
        self.search = _searched(actor, parameters)
        self.filters = FilterForm(actor, parameters)
        self.filters.is_valid()
        sort = parameters.get("sort", "")
        self.sort = sort if sort.removeprefix("-") in SORTS else "rating"
        self.grouped = parameters.get("group") == "rating"

    @cached_property
    def found(self) -> Found:
        """The cases that fit, in their order, and which of them only by another spelling."""
        rows = self.filters.narrowed(Case.objects.visible_to(self.actor))
        found = Found(rows, frozenset()) if self.search is None else look_for(rows, self.search.words)
        return Found(found.cases.ordered(self.sort, last=found.alike, grouped=self.grouped), found.alike)

    @property
    def cases(self) -> CaseQuerySet:
        return self.found.cases.with_current().with_custody()

    def rows(self, listed: Sequence[Case]) -> list[Row]:
        """These cases with everything that the board says of them, with a constant number of queries."""
        calendar = Calendar.of(self.actor.scheme, self.today)
        columns = blocks.columns_for(self.actor, listed, self.today)
        return [
            Row(
                case,
                more := columns[case.pk],
                next_of(case, calendar, more)[:3],
                more.get("flags", ()),
                alike=case.pk in self.found.alike,
            )
            for case in listed
        ]

    def groups(self, rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
        """The rows under each rating, in words, where the reader asked for that; else all under no heading."""
        if not self.grouped:
            return [("", list(rows))]
        return [(words, list(members)) for words, members in groupby(rows, key=_rating_words)]


def _rating_words(row: Row) -> str:
    return row.case.rating.get_colour_display() if row.case.rating else "Not rated"


def _searched(actor: Actor, parameters: QueryDict) -> Search | None:
    try:
        key = uuid.UUID(parameters.get("s", ""))
    except ValueError:
        return None
    return Search.objects.visible_to(actor).filter(key=key).first()


# --- As a file ----------------------------------------------------------------

HEADER = (
    "Reference",
    "Family name",
    "Given names",
    "Date of birth",
    "Rating",
    "Rating before custody",
    "Rated since",
    "Stage",
    "Accepted",
    "Lead agency",
    "Lead professional",
    "Police officer",
    "Area",
    "Score (2 years, per cent)",
    "Scored",
    "Next",
    "Next on",
    "Open actions",
    "Late actions",
    "Plan updated",
    "Flags",
)


def cells(row: Row) -> tuple[str | int | date | None, ...]:
    """A row of the file, in the order of `HEADER`."""
    case, more, person = row.case, row.more, row.case.offender
    held = {role: case.assigned(role) for role in ("lead_agency", "lead_professional", "police_officer")}
    rating = case.rating
    pct, scored = score_of(row)
    soonest = row.coming[0] if row.coming else None
    return (
        case.reference,
        person.family_name,
        person.given_names,
        person.date_of_birth,
        rating.get_colour_display() if rating else "",
        rating.get_colour_before_display() if rating and rating.colour_before else "",
        rating.starts_on if rating else None,
        case.get_status_display(),
        case.accepted_on,
        held["lead_agency"].agency.name if held["lead_agency"] else "",
        held["lead_professional"].holder if held["lead_professional"] else "",
        held["police_officer"].holder if held["police_officer"] else "",
        person.area,
        pct,
        scored,
        soonest[1] if soonest else "",
        soonest[0] if soonest else None,
        more.get("open_actions"),
        more.get("late_actions"),
        more.get("plan_updated"),
        "; ".join(flag.words for flag in row.flags),
    )


def score_of(row: Row) -> tuple[int | None, date | None]:
    """The score that counts, never without its day; the one agreed at acceptance where no other is known."""
    if score := row.more.get("score"):
        return score["pct"], score["on"]
    return row.case.score, row.case.score_on

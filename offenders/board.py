"""The cohort as its board lists it: narrowed, searched, ordered; the same for the page, for paper and for a file.

Read in two statements, whatever is asked: whom the address means, with the choices of the filters; then everything that
the board says of them. A search has one more before, for its words.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict

from iom import blocks, clock, together
from iom.access import Actor
from iom.jinja import plural
from iom.together import Steps, all_of
from offenders.clocks import Calendar
from offenders.coming import Dated, next_of
from offenders.forms import board as forms
from offenders.forms.board import SORTS, FilterForm, Given
from offenders.looking import as_typed, spelt_alike, with_aliases, worth_judging
from offenders.models import Assignment, AssignmentRole, Case, CustodyPeriod, Search, Supervision
from offenders.querysets import URGENCY, CaseQuerySet
from offenders.safeguarding import Flag

# What a file or a paper may hold; more is narrowed first. Nor is more than that counted.
MOST = 2000
# Past the end of every list.
LAST_PAGE = 1_000_000
PLACES = {colour: place for place, colour in enumerate(URGENCY)}


@dataclass(frozen=True, slots=True)
class Row:
    """A case with what every app adds: flags, columns, the next dated things; and who leads it, None for nobody."""

    case: Case
    more: dict[str, Any]
    coming: Sequence[Dated]
    flags: Sequence[Flag]
    agency: str | None = None
    lead: str | None = None
    officer: str | None = None
    # Found under another spelling than the one that was typed.
    alike: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of those whom an address asks for, of those whom its reader may see.

    `count` says how many there are in all; `more` that they are more than are counted.
    """

    today: date
    search: Search | None
    filters: FilterForm
    sort: str
    grouped: bool
    rows: list[Row]
    shown: Page
    count: int
    more: bool
    alike: int

    @property
    def words(self) -> str:
        """How many there are, in words."""
        words = f"more than {MOST:,} cases" if self.more else plural(self.count, "case")
        return f"{words}, {self.alike} with a name spelt alike" if self.alike else words

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows under each rating, in words, where the reader asked for that; else all under no heading."""
        if not self.grouped:
            return [("", self.rows)]
        return [(words, list(members)) for words, members in groupby(self.rows, key=_rating_words)]


def _rating_words(row: Row) -> str:
    return row.case.rating.get_colour_display() if row.case.rating else "Not rated"


@dataclass(frozen=True, slots=True)
class _Found:
    """The cases of a page and how many there are in all, or all of them; and who of them is spelt otherwise."""

    cases: list[Case]
    alike: frozenset[int]
    entire: bool
    count: int = 0


def listing(actor: Actor, parameters: QueryDict, *, page: str = "", size: int = MOST) -> Listing:
    """What an address asks for: `size` cases, of the page that is called `page`."""
    return together.run(listing_steps(actor, parameters, page=page, size=size))


def listing_steps(actor: Actor, parameters: QueryDict, *, page: str = "", size: int = MOST) -> Steps[Listing]:
    """`listing`, read together with other rows."""
    asked = _Asked(actor, parameters, _number(page), size)
    key = _key(parameters)
    given = forms.at_first_sight(actor, parameters)
    read = yield from all_of(
        {
            "search": _searched(actor, key) if key else None,
            "choices": forms.choices_steps(actor),
            "calendar": Calendar.of_steps(actor.scheme, asked.today),
            "found": None if key else asked.found(given, None),
        }
    )
    search, filters = read["search"], FilterForm(actor, read["choices"], parameters)
    filters.is_valid()
    found, words = read["found"], search.words if search else None
    if found is None or filters.given != given:
        given = filters.given
        found = yield from asked.found(given, words)
    told = yield from asked.told(found, given)
    if not told.cases and told.count:
        # There is no such page: the last one stands for it.
        asked = _Asked(actor, parameters, -(-told.count // size), size)
        found = yield from asked.found(given, words)
        told = yield from asked.told(found, given)
    paginator = Paginator((), size)
    paginator.count = told.count
    return Listing(
        today=asked.today,
        search=search,
        filters=filters,
        sort=asked.sort,
        grouped=asked.grouped,
        rows=[_row(case, told, read["calendar"]) for case in told.cases],
        shown=Page(told.cases, asked.number if told.cases else 1, paginator),
        count=told.count,
        more=told.count > MOST,
        alike=len(told.alike),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """The cases of a page, how many there are in all, and what is said of them."""

    cases: list[Case]
    count: int
    alike: frozenset[int]
    columns: dict[int, dict[str, Any]]
    holders: dict[tuple[int, str], str]


class _Asked:
    """One page of what an address asks for."""

    def __init__(self, actor: Actor, parameters: QueryDict, number: int, size: int) -> None:
        self.actor, self.number, self.size, self.today = actor, number, size, clock.today()
        sort = parameters.get("sort", "")
        self.sort = sort if sort.removeprefix("-") in SORTS else "rating"
        self.grouped = parameters.get("group") == "rating"

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    def found(self, given: Given, words: str | None) -> Steps[_Found]:
        """The cases that fit: a page of them, or all where only what is said of them tells who fits."""
        entire = forms.keeps(given)
        if words is None and not entire:
            count, cases = yield self._page_of(given)
            return _Found(_rated(cases), frozenset(), False, self._up_to_most(count))
        rows = forms.narrowed(Case.objects.visible_to(self.actor), given, self.actor)
        if words is None:
            return _Found(_rated((yield self._ordered(rows))), frozenset(), True)
        # Those who are spelt alike come after the others, so that a later page or a group needs to know them all.
        entire = entire or self.grouped or self.number > 1
        exact = rows.filter(as_typed(words))
        wanted = self._ordered(exact) if entire else _page(exact, self.sort, self.grouped, 0, self.size)
        typed, (_, near) = yield [
            wanted,
            together.paged(
                worth_judging(rows, words), with_aliases(self._ordered(Case.objects.all())), start=0, size=None
            ),
        ]
        count = 0
        if not entire:
            count, typed = typed
        alike = spelt_alike(near, words)
        cases = _rated([*typed, *alike])
        if self.grouped:
            down = -1 if self.sort == "-rating" else 1
            cases.sort(key=lambda case: down * PLACES[case.rating.colour] if case.rating else len(PLACES))
        if count <= self.size:
            entire = True
        return _Found(cases, frozenset(case.pk for case in alike), entire, self._up_to_most(count) + len(alike))

    def _page_of(self, given: Given) -> together.Read:
        """The page of the cases that fit, in its order: put into SQL once for the same filters."""
        actor, sort, grouped, start, size = self.actor, self.sort, self.grouped, self.start, self.size
        filters = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in given.items())
        return lambda: _page(
            forms.narrowed(Case.objects.visible_to(actor), dict(filters), actor), sort, grouped, start, size
        )

    def _up_to_most(self, count: int) -> int:
        """How many there are: up to one more than is counted, but for somebody who went further than that."""
        return count if self.start >= MOST else min(count, MOST + 1)

    def _ordered(self, rows: CaseQuerySet) -> CaseQuerySet:
        return rows.rated_now().ordered(self.sort, grouped=self.grouped)

    def told(self, found: _Found, given: Given) -> Steps[_Told]:
        """Everything that is said of the cases of the page."""
        keeps, cases, alike = forms.keeps(given), found.cases, found.alike
        ours = slice(self.start, self.start + self.size) if found.entire else slice(self.size)
        listed = cases if keeps else cases[ours]
        read = yield from all_of(
            {
                "holders": _surroundings(listed),
                "columns": blocks.columns_for_steps(self.actor, listed, self.today),
                "kept": all_of(dict(enumerate(forms.kept(listed, given, self.actor)))),
            }
        )
        count = len(cases) if found.entire else found.count
        if keeps:
            fit = frozenset.intersection(*map(frozenset, read["kept"].values()))
            cases = [case for case in listed if case.pk in fit]
            count, alike, listed = len(cases), alike & fit, cases[ours]
        return _Told(list(listed), count, alike, read["columns"], read["holders"])


def _rated(cases: Iterable[Case]) -> list[Case]:
    """Cases that were read `rated_now`, as if they came `with_current`."""
    listed = list(cases)
    for case in listed:
        case.current_ratings = [case.present] if case.present is not None else []
    return listed


def _surroundings(cases: Sequence[Case]) -> Steps[dict[tuple[int, str], str]]:
    """Gives the cases what `with_custody` reads; returns who leads each, by the number of the case and the role."""
    numbers = [case.pk for case in cases]
    assignments, custody, supervisions = yield [
        _holders_of(cases=numbers),
        _custody_of(cases=numbers),
        _supervisions_of(cases=numbers),
    ]
    known = {case.pk: case for case in cases}
    for case in cases:
        case.all_custody, case.all_supervisions = [], []
    for period in custody:
        known[period.case_id].all_custody.append(period)
    for supervision in supervisions:
        known[supervision.case_id].all_supervisions.append(supervision)
    return {
        (case, role): agency if role == AssignmentRole.LEAD_AGENCY else person or named or agency
        for case, role, agency, person, named in assignments
    }


def _page(rows: CaseQuerySet, sort: str, grouped: bool, start: int, size: int) -> together.Paged:
    """`size` of the cases that fit, in their order after the first `start`; and how many fit."""
    ordered, listed = (each.rated_now().ordered(sort, grouped=grouped) for each in (rows, Case.objects.all()))
    return together.paged(ordered, listed, start=start, size=size)


@together.worded
def _holders_of(cases: list[int]) -> QuerySet:
    held = Assignment.objects.filter(case__in=cases, until=None)
    return held.values_list("case", "role", "agency__name", "membership__user__name", "person_name")


@together.worded
def _custody_of(cases: list[int]) -> QuerySet:
    return CustodyPeriod.objects.filter(case__in=cases).order_by("-starts_on", "-pk")


@together.worded
def _supervisions_of(cases: list[int]) -> QuerySet:
    return Supervision.objects.filter(case__in=cases)


def _row(case: Case, told: _Told, calendar: Calendar) -> Row:
    more = told.columns[case.pk]
    return Row(
        case,
        more,
        next_of(case, calendar, more)[:3],
        more.get("flags", ()),
        told.holders.get((case.pk, AssignmentRole.LEAD_AGENCY)),
        told.holders.get((case.pk, AssignmentRole.LEAD_PROFESSIONAL)),
        told.holders.get((case.pk, AssignmentRole.POLICE_OFFICER)),
        alike=case.pk in told.alike,
    )


def _number(page: str) -> int:
    """The number of a page that somebody typed: 1 for what is none, past the end for one before the start."""
    try:
        number = int(page)
    except ValueError:
        return 1
    return min(number, LAST_PAGE) if number > 0 else LAST_PAGE


def _key(parameters: QueryDict) -> uuid.UUID | None:
    try:
        return uuid.UUID(parameters.get("s", ""))
    except ValueError:
        return None


def _searched(actor: Actor, key: uuid.UUID) -> Steps[Search | None]:
    return (yield together.first(Search.objects.visible_to(actor).filter(key=key)))


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
        row.agency or "",
        row.lead or "",
        row.officer or "",
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

"""Where help is missing: by pathway and ward, what is needed, offered, taken up and waited for, and what is there.

London, Local Authority: mapping services across the borough and identifying gaps. Counted are people, of open cases
that are not restricted; the same four questions to the database whatever their number. A reader without cases (the
board) is told counts of one to four as "fewer than 5", and then no sum from which such a count could be reckoned
(security.md Z13).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from iom.access import Actor

from .models import GapNote, Offer, OfferAnswer, PathwayNeed, Service

FEWEST = 5
FEWER = f"fewer than {FEWEST}"
AT_LEAST = f"{FEWEST} or more"
NOT_RECORDED = "Ward not recorded"
# The last of these is told only to those who may count the people themselves.
COLUMNS = ("high", "some", "offered", "taken_up", "waiting", "nothing_offered")
TAKEN = (OfferAnswer.TAKEN_UP, OfferAnswer.COMPLETED)


@dataclass(slots=True)
class Counted:
    """The people behind one cell of the map, by column."""

    high: set[int] = field(default_factory=set)
    some: set[int] = field(default_factory=set)
    offered: set[int] = field(default_factory=set)
    taken_up: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)

    @property
    def needed(self) -> set[int]:
        return self.high | self.some

    @property
    def nothing_offered(self) -> set[int]:
        return self.needed - self.offered

    def count(self, column: str) -> int:
        return len(getattr(self, column))


@dataclass(frozen=True, slots=True)
class Line:
    """One pathway in one ward (`area` blank: in all of them), as its reader may know it.

    `counts` are in words; `need` how many need help, in words. `services` are those to which people there can be
    referred now. A gap is a pathway on which somebody needs help, and no service covers the ward.
    """

    pathway: str
    name: str
    area: str
    ward: str
    counts: dict[str, str]
    need: str
    services: tuple[Service, ...]
    notes: tuple[GapNote, ...]
    gap: bool


@dataclass(frozen=True, slots=True)
class Map:
    """The whole map: a line for each pathway, a line for each pathway and ward, and the gaps among these."""

    totals: tuple[Line, ...]
    lines: tuple[Line, ...]
    wards: tuple[str, ...]
    suppressed: bool

    @property
    def gaps(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.gap)

    def of_pathway(self, slug: str) -> tuple[Line, ...]:
        """One pathway, ward by ward."""
        return tuple(line for line in self.lines if line.pathway == slug)

    def of_ward(self, ward: str) -> tuple[Line, ...]:
        """One ward, pathway by pathway."""
        return tuple(line for line in self.lines if line.ward == ward)


def told(count: int, *, suppressed: bool) -> str:
    """A count of people as its reader may know it."""
    return FEWER if suppressed and 0 < count < FEWEST else str(count)


def told_sum(parts: Iterable[int], total: int, *, suppressed: bool) -> str:
    """A sum over wards: not told exactly where one of its parts was held back."""
    if suppressed and any(0 < part < FEWEST for part in parts):
        return FEWER if total < FEWEST else AT_LEAST
    return told(total, suppressed=suppressed)


def gap_map(actor: Actor, on: date) -> Map:
    """The map of the actor's scheme on a day, told as the actor may know it."""
    scheme = actor.scheme
    suppressed = not actor.holds("offenders.view_cohort")
    told_as = {"suppressed": suppressed}
    pathways = [(each.slug, each.name) for each in scheme.policy.pathways]
    cells, wards = _counted(actor)
    services = list(Service.objects.visible_to(actor).active(on).select_related("agency"))
    noted = defaultdict(list)
    for note in GapNote.objects.visible_to(actor):
        noted[note.pathway, note.area.strip().casefold()].append(note)
    for service in services:
        for area in service.areas:
            wards.setdefault(area.strip().casefold(), area.strip())
    order = sorted(key for key in wards if key) + [""] * ("" in wards)
    lines, totals = [], []
    for slug, name in pathways:
        here = [each for each in services if slug in each.pathways]
        parts = {key: cells.get((slug, key), Counted()) for key in order}
        for key, counted in parts.items():
            ward = wards[key] if key else NOT_RECORDED
            # Somebody whose ward is not known may live in any: only a service for the whole area is sure to be theirs.
            covering = tuple(each for each in here if each.covers(wards[key])) if key else _everywhere(here)
            lines.append(
                Line(
                    pathway=slug,
                    name=name,
                    area=wards[key] if key else "",
                    ward=ward,
                    counts={column: told(counted.count(column), **told_as) for column in COLUMNS},
                    need=told_sum([counted.count("high"), counted.count("some")], len(counted.needed), **told_as),
                    services=covering,
                    notes=tuple(noted[slug, key]) if key else (),
                    gap=bool(counted.needed) and not covering,
                )
            )
        totals.append(_total(slug, name, list(parts.values()), here, tuple(noted[slug, ""]), suppressed=suppressed))
    named = tuple(wards[key] if key else NOT_RECORDED for key in order)
    return Map(tuple(totals), tuple(lines), named, suppressed)


def _total(
    slug: str,
    name: str,
    parts: list[Counted],
    services: list[Service],
    notes: tuple[GapNote, ...],
    *,
    suppressed: bool,
) -> Line:
    def summed(column: str) -> str:
        counts = [part.count(column) for part in parts]
        return told_sum(counts, sum(counts), suppressed=suppressed)

    needed = [part.count(column) for part in parts for column in ("high", "some")]
    return Line(
        pathway=slug,
        name=name,
        area="",
        ward="",
        counts={column: summed(column) for column in COLUMNS},
        need=told_sum(needed, sum(needed), suppressed=suppressed),
        services=tuple(services),
        notes=notes,
        gap=bool(sum(needed)) and not services,
    )


def _everywhere(services: list[Service]) -> tuple[Service, ...]:
    return tuple(each for each in services if not each.areas)


def _counted(actor: Actor) -> tuple[dict[tuple[str, str], Counted], dict[str, str]]:
    """Who needs and was offered what, by pathway and ward; and the wards by their key."""
    needs = (
        PathwayNeed.objects.filter(scheme=actor.scheme, level__in=["high", "some"], plan__case__restricted=False)
        .exclude(plan__case__status="closed")
        .values_list("plan__case", "plan__case__offender__area", "pathway", "level")
    )
    offers = (
        Offer.objects.filter(scheme=actor.scheme, case__restricted=False)
        .exclude(case__status="closed")
        .values_list("case", "case__offender__area", "pathway", "answer")
    )
    cells: dict[tuple[str, str], Counted] = defaultdict(Counted)
    wards: dict[str, str] = {}
    for case, area, pathway, level in needs.order_by():
        getattr(_cell(cells, wards, pathway, area), level).add(case)
    for case, area, pathway, answer in offers.order_by():
        cell = _cell(cells, wards, pathway, area)
        cell.offered.add(case)
        if answer in TAKEN:
            cell.taken_up.add(case)
        elif answer == OfferAnswer.WAITING:
            cell.waiting.add(case)
    return cells, wards


def _cell(cells: dict[tuple[str, str], Counted], wards: dict[str, str], pathway: str, area: str) -> Counted:
    key = area.strip().casefold()
    wards.setdefault(key, area.strip())
    return cells[pathway, key]

"""From youth justice to adult services: what is due when, and what must be true for it (Hampshire, Transfer Process).

Pure. Ages are completed months: somebody born on 31 August is 17 years and 6 months old on the last day of February.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iom.policy.managing import Age, YouthRoute
from iom.working_days import add_months

# The orders of youth justice, lightest first, as far as the rule compares them.
ORDERS = (
    ("caution", "Youth conditional caution"),
    ("referral", "Referral order"),
    ("reparation", "Reparation order"),
    ("yro", "Youth Rehabilitation Order"),
    ("yro_iss", "Youth Rehabilitation Order with intensive supervision"),
    ("dto", "Detention and training order"),
    ("custody", "Longer custody or detention"),
)
_RANK = {slug: rank for rank, (slug, _) in enumerate(ORDERS)}
YOT, PROBATION = "yot", "probation"


@dataclass(frozen=True, slots=True)
class Young:
    """What is known of a young person: None or blank is not known, never false."""

    born: date | None
    convicted_on: date | None = None
    order: str = ""
    order_ends_on: date | None = None
    managed_by: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A step of the route and its day; `why` says where the day comes from."""

    slug: str
    on: date
    words: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must be true: met, not met, or not known (None), and because of what."""

    slug: str
    words: str
    met: bool | None
    because: str
    source: str

    @property
    def said(self) -> str:
        """In words for a page."""
        return "Not known" if self.met is None else "Met" if self.met else "Not met"


def reaches(born: date, age: Age) -> date:
    """The day on which somebody has that age."""
    return add_months(born, age.years * 12 + age.months)


def of_age(age: Age) -> str:
    """An age in words: "17 years and 6 months"."""
    return f"{age.years} years and {age.months} months" if age.months else f"{age.years} years"


def steps(route: YouthRoute, young: Young) -> tuple[Due, ...]:
    """The three days of the route, soonest first; none where the date of birth is not known.

    It starts at the age that the rule names, or on the day of conviction where somebody was convicted when older. What
    is due before the start is due with it; the take-over is on the birthday whatever else.
    """
    if young.born is None:
        return ()
    start, why = reaches(young.born, route.starts), of_age(route.starts)
    if young.convicted_on is not None and young.convicted_on > start:
        start, why = young.convicted_on, f"convicted when older than {why}"
    liaison, then = reaches(young.born, route.liaison), of_age(route.liaison)
    if start > liaison:
        liaison, then = start, "with the start, which is later"
    over = reaches(young.born, route.takeover)
    return (
        Due("start", start, "The transfer begins", why, route.source),
        Due("liaison", liaison, "Liaison between IOM and the YOT begins", then, route.source),
        Due("takeover", over, "IOM takes over the management", of_age(route.takeover), route.source),
    )


def conditions(route: YouthRoute, young: Young) -> tuple[Condition, ...]:
    """Whether each thing that must be true for the transfer is (Hampshire, YOT Partnerships)."""
    lowest = next((slug for slug, name in ORDERS if name.casefold() == route.lowest_order.casefold()), "yro")
    names = dict(ORDERS)
    managed = {PROBATION: True, YOT: False}.get(young.managed_by)
    enough = _RANK[young.order] >= _RANK[lowest] if young.order in _RANK else None
    return (
        Condition(
            "management",
            "Management has passed to probation and is not kept by the YOT",
            managed,
            {True: "Managed by probation", False: "Managed by the YOT", None: "Who manages is not recorded"}[managed],
            route.source,
        ),
        Condition(
            "order",
            f"{route.lowest_order} or above",
            enough,
            names.get(young.order, "The order is not recorded"),
            route.source,
        ),
        _months_left(route, young),
    )


def _months_left(route: YouthRoute, young: Young) -> Condition:
    words = f"At least {route.order_months_left} months of the order left on the birthday of the take-over"
    if young.born is None or young.order_ends_on is None:
        what = "date of birth" if young.born is None else "end of the order"
        return Condition("months_left", words, None, f"The {what} is not recorded", route.source)
    needed = add_months(reaches(young.born, route.takeover), route.order_months_left)
    met = young.order_ends_on >= needed
    because = f"Ends on {_day(young.order_ends_on)}, {'on or after' if met else 'before'} {_day(needed)}"
    return Condition("months_left", words, met, because, route.source)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"

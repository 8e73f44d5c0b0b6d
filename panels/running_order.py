"""In which order the items of an agenda stand: who opens, who presents, what comes by need or agency, what is closed.

Pure: an item is given by what it is; the database is read by `panels.agenda`.
"""

from __future__ import annotations

from dataclasses import dataclass

# The parts of an agenda in their order (ux.md 4.7), by the names of `panels.models.Section`.
SECTIONS = (
    "apologies",
    "last_minutes",
    "last_actions",
    "reports",
    "outside",
    "referrals",
    "brought",
    "releases",
    "reviews",
    "exits",
    "escalations",
    "aob",
)
# What stands together by need or by agency where the meeting is grouped (London, Meeting Structure).
GROUPED = frozenset({"referrals", "brought", "releases", "reviews", "exits"})
FIRST = -1
OPENING, PRESENTED, BEFORE, GROUPS, AFTER, CLOSED = range(6)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides the place of an item. `group` is the place of its need or agency, `colour` that of its rating;
    `first` is for what is to be taken before the others of its section.
    """

    section: str
    presented: bool = False
    closed: bool = False
    group: int = 0
    colour: int = 0
    first: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """How a meeting is run: whether presenters come first (the body's policy), and whether cases are grouped."""

    presenters_first: bool = False
    grouped: bool = False


def rank(facts: Facts, order: Order) -> tuple[int, int, int, int]:
    """The sort key of an item: part of the meeting, group, section, rating; reviews Red first, but before them what
    is to be taken first.

    Whoever was invited to present or to report is heard first, after the apologies; what is restricted comes last, when
    they have left (London, Meeting Structure).
    """
    section = SECTIONS.index(facts.section)
    colour = FIRST if facts.first else facts.colour if facts.section == "reviews" else 0
    if facts.closed:
        return CLOSED, 0, section, colour
    if section == 0:
        return OPENING, 0, section, colour
    if order.presenters_first and facts.presented:
        return PRESENTED, 0, section, colour
    if facts.section in GROUPED:
        return GROUPS, facts.group if order.grouped else 0, section, colour
    return BEFORE if section < SECTIONS.index("referrals") else AFTER, 0, section, colour

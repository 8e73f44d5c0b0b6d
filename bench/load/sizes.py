"""How large a load is, and how its cases are spread over the schemes."""

from __future__ import annotations

from dataclasses import dataclass

PRESETS = ("merton", "london", "richmond", "waltham_forest", "hampshire")
# The scheme that is the same at every size: what grows with the others around it can then be told.
MEASURED_OPEN, MEASURED_CLOSED = 60, 140
# Timeline rows of the measured scheme, the longest timeline among them.
ENTRIES_OF_OPEN, ENTRIES_OF_CLOSED = 60, 13
LONG_TIMELINE = 1_400
SMALLEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Size:
    """Schemes, cases, and rows of timelines and audit together, over all schemes."""

    schemes: int
    open: int
    closed: int
    events: int
    # Open and closed cases, rows of the longest timeline, of the scheme that is measured at every size.
    measured: tuple[int, int, int] = (MEASURED_OPEN, MEASURED_CLOSED, LONG_TIMELINE)


@dataclass(frozen=True, slots=True)
class Share:
    """What one scheme gets of it."""

    slug: str
    preset: str
    open: int
    closed: int
    entries: int
    audited: int


SIZES = {
    "one": Size(1, 60, 140, 13_640),
    "five": Size(5, 300, 700, 80_000),
    "national": Size(43, 20_000, 100_000, 5_000_000),
}


def slugs(count: int) -> list[tuple[str, str]]:
    """The slug and the preset of each scheme: the presets in turn, `merton`, …, `merton-2`, …"""
    return [
        (preset if turn == 0 else f"{preset}-{turn + 1}", preset)
        for turn, preset in ((number // len(PRESETS), PRESETS[number % len(PRESETS)]) for number in range(count))
    ]


def shares(size: Size) -> list[Share]:
    """What each scheme gets: the first is the measured one; of the others the second is the largest, a few times the
    smallest. The sums are those of `size`, as far as it is not smaller than the measured scheme alone.
    """
    named = slugs(size.schemes)
    opened, closed, longest = size.measured
    others = [_weight(place, len(named) - 1) for place in range(len(named) - 1)]
    all_open = [opened, *_spread(size.open - opened, others)]
    all_closed = [closed, *_spread(size.closed - closed, others)]
    cases = list(zip(all_open, all_closed, strict=True))
    entries = [ENTRIES_OF_OPEN * one + ENTRIES_OF_CLOSED * other for one, other in cases]
    entries[0] += longest
    rest = max(size.events // 2 - entries[0], 0)
    entries[1:] = _spread(rest, [float(each) for each in entries[1:]])
    audited = _spread(max(size.events - sum(entries), 0), [float(each) for each in entries])
    return [
        Share(slug, preset, *numbers)
        for (slug, preset), *numbers in zip(named, all_open, all_closed, entries, audited, strict=True)
    ]


def _weight(place: int, count: int) -> float:
    """Large towns are few: the second weighs two thirds of the first, the last a small part of it."""
    return max(SMALLEST_SHARE / (1 + count / 20), 1 / (1 + place * 0.5) ** 0.75)


def _spread(total: int, weights: list[float]) -> list[int]:
    """`total` in whole numbers by weight; what rounding leaves goes to the first."""
    if not weights or total <= 0:
        return [0] * len(weights)
    whole = sum(weights) or 1
    parts = [int(total * weight / whole) for weight in weights]
    parts[0] += total - sum(parts)
    return parts

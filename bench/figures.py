"""What is reckoned from measured times. Pure: numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below or at which `share` (0 to 1) of them lie: nearest rank, so one that was really measured.

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("Nothing was measured.")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def schedule(rate: float, seconds: float) -> list[float]:
    """Seconds after the start at which requests are sent, evenly, `rate` of them a second."""
    return [place / rate for place in range(int(rate * seconds))]


def times(value: float | None, beside: float | None) -> float | None:
    """How many times `beside` it is, to two places; None where one is missing or nothing."""
    return round(value / beside, 2) if value is not None and beside else None


def summary(taken: Iterable[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds, of seconds."""
    values = [each * 1000 for each in taken]
    return {"p50_ms": round(percentile(values, 0.5), 1), "p95_ms": round(percentile(values, 0.95), 1)}


def lookup(found: Mapping[str, object], *names: str) -> float | None:
    """The number under these names, one inside the other; None where there is none."""
    value: object = found
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return float(value) if isinstance(value, (int, float)) else None

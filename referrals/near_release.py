"""People in custody are considered when their release comes near (Waltham Forest, 4.5; Merton, Roles).

Pure: what is near is the scheme's rule, the days are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iom.policy.managing import CustodyRule


@dataclass(frozen=True, slots=True)
class Release:
    """What the rule says of somebody in custody; `near` None where no release date is known."""

    near: bool | None
    expected: date | None
    days: int
    source: str


def last_day(rule: CustodyRule, today: date) -> date:
    """The last day of release that is near today."""
    return today + timedelta(days=rule.near_release_days)


def release_of(rule: CustodyRule, in_custody: bool | None, expected: date | None, today: date) -> Release | None:
    """Whether the release of a nominated person is near; None for somebody at liberty, or without such a rule."""
    if not in_custody or not rule.considered_near_release:
        return None
    near = None if expected is None else expected <= last_day(rule, today)
    return Release(near, expected, rule.near_release_days, rule.source)

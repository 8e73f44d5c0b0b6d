"""When a case is reviewed next, by the scheme's rules (Merton, Roles). Pure: meetings and today are arguments.

A review is due at a meeting of the body that holds it. Nothing is done by itself: until the panel has decided the
case's item there, or somebody wrote the review down, it is due, and after its meeting it is overdue.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from iom.deadlines import first_review_meeting
from iom.policy.managing import Review as Rule
from iom.working_days import add_months

# Looked at here; the supervisor's review and the rating before release have clocks of their own.
HELD_AT_MEETINGS = ("first", "progress", "operational")


@dataclass(frozen=True, slots=True)
class DueReview:
    """A review that is to come or overdue: `on` None while no such meeting is planned. `source` is the rule's."""

    kind: str
    label: str
    on: date | None
    asks: str
    source: str
    body: str

    def overdue(self, today: date) -> bool:
        """Whether its meeting is over. What is held every week outside the panel is never called overdue."""
        return self.on is not None and self.on < today and self.kind != "operational"


def due_reviews(
    rules: Sequence[Rule],
    *,
    accepted: date,
    done: Mapping[str, Collection[date]],
    meetings: Mapping[str, Sequence[date]],
    deciding_body: str,
) -> list[DueReview]:
    """The next review of each kind, soonest first.

    `done` are the days of the reviews held, by kind; `meetings` the planned and held days of each body, the earliest
    first and at least those since acceptance. A rule without a body means the body that decides. The first review comes
    once. A progress review is due at every nth meeting after the last one (or the first review, or acceptance).
    """
    found = []
    for rule in rules:
        if rule.kind not in HELD_AT_MEETINGS:
            continue
        body = rule.body or deciding_body
        days = meetings.get(body, ())
        if rule.kind == "first" and done.get("first"):
            continue
        found.append(DueReview(rule.kind, rule.label, _next(rule, accepted, done, days), rule.asks, rule.source, body))
    return sorted(found, key=lambda each: (each.on is None, each.on or date.max))


def _next(rule: Rule, accepted: date, done: Mapping[str, Collection[date]], days: Sequence[date]) -> date | None:
    if rule.kind == "first":
        # Whatever comes after the next meeting on or after the due day says nothing.
        due = bisect_left(days, add_months(accepted, rule.months or 1))
        return first_review_meeting(accepted, rule.months or 1, days[bisect_right(days, accepted) : due + 2])
    looked_at = [*done.get(rule.kind, ()), *(done.get("first", ()) if rule.kind == "progress" else ())]
    last = max([accepted, *looked_at])
    if rule.weeks:
        nth = bisect_left(days, last + timedelta(weeks=rule.weeks - 1, days=1))
    else:
        nth = bisect_right(days, last) + (rule.every_meetings or 1) - 1
    return days[nth] if len(days) > nth else None

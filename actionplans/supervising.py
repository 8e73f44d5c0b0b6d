"""When a supervisor looks at a management report next (Hampshire, Once Accepted). Pure: days are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

# Where the rules ask for the review and give no number of weeks: ours.
DEFAULT_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Cycle:
    """Where the review of one report stands: when it is due, and when it was done last, if ever."""

    due_on: date
    done_on: date | None = None

    def overdue(self, on: date) -> bool:
        """Whether the day on which it was due is over."""
        return self.due_on < on

    def near(self, on: date, days: int) -> bool:
        """Whether it is due within so many days, or overdue."""
        return self.due_on <= on + timedelta(days=days)


def cycle(accepted: date, *, weeks: int | None, done: date | None = None, next_due: date | None = None) -> Cycle:
    """The cycle of a case accepted on a day and last reviewed on `done`, when `next_due` was set.

    The first review is due so many weeks after acceptance, each other as the one before has set it.
    """
    if done is None:
        return Cycle(next_after(accepted, weeks=weeks))
    return Cycle(next_due or next_after(done, weeks=weeks), done)


def next_after(done: date, *, weeks: int | None) -> date:
    """The day of the next review by the rule, counted from one."""
    return done + timedelta(weeks=weeks or DEFAULT_WEEKS)

"""What a rating says beside what is shown: where the two do not fit, in words. Suggests, and never decides. Pure.

Green while somebody is arrested, charged or enforced against; Red without enforcement; Amber without an intervention;
Blue while nobody is inside, and inside without Blue. And whether how often somebody is seen fits the rating: a figure
for the supervisor (Hampshire, Once Accepted; London, RAG Rating). The figures are the policy's `says_shows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from iom.policy import Policy
from iom.working_days import add_months

# What an event says for the rating. An "alarm" speaks against Green; "visible" is false where its words are marked.
EventKind = Literal["alarm", "enforcement", "contact", "intervention"]
Kind = Literal["green_alarm", "red_no_enforcement", "amber_no_help", "blue_outside", "inside_not_blue"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a day. `words` is its kind ("Arrest"); blank where not everybody may read of it."""

    kind: EventKind
    on: date
    words: str = ""


@dataclass(frozen=True, slots=True)
class Says:
    """What a case's rating says: colour and since when, whether a panel gave it; and where the person is.

    `inside_covered` is whether the scheme's Blue covers this custody.
    """

    colour: str
    since: date
    by_panel: bool
    inside_since: date | None = None
    inside_covered: bool = False


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing in which rating and evidence differ, with the rule behind it."""

    kind: Kind
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Intensity:
    """How often somebody was seen, helped or enforced against in so many days, beside what the rating expects."""

    seen: int
    enforced: int
    days: int
    expected: int
    at_most: int | None
    words: str
    source: str

    @property
    def fits(self) -> bool:
        """Whether it is as often as the rating expects."""
        return self.seen >= self.expected and (self.at_most is None or self.seen <= self.at_most)

    @property
    def said(self) -> str:
        """In a line, for the supervisor."""
        how = "as the rating expects" if self.fits else "less than the rating expects"
        if self.at_most is not None and self.seen > self.at_most:
            how = "more than the rating expects"
        return f"{self.seen} in {self.days} days, {self.enforced} of them enforcement: {how} ({self.expected} or more)"


def mismatches(policy: Policy, says: Says, shown: Sequence[Event], today: date) -> tuple[Mismatch, ...]:
    """Where rating and evidence differ today, weightiest first."""
    rule = policy.says_shows
    found: list[Mismatch] = []

    def differ(kind: Kind, words: str, source: str = rule.source) -> None:
        found.append(Mismatch(kind, words, source))

    if policy.blue.used and says.inside_since is None and says.colour == "BLUE":
        differ("blue_outside", "Rated in custody, and nobody is inside", policy.blue.source)
    if says.inside_since is not None:
        # A rating that a panel gave after the custody began is the one for the release (Merton, Roles).
        ahead = says.by_panel and says.since > says.inside_since
        if policy.blue.used and says.inside_covered and says.colour != "BLUE" and not ahead:
            differ(
                "inside_not_blue", f"In custody since {_day(says.inside_since)}, and not rated so", policy.blue.source
            )
        return tuple(found)
    if says.colour == "GREEN":
        since = min(says.since, today - timedelta(days=rule.recent_days))
        against = [event for event in shown if event.kind == "alarm" and event.words and since <= event.on <= today]
        if against:
            last = max(against, key=lambda event: event.on)
            more = f" and {len(against) - 1} more" if len(against) > 1 else ""
            differ("green_alarm", f"Rated Green, and {last.words.lower()} on {_day(last.on)}{more}")
    if says.colour == "RED" and not _any(shown, "enforcement", says.since, today, rule.enforcement_days):
        differ("red_no_enforcement", f"Rated Red, and no enforcement in {rule.enforcement_days} days")
    if says.colour == "AMBER" and not _any(shown, "intervention", says.since, today, rule.intervention_days):
        differ("amber_no_help", f"Rated Amber, and no intervention in {rule.intervention_days} days")
    return tuple(found)


def _any(shown: Sequence[Event], kind: EventKind, since: date, today: date, days: int) -> bool:
    """Whether there was one in the last `days`; a rating younger than that is given its time."""
    first = today - timedelta(days=days)
    return since > first or any(event.kind == kind and first <= event.on <= today for event in shown)


def intensity(policy: Policy, says: Says, shown: Sequence[Event], today: date) -> Intensity | None:
    """How the work fits the grading. None inside, where others work, and for a rating without a figure.

    A rating younger than the days that are counted is expected a part of it.
    """
    rule = policy.says_shows
    expects = next((each for each in rule.expects if each.rating == says.colour), None)
    if expects is None or says.inside_since is not None:
        return None
    days = min(rule.recent_days, (today - says.since).days + 1)
    first = today - timedelta(days=days - 1)
    counted = [event for event in shown if first <= event.on <= today and event.kind in ("contact", "enforcement")]
    return Intensity(
        seen=len(counted),
        enforced=sum(event.kind == "enforcement" for event in counted),
        days=days,
        expected=expects.contacts * days // rule.recent_days,
        at_most=expects.at_most,
        words=expects.words,
        source=expects.source,
    )


def lasted(since: date, until: date) -> str:
    """How long a rating has lasted, in calendar months and days: "5 months 12 days"."""
    months = (until.year - since.year) * 12 + until.month - since.month
    if add_months(since, months) > until:
        months -= 1
    days = (until - add_months(since, months)).days
    counts = ((months, "month"), (days, "day"))
    return (
        " ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count) or "less than a day"
    )


def _day(day: date) -> str:
    return f"{day:%-d %B}"

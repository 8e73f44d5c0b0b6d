"""What belongs on an agenda, and why: facts about the cohort in, suggestions with their reasons out.

Pure: the database is read by `panels.suggesting`. A suggestion is only that; the coordinator adds it or does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from iom.deadlines import first_review_meeting
from iom.policy import Policy
from iom.policy.bodies import BodyPolicy
from iom.working_days import add_months
from offenders.rag import Inside, green_clock

# Red first, as panels read their reviews.
COLOURS = ("RED", "AMBER", "GREEN", "BLUE")
CARRIED_OFTEN = 3
# Months after which a first review that never took place is left to the ordinary ones.
FIRST_REVIEW_LAPSES = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """What the agenda asks about one open case."""

    pk: int
    reference: str
    colour: str
    since: date
    accepted_on: date
    inside_since: date | None = None
    release_expected_on: date | None = None
    released_on: date | None = None
    rated_by_meeting: bool = True
    carried_forward: int = 0
    last_seen: date | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The meeting in question among the others of its body: every day they meet, and the day of the one after it."""

    meeting: date
    all_days: tuple[date, ...]
    next_one: date

    @property
    def from_here(self) -> tuple[date, ...]:
        return tuple(day for day in self.all_days if day >= self.meeting)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A case for a section of the agenda. `routine` ones are there only because of the scheme's agenda rule."""

    section: str
    case: int
    reference: str
    colour: str
    reasons: tuple[str, ...]
    routine: bool = False

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"case-{self.case}-{self.section}"

    @property
    def why(self) -> str:
        """The reasons in one line, as they stand on the agenda."""
        return ". ".join(self.reasons)


def suggest(
    policy: Policy, body: BodyPolicy, cases: Sequence[Standing], calendar: Calendar, room: int
) -> list[Suggestion]:
    """One suggestion for each case that has a reason: releases before exits before reviews, Red first in each.

    `room` is how many items the meeting has time for; a body that takes its cohort in turns is offered no more.
    """
    found = [one for case in cases if (one := _of_case(policy, body, case, calendar))]
    found += _by_rota(body, cases, {one.case for one in found}, room)
    order = ("releases", "exits", "reviews")
    return sorted(found, key=lambda one: (order.index(one.section), one.routine, _rank(one.colour), one.reference))


def _of_case(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> Suggestion | None:
    """A case comes once, in the section of its weightiest reason, with the other reasons beside it."""
    releases = _release_reasons(policy, case, calendar)
    exits = _exit_reasons(policy, body, case, calendar)
    reviews = _review_reasons(policy, body, case, calendar)
    section = "releases" if releases else "exits" if exits else "reviews"
    reasons = (*releases, *exits, *reviews)
    if reasons:
        return Suggestion(section, case.pk, case.reference, case.colour, reasons)
    if routine := _routine_reason(body, case):
        return Suggestion("reviews", case.pk, case.reference, case.colour, (routine,), routine=True)
    return None


def _release_reasons(policy: Policy, case: Standing, calendar: Calendar) -> list[str]:
    """Somebody who comes out before the meeting after this one is rated again first (Merton, Roles)."""
    reasons = []
    expected = case.release_expected_on
    if case.inside_since and expected and expected < calendar.next_one and policy.custody.re_rate_before_release:
        reasons.append(f"Release expected on {_day(expected)}, rating to agree before it")
    if case.released_on and not case.inside_since and case.colour == "BLUE":
        reasons.append(f"Released on {_day(case.released_on)} and still rated in custody")
    if not case.rated_by_meeting and not reasons:
        what = "In custody since" if case.colour == "BLUE" else "Rating changed between meetings, on"
        reasons.append(f"{what} {_day(case.since)}, to be noted")
    return reasons


def _exit_reasons(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[str]:
    """Green for the scheme's months: on the panel that its exit rule names, and on any after that."""
    if case.colour != "GREEN" or policy.exit.decided_by != body.slug:
        return []
    inside = [] if policy.blue.used or case.inside_since is None else [Inside(case.inside_since, None)]
    if not policy.blue.used and case.released_on:
        inside.append(Inside(case.released_on, case.released_on))
    clock = green_clock(policy.exit, rated_green_on=case.since, meetings=calendar.from_here, inside=inside)
    if clock is None or clock.meeting != calendar.meeting:
        return []
    return [f"Green for {policy.exit.green_months} months on {_day(clock.due)}"]


def _review_reasons(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[str]:
    reasons = []
    first = policy.review("first")
    if first and first.months and first.body == body.slug:
        due = first_review_meeting(case.accepted_on, first.months, calendar.all_days)
        # A cohort that comes from elsewhere was accepted before any meeting that we know of.
        lapsed = add_months(case.accepted_on, first.months + FIRST_REVIEW_LAPSES) < calendar.meeting
        if due == calendar.meeting and not lapsed:
            reasons.append(f"{first.label}: accepted on {_day(case.accepted_on)}")
    if case.carried_forward >= CARRIED_OFTEN and body.agenda_rule.kind != "not_cases":
        reasons.append(f"An action was carried forward {case.carried_forward} times")
    return reasons


def _routine_reason(body: BodyPolicy, case: Standing) -> str:
    rule = body.agenda_rule
    if rule.kind == "every_case":
        return "Every case is reviewed"
    if rule.kind == "focus" and case.colour in rule.focus:
        return "This meeting looks at this rating first"
    return ""


def _by_rota(body: BodyPolicy, cases: Sequence[Standing], chosen: set[int], room: int) -> list[Suggestion]:
    """Those whom the body has not seen for longest, as many as there is time for."""
    if body.agenda_rule.kind != "rota":
        return []
    waiting = sorted(
        (case for case in cases if case.pk not in chosen),
        key=lambda case: (case.last_seen or date.min, _rank(case.colour), case.reference),
    )
    return [
        Suggestion(
            "reviews",
            case.pk,
            case.reference,
            case.colour,
            (f"Last seen on {_day(case.last_seen)}" if case.last_seen else "Not seen by this meeting yet",),
            routine=True,
        )
        for case in waiting[: max(room - len(chosen), 0)]
    ]


def _rank(colour: str) -> int:
    return COLOURS.index(colour) if colour in COLOURS else len(COLOURS)


def _day(day: date) -> str:
    return f"{day:%-d %B}"

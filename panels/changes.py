"""What changed on cases since a day, in a line for each: the 60-second brief (feature 312).

Of each case only what its reader may read. Four questions to the database, however many cases there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from actionplans.models import Action, ActionStatus
from iom import clock
from iom.jinja import colour_word, day_month, plural
from iom.models import Meeting, MeetingStatus
from offenders.models import Assignment, AssignmentRole, Case, Colour, CustodyPeriod, RagRating

from .models import AgendaItem

if TYPE_CHECKING:
    from iom.access import Actor

HELD = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
# How far back the brief of a body looks that has not met before.
FIRST_LOOK = timedelta(days=28)
LEADS = {
    AssignmentRole.LEAD_AGENCY: "lead agency",
    AssignmentRole.LEAD_PROFESSIONAL: "lead professional",
    AssignmentRole.POLICE_OFFICER: "police officer",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """One case, what it is rated now, and what changed, in the order in which panels ask for it."""

    case: Case
    colour: str
    what: tuple[str, ...]
    number: str = ""

    @property
    def line(self) -> str:
        return ". ".join(self.what)


@dataclass(frozen=True, slots=True)
class Brief:
    """The cohort in a minute: how many of each rating, what came and went, and each case of which something changed."""

    since: date
    met_before: bool
    colours: tuple[tuple[str, int], ...]
    totals: tuple[tuple[str, int], ...]
    changed: tuple[Changed, ...]
    unchanged: int

    @property
    def on_cohort(self) -> int:
        return sum(count for _, count in self.colours)


def last_sitting(meeting: Meeting) -> date | None:
    """When the body last met before this meeting."""
    before = Meeting.objects.filter(body=meeting.body, status__in=HELD, date__lt=meeting.date)
    return before.order_by("-date").values_list("date", flat=True).first()


def since(cases: Iterable[Case], day: date, *, by: Actor) -> dict[int, tuple[str, ...]]:
    """What changed on each case after `day`, by the number of the case; a case with nothing new is not in it.

    `cases` are such as the reader may read.
    """
    cases = list(cases)
    said: dict[int, list[str]] = defaultdict(list)
    for case in cases:
        if case.accepted_on > day:
            said[case.pk].append(f"Joined on {day_month(case.accepted_on)}")
        if case.ended_on is not None and case.ended_on > day:
            said[case.pk].append(f"Left on {day_month(case.ended_on)}")
    _ratings(said, cases, day)
    _custody(said, cases, day)
    _leads(said, cases, day)
    _actions(said, cases, day, by)
    return {case: tuple(words) for case, words in said.items() if words}


def _ratings(said: dict[int, list[str]], cases: list[Case], day: date) -> None:
    rows = RagRating.objects.filter(Q(until=None) | Q(until__gt=day), case__in=cases)
    before: dict[int, str] = {}
    for rating in rows.order_by("starts_on", "pk"):
        was = before.get(rating.case_id)
        if rating.starts_on > day and was and was != rating.colour:
            said[rating.case_id].append(
                f"{colour_word(was)} to {colour_word(rating.colour)} on {day_month(rating.starts_on)}"
            )
        before[rating.case_id] = rating.colour


def _custody(said: dict[int, list[str]], cases: list[Case], day: date) -> None:
    for period in CustodyPeriod.objects.filter(case__in=cases).order_by("starts_on", "pk"):
        if period.starts_on > day:
            said[period.case_id].append(f"Into custody on {day_month(period.starts_on)}")
        if period.released_on is not None and period.released_on > day:
            said[period.case_id].append(f"Released on {day_month(period.released_on)}")


def _leads(said: dict[int, list[str]], cases: list[Case], day: date) -> None:
    joined = {case.pk for case in cases if case.accepted_on > day}
    rows = Assignment.objects.filter(case__in=cases, starts_on__gt=day, until=None).exclude(case__in=joined)
    for case, role in rows.order_by("case", "role").values_list("case", "role"):
        said[case].append(f"New {LEADS[AssignmentRole(role)]}")


def _actions(said: dict[int, list[str]], cases: list[Case], day: date, by: Actor) -> None:
    """Done and not done since, and what is overdue now."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    today = clock.today()
    for action in Action.objects.visible_to(by).filter(case__in=cases):
        count = counts[action.case_id]
        if action.finished_on is not None and action.finished_on > day:
            count["done" if action.status == ActionStatus.DONE else "not done"] += 1
        elif action.overdue(today):
            count["overdue"] += 1
    for case, count in counts.items():
        said[case] += [
            f"{plural(count[what], 'action')} {what}" for what in ("done", "not done", "overdue") if count[what]
        ]


def brief(meeting: Meeting, actor: Actor) -> Brief:
    """The brief for a meeting: the cohort as the reader may read it, since the body last met."""
    last = last_sitting(meeting)
    day = last or min(meeting.date, clock.today()) - FIRST_LOOK
    known = Case.objects.visible_to(actor).filter(Q(ended_on=None) | Q(ended_on__gt=day))
    cases = list(known.with_current().order_by("reference"))
    changed = since(cases, day, by=actor)
    numbers = _numbers(meeting, actor)
    colours = Counter(case.rating.colour for case in cases if case.ended_on is None and case.rating is not None)
    order = [str(colour) for colour in Colour]
    lines = [
        Changed(case, case.rating.colour if case.rating else "", changed[case.pk], numbers.get(case.pk, ""))
        for case in cases
        if case.pk in changed
    ]
    lines.sort(key=lambda one: (order.index(one.colour) if one.colour in order else len(order), one.case.reference))
    return Brief(
        since=day,
        met_before=last is not None,
        colours=tuple((colour, colours[colour]) for colour in order if colours[colour]),
        totals=_totals(lines),
        changed=tuple(lines),
        unchanged=sum(case.pk not in changed and case.ended_on is None for case in cases),
    )


def _totals(lines: list[Changed]) -> tuple[tuple[str, int], ...]:
    """How many joined, left, were rated anew, came into custody and out of it."""
    kinds = (
        ("joined", "Joined"),
        ("left", "Left"),
        ("rated anew", " to "),
        ("into custody", "Into custody"),
        ("released", "Released"),
        ("with overdue actions", "overdue"),
    )
    return tuple((label, sum(any(mark in words for words in one.what) for one in lines)) for label, mark in kinds)


def _numbers(meeting: Meeting, actor: Actor) -> dict[int, str]:
    """Under which number of the agenda each case stands, as far as the reader sees the agenda."""
    rows = AgendaItem.objects.visible_to(actor).filter(meeting=meeting, case__isnull=False).numbered()
    return dict(rows.values_list("case", "number"))

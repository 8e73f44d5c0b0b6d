"""On the way out of the cohort: where a case stands, what is missing, and closing it (ux.md 4.5; Merton, Roles).

Other apps register what they ask before somebody goes with `requirement`, and agencies that should hear with
`works_with`. Rules advise and people decide: whoever goes on without something says why, and that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, QuerySet
from django.urls import reverse

from iom import clock, together
from iom.jinja import day, day_month, lower_first, plural
from iom.models import Agency
from iom.policy.base import DEFAULT_SOURCE
from iom.policy.managing import ExitOutcome, ExitRule
from iom.steps import StepRefused, locked, take

from . import leaving
from .asks import Ask, Window, asks_panel
from .clocks import Calendar, clock_of, running_since
from .models import Case, CaseStatus, Colour, CustodyPeriod, Leaving
from .rag import GreenClock
from .transitions import CLOSE, CLOSE_AT_END

if TYPE_CHECKING:
    from iom.access import Actor

Before = Literal["removal", "closing", "never"]
# What is told of before is asked for closing too.
REMOVAL: Before = "removal"
CLOSING: Before = "closing"
# Beside the task list, but nobody waits for it.
NEVER: Before = "never"


@dataclass(frozen=True, slots=True)
class Required:
    """One thing on the way out. `missing` says in a sentence what to do where it is not `done`; `words` what stands.

    `before` is what waits for it: that the panel is asked and the case closed, or the closing alone.
    """

    key: str
    title: str
    done: bool
    words: str
    before: Before
    missing: str = ""
    href: str = ""
    source: str = DEFAULT_SOURCE


Requirement = Callable[[Case, "Calendar"], Iterable[Required]]
_requirements: list[Requirement] = []
Companions = Callable[[Case], Iterable[int]]
_companions: list[Companions] = []


def requirement(function: Requirement) -> Requirement:
    """Register what an app asks before somebody leaves: `fn(case, calendar)`, at most a query or two."""
    _requirements.append(function)
    return function


def works_with(function: Companions) -> Companions:
    """Register agencies that work with somebody, by their keys: they should hear that the person leaves."""
    _companions.append(function)
    return function


@dataclass(frozen=True, slots=True)
class ExitStanding:
    """Where a case stands on the way out.

    `clock` is the Green clock, where one runs; `why_no_clock` says in words why none does. `supervision_ends_on` is the
    last end of an order or licence. `needs_panel` is whether a panel decides before the case may be closed.
    """

    status: str
    rule: ExitRule
    clock: GreenClock | None
    why_no_clock: str
    green_since: date | None
    supervision_ends_on: date | None
    required: tuple[Required, ...]
    leaving: Leaving
    today: date

    @property
    def needs_panel(self) -> bool:
        return self.rule.decided_by is not None

    @property
    def supervision_ended(self) -> bool:
        """Whether the last day of supervision has come: on it the person leaves (Hampshire, When IOM Ends)."""
        ends = self.supervision_ends_on
        return ends is not None and ends <= self.today

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to stand before removal and does not."""
        return tuple(each.missing for each in self.required if not each.done and each.before == REMOVAL)

    @property
    def missing_to_close(self) -> tuple[str, ...]:
        """What has to stand before the case is closed and does not, the panel's decision first."""
        undecided = () if self.decided else (self._undecided,)
        return (*undecided, *(each.missing for each in self.required if not each.done and each.before != NEVER))

    @property
    def decided(self) -> bool:
        """Whether what takes somebody off has happened: a decision, or the end of supervision where that does it."""
        if self.status != CaseStatus.OPEN:
            return True
        return not self.needs_panel and self.rule.force == "end_of_supervision" and self.supervision_ended

    @property
    def _undecided(self) -> str:
        if self.needs_panel:
            return "No panel has decided that the person leaves."
        if self.rule.force == "end_of_supervision":
            ends = self.supervision_ends_on
            return f"Supervision ends on {day(ends)}." if ends else "The end of supervision is not recorded."
        return "It is not decided that the person leaves."

    def without(self, outcome: ExitOutcome | None) -> tuple[str, ...]:
        """What is missing for closing with this outcome: some wait for nothing."""
        return () if outcome is not None and outcome.at_once else self.missing_to_close


def standing(case: Case, calendar: Calendar) -> ExitStanding:
    """Where a case stands on the way out today: its clock, and everything that is asked before it ends."""
    rule = calendar.policy.exit
    green = clock_of(case, calendar)
    required = tuple(each for find in _requirements for each in find(case, calendar))
    return ExitStanding(
        status=case.status,
        rule=rule,
        clock=green,
        why_no_clock="" if green else _why_no_clock(case, calendar),
        green_since=running_since(case, calendar.policy),
        supervision_ends_on=case.supervision_ends_on,
        required=required,
        leaving=leaving.of_case(case),
        today=calendar.today,
    )


def _why_no_clock(case: Case, calendar: Calendar) -> str:
    """Why no Green clock runs; where one ran before, that it ended, when, and how long it had run (ux.md 4.5)."""
    rule, rating = calendar.policy.exit, case.rating
    if rule.force == "end_of_supervision":
        return "Here people leave with the end of supervision, whatever their rating."
    if rating is None:
        return "There is no rating."
    if rating.colour == Colour.GREEN:
        if running_since(case, calendar.policy) is None:
            return "The person is in custody: Green starts to count again on the day after release."
        if rating.agreed_on is not None:
            return "The time that was agreed ended with custody: the panel agrees it again."
        return "The panel has not agreed yet how long Green is watched."
    before = case.ratings.filter(until=rating.starts_on).first()
    if before is None or before.colour != Colour.GREEN:
        return "The clock runs while somebody is rated Green."
    to = f"rated {rating.get_colour_display()}" if rating.colour != Colour.BLUE else "taken into custody"
    return (
        f"The Green clock ended on {day(rating.starts_on)}, when {case.reference} was {to}: "
        f"it had run since {day(before.starts_on)}. It starts again from nothing with the next Green."
    )


# --- What we ask ourselves ------------------------------------------------------------


@requirement
def exit_strategy(case: Case, calendar: Calendar) -> Iterable[Required]:
    """Who stays involved, whom to ring, the way back in (Merton, Roles)."""
    rule, held = calendar.policy.exit, leaving.of_case(case)
    done = held.strategy_on is not None
    yield Required(
        "strategy",
        "Exit strategy",
        done,
        f"Written {day(held.strategy_on)}: {lower_first(held.who_stays)}" if done else "",
        REMOVAL if rule.needs_exit_strategy else NEVER,
        "There is no exit strategy: who stays involved, whom to ring, and the way back in.",
        _task(case, "strategy"),
        rule.source if rule.needs_exit_strategy else DEFAULT_SOURCE,
    )


@requirement
def safety_view(case: Case, calendar: Calendar) -> Iterable[Required]:
    """That victims and safeguarding were thought of (ux.md 4.5)."""
    held = leaving.of_case(case)
    done = held.safety_on is not None
    yield Required(
        "safety",
        "Victims and safeguarding",
        done,
        f"Considered {day(held.safety_on)}: {lower_first(held.get_safety_display())}" if done else "",
        CLOSING,
        "The view of victims and safeguarding is not considered.",
        _task(case, "safety"),
    )


@requirement
def agencies_informed(case: Case, calendar: Calendar) -> Iterable[Required]:
    """That everybody who works with the person was told."""
    told = {each.agency_id for each in case.told_of_leaving.all()}
    waiting = [agency for agency in concerned(case) if agency.pk not in told]
    yield Required(
        "agencies",
        "Agencies told",
        bool(told) and not waiting,
        f"{plural(len(told), 'agency', 'agencies')} told" if told else "",
        CLOSING,
        f"Not told yet: {', '.join(each.name for each in waiting)}." if waiting else "No agency has been told.",
        _task(case, "agencies"),
    )


def _task(case: Case, slug: str) -> str:
    return reverse("case_exit_task", args=[case.reference, slug])


def concerned(case: Case) -> list[Agency]:
    """The agencies that work with somebody now: whoever leads, and what other apps know."""
    keys = set(case.assignments.filter(until=None).values_list("agency", flat=True))
    for find in _companions:
        keys.update(find(case))
    return list(Agency.objects.filter(scheme_id=case.scheme_id, pk__in=keys).order_by("name"))


# --- Before a panel by itself -----------------------------------------------------------


@together.worded
def _last_out(cases: list[int]) -> QuerySet:
    inside = CustodyPeriod.objects.filter(case__in=cases, released_on__isnull=False)
    return inside.values_list("case").annotate(last=Max("released_on"))


@asks_panel
def proposed_or_unfinished(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Whose leaving is proposed; and who was to leave since before the last meeting, and is not closed yet."""
    rule = window.policy.exit
    if window.body.slug != rule.decided_by:
        return
    rows = yield _leaving([case.pk for case in cases])
    for case, status, proposed, decided in rows:
        if status == CaseStatus.OPEN and proposed is not None:
            yield Ask(case, "exits", f"Leaving proposed on {day_month(proposed)}", rule.source)
        elif status == CaseStatus.LEAVING and decided is not None and decided < window.meeting:
            yield Ask(case, "reviews", f"Leaving decided on {day_month(decided)}, not closed yet")


@together.worded
def _leaving(cases: list[int]) -> QuerySet:
    rows = Leaving.objects.filter(case__in=cases).exclude(proposed_on=None, decided_on=None)
    return rows.values_list("case", "case__status", "proposed_on", "decided_on")


@asks_panel
def time_to_agree(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Who is Green without a time agreed for it, where the panel agrees one (London, RAG Rating)."""
    rule = window.policy.exit
    if window.body.slug != rule.decided_by or rule.force != "agreed_period":
        return
    green = [case for case in cases if case.status == CaseStatus.OPEN and case.rating.colour == Colour.GREEN]
    out: dict[int, date] = {}
    if not window.policy.blue.used:
        out = dict((yield _last_out([case.pk for case in green])))
    for case in green:
        rating = case.rating
        # Custody without a colour of its own ended the run for which the time was agreed (design.md 5).
        if rating.agreed_on is None or (case.pk in out and out[case.pk] >= rating.agreed_on):
            words = f"Green since {day_month(rating.starts_on)}, how long it is watched to agree"
            yield Ask(case.pk, "reviews", words, rule.source)


# --- Closing --------------------------------------------------------------------------


@transaction.atomic
def close_case(
    case: Case,
    *,
    on: date,
    outcome: str,
    reason: str,
    by: Actor,
    without: str = "",
    story: str = "",
    offer_again_on: date | None = None,
    version: int | None = None,
) -> Case:
    """End somebody's time on the scheme with an outcome of the policy. The last rating and the leads end with it.

    What the scheme asks for and is missing needs a reason to go on `without` it, which is kept. Agencies not told yet
    are told. Where people leave with the end of supervision, whoever leads the case may close it from that day on.
    `story` tells of a success case without names. Raises PermissionDenied, Stale or StepRefused.
    """
    held = locked(Case, case.pk, version=version)
    at_end = may_close_at_end(by, held)
    if not (at_end or by.can("offenders.change_case", held)):
        raise PermissionDenied
    now = standing(held, Calendar.of(held.scheme, clock.today()))
    ending = now.rule.ending(outcome)
    if problems := _reasons_not_to_close(held, now, ending, on, reason):
        raise StepRefused(problems)
    missing = now.without(ending)
    if missing:
        leaving.going_on_without(held, missing, without, by=by)
    if story.strip() and ending.success:
        leaving.tell_story(held, story, by=by)
    if offer_again_on is not None:
        leaving.keep_offer(held, offer_again_on, by=by)
    if not ending.at_once and concerned(held):
        leaving.tell_agencies(held, concerned(held), by=by)
    held = take(
        CLOSE_AT_END if at_end and not by.can("offenders.change_case", held) else CLOSE,
        held,
        by=by,
        reason=reason,
        subjects=[held.reference],
        ended_on=on,
        outcome=ending.slug,
        ended_because=reason.strip()[:600],
    )
    case.refresh_from_db()
    return held


def _reasons_not_to_close(
    case: Case, now: ExitStanding, ending: ExitOutcome | None, on: date, reason: str
) -> Iterable[str]:
    problems = []
    if case.status == CaseStatus.CLOSED:
        return [f"{case.reference} is closed already."]
    if ending is None:
        problems.append("Choose how the case ends.")
    if on < case.accepted_on:
        problems.append(f"The case cannot end before acceptance, {day(case.accepted_on)}.")
    if case.rating is not None and on < case.rating.starts_on:
        problems.append(f"The case cannot end before its last rating began, {day(case.rating.starts_on)}.")
    if on > now.today:
        problems.append("The closing day must be today or earlier.")
    if not reason.strip():
        problems.append("Enter why the case ends.")
    return problems


def may_close_at_end(actor: Actor, case: Case) -> bool:
    """Whether an actor may close a case because its supervision is over, which in this scheme needs no panel."""
    return actor.can("offenders.end_with_supervision", case)

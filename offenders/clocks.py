"""The dates that are coming for a case, worked out from what is stored and the scheme's rules (design.md 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from iom import together
from iom.deadlines import first_review_meeting
from iom.jinja import day_month
from iom.models import Meeting, Scheme
from iom.policy import Policy
from iom.together import Steps
from iom.working_days import add_months

from .models import Case, CaseStatus, Colour
from .rag import Agreed, GreenClock, Inside, green_clock, green_since
from .youth import Young, steps

# A release this near needs a new rating before it (ux.md 4.2).
RELEASE_DAYS = 28
FRIDAY = 4
# What no body is called.
NO_BODY = ""


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that comes on a day, in words; `source` is the rule that says so, if one does.

    `kind` is the clock that says it: one of `KINDS`.
    """

    on: date
    text: str
    source: str = ""
    kind: str = ""


# The clocks of a case, as pages filter by them (feature 306).
KINDS = {
    "release": "Release",
    "green": "End of Green",
    "supervision": "End of supervision",
    "review": "First review",
    "tag": "End of a tag",
    "youth": "Move to adult services",
}
# Other clocks of this app, such as the end of a tag: `fn(case, calendar)`, from what `with_custody` has read.
Clock = Callable[["Case", "Calendar"], Iterable[Coming]]
_clocks: list[Clock] = []


def case_clock(function: Clock) -> Clock:
    """Register a clock of cases. It asks the database nothing: `with_custody` reads what it needs."""
    _clocks.append(function)
    return function


def planned_meetings(scheme: Scheme, slug: str | None, since: date) -> list[date]:
    """Days from `since` on, on which a body meets or is due to; cancelled ones left out."""
    return together.run(planned_meetings_steps(scheme, slug, since))


def planned_meetings_steps(scheme: Scheme, slug: str | None, since: date) -> Steps[list[date]]:
    """`planned_meetings`, read together with other rows."""
    return (yield _planned(scheme=scheme.pk, body=slug or NO_BODY, since=since))


@together.worded
def _planned(scheme: int, body: str, since: date) -> QuerySet:
    rows = Meeting.objects.filter(scheme=scheme, body__slug=body, date__gte=since).exclude(status="cancelled")
    return rows.order_by("date").values_list("date", flat=True)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the clocks of many cases need, read once: the rules and the coming meetings of the two bodies they name."""

    policy: Policy
    today: date
    exits: tuple[date, ...]
    reviews: tuple[date, ...]

    @classmethod
    def of(cls, scheme: Scheme, today: date) -> Calendar:
        """The calendar of a scheme from `today` on."""
        return together.run(cls.of_steps(scheme, today))

    @classmethod
    def of_steps(cls, scheme: Scheme, today: date) -> Steps[Calendar]:
        """`of`, read together with other rows."""
        policy = scheme.policy
        review = policy.review("first")
        # The panel of a review that is due soon may have met already; it must not look as if the next one took it.
        since = add_months(today, -1 - (review.months or 0)) if review else today
        exits, reviews = yield [
            _planned(scheme=scheme.pk, body=policy.exit.decided_by or NO_BODY, since=today),
            _planned(scheme=scheme.pk, body=(review.body if review else None) or NO_BODY, since=since),
        ]
        return cls(policy, today, tuple(exits), tuple(reviews))


def clock_of(case: Case, calendar: Calendar) -> GreenClock | None:
    """The Green clock of a case; None for other ratings, where nothing is counted, and where no time is agreed."""
    rating = case.rating
    if rating is None or rating.colour != Colour.GREEN:
        return None
    return green_clock(
        calendar.policy.exit,
        rated_green_on=rating.starts_on,
        meetings=calendar.exits,
        inside=uncoloured(case, calendar.policy),
        agreed=Agreed(rating.agreed_on, rating.agreed_until) if rating.agreed_on else None,
    )


def uncoloured(case: Case, policy: Policy) -> list[Inside]:
    """The time in custody for which the scheme has no colour: it ends a run of Green by itself (design.md 5)."""
    covered = policy.blue.covers if policy.blue.used else ()
    return [Inside(period.starts_on, period.released_on) for period in case.custody if period.kind not in covered]


def running_since(case: Case, policy: Policy) -> date | None:
    """The first day of the present unbroken Green; None for other ratings, and while inside."""
    rating = case.rating
    if rating is None or rating.colour != Colour.GREEN:
        return None
    return green_since(rating.starts_on, uncoloured(case, policy))


def to_re_rate(case: Case, calendar: Calendar) -> bool:
    """Whether somebody is about to leave custody, or left it, and no panel has rated them since (Merton, Roles)."""
    if not calendar.policy.custody.re_rate_before_release or case.rating is None:
        return False
    if case.inside is None:
        return case.rating.colour == Colour.BLUE and bool(case.custody)
    if rated_ahead(case, calendar.policy):
        return False
    due = case.inside.release_expected_on
    return due is not None and due <= calendar.today + timedelta(days=RELEASE_DAYS)


def rated_ahead(case: Case, policy: Policy) -> bool:
    """Whether somebody inside has a rating for after release already: another than Blue, since the custody began."""
    inside, rating = case.inside, case.rating
    if not policy.blue.used or inside is None or rating is None:
        return False
    return rating.colour != Colour.BLUE and rating.starts_on > inside.starts_on


def re_rate_words(case: Case, calendar: Calendar) -> str:
    """Why a new rating is needed, in a sentence; blank where none is."""
    if not to_re_rate(case, calendar):
        return ""
    due = case.inside.release_expected_on if case.inside else None
    if due is not None and due < calendar.today:
        return f"Release was expected on {day_month(due)}, and no rating has been agreed for it. Is this person out?"
    return "A new rating is needed: the panel looks again at people who are about to leave custody, or have left."


def coming_for(case: Case, calendar: Calendar) -> list[Coming]:
    """The dates of a case, soonest first: release, end of Green, end of supervision, first review, tag, ages."""
    return sorted(_coming(case, calendar), key=lambda each: each.on)


def _coming(case: Case, calendar: Calendar) -> Iterable[Coming]:
    if case.inside is not None and case.inside.release_expected_on is not None:
        words = "Release expected, re-rate before" if to_re_rate(case, calendar) else "Release expected"
        yield Coming(case.inside.release_expected_on, words, kind="release")
    # Read by `with_feeds`; where it is not, these dates stand on the custody page alone.
    for row in case.__dict__.get("present_dates", ()):
        if row.on >= calendar.today:
            yield Coming(row.on, "Court" if row.kind == "court" else "Return on police bail")
    for tag in case.__dict__.get("present_tags", ()):
        if tag.ends_on >= calendar.today:
            yield Coming(tag.ends_on, "GPS tag ends", calendar.policy.gps.source if calendar.policy.gps else "")
    if case.status == CaseStatus.OPEN and (clock := clock_of(case, calendar)) is not None:
        at = f", panel {day_month(clock.meeting)}" if clock.meeting else ""
        yield Coming(clock.due, f"{clock.words}{at}", clock.source, "green")
    yield from _end_of_supervision(case, calendar)
    yield from _first_review(case, calendar)
    yield from _ages(case, calendar)
    for find in _clocks:
        yield from find(case, calendar)


def _end_of_supervision(case: Case, calendar: Calendar) -> Iterable[Coming]:
    """The last end of an order or licence; where people leave with it, until the case is closed."""
    ends, rule = case.supervision_ends_on, calendar.policy.exit
    if ends is None:
        return
    if rule.force == "end_of_supervision":
        yield Coming(ends, "Supervision ends, and IOM with it", rule.source, "supervision")
    elif ends >= calendar.today:
        yield Coming(ends, "Supervision ends", kind="supervision")


def _ages(case: Case, calendar: Calendar) -> Iterable[Coming]:
    """The days of the move to adult services that are still to come (Hampshire, Transfer Process)."""
    route = calendar.policy.youth_route
    if route is None:
        return
    for step in steps(route, Young(case.offender.date_of_birth)):
        if step.on >= calendar.today:
            yield Coming(step.on, f"{step.words}: {step.why}", step.source, "youth")


def _first_review(case: Case, calendar: Calendar) -> Iterable[Coming]:
    review = calendar.policy.review("first")
    if review is None or review.months is None:
        return
    meeting = first_review_meeting(case.accepted_on, review.months, calendar.reviews)
    if meeting is not None and _recent(case, review.months, calendar) and meeting >= calendar.today:
        yield Coming(meeting, review.label, review.source, "review")


def _recent(case: Case, months: int, calendar: Calendar) -> bool:
    """Whether the meetings that were read reach back to acceptance."""
    return add_months(case.accepted_on, months + 1) >= calendar.today


def cases_with_clocks(cases: Sequence[Case], calendar: Calendar) -> list[tuple[Case, GreenClock]]:
    """The Green ones of these cases with their clocks, soonest first."""
    pairs = [(case, clock) for case in cases if (clock := clock_of(case, calendar)) is not None]
    return sorted(pairs, key=lambda pair: (pair[1].due, pair[0].reference))

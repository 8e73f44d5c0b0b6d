"""What belongs on an agenda, and why: facts about the cohort in, suggestions with their reasons out.

Pure: the database is read by `panels.suggesting`. A suggestion is only that; the coordinator adds it or does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from iom.deadlines import first_review_meeting
from iom.policy import Policy
from iom.policy.base import DEFAULT_SOURCE
from iom.policy.bodies import BodyPolicy
from iom.working_days import add_months
from offenders.asks import SECTIONS, Ask
from offenders.rag import Agreed, Inside, green_clock

# Red first, as panels read their reviews.
COLOURS = ("RED", "AMBER", "GREEN", "BLUE")
CARRIED_OFTEN = 3
# Months after which a first review that never took place is left to the ordinary ones.
FIRST_REVIEW_LAPSES = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """What the agenda asks about one open case.

    `undecided_on` is the body's last meeting if the case was on its agenda and nothing was decided; `taken_by` the body
    whose own criteria were met, for people who were taken on by another than the scheme's panel; `today` is when it is
    asked; `leaving` whether that is decided already; `uncoloured` the custody for which the scheme has no colour;
    `agreed` the time of Green.
    """

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
    undecided_on: date | None = None
    supervision_ends_on: date | None = None
    born: date | None = None
    taken_by: str = ""
    today: date | None = None
    leaving: bool = False
    uncoloured: tuple[Inside, ...] = ()
    agreed: Agreed | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The meeting in question among the others of its body: every day they meet, those held, and the next day."""

    meeting: date
    all_days: tuple[date, ...]
    next_one: date
    held: tuple[date, ...] = ()

    @property
    def before_or_start(self) -> date:
        """The day of the meeting before this one; where there is none, as long before it as the next one is after."""
        earlier = max((day for day in self.all_days if day < self.meeting), default=None)
        return earlier or self.meeting - (self.next_one - self.meeting)

    @property
    def from_here(self) -> tuple[date, ...]:
        return tuple(day for day in self.all_days if day >= self.meeting)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case belongs on the agenda, and the paragraph that says so."""

    words: str
    source: str = DEFAULT_SOURCE


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A case for a section of the agenda. `routine` ones are there only because of the scheme's agenda rule; those with
    `first` come before the others of their section.
    """

    section: str
    case: int
    reference: str
    colour: str
    because: tuple[Reason, ...]
    routine: bool = False
    first: bool = False

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"case-{self.case}-{self.section}"

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(reason.words for reason in self.because)

    @property
    def why(self) -> str:
        """The reasons in one line, as they stand on the agenda."""
        return ". ".join(self.reasons)

    @property
    def sources(self) -> tuple[str, ...]:
        """The paragraphs behind the reasons, each once; where the document is silent, our default is none."""
        return tuple(dict.fromkeys(reason.source for reason in self.because if reason.source != DEFAULT_SOURCE))


def suggest(
    policy: Policy,
    body: BodyPolicy,
    cases: Sequence[Standing],
    calendar: Calendar,
    room: int,
    asks: Iterable[Ask] = (),
) -> list[Suggestion]:
    """One suggestion for each case that has a reason: releases before exits before reviews, Red first in each.

    `asks` are the reasons that others have (`offenders.asks`); those to be taken first come before Red. `room` is how
    many items the meeting has time for; a body that takes its cohort in turns is offered no more, unless its policy
    says that it takes one rating after the other.
    """
    cases = [case for case in cases if _is_theirs(policy, body, case, calendar)]
    of_case: dict[int, list[Ask]] = {}
    for ask in asks:
        of_case.setdefault(ask.case, []).append(ask)
    found = [one for case in cases if (one := _of_case(policy, body, case, calendar, of_case.get(case.pk, [])))]
    if not rota_colour(policy, body, calendar):
        found += _by_rota(body, cases, {one.case for one in found}, room)
    return sorted(
        found,
        key=lambda one: (SECTIONS.index(one.section), not one.first, one.routine, _rank(one.colour), one.reference),
    )


def _is_theirs(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> bool:
    """Whether a case is one of those that a body looks at.

    A casework meeting by rota takes the rating of its week (Waltham Forest, 3.2); the transfer panel the young ones
    (Hampshire, Transfer Process); a panel that does not open the cohort those whom it took on itself.
    """
    if colour := rota_colour(policy, body, calendar):
        return case.colour == colour
    if policy.youth_route and policy.youth_route.body == body.slug:
        age = policy.youth_route.takeover
        return case.born is not None and calendar.before_or_start < add_months(case.born, age.years * 12 + age.months)
    return body.opens_cohort or case.taken_by == body.slug


def rota_colour(policy: Policy, body: BodyPolicy, calendar: Calendar) -> str:
    """The rating of the week, for a body that takes one after the other; blank for any other.

    Each of its meetings takes the next one, so that a week that was called off leaves none out.
    """
    turns = rota_of(policy, body)
    if not turns:
        return ""
    return turns[sum(day < calendar.meeting for day in calendar.all_days) % len(turns)]


def rota_of(policy: Policy, body: BodyPolicy) -> tuple[str, ...]:
    """The ratings that a body takes in turn, in their order; none where it takes no turns by rating."""
    if body.agenda_rule.kind != "rota":
        return ()
    known = {str(rating.colour) for rating in policy.ratings}
    return tuple(str(colour) for colour in body.agenda_rule.focus if str(colour) in known)


def _of_case(
    policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar, asks: Sequence[Ask]
) -> Suggestion | None:
    """A case comes once, in the section of its weightiest reason, with the other reasons beside it.

    What is to be taken first is said first.
    """
    own = {
        "releases": _release_reasons(policy, body, case, calendar),
        "exits": _exit_reasons(policy, body, case, calendar),
        "reviews": _review_reasons(policy, body, case, calendar),
    }
    if body.agenda_rule.kind == "not_cases":
        asks = ()
    beside = tuple(Reason(ask.words, ask.source) for ask in asks if ask.beside)
    asks = [ask for ask in asks if not ask.beside]
    for ask in asks:
        if not ask.first:
            own[ask.section].append(Reason(ask.words, ask.source))
    pressing = [ask for ask in asks if ask.first]
    section = next((each for each in SECTIONS if own[each] or any(ask.section == each for ask in pressing)), "")
    reasons = (
        *(Reason(ask.words, ask.source) for ask in pressing),
        *(reason for each in SECTIONS for reason in own[each]),
    )
    if reasons:
        return Suggestion(section, case.pk, case.reference, case.colour, (*reasons, *beside), first=bool(pressing))
    if routine := _routine_reason(policy, body, case, calendar):
        return Suggestion("reviews", case.pk, case.reference, case.colour, (routine, *beside), routine=True)
    return None


def _release_reasons(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[Reason]:
    """Somebody who comes out before the meeting after this one is rated again first (Merton, Roles)."""
    review = policy.review("pre_release")
    if body.slug not in ((review.body,) if review and review.body else policy.deciding_bodies):
        return []
    source = review.source if review else policy.custody.source
    reasons = []
    expected = case.release_expected_on
    inside = case.inside_since
    ahead = policy.blue.used and case.colour != "BLUE" and inside is not None and case.since > inside
    asked = policy.custody.re_rate_before_release and not ahead
    if asked and inside and expected and expected < calendar.next_one:
        if case.today is not None and expected < case.today:
            words = f"Release was expected on {_day(expected)}, and no rating is agreed for it"
        else:
            words = f"Release expected on {_day(expected)}, rating to agree before it"
        reasons.append(Reason(words, source))
    if case.released_on and not case.inside_since:
        if case.colour == "BLUE":
            reasons.append(Reason(f"Released on {_day(case.released_on)} and still rated in custody", source))
        elif not policy.blue.used and case.since <= case.released_on and _unseen_since(case, case.released_on):
            reasons.append(Reason(f"Released on {_day(case.released_on)} and not rated again since", source))
    if not case.rated_by_meeting and not reasons:
        what = "In custody since" if case.colour == "BLUE" else "Rating changed between meetings, on"
        reasons.append(Reason(f"{what} {_day(case.since)}, to be noted"))
    return reasons


def _unseen_since(case: Standing, day: date) -> bool:
    return case.last_seen is None or case.last_seen < day


def _exit_reasons(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[Reason]:
    """Green for the scheme's months, on the panel that its exit rule names and on any after that; or the end of
    supervision before the next panel, where the person leaves with it (Hampshire, When IOM Ends).
    """
    rule = policy.exit
    ends = case.supervision_ends_on
    if rule.force == "end_of_supervision" and body.slug == (rule.decided_by or policy.deciding_bodies[0]):
        if ends is None or ends >= calendar.next_one:
            return []
        plan = ", transition plan to agree" if rule.needs_transition_plan else ""
        verb = "ends" if ends >= calendar.meeting else "ended"
        return [Reason(f"Supervision {verb} on {_day(ends)}{plan}", rule.source)]
    if case.colour != "GREEN" or rule.decided_by != body.slug or case.leaving:
        return []
    clock = green_clock(
        rule,
        rated_green_on=case.since,
        meetings=calendar.from_here,
        inside=case.uncoloured,
        agreed=case.agreed,
    )
    if clock is None or clock.meeting != calendar.meeting:
        return []
    return [Reason(f"{clock.words} on {_day(clock.due)}", rule.source)]


def _review_reasons(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[Reason]:
    if body.agenda_rule.kind == "not_cases":
        return []
    reasons = []
    first = policy.review("first")
    if first and first.months and first.body == body.slug:
        due = first_review_meeting(case.accepted_on, first.months, calendar.all_days)
        # A cohort that comes from elsewhere was accepted before any meeting that we know of.
        lapsed = add_months(case.accepted_on, first.months + FIRST_REVIEW_LAPSES) < calendar.meeting
        if due == calendar.meeting and not lapsed:
            reasons.append(Reason(f"{first.label}: accepted on {_day(case.accepted_on)}", first.source))
    reasons += _ages(policy, body, case, calendar)
    if case.undecided_on:
        reasons.append(Reason(f"No decision at the meeting of {_day(case.undecided_on)}"))
    if policy.exit.force != "end_of_supervision" and body.slug in policy.deciding_bodies:
        ends = case.supervision_ends_on
        if ends and calendar.meeting <= ends < calendar.next_one:
            reasons.append(Reason(f"Supervision ends on {_day(ends)}"))
    if overdue := _overdue(policy, body, case, calendar):
        reasons.append(overdue)
    if case.carried_forward >= CARRIED_OFTEN:
        reasons.append(Reason(f"An action was carried forward {case.carried_forward} times"))
    return reasons


def _ages(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> list[Reason]:
    """The age that somebody young reaches before the next transfer panel, and since the last (Hampshire, Transfer
    Process): the latest one, for the body that the route names.
    """
    route = policy.youth_route
    if route is None or route.body != body.slug or case.born is None:
        return []
    steps = (
        (route.takeover, "probation takes over"),
        (route.liaison, "the liaison with probation begins"),
        (route.starts, "the transfer begins"),
    )
    for age, what in steps:
        day = add_months(case.born, age.years * 12 + age.months)
        if calendar.before_or_start < day < calendar.next_one:
            months = f" and {age.months} months" if age.months else ""
            return [Reason(f"{age.years} years{months} on {_day(day)}: {what}", route.source)]
    return []


def _overdue(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> Reason | None:
    """A review that was due at an earlier meeting, or in an earlier week, and did not take place.

    A body that takes every case, or its cohort in turns, has no review to miss.
    """
    if body.agenda_rule.kind in ("every_case", "rota"):
        return None
    for review in policy.reviews:
        if review.kind not in ("progress", "operational") or review.body not in (None, body.slug):
            continue
        if review.body is None and body.slug not in policy.deciding_bodies:
            continue
        since = case.last_seen or case.accepted_on
        if review.every_meetings:
            missed = sum(since < day < calendar.meeting for day in calendar.held)
            if missed >= review.every_meetings:
                return Reason(f"{review.label} overdue: {_last(case)}", review.source)
        elif review.weeks and (calendar.meeting - since).days > review.weeks * 7:
            return Reason(f"{review.label} overdue: {_last(case)}", review.source)
    return None


def _last(case: Standing) -> str:
    return f"last seen on {_day(case.last_seen)}" if case.last_seen else f"not seen since {_day(case.accepted_on)}"


def _routine_reason(policy: Policy, body: BodyPolicy, case: Standing, calendar: Calendar) -> Reason | None:
    rule = body.agenda_rule
    if rule.kind == "every_case":
        return Reason("Every case is reviewed", rule.source)
    if rule.kind == "focus" and case.colour in rule.focus:
        return Reason("This meeting looks at this rating first", rule.source)
    if rota_colour(policy, body, calendar):
        return Reason(rota_words(policy, body, calendar), rule.source)
    return None


def rota_words(policy: Policy, body: BodyPolicy, calendar: Calendar) -> str:
    """Which week of the rota a meeting is: "Week 2 of 4: Amber". Blank where there is none."""
    turns, colour = rota_of(policy, body), rota_colour(policy, body, calendar)
    return f"Week {turns.index(colour) + 1} of {len(turns)}: {policy.rating(colour).name}" if colour else ""


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
            (Reason(f"Last seen on {_day(case.last_seen)}" if case.last_seen else "Not seen by this meeting yet"),),
            routine=True,
        )
        for case in waiting[: max(room - len(chosen), 0)]
    ]


def _rank(colour: str) -> int:
    return COLOURS.index(colour) if colour in COLOURS else len(COLOURS)


def _day(day: date) -> str:
    return f"{day:%-d %B}"

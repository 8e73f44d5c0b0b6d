"""What cases contribute to pages that show several apps' things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.urls import reverse

from iom import together
from iom.access import Actor
from iom.blocks import Block, Task, board_columns, case_block, home_block, home_tasks
from iom.clock import LONDON
from iom.clock import today as london_today
from iom.jinja import day_month, lower_first, plural
from iom.policy.schema import LeadRole
from iom.together import Steps
from iom.working_days import add_months

from . import (
    caseloads,
    custody_blocks,  # noqa: F401 -- tasks and asks of custody, feeds and licence conditions
    groups,  # noqa: F401 -- registers the groups of a case
    ledger_blocks,  # noqa: F401 -- registers what the safeguarding ledger adds to shared pages
    related_pages,
    timeline_page,
    whom,  # noqa: F401 -- tells iom.trail who the tokens of the audit are
    youths,
)
from .board_filters import board_filter
from .clocks import RELEASE_DAYS, Calendar, Coming, cases_with_clocks, coming_for, to_re_rate
from .leaving import of_case
from .models import (
    AssignmentRole,
    BreakGlass,
    Case,
    CaseStatus,
    Colour,
    HandOver,
    Leaving,
    RagRating,
    Transfer,
    TransferStatus,
    YouthTransfer,
)
from .narrowing import ME, NOBODY, how_many
from .querysets import feeds, of_one_case
from .rating import beside_steps, differs_of_steps, not_fitting

# How long before its day an exit stands among the tasks.
EXIT_DAYS = 28
# And an offer to somebody who left.
OFFER_DAYS = 14
# The review is monthly.
REVIEW_WITHIN = timedelta(days=30)
# So many of one's own cases stand on the home page; the rest are a link away.
MY_CASES = 12
# Another scheme is answered within a week; so many questions stand among the tasks.
ANSWER_WITHIN = timedelta(days=7)
TRANSFERS = 5
# So much of the timeline stands on the overview.
LATEST = 5


def at_hand(actor: Actor, today: date) -> Steps[tuple[list[Case], Calendar]]:
    """The open cases that the home page says something of, read once for all that do, with the calendar.

    Those that the actor leads; for the coordinator also those whose release or end of Green is near.
    """

    def at_hand_now() -> QuerySet:
        wanted = Q(pk__in=Case.objects.led_by(actor).order_by().values("pk"))
        if actor.has_role("coordinator"):
            wanted |= Q(pk__in=Case.objects.release_expected(today + timedelta(days=RELEASE_DAYS)).values("pk"))
            wanted |= Q(pk__in=_green_to_end(actor, today + timedelta(days=EXIT_DAYS)))
        cases = Case.objects.visible_to(actor).not_closed().filter(wanted)
        return cases.with_current().with_custody().with_feeds().order_by("reference")

    found, calendar = yield [at_hand_now, together.shared(Calendar.of_steps, actor.scheme, today)]
    return found, calendar


def _green_to_end(actor: Actor, by: date) -> QuerySet:
    """The cases whose Green may be over by a day. Custody that ends a run only makes it later."""
    rule = actor.scheme.policy.exit
    rows = RagRating.objects.filter(scheme=actor.scheme, until=None, colour=Colour.GREEN)
    if rule.force == "agreed_period":
        rows = rows.filter(agreed_until__lte=by)
    elif rule.green_months is None:
        rows = rows.none()
    else:
        # A month may be three days shorter than the one from which it is counted.
        rows = rows.filter(starts_on__lte=add_months(by, -rule.green_months) + timedelta(days=3))
    return rows.order_by().values("case")


@home_tasks
def coordinator_tasks(actor: Actor, today: date) -> Iterable[Task]:
    """Releases that need a rating, exits that are due, cases that nobody leads (ux.md 4.2)."""
    if not actor.has_role("coordinator"):
        return
    required = tuple(lead for lead in actor.scheme.policy.leads if lead.required)

    def without_one() -> list[together.Counted]:
        cases = Case.objects.visible_to(actor).not_closed()
        return [together.counted(cases.without(lead.role)) for lead in required]

    (near, calendar), leavers, unled = yield [
        together.shared(at_hand, actor, today),
        together.shared(caseloads.leavers_steps, actor, today),
        without_one,
    ]
    yield from _releases(near, calendar)
    yield from _exits(near, calendar)
    yield from _unled(zip(required, unled, strict=True))
    for leaver in leavers:
        roles = plural(len(leaver.held), "role")
        yield Task(leaver.on, f"{leaver.words}: {roles} to hand over", reverse("caseloads"), "Find new leads")


def _unled(counts: Iterable[tuple[LeadRole, int]]) -> Iterable[Task]:
    """Required roles without a holder who works here: one task for each role of the scheme."""
    for lead, count in counts:
        if count:
            words = "case has" if count == 1 else "cases have"
            named = "lead" if lead.role == AssignmentRole.LEAD_PROFESSIONAL else "officer"
            text = f"{count} {words} no {lower_first(lead.label)}"
            yield Task(None, text, f"{reverse('cases')}?{named}={NOBODY}", "See who")


def _releases(cases: Iterable[Case], calendar: Calendar) -> Iterable[Task]:
    by = calendar.today + timedelta(days=RELEASE_DAYS)
    for case in cases:
        near = any(
            period.released_on is None and period.release_expected_on is not None and period.release_expected_on <= by
            for period in case.custody
        )
        if near and to_re_rate(case, calendar):
            yield Task(
                case.inside.release_expected_on,
                f"Release: {case.reference}, {case.inside.prison}, not re-rated",
                reverse("case", args=[case.reference]),
                "Open case",
            )


def _exits(cases: Iterable[Case], calendar: Calendar) -> Iterable[Task]:
    green = [case for case in cases if case.status == CaseStatus.OPEN]
    for case, clock in cases_with_clocks(green, calendar):
        if clock.due <= calendar.today + timedelta(days=EXIT_DAYS):
            at = f": exit at the panel of {day_month(clock.meeting)}" if clock.meeting else ": no panel is planned yet"
            yield Task(
                clock.meeting or clock.due,
                f"{case.reference} {clock.words} on {day_month(clock.due)}{at}",
                reverse("case_exit", args=[case.reference]),
                "Prepare leaving",
            )


@home_tasks
def on_the_way_out(actor: Actor, today: date) -> Iterable[Task]:
    """Whose supervision ends with their time here, who was to leave and is not closed, who is offered it again.

    For the coordinator all of them; for whoever leads a case their own, but the offer, which the coordinator makes.
    """
    if not actor.holds("offenders.view_exit"):
        return
    office = actor.has_role("coordinator")
    soon, offers_by = today + timedelta(days=EXIT_DAYS), today + timedelta(days=OFFER_DAYS)

    def offers() -> QuerySet:
        return Leaving.objects.filter(scheme=actor.scheme, offer_again_on__lte=offers_by)

    def mine() -> QuerySet:
        rows = Case.objects.visible_to(actor)
        return rows.not_closed() if office else rows.led_by(actor)

    def is_leaving() -> QuerySet:
        return mine().filter(status=CaseStatus.LEAVING).select_related("leaving").order_by("pk")

    def is_ending() -> QuerySet:
        last = mine().filter(status=CaseStatus.OPEN).annotate(supervised=Max("supervisions__ends_on"))
        return last.filter(supervised__lte=soon).order_by("supervised", "pk")

    def is_offered_again() -> QuerySet:
        present = Case.objects.filter(scheme=actor.scheme).not_closed()
        rows = Case.objects.visible_to(actor).filter(status=CaseStatus.CLOSED, leaving__in=offers())
        rows = rows.exclude(offender__in=present.values("offender"))
        return rows.select_related("leaving").order_by("leaving__offer_again_on", "pk")

    some_leave, some_are_offered = yield lambda: [
        together.exists(Case.objects.filter(scheme=actor.scheme, status=CaseStatus.LEAVING)),
        together.exists(offers()),
    ]
    ends = actor.scheme.policy.exit.force == "end_of_supervision"
    leaving, ending, again = yield lambda: [
        is_leaving() if some_leave else Case.objects.none(),
        is_ending() if ends else Case.objects.none(),
        is_offered_again() if some_are_offered and office else Case.objects.none(),
    ]
    for case in leaving:
        decided = of_case(case).decided_on
        since = f" since {day_month(decided)}" if decided else ""
        yield Task(
            decided,
            f"{case.reference} is leaving{since} and not closed yet",
            reverse("case_exit", args=[case.reference]),
            "See what is missing",
        )
    for case in ending:
        over = case.supervised <= today
        yield Task(
            case.supervised,
            f"{case.reference}: supervision {'ended' if over else 'ends'} on {day_month(case.supervised)}"
            f"{', close the case' if over else ', and the case with it'}",
            reverse("case_exit_close" if over else "case_exit", args=[case.reference]),
            "Close the case" if over else "Prepare leaving",
        )
    for case in again:
        yield Task(
            case.leaving.offer_again_on,
            f"Offer the scheme again: {case.reference}, {day_month(case.leaving.offer_again_on)}",
            reverse("case_exit", args=[case.reference]),
            "Nominate again, or change the day",
        )


@home_tasks
def young_people(actor: Actor, today: date) -> Iterable[Task]:
    """How many are on the way to adult services, and whose day has come (Hampshire; Richmond, 3.6: monitored)."""
    if not actor.has_role("coordinator") or actor.scheme.policy.youth_route is None:
        return
    moves = yield lambda: YouthTransfer.objects.visible_to(actor).going_on().select_related("offender")
    for move in moves:
        move.scheme = actor.scheme
    days = [step.on for move in moves for step in youths.due(move) if step.slug == "takeover"]
    if moves:
        words = f"{plural(len(moves), 'young person', 'young people')} on the way to adult services"
        yield Task(min(days, default=None), words, reverse("youths"), "See who, and when")


@home_tasks
def emergency_openings(actor: Actor, today: date) -> Iterable[Task]:
    """Openings of restricted cases that nobody has looked over yet (security.md Z5); nobody looks over their own."""
    if not actor.holds("offenders.review_openings"):
        return

    def waiting() -> QuerySet:
        rows = BreakGlass.objects.visible_to(actor).filter(reviewed_at=None).exclude(membership__user=actor.user)
        return rows.order_by().values_list("opened_at", flat=True)

    if opened := (yield waiting):
        due = min(opened).astimezone(LONDON).date() + REVIEW_WITHIN
        words = f"{plural(len(opened), 'emergency opening')} of restricted cases to look over"
        yield Task(due, words, reverse("openings"), "Look them over")


@home_block
def cases_i_lead(actor: Actor, today: date) -> Iterable[Block]:
    """One's own cases with the next dated thing of each, soonest first; of many, those that come first."""
    if not actor.holds("offenders.view_cohort"):
        return
    near, calendar = yield together.shared(at_hand, actor, today)
    led = leads_of(actor, near)
    if led:
        rows = [{"case": case, "coming": next(iter(coming_for(case, calendar)), None)} for case in led]
        rows.sort(key=lambda row: (row["coming"] is None, row["coming"].on if row["coming"] else today))
        more = f"{reverse('cases')}?lead={ME}" if len(rows) > MY_CASES else ""
        shown = {"led": rows[:MY_CASES], "count": len(rows), "more": more}
        yield Block("offenders/block_my_cases.html", shown, place=30)


def leads_of(actor: Actor, cases: Iterable[Case]) -> list[Case]:
    """Those of these cases that the actor leads, as `CaseQuerySet.led_by`; they come `with_current`."""
    if actor.membership is None:
        return []
    return [
        case for case in cases if any(held.membership_id == actor.membership.pk for held in case.current_assignments)
    ]


# --- Ratings beside what is shown

DIFFERS, LESS, WAITS = "differs", "less", "to_ratify"


def _with_fit(cases: Sequence[Case], value: str, actor: Actor) -> Steps[list[int]]:
    if value == WAITS:
        return [case.pk for case in cases if case.rating and case.rating.waits]
    shown = yield from beside_steps(cases, actor.scheme.policy, london_today())
    fits = {
        DIFFERS: lambda each: each.differs,
        LESS: lambda each: each.intensity is not None and not each.intensity.fits,
    }
    return [pk for pk, each in shown.items() if fits[value](each)]


board_filter(
    "fit",
    "Rating and what is shown",
    choices=lambda actor: (
        (DIFFERS, "Do not fit"),
        (LESS, "Seen less or more than the rating expects"),
        (WAITS, "To be ratified"),
    ),
    keep=_with_fit,
    place=15,
)


@board_columns
def rating_fit(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, object]]]:
    """Where a rating does not fit what is shown, and what waits to be ratified."""
    shown = yield from beside_steps(cases, actor.scheme.policy, today)
    return {
        case.pk: {
            "differs": [each.words for each in shown[case.pk].differs] if case.pk in shown else [],
            "to_ratify": bool(case.rating and case.rating.waits),
        }
        for case in cases
    }


@case_block
def rating_beside_what_is_shown(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """Where the rating does not fit what is shown, and that it waits to be ratified; nothing otherwise."""
    differs = yield from differs_of_steps(case, today)
    waits = bool(case.rating and case.rating.waits)
    if differs or waits:
        yield Block(
            "offenders/block_rating.html", {"case": case, "differs": differs, "waits": waits}, place=5, slot="top"
        )


@home_tasks
def ratings_that_do_not_fit(actor: Actor, today: date) -> Iterable[Task]:
    """The coordinator's: how many ratings do not fit what is shown."""
    if not actor.has_role("coordinator"):
        return

    def unfit() -> QuerySet:
        return not_fitting(Case.objects.visible_to(actor).not_closed(), actor.scheme.policy, today)

    if count := (yield lambda: together.counted(unfit())):
        words = "rating does not fit what is shown" if count == 1 else "ratings do not fit what is shown"
        yield Task(None, f"{count} {words}", f"{reverse('cases')}?fit={DIFFERS}", "See which")


@home_block
def cohort_counts(actor: Actor, today: date) -> Iterable[Block]:
    """How many are Red, Amber, Green and in custody."""
    if actor.holds("offenders.view_cohort"):
        yield Block("offenders/block_cohort.html", {"counts": (yield from rating_counts_steps(actor))}, place=60)


def rating_counts(actor: Actor) -> list[dict[str, object]]:
    """How many cases of each colour that the scheme uses the actor reads, each with the address that lists them."""
    return together.run(rating_counts_steps(actor))


def rating_counts_steps(actor: Actor) -> Steps[list[dict[str, object]]]:
    """`rating_counts`, read together with other rows."""
    counted: Counter[str] = Counter()
    for _, colour, count in (yield how_many(actor)):
        counted[colour] += count
    return [
        {
            "colour": rating.colour,
            # Custody is said in words, whatever the colour is called.
            "word": None if rating.colour == Colour.BLUE else rating.name,
            "count": counted[rating.colour],
            "href": f"{reverse('cases')}?rating={rating.colour}",
        }
        for rating in actor.scheme.policy.ratings
    ]


@board_columns
def cohorts(actor: Actor, cases: Sequence[Case], today: date) -> dict[int, dict[str, str]]:
    """The part of the cohort under which each case was taken on, as the scheme calls it (Hampshire: flex)."""
    named = {
        clause.name: clause.cohort
        for criteria in actor.scheme.policy.eligibility
        for clause in criteria.clauses
        if clause.cohort
    }
    return {case.pk: {"cohort": named[case.criterion]} for case in cases if case.criterion in named}


_arranged = of_one_case(HandOver.objects.all, lambda rows: rows.waiting().select_related("membership__user", "agency"))


@case_block
def who_is_missing(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """A required role that nobody holds who works here, and leads that change on a day to come."""
    if case.status == "closed":
        return
    missing = caseloads.missing_roles(case, actor.scheme.policy, today)
    waiting = yield _arranged(actor, case)
    for each in waiting:
        each.case = case
    if missing or waiting:
        yield Block("offenders/block_leads.html", {"missing_roles": missing, "waiting": waiting}, place=4, slot="top")


@together.worded
def _dated(case: int) -> QuerySet:
    return feeds()[0].queryset.filter(case=case)


@together.worded
def _tags(case: int) -> QuerySet:
    return feeds()[1].queryset.filter(case=case)


@case_block
def next_dates(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """Release, court, bail, end of a tag, Green clock, first review."""
    coming: list[Coming] = []
    if case.status != CaseStatus.CLOSED:
        calendar, case.present_dates, case.present_tags = yield [
            together.shared(Calendar.of_steps, case.scheme, today),
            _dated(case.pk),
            _tags(case.pk),
        ]
        coming = coming_for(case, calendar)
    yield Block("offenders/block_next_dates.html", {"coming": coming}, place=40, slot="aside")


@together.worded
def _ratings_before(offender: int) -> QuerySet[RagRating]:
    return RagRating.objects.filter(case__offender=offender, case__status=CaseStatus.CLOSED)


@case_block
def earlier_cases(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """The person's earlier times on the scheme, for those who read closed cases: how each went, ended, and why."""

    def before() -> QuerySet[Case]:
        rows = Case.objects.visible_to(actor).filter(offender=case.offender_id, status=CaseStatus.CLOSED)
        return rows.order_by("-accepted_on", "-pk")

    found, ratings = yield [before, _ratings_before(case.offender_id)]
    rows = [each for each in found if each.pk != case.pk]
    together.attach(rows, "ratings", ratings)
    if rows:
        endings = case.scheme.policy.exit
        shown = [
            {
                "case": each,
                "ending": endings.ending(each.outcome),
                "ratings": sorted(each.ratings.all(), key=lambda rating: rating.starts_on),
            }
            for each in rows
        ]
        yield Block("offenders/block_earlier_cases.html", {"earlier": shown}, place=75)


@case_block
def family(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """Victims and safeguarding contacts that the reader may know of, without names: those stand on their own page."""
    if actor.holds("offenders.view_related"):
        listed = yield from related_pages.listing_steps(actor, case.offender_id)
        context = {"lines": [*listed["ours"], *listed["theirs"]], "agency": actor.agency}
        yield Block("offenders/block_family.html", context, place=70, slot="aside")


@case_block
def latest(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """The last few things that happened, of everything that the reader may read."""
    rows = yield from timeline_page.rows_of_steps(actor, case)
    context = {"rows": rows[:LATEST], "count": len(rows), "may_add": actor.can("offenders.add_entry", case)}
    yield Block("offenders/block_timeline.html", context, place=55)


@home_tasks
def transfers_to_answer(actor: Actor, today: date) -> Iterable[Task]:
    """What another area's scheme asks and nobody has answered (Merton, Catchment area)."""
    if not actor.has_role("coordinator"):
        return
    rows = yield together.shared(_transfers, actor)
    waiting = [each for each in rows if each.incoming and each.status == TransferStatus.WAITING]
    for transfer in waiting[:TRANSFERS]:
        words = f"Answer {transfer.other_name} about transfer {transfer.reference}"
        yield Task(transfer.opened_on + ANSWER_WITHIN, words, transfer.get_absolute_url())


def _transfers(actor: Actor) -> Steps[list[Transfer]]:
    """What goes on between us and other schemes, the oldest first."""
    return (yield lambda: Transfer.objects.visible_to(actor).going_on().order_by("opened_on", "pk"))


@home_block
def between_schemes(actor: Actor, today: date) -> Iterable[Block]:
    """How many wait for an answer, ours and theirs, and with how many schemes we are in touch."""
    if not actor.has_role("coordinator"):
        return
    rows = [(each.incoming, each.status) for each in (yield together.shared(_transfers, actor))]
    counted = Counter(("liaison" if status == "accepted" else "in" if incoming else "out") for incoming, status in rows)
    yield Block("offenders/block_transfers.html", {"counted": counted}, place=70)


@case_block
def other_areas(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """Which other schemes are concerned with the person, for whoever opens the case."""
    rows = yield lambda: Transfer.objects.visible_to(actor).filter(offender=case.offender_id)
    between = [row for row in rows if row.is_open or row.status == "accepted"]
    if between:
        yield Block("offenders/block_other_areas.html", {"between": between}, place=60, slot="aside")

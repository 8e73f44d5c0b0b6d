"""What the clock tells of cases: releases that are near, and Green months that are over (issue 2, point 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import Max
from django.urls import reverse

from iom import sweeps
from iom.access import Actor
from iom.jinja import day_month, weekday_day
from iom.models import Membership, Scheme, User
from iom.reminders import Due, source

from . import youths
from .blocks import EXIT_DAYS, OFFER_DAYS
from .clocks import RELEASE_DAYS, Calendar, cases_with_clocks, to_re_rate
from .models import Case, CaseStatus, CheckAsked, Colour, YouthTransfer
from .restricted import named_people, remove_leftovers
from .safeguarding import people_of


@source
def releases(scheme: Scheme, on: date) -> Iterable[Due]:
    """Somebody is expected out within 28 days and no panel has rated them for it: the coordinator hears."""
    calendar = Calendar.of(scheme, on)
    near = _cases(scheme).release_expected(on + timedelta(days=RELEASE_DAYS)).with_current().with_custody()
    waiting = [case for case in near if to_re_rate(case, calendar)]
    for case in waiting:
        due = case.inside.release_expected_on
        yield Due(
            kind="release_due",
            subject=case.reference,
            due=due,
            recipients=who_hears(case, on),
            text=f"Re-rating due {weekday_day(due)}: {case.reference}, release expected",
            url=reverse("case", args=[case.reference]),
            email_body=(
                f"{case.reference} {'was' if on > due else 'is'} expected to leave custody on {day_month(due)} and no "
                f"panel has looked at the rating since. Put it on the agenda of "
                f"{'the next panel' if on > due else 'a panel before that day'}. Sign in:"
            ),
        )


@source
def green_months(scheme: Scheme, on: date) -> Iterable[Due]:
    """Green for the scheme's months, or the time agreed (Merton, Roles; London, RAG Rating): the coordinator hears 28
    days before, with the exit meeting.
    """
    calendar = Calendar.of(scheme, on)
    green = list(_cases(scheme).filter(status=CaseStatus.OPEN).rated(Colour.GREEN).with_current().with_custody())
    for case, clock in cases_with_clocks(green, calendar):
        if clock.due > on + timedelta(days=EXIT_DAYS):
            continue
        panel = (
            f"The panel of {day_month(clock.meeting)} looks at the exit."
            if clock.meeting
            else "No panel is planned yet that could look at the exit."
        )
        yield Due(
            kind="green_exit",
            subject=case.reference,
            due=clock.due,
            recipients=who_hears(case, on),
            text=f"Exit review due {weekday_day(clock.due)}: {case.reference}, {clock.words}",
            url=reverse("case_exit", args=[case.reference]),
            email_body=(
                f"{case.reference} {'has' if on >= clock.due else 'will have'} been {clock.words} on "
                f"{day_month(clock.due)}. {panel} Sign in:"
            ),
        )


@source
def ways_out_and_in(scheme: Scheme, on: date) -> Iterable[Due]:
    """Supervision that ends, and the time on the scheme with it; and offers to those who left (Hampshire, When IOM
    Ends). The coordinator hears of both beforehand, whoever leads the case of the first.
    """
    if scheme.policy.exit.force == "end_of_supervision":
        last = _cases(scheme).filter(status=CaseStatus.OPEN).annotate(ends=Max("supervisions__ends_on"))
        for case in last.filter(ends__lte=on + timedelta(days=EXIT_DAYS)).order_by("pk"):
            yield Due(
                kind="supervision_ends",
                subject=case.reference,
                due=case.ends,
                recipients=tuple({*who_hears(case, on), *_leads(case)}),
                text=f"Close on {weekday_day(case.ends)}: {case.reference}, supervision ends",
                url=reverse("case_exit", args=[case.reference]),
                email_body=(
                    f"Supervision of {case.reference} {'ended' if on > case.ends else 'ends'} on "
                    f"{day_month(case.ends)}, and with it the time on the scheme. Nobody closes the case but you. "
                    "Sign in:"
                ),
            )
    yield from _ages(scheme, on)
    back = Case.objects.filter(scheme=scheme).not_closed().values("offender")
    offers = Case.objects.filter(scheme=scheme, status=CaseStatus.CLOSED).exclude(offender__in=back)
    offers = offers.filter(leaving__offer_again_on__lte=on + timedelta(days=OFFER_DAYS))
    for case in offers.select_related("scheme", "leaving").order_by("pk"):
        due = case.leaving.offer_again_on
        yield Due(
            kind="offer_again",
            subject=case.reference,
            due=due,
            recipients=who_hears(case, on),
            text=f"Offer again on {weekday_day(due)}: {case.reference}",
            url=reverse("case_exit", args=[case.reference]),
            email_body=(
                f"{case.reference} left the cohort and is to be offered the scheme again on {day_month(due)}. "
                "Nominate again, or change the day. Sign in:"
            ),
        )


def _ages(scheme: Scheme, on: date) -> Iterable[Due]:
    """The days of the moves to adult services: the YOT, probation and the coordinators hear on each (Hampshire)."""
    if scheme.policy.youth_route is None:
        return
    people = Membership.objects.filter(scheme=scheme, agency__kind__in=("youth_justice", "probation")).current(on)
    told = {each.user for each in people.with_role("member").select_related("user")} | set(coordinators(scheme, on))
    moves = YouthTransfer.objects.filter(scheme=scheme).going_on().select_related("offender", "scheme")
    for move in moves.exclude(offender__cases__restricted=True).order_by("pk"):
        for step in youths.due(move):
            if step.on <= on:
                yield Due(
                    kind=f"youth_{step.slug}",
                    subject=move.reference,
                    due=step.on,
                    recipients=tuple(told),
                    text=f"Read {weekday_day(step.on)}: {move.reference}, {step.words.lower()}",
                    url=reverse("youth", args=[move.reference]),
                    email_body=f"{move.reference}: {step.words.lower()}, on {day_month(step.on)}. Sign in:",
                )


def _leads(case: Case) -> set[User]:
    """Who holds the case now; of a restricted case nobody hears but those named on it."""
    if case.restricted:
        return set()
    held = case.assignments.filter(until=None, membership__isnull=False).select_related("membership__user")
    return {each.membership.user for each in held}


@source
def checks_asked(scheme: Scheme, on: date) -> Iterable[Due]:
    """A safeguarding check that an agency was asked for is due tomorrow, or was due: its people hear once more."""
    open_ones = CheckAsked.objects.filter(scheme=scheme, ended_on=None, due_on__lte=on + timedelta(days=1))
    for asked in open_ones.exclude(case__status=CaseStatus.CLOSED).select_related("case", "agency"):
        yield Due(
            kind="check_asked_due",
            subject=f"{asked.case.reference} {asked.pk}",
            due=asked.due_on,
            recipients=tuple(people_of(asked.agency, asked.case)),
            text=f"Reminder: safeguarding check due {weekday_day(asked.due_on)}, {asked.case.reference}",
            url=reverse("case_safeguarding", args=[asked.case.reference]),
            email_body=(
                f"{asked.agency.name} was asked for a safeguarding check by {day_month(asked.due_on)} and has not "
                "recorded one. Sign in:"
            ),
        )


def coordinators(scheme: Scheme, on: date) -> tuple[User, ...]:
    """Everyone who is a coordinator of the scheme on a day."""
    held = Membership.objects.filter(scheme=scheme).current(on).with_role("coordinator").select_related("user")
    return tuple({membership.user for membership in held})


@sweeps.tidies
def grants_left_over(scheme: Scheme, on: date, by: Actor) -> None:
    """Grants on restricted cases of people who left, or whose time is over (security.md Z7)."""
    remove_leftovers(scheme, on, by=by)


def who_hears(case: Case, on: date) -> tuple[User, ...]:
    """The coordinators; of a restricted case those named on it, whoever they are, and nobody else (security.md Z4)."""
    return named_people(case) if case.restricted else coordinators(case.scheme, on)


def _cases(scheme: Scheme) -> object:
    return Case.objects.filter(scheme=scheme).not_closed().select_related("scheme")


from . import custody_reminders  # noqa: E402, F401 -- registers what the clock tells of tags and licence conditions

"""What the clock tells of cases: releases that are near, and Green months that are over (issue 2, point 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.urls import reverse

from iom import sweeps
from iom.access import Actor
from iom.jinja import day_month, weekday_day
from iom.models import Membership, Scheme, User
from iom.reminders import Due, source

from .blocks import EXIT_DAYS
from .clocks import RELEASE_DAYS, Calendar, cases_with_clocks, to_re_rate
from .models import Case, Colour
from .restricted import named_people, remove_leftovers


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
    """Green for the scheme's months (Merton, Roles): the coordinator hears 28 days before, with the exit meeting."""
    calendar = Calendar.of(scheme, on)
    if calendar.policy.exit.green_months is None:
        return
    green = list(_cases(scheme).rated(Colour.GREEN).with_current().with_custody())
    for case, clock in cases_with_clocks(green, calendar):
        if clock.due > on + timedelta(days=EXIT_DAYS):
            continue
        months = calendar.policy.exit.green_months
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
            text=f"Exit review due {weekday_day(clock.due)}: {case.reference}, Green for {months} months",
            url=reverse("case", args=[case.reference]),
            email_body=(
                f"{case.reference} {'has' if on >= clock.due else 'will have'} been Green for {months} months on "
                f"{day_month(clock.due)}. {panel} Sign in:"
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

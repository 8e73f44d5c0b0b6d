"""What the clock tells of tags and licence conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import Exists, OuterRef
from django.urls import reverse

from iom.jinja import day_month, weekday_day
from iom.models import Scheme, User
from iom.reminders import Due, source

from .models import AssignmentRole, Case, CustodyPeriod, LicenceRequest, Tag
from .reminders import who_hears

TAG_DAYS = 28


def holders(case: Case, on: date) -> tuple[User, ...]:
    """The coordinators and whoever holds the case; of a restricted case those named on it alone."""
    people = {user.pk: user for user in who_hears(case, on)}
    if not case.restricted:
        for role in (AssignmentRole.LEAD_PROFESSIONAL, AssignmentRole.POLICE_OFFICER):
            held = case.assigned(role)
            if held is not None and held.membership is not None:
                people[held.membership.user_id] = held.membership.user
    return tuple(people.values())


@source
def tags_that_end(scheme: Scheme, on: date) -> Iterable[Due]:
    """A tag ends within 28 days (Hampshire, GPS Tagging): who holds the case hears, and the coordinator."""
    rows = Tag.objects.filter(scheme=scheme, ended_on=None, ends_on__gte=on, ends_on__lte=on + timedelta(days=TAG_DAYS))
    for tag in rows.exclude(case__status="closed"):
        case = _whole(scheme, tag.case_id)
        yield Due(
            kind="tag_ends",
            subject=case.reference,
            due=tag.ends_on,
            recipients=holders(case, on),
            text=f"Plan for {weekday_day(tag.ends_on)}: {case.reference}, something ends that day",
            url=reverse("case_custody", args=[case.reference]),
            email_body=f"Something on {case.reference} ends on {day_month(tag.ends_on)}. Agree what follows. Sign in:",
        )


@source
def conditions_to_settle(scheme: Scheme, on: date) -> Iterable[Due]:
    """A licence condition is still open so many days before release (London, Probation and HMP)."""
    days = scheme.policy.licence_conditions.settle_days
    soon = CustodyPeriod.objects.filter(
        case=OuterRef("case"), released_on=None, release_expected_on__lte=on + timedelta(days=days)
    )
    rows = LicenceRequest.objects.filter(scheme=scheme).going_on().exclude(case__status="closed").filter(Exists(soon))
    for case_id in dict.fromkeys(rows.order_by("pk").values_list("case", flat=True)):
        case = _whole(scheme, case_id)
        release = case.inside.release_expected_on
        if release < on:
            continue
        yield Due(
            kind="licence_due",
            subject=case.reference,
            due=release,
            recipients=holders(case, on),
            text=f"Settle by {weekday_day(release)}: {case.reference}, what is asked for before then",
            url=reverse("case_licence", args=[case.reference]),
            email_body=(
                f"Something asked for {case.reference} is still open, and must be settled before "
                f"{day_month(release)}. Sign in:"
            ),
        )


def _whole(scheme: Scheme, pk: int) -> Case:
    case = Case.objects.with_current().with_custody().get(pk=pk)
    case.scheme = scheme
    return case

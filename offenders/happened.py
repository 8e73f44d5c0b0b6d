"""What this app adds to the timeline of a case: acceptance and end, ratings, who leads, custody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.urls import reverse

from iom import together
from iom.together import Steps
from offenders.models import Assignment, AssignmentRole, Case, Colour, RagRating
from offenders.timeline import Line, on_timeline

if TYPE_CHECKING:
    from iom.access import Actor


def ratings_of(case: Case) -> Steps[list[RagRating]]:
    """Every rating of a case, with who gave it."""
    return (yield _ratings(case.pk))


def assignments_of(case: Case) -> Steps[list[Assignment]]:
    """Everybody who led or leads a case."""
    return (yield _assignments(case.pk))


@together.worded
def _ratings(case: int) -> QuerySet[RagRating]:
    return RagRating.objects.filter(case=case).select_related("meeting__body", "decided_by")


@together.worded
def _assignments(case: int) -> QuerySet[Assignment]:
    return Assignment.objects.filter(case=case).select_related("agency", "membership__user")


@on_timeline
def on_the_cohort(actor: Actor, case: Case) -> Iterator[Any]:
    """The first and the last day."""
    by = f"the {case.accepted_at.body.name}" if case.accepted_at else ""
    yield Line(case.accepted_on, "cohort", "Joined the cohort", case.why, by)
    if case.ended_on is not None:
        yield Line(case.ended_on, "cohort", "Left the cohort")


@on_timeline
def ratings(actor: Actor, case: Case) -> Iterator[Any]:
    """Every rating there was, with its reason and by whom (feature 125)."""
    for rating in (yield together.shared(ratings_of, case)):
        before = f" (was {Colour(rating.colour_before).label})" if rating.colour_before else ""
        title = f"Rated {rating.get_colour_display()}{before}"
        yield Line(rating.starts_on, "rating", title, rating.reason, _decided(rating))


def _decided(rating: RagRating) -> str:
    if rating.meeting is not None:
        return f"the {rating.meeting.body.name}"
    return rating.decided_by.name if rating.decided_by else ""


@on_timeline
def leads(actor: Actor, case: Case) -> Iterator[Any]:
    """Who led, from when."""
    for held in (yield together.shared(assignments_of, case)):
        where = "" if held.role == AssignmentRole.LEAD_AGENCY else f", {held.agency.name}"
        yield Line(held.starts_on, "lead", f"{held.get_role_display()}: {held.holder}{where}", held.reason)


@on_timeline
def custody(actor: Actor, case: Case) -> Iterator[Any]:
    """Into custody and out of it."""
    href = reverse("case_custody", args=[case.reference])
    for period in case.custody:
        title = f"Into custody: {period.prison}"
        yield Line(period.starts_on, "custody", title, period.get_kind_display(), href=href)
        if period.released_on is not None:
            yield Line(period.released_on, "custody", f"Released: {period.prison}", href=href)

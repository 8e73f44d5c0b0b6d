"""What plans put before people by themselves: overdue reviews and visits before release, as tasks, filters and asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from iom import clock, together
from iom.access import Actor
from iom.blocks import Task, home_tasks
from iom.jinja import day, day_month, plural
from iom.models import Meeting
from iom.together import Steps
from offenders.asks import Ask, Window, asks_panel
from offenders.blocks import at_hand, leads_of
from offenders.board_filters import board_filter
from offenders.models import Case
from offenders.querysets import CaseQuerySet

from . import visits
from .models import PathwayNeed, Review
from .reviews import overdue_of_all, overdue_steps

# So many of one's own stand one by one; more are counted.
MOST = 5


@home_tasks
def reviews_overdue(actor: Actor, today: date) -> Iterable[Task]:
    """For the coordinator how many, for whoever leads each of their own (Merton, Roles)."""
    policy, office = actor.scheme.policy, actor.has_role("coordinator")
    if office:
        late = yield from overdue_of_all(lambda: Case.objects.visible_to(actor).not_closed(), actor.scheme, today)
        if late:
            words = f"{plural(len(late), 'case')} with a review overdue"
            yield Task(min(late.values()), words, f"{reverse('cases')}?review=overdue", "See which")
    if actor.membership is None or not actor.has_role("member", "coordinator"):
        return
    near, _ = yield together.shared(at_hand, actor, today)
    led = {case.pk: case for case in leads_of(actor, near)}
    if not led:
        return
    found = yield from together.all_of(
        {
            "late": {} if office else overdue_steps(list(led.values()), policy, today),
            "visits": visits.still_to_visit_steps(list(led.values()), policy, today),
        }
    )
    for pk, reviews in list(found["late"].items())[:MOST]:
        case, review = led[pk], reviews[0]
        where = reverse("case_reviews", args=[case.reference])
        yield Task(review.on, f"{case.reference}: {review.label} overdue", where, "Open reviews")
    for case, due in found["visits"][:MOST]:
        words = f"{case.reference}: visit in prison before release on {day_month(due)}"
        yield Task(due, words, reverse("case_visits", args=[case.reference]), "Plan visit")


@asks_panel
def not_reviewed_lately(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """A progress review that its meeting did not hold: the case comes to the next one. One query."""
    policy = window.policy
    rule = policy.review("progress")
    if rule is None or (rule.body or policy.deciding_body.slug) != window.body.slug or not cases:
        return
    looked = yield _looked_at([case.pk for case in cases], window.body.slug, min(window.today, window.meeting))
    for pk, since, count in looked:
        if count >= (rule.every_meetings or 1):
            yield Ask(pk, "reviews", f"{rule.label} overdue: none since {day(since)}", rule.source)


@together.worded
def _looked_at(cases: list[int], body: str, before: date) -> QuerySet:
    """When each case was looked at last, and how often the body has met since, before a day."""
    held = (
        Meeting.objects.filter(scheme=OuterRef("scheme"), body__slug=body)
        .filter(date__gt=OuterRef("looked_at"), date__lt=before)
        .exclude(status="cancelled")
        .order_by()
        .values("body")
        .annotate(count=Count("pk"))
        .values("count")
    )
    looked = Review.objects.filter(case=OuterRef("pk"), kind__in=["first", "progress"]).order_by("-done_on")
    return (
        Case.objects.filter(pk__in=cases)
        .annotate(looked_at=Coalesce(Subquery(looked.values("done_on")[:1]), F("accepted_on")))
        .annotate(held=Coalesce(Subquery(held, output_field=IntegerField()), 0))
        .values_list("pk", "looked_at", "held")
    )


# --- Filters of the cohort board ---------------------------------------------


def _pathways(actor: Actor) -> list[tuple[str, str]]:
    return [(each.slug, each.name) for each in actor.scheme.policy.pathways]


def _needing(cases: CaseQuerySet, pathway: str, actor: Actor) -> CaseQuerySet:
    needs = PathwayNeed.objects.filter(plan__case=OuterRef("pk"), pathway=pathway, level__in=["some", "high"])
    return cases.filter(Exists(needs))


def _review_overdue(cases: Sequence[Case], value: str, actor: Actor) -> Steps[Iterable[int]]:
    return (yield from overdue_steps(cases, actor.scheme.policy, clock.today()))


board_filter("need", "Pathway need", choices=_pathways, narrow=_needing, anyone="Any need", place=40)
board_filter(
    "review",
    "Reviews",
    choices=lambda _: [("overdue", "Review overdue")],
    keep=_review_overdue,
    anyone="Any",
    place=41,
)

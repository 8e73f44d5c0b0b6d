"""What bodies ask of people: on the home page, and by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from iom import together
from iom.access import Actor
from iom.blocks import Task, home_tasks
from iom.bodies import coordinators
from iom.jinja import day_month, longday, weekday_day
from iom.models import Body, ChairAppointment, ChairReview, JoinRequest, Membership, OtherMeeting, Scheme
from iom.models.dates import holidays_steps
from iom.reminders import Due, source

from . import planning
from .coming import coming

# The coordinator and the chair hear of a review this long before: time to put it to a meeting.
REVIEW_NOTICE = timedelta(days=28)
# A day without work is worth a line on the home page once it is this near; the body's page says it from the start.
DAY_NOTICE = timedelta(days=100)


def to_review(scheme: Scheme, on: date) -> QuerySet[ChairAppointment]:
    """Appointments whose review is due soon or was: of people who still hold the post (Merton, Chairs)."""
    rows = ChairAppointment.objects.filter(scheme=scheme, review_due__lte=on + REVIEW_NOTICE).on(on)
    return rows.select_related("body", "membership__user").order_by("review_due", "pk")


def to_replace(scheme: Scheme, on: date) -> QuerySet[ChairAppointment]:
    """Appointments that a review said should go to another, and have not yet."""
    last = ChairReview.objects.filter(appointment=OuterRef("pk")).order_by(*ChairReview._meta.ordering)
    rows = ChairAppointment.objects.filter(scheme=scheme, review_due=None, until=None).on(on)
    rows = rows.annotate(said=Subquery(last.values("outcome")[:1])).filter(said=ChairReview.Outcome.ANOTHER)
    return rows.select_related("body")


@home_tasks
def review_chairs(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's, and of their own appointment the chair's: who chairs is to be looked at again."""
    office = actor.holds("iom.change_bodies")
    if not office and not actor.has_role("chair"):
        return
    scheme = actor.scheme
    near, another = yield lambda: [
        together.exists(ChairAppointment.objects.filter(scheme=scheme, review_due__lte=today + REVIEW_NOTICE)),
        together.exists(ChairReview.objects.filter(scheme=scheme, outcome=ChairReview.Outcome.ANOTHER)),
    ]
    if not near and not another:
        return
    to_look_at, to_appoint = yield lambda: [
        to_review(scheme, today) if near else ChairAppointment.objects.none(),
        to_replace(scheme, today) if another and office else ChairAppointment.objects.none(),
    ]
    for one in to_look_at:
        if office:
            words = f"Review who chairs: {one.body.name}"
            yield Task(one.review_due, words, f"/bodies/{one.body.slug}/chair/{one.pk}/review/", "Record the review")
        elif actor.membership is not None and one.membership_id == actor.membership.pk:
            words = f"Your time as chair is reviewed: {one.body.name}"
            yield Task(one.review_due, words, f"/bodies/{one.body.slug}/", "Read")
    for one in to_appoint:
        yield Task(None, f"Appoint another chair: {one.body.name}", f"/bodies/{one.body.slug}/chair/", "Appoint")


@home_tasks
def answer_requests(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: organisations that a member proposed (Richmond, 4.7)."""
    if not actor.holds("iom.change_bodies"):
        return

    def proposed() -> QuerySet[JoinRequest]:
        rows = JoinRequest.objects.visible_to(actor).filter(state=JoinRequest.State.OPEN).select_related("body")
        return rows.order_by("created_at", "pk")

    for one in (yield proposed):
        words = f"Answer a request to join: {one.body.name}"
        yield Task(None, words, f"/bodies/{one.body.slug}/requests/{one.pk}/", "Answer")


@home_tasks
def settle_days(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: meetings on days without work, and such as belong after another body's meeting that moved."""
    if not actor.holds("panels.plan_meetings"):
        return
    meetings, _ = yield [together.shared(coming, actor, today), together.shared(holidays_steps, actor.scheme)]
    for meeting in meetings:
        if meeting.date > today + DAY_NOTICE:
            continue
        at = f"/bodies/{meeting.body.slug}/planning/"
        target, problem = planning.target_of(meeting), planning.problem_of(meeting)
        if target is not None:
            words = f"Move the {meeting.called} to {day_month(target)}? {planning.why_then(meeting)}"
            yield Task(None, words, at, "Look")
        elif problem:
            yield Task(None, f"The {meeting.called} {problem}: move it?", at, "Look")


@home_tasks
def enter_other_meetings(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: the next day of a body by which one of ours is set is not known."""
    if not actor.holds("panels.plan_meetings"):
        return
    rules = {body.slug: body.relative_to for body in actor.scheme.policy.bodies if body.relative_to is not None}
    if not rules:
        return
    slugs = list(rules)

    def set_by_others() -> QuerySet[Body]:
        latest = OtherMeeting.objects.visible_to(actor).filter(body=OuterRef("pk")).order_by("-date").values("date")[:1]
        bodies = Body.objects.visible_to(actor).filter(slug__in=slugs, plans_itself=True)
        return bodies.annotate(last_other=Subquery(latest))

    for body in (yield set_by_others):
        rule = rules[body.slug]
        if body.last_other is None or body.last_other < today - timedelta(days=rule.days):
            words = f"Enter when {rule.event} meets next: the {body.name} is set by it"
            yield Task(None, words, f"/bodies/{body.slug}/planning/", "Enter")


@source
def chair_review(scheme: Scheme, on: date) -> Iterator[Due]:
    """Who chairs is to be looked at again (Merton, Chairs: every year): the coordinator and the chair hear of it."""
    found = list(to_review(scheme, on))
    office = coordinators(scheme, on) if found else []
    for one in found:
        due = one.review_due
        here = Membership.objects.filter(pk=one.membership_id).current(on).exists()
        people = {person.pk: person for person in [*office, *([one.membership.user] if here else [])]}
        yield Due(
            kind="chair_review",
            subject=f"appointment:{one.pk}",
            due=due,
            recipients=tuple(people.values()),
            text=f"Review due {weekday_day(due)}: who chairs the {one.body.name}",
            url=f"/bodies/{one.body.slug}/",
            email_body=(
                f"Who chairs the {one.body.name} is looked at again by {longday(due)}. Put it to a meeting before, "
                "and record what came of it:"
            ),
        )

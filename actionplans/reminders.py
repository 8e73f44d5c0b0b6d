"""What the clock tells of actions: due in two days, or over, until they are done (issue 2, point 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from django.urls import reverse

from iom.access import actor_for
from iom.jinja import day_month, longday, plural, weekday_day
from iom.models import Membership, Role, Scheme, User
from iom.policy import Policy
from iom.reminders import Due, source
from offenders.models import Case
from offenders.querysets import CaseQuerySet
from offenders.reminders import who_hears

from . import reports
from .models import Action, Agreement, Supervisor
from .reading import WORKING_ROLES
from .reviews import due_for

DAYS_BEFORE = 2
REVIEW_DAYS = 7


@source
def actions_due(scheme: Scheme, on: date) -> Iterable[Due]:
    """Each person hears once of each day on which something of theirs is due: named owners of their own, others of
    what their agency has without a named owner. Nobody hears of a case that they may not read.
    """
    due = Action.objects.filter(scheme=scheme).to_do().filter(due_on__lte=on + timedelta(days=DAYS_BEFORE))
    agencies = set(due.values_list("agency", flat=True))
    if not agencies:
        return
    memberships = Membership.objects.filter(scheme=scheme, agency__in=agencies).current(on).with_role(*WORKING_ROLES)
    for membership in memberships.select_related("user", "agency", "scheme"):
        for day, count in sorted(_counts(membership, on).items()):
            yield _due(membership, day, count)


@source
def first_reviews(scheme: Scheme, on: date) -> Iterable[Due]:
    """The review one month after acceptance (Merton, Roles): lead professional and coordinator hear a week before."""
    rule = scheme.policy.review("first")
    if rule is None:
        return
    cases = list(Case.objects.filter(scheme=scheme).not_closed().with_current().select_related("scheme"))
    due = due_for(cases, scheme.policy)
    for case in cases:
        for review in due.get(case.pk, ()):
            if review.kind != "first" or review.on is None or review.on > on + timedelta(days=REVIEW_DAYS):
                continue
            yield Due(
                kind="review_due",
                subject=case.reference,
                due=review.on,
                recipients=_lead_and_office(case, on),
                text=f"Review due {weekday_day(review.on)}: {case.reference}, {review.label}",
                url=reverse("case_reviews", args=[case.reference]),
                email_body=(
                    f"The {review.label} of {case.reference} {'was' if on > review.on else 'is'} due at the meeting of "
                    f"{day_month(review.on)}. {review.asks} Look at the plan, and write what the panel should know:"
                ),
            )


def _lead_and_office(case: Case, on: date) -> tuple[User, ...]:
    heard = set(who_hears(case, on))
    lead = case.assigned("lead_professional")
    if lead is not None and lead.membership is not None and not case.restricted:
        heard.add(lead.membership.user)
    return tuple(heard)


def _counts(membership: Membership, on: date) -> Counter[date]:
    """How many actions are due for one person, by day."""
    visible = Action.objects.visible_to(actor_for(membership)).to_do()
    near = visible.filter(due_on__lte=on + timedelta(days=DAYS_BEFORE))
    mine = near.filter(owner=membership)
    ours = near.filter(owner=None, agency=membership.agency)
    return Counter((mine | ours).values_list("due_on", flat=True))


def _due(membership: Membership, day: date, count: int) -> Due:
    actions = plural(count, "action")
    return Due(
        kind="actions_due",
        subject=f"{membership.agency.slug}",
        due=day,
        recipients=(membership.user,),
        text=f"{actions} due by {day_month(day)}",
        url=reverse("actions"),
        email_body=(
            f"You have {actions} for the IOM panel due by {weekday_day(day)}. Please say how far you are: done, in "
            "progress, no longer needed or possible, or not done. It takes about a minute. "
            f"You get this because you act for {membership.agency.name}. Sign in:"
        ),
    )


# --- Services and reports ---------------------------------------------------------------------

AGREEMENT_DAYS_BEFORE = 28
REPORT_DAYS_BEFORE = 3


@source
def agreements_to_review(scheme: Scheme, on: date) -> Iterable[Due]:
    """The coordinator hears four weeks before an agreement with a court, the CPS or a provider is to be looked at."""
    near = Agreement.objects.filter(scheme=scheme, review_on__lte=on + timedelta(days=AGREEMENT_DAYS_BEFORE))
    rows = list(near.in_force().order_by("pk"))
    if not rows:
        return
    office = Membership.objects.filter(scheme=scheme).current(on).with_role(Role.COORDINATOR).select_related("user")
    people = tuple(held.user for held in office)
    for agreement in rows:
        yield Due(
            kind="agreement_review",
            subject=f"{agreement.pk}",
            due=agreement.review_on,
            recipients=people,
            text=f"Review an agreement by {day_month(agreement.review_on)}",
            url=agreement.get_absolute_url(),
            email_body=(
                f"An agreement of the scheme is to be looked at again by {longday(agreement.review_on)}: whether it is "
                "kept, and what should change. Sign in:"
            ),
        )


@source
def reports_to_review(scheme: Scheme, on: date) -> Iterable[Due]:
    """Supervisors hear three days before reports are to be reviewed; the coordinator once the day is over.

    Nobody hears of a case that they may not read (Hampshire, Once Accepted).
    """
    policy = scheme.policy_on(on).policy
    if not reports.is_reviewed(policy):
        return
    named = Supervisor.objects.filter(scheme=scheme).present().order_by().values("supervisor")
    current = Membership.objects.filter(scheme=scheme).current(on).select_related("user", "agency", "scheme")
    for membership in current.filter(pk__in=named):
        cases = _reported(membership).filter(reports.supervised_by(membership))
        for day, count in _due_days(cases, policy, on + timedelta(days=REPORT_DAYS_BEFORE)):
            yield _report_due(membership, day, count)
    for membership in current.with_role(Role.COORDINATOR):
        for day, count in _due_days(_reported(membership), policy, on - timedelta(days=1)):
            yield _report_late(membership, day, count)


def _reported(membership: Membership) -> CaseQuerySet:
    return Case.objects.visible_to(actor_for(membership)).not_closed()


def _due_days(cases: CaseQuerySet, policy: Policy, until: date) -> list[tuple[date, int]]:
    """How many reports are due on each day up to one."""
    due = reports.with_review_due(cases, policy).filter(review_due__lte=until)
    return sorted(Counter(due.values_list("review_due", flat=True)).items())


def _report_due(membership: Membership, day: date, count: int) -> Due:
    return Due(
        kind="report_review",
        subject="reports",
        due=day,
        recipients=(membership.user,),
        text=f"Review {plural(count, 'management report')} by {day_month(day)}",
        url=f"{reverse('reports')}?show=mine",
        email_body=(
            f"Please look by {weekday_day(day)} whether what is done fits the risk grading, and say so in the report. "
            "Sign in:"
        ),
    )


def _report_late(membership: Membership, day: date, count: int) -> Due:
    return Due(
        kind="report_overdue",
        subject="reports",
        due=day,
        recipients=(membership.user,),
        text=f"{plural(count, 'management report')} not reviewed by {day_month(day)}",
        url=f"{reverse('reports')}?show=all",
        email_body="A supervisor has not looked at a report in time. Ask them, or name another. Sign in:",
    )

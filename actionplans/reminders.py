"""What the clock tells of actions: due in two days, or over, until they are done (issue 2, point 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from django.urls import reverse

from iom.access import actor_for
from iom.jinja import day_month, plural, weekday_day
from iom.models import Membership, Scheme
from iom.reminders import Due, source

from .models import Action
from .reading import WORKING_ROLES

DAYS_BEFORE = 2


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

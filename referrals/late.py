"""Who hears at once of what comes after the deadline (Richmond, 2.6: the council's Anti-Social Behaviour Officer)."""

from __future__ import annotations

from django.db.models import Q

from iom import clock, notify
from iom.jinja import day_month, longday
from iom.models import Meeting, Membership, Role, Scheme, Seat, User
from referrals import deciding


def holders_of(scheme: Scheme, post: str) -> list[User]:
    """Whoever holds a post now, by their own post or by their seat; where nobody does, the coordinators."""
    seats = Seat.objects.filter(scheme=scheme, post__iexact=post, holder__isnull=False)
    current = Membership.objects.filter(scheme=scheme).current(clock.today()).select_related("user")
    rows = list(current.filter(Q(post__iexact=post) | Q(pk__in=seats.values("holder"))).order_by("pk"))
    rows = rows or list(current.with_role(Role.COORDINATOR).order_by("pk"))
    return list({row.user_id: row.user for row in rows}.values())


def tell_officer(meeting: Meeting, what: str) -> int:
    """Tell the post that the body's late rule names, once of each `what` (a reference, or an item's key).

    Returns how many were told; nobody where the rule is another one.
    """
    rule = deciding.late_rule_of(meeting)
    if rule is None or rule.kind != "tell_officer":
        return 0
    closed = deciding.closing(meeting).date
    return notify.tell(
        holders_of(meeting.scheme, rule.officer),
        scheme=meeting.scheme,
        kind="late_told",
        subject=f"{what} {meeting.pk}",
        text=f"Urgent: {what} came late for {meeting.body.name} of {day_month(meeting.date)}",
        url=meeting.get_absolute_url(),
        email_body=(
            f"Referrals for the {meeting.body.name} of {longday(meeting.date)} closed"
            f"{f' on {longday(closed)}' if closed else ''}, and this is an emergency. You are told at once as the "
            f"{rule.officer}, or in that post's place:"
        ),
    )

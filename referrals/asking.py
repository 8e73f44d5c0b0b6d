"""Asking further, and taking a question back: what the coordinator does about the round of checks that is out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.models import Agency, Meeting
from referrals import actions
from referrals.models import CheckRequest
from referrals.returns import reference_of

if TYPE_CHECKING:
    from iom.access import Actor


@transaction.atomic
def ask_further(meeting: Meeting, agency: Agency, *, by: Actor, people: Iterable[int] | None = None) -> int:
    """Ask one more agency about somebody of the round, or about everybody whom others are asked about.

    `people` are the numbers of persons; None is everybody. Returns about how many it is asked now and was not before.
    Raises PermissionDenied.
    """
    if not by.holds("referrals.ask_agencies") or {meeting.scheme_id, agency.scheme_id} != {by.scheme.pk}:
        raise PermissionDenied
    rows = CheckRequest.objects.visible_to(by).filter(meeting=meeting, closed_at=None)
    if people is not None:
        rows = rows.filter(offender__in=list(people))
    already = set(rows.filter(agency=agency).values_list("offender", flat=True))
    about = {row.offender_id: row for row in rows.select_related("offender", "referral", "case").order_by("-pk")}
    asked = [row for pk, row in about.items() if pk not in already]
    for row in asked:
        actions.ask_agencies(
            meeting=meeting,
            offender=row.offender,
            agencies=[agency],
            why=row.why,
            by=by,
            referral=row.referral,
            case=row.case,
        )
    return len(asked)


@transaction.atomic
def take_back(meeting: Meeting, agency: Agency, *, by: Actor, people: Iterable[int] | None = None) -> int:
    """Withdraw what an agency has not answered yet, about somebody or about everybody. Returns how many questions.

    What it has sent stands; it can be asked again. Raises PermissionDenied.
    """
    if not by.holds("referrals.ask_agencies") or {meeting.scheme_id, agency.scheme_id} != {by.scheme.pk}:
        raise PermissionDenied
    open_to_me = CheckRequest.objects.visible_to(by).filter(meeting=meeting, agency=agency).unanswered()
    if people is not None:
        open_to_me = open_to_me.filter(offender__in=list(people))
    rows = CheckRequest.objects.filter(pk__in=open_to_me.values("pk")).select_for_update(of=("self",))
    taken = list(rows.select_related("referral", "case"))
    now = clock.now()
    for row in taken:
        row.closed_at = row.withdrawn_at = now
        row.version += 1
        row.save(update_fields=["closed_at", "withdrawn_at", "version"])
    if taken:
        audit.record(
            "withdraw_checks",
            meeting,
            by=by,
            subjects=[reference for row in taken if (reference := reference_of(row))],
            meeting=meeting.key,
            agency=agency.slug,
            count=len(taken),
        )
    return len(taken)

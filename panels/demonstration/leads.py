"""Made-up views of the cohort, and cases that are handed over: one by now, one on a day to come."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import QueryDict

from iom import clock
from offenders.handing_over import hand_over
from offenders.models import Assignment, AssignmentRole, Case
from offenders.saved_views import save_view

if TYPE_CHECKING:
    from .year import Life

NOTES = "The tenancy reference is still open. Next visit in a fortnight; mornings suit best."


def views(life: Life) -> None:
    """Two that the coordinator shares, one of one's own."""
    for name, query in (("Red, no lead", "rating=RED&lead=none"), ("Due in four weeks", "due=28")):
        save_view(life.mark(name), QueryDict(query), shared=True, by=life.coordinator)
    save_view(life.mark("My cases"), QueryDict("lead=me"), by=life.staff.actor("probation"))


def hand_overs(life: Life) -> None:
    """A lead professional who follows in six days, and another, without an account, who has taken over."""
    role = AssignmentRole.LEAD_PROFESSIONAL
    led = Assignment.objects.filter(scheme=life.scheme, role=role, until=None, membership__isnull=False)
    free = Case.objects.filter(scheme=life.scheme, restricted=False).not_closed().exclude(pk__in=life.settled)
    held = list(led.filter(case__in=free).select_related("case", "membership__agency").order_by("case"))
    if not held:
        return
    reason = life.mark("Moves to another team")
    first, last = held[0], held[-1]
    follower = next(
        (one for one in life.staff.officers(first.agency.kind) if one != first.membership), life.staff.named["police"]
    )
    if follower != first.membership:
        hand_over(
            first.case,
            role,
            agency=follower.agency,
            membership=follower,
            on=clock.today() + timedelta(days=6),
            reason=reason,
            notes=life.mark(NOTES),
            by=life.coordinator,
        )
    if last.case_id != first.case_id:
        hand_over(
            last.case,
            role,
            agency=last.agency,
            person_name=life.mark("Wren Example"),
            on=clock.today(),
            reason=reason,
            notes=life.mark(NOTES),
            by=life.coordinator,
        )

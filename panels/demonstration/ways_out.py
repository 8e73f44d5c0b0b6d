"""Somebody who leaves, a success that is told, and a young person on the way to adult services."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from iom.working_days import add_months
from offenders import actions as cases
from offenders import leaving, youths
from offenders.models import Case, CaseStatus, Colour

if TYPE_CHECKING:
    from panels.demonstration.year import Life


def show(life: Life) -> None:
    """What the scheme's own rules let happen."""
    by, rule = life.coordinator, life.policy.exit
    if rule.force == "expected_at":
        green = Case.objects.filter(scheme=life.scheme, status=CaseStatus.OPEN, restricted=False).rated(Colour.GREEN)
        case = green.exclude(pk__in=life.settled).order_by("pk").first()
        if case is not None:
            leaving.save_strategy(
                case,
                who_stays=life.mark("The drugs service every fortnight, the housing officer until summer"),
                contact=life.mark("The drugs service, 020 7946 0199"),
                way_back=life.mark("Any agency nominates again"),
                by=by,
            )
            cases.start_leaving(case, on=life.today, reason=life.mark("Six months without a concern."), by=by)
    if rule.success_case:
        gone = Case.objects.filter(scheme=life.scheme, status=CaseStatus.CLOSED, outcome="success", restricted=False)
        if (case := gone.order_by("-ended_on", "pk").first()) is not None:
            leaving.tell_story(case, life.mark("Came to every appointment, and works as a cook."), by=by)
    if life.policy.youth_route is not None:
        young = cases.add_offender(
            by=by,
            family_name=life.mark("Specimen"),
            given_names=life.mark("Kit"),
            date_of_birth=add_months(life.today, -17 * 12 - 7),
        )
        youths.start(young, by=by, order="yro", order_ends_on=life.today + timedelta(days=300), managed_by="probation")

"""Outstanding actions of somebody who leaves: each is ended, handed over, or carried with an owner (ux.md 4.5).

One that is carried stays open after the case is closed, and its agency goes on reading and finishing it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse

from iom import audit, clock
from iom.jinja import plural
from iom.steps import StepRefused
from offenders.exits import CLOSING, Required, requirement, works_with
from offenders.models import Case

from .actions import must_be_open, update_action
from .models import STILL_TO_DO, Action, ActionAtExit, ActionStatus, AtExit

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.clocks import Calendar


@dataclass(frozen=True, slots=True)
class Settled:
    """What is chosen for one action; `taken_by` is the service that takes it over, or who owns it afterwards."""

    action: Action
    choice: str
    taken_by: str = ""


def outstanding(case: Case) -> list[Action]:
    """The actions that are still to do, with what is chosen for them, soonest due first."""
    rows = Action.objects.filter(case=case, status__in=STILL_TO_DO)
    return list(rows.select_related("agency", "owner__user", "at_exit").order_by("due_on", "pk"))


def unsettled(case: Case) -> int:
    """How many open actions have no answer yet."""
    return Action.objects.filter(case=case, status__in=STILL_TO_DO, at_exit=None).count()


@requirement
def outstanding_actions(case: Case, calendar: Calendar) -> Iterable[Required]:
    """No action is left without somebody who answers for it."""
    left = unsettled(case)
    yield Required(
        "actions",
        "Outstanding actions",
        left == 0,
        "None is left without an answer",
        CLOSING,
        f"{plural(left, 'action')} still open: end, hand over, or give an owner after the person left.",
        reverse("case_exit_actions", args=[case.reference]),
    )


@works_with
def agencies_with_actions(case: Case) -> Iterable[int]:
    """Agencies that still have something to do."""
    return Action.objects.filter(case=case, status__in=STILL_TO_DO).values_list("agency", flat=True)


@transaction.atomic
def settle(case: Case, chosen: Iterable[Settled], *, by: Actor) -> int:
    """Say what becomes of open actions: all of them or none. Returns how many.

    What ends or is handed over is no longer needed here, with a note that says so. Raises PermissionDenied, Stale, or
    StepRefused for a closed case, another case's action, and one that goes on without anybody's name.
    """
    must_be_open(case)
    count = 0
    for each in chosen:
        choice, taken_by = AtExit(each.choice), each.taken_by.strip()
        if each.action.case_id != case.pk:
            raise StepRefused(["This is an action of another case."])
        if choice != AtExit.ENDED and not taken_by:
            raise StepRefused([f"Say who takes over: {each.action.text}"])
        if choice == AtExit.CARRIED:
            action = update_action(each.action, status=ActionStatus.IN_PROGRESS, by=by)
        else:
            note = f"Handed over to {taken_by}" if choice == AtExit.HANDED_OVER else "Ended with the case"
            action = update_action(each.action, status=ActionStatus.NO_LONGER, note=note, by=by)
        held, _ = ActionAtExit.objects.update_or_create(
            action=action,
            defaults={
                "scheme_id": case.scheme_id,
                "choice": choice,
                "taken_by": taken_by if choice != AtExit.ENDED else "",
                "settled_on": clock.today(),
                "settled_by": by.user,
            },
        )
        audit.record("settle_action", held, by=by, after=choice, subjects=[case.reference])
        count += 1
    return count

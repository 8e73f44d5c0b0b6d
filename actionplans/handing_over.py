"""What somebody who hands a case over was still to do in its plan (`offenders.handing_over`)."""

from __future__ import annotations

from iom.access import Actor
from iom.models import Membership
from offenders.handing_over import Work, holds_work
from offenders.models import Case, HandOver

from .actions import change_action
from .models import Action


def open_actions(case: Case, member: Membership) -> list[Work]:
    """The case's actions that a member owns by name."""
    return [Work(action.due_on, action.text) for action in Action.objects.to_do().filter(case=case, owner=member)]


def move_actions(row: HandOver, by: Actor) -> int:
    """Give them to whom the hand-over names; the agency goes with its person."""
    theirs = list(Action.objects.to_do().filter(case=row.case, owner=row.before))
    for action in theirs:
        change_action(action, agency=row.agency, owner=row.membership, owner_name=row.person_name, by=by)
    return len(theirs)


holds_work(open_actions, move_actions)

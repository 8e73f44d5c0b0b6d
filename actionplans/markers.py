"""Markers on police systems follow the rating: PPO flag for Red, "not subject to the premium service" for the others
(London, Intelligence; the policy's `markers`). A change asks police to set the other one, as an action of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iom import audit, clock
from iom.models import Agency
from iom.policy import Policy
from iom.working_days import holidays_of, step
from offenders.models import AssignmentRole, Case
from offenders.rated import Rated, when_rated

from .models import STILL_TO_DO, Action, ActionStatus, MarkerTask

if TYPE_CHECKING:
    from iom.access import Actor

DECIDED_AGAIN = "The rating was decided again on the same day."


def marker_of(policy: Policy, colour: str) -> str:
    """What police keep on their systems for a colour; blank for none and for no colour yet."""
    return "; ".join(marker.text for marker in policy.markers if colour in marker.colours)


@when_rated
def ask_for_marker(change: Rated, by: Actor) -> None:
    """Ask police once for each change; one that was undone on its day is asked for no more.

    A cohort that comes from elsewhere has its markers already: only what a panel decided, or a change, asks.
    """
    case, policy = change.case, change.case.scheme.policy
    if not policy.markers or (not change.was and case.accepted_at_id is None):
        return
    now, before = marker_of(policy, change.rating.colour), marker_of(policy, change.day_began_as)
    asked = list(MarkerTask.objects.filter(case=case, on=change.on).select_related("action"))
    for task in asked:
        if task.text != now and task.action.status in STILL_TO_DO:
            _end(task.action, case, by)
    done_otherwise = any(task.text != now and task.action.status == ActionStatus.DONE for task in asked)
    standing = any(task.text == now and task.action.status != ActionStatus.NO_LONGER for task in asked)
    if now and not standing and (now != before or done_otherwise):
        _ask(case, now, change, by)


def _ask(case: Case, text: str, change: Rated, by: Actor) -> None:
    agency = _police(case)
    if agency is None:
        return
    policy = case.scheme.policy
    due = step(clock.today(), policy.says_shows.marker_days, "working", "after", holidays_of(policy))
    action = Action.objects.create(
        scheme=case.scheme,
        case=case,
        meeting=change.rating.meeting if change.rating.starts_on == change.on else None,
        text=f"Set the marker for {change.rating.get_colour_display()}: {text}"[:300],
        agency=agency,
        due_on=due.date,
        made_by=by.user,
        kind="enforcement",
    )
    MarkerTask.objects.create(scheme=case.scheme, case=case, on=change.on, text=text, action=action)
    audit.record("add_action", action, by=by, after=action.status, subjects=[case.reference], owner_agency=agency.slug)


def _end(action: Action, case: Case, by: Actor) -> None:
    before, action.status, action.note = action.status, ActionStatus.NO_LONGER, DECIDED_AGAIN
    action.finished_on = clock.today()
    action.version += 1
    action.save(update_fields=["status", "note", "finished_on", "version"])
    audit.record("update_action", action, by=by, before=before, after=action.status, subjects=[case.reference])


def _police(case: Case) -> Agency | None:
    """The police officer's own agency, else the scheme's police."""
    officer = case.assigned(AssignmentRole.POLICE_OFFICER)
    if officer is not None and officer.agency.kind == "police":
        return officer.agency
    return Agency.objects.filter(scheme=case.scheme_id, kind="police").order_by("pk").first()

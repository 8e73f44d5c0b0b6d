"""What a correction undoes, until the minutes go to the chair.

First decided "accepted": the new case is closed on the day it was opened, its actions from this item are no longer
needed, and the nomination is before the panel again. First "not accepted", "deferred" or "referred elsewhere": the
nomination is before the panel again. First "rating changed": the rating of before holds again, unbroken. First "to
leave": the case is open again, and its proposal is over.

The same decision with another reason, rating or lead amends what was done. What has gone on since is left alone and the
correction is refused with words: a rating changed again after the meeting, a case that has been closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actionplans import actions as plans
from actionplans.models import STILL_TO_DO, ActionStatus
from iom import audit
from iom.models import Meeting
from iom.steps import Step, StepRefused, locked, take
from offenders import actions as cases
from offenders import leaving
from offenders.models import Case, CaseStatus, RagRating
from referrals.models import CheckRequest, ReferralStatus

from .models import AgendaItem, Decision, ItemAction, Outcome

if TYPE_CHECKING:
    from iom.access import Actor

# The two ways back that nothing but a correction takes.
BEFORE_THE_PANEL_AGAIN = Step(
    "correct_decision_on_referral",
    frozenset(
        {
            ReferralStatus.ACCEPTED,
            ReferralStatus.NOT_ACCEPTED,
            ReferralStatus.DEFERRED,
            ReferralStatus.REFERRED_ELSEWHERE,
        }
    ),
    ReferralStatus.ON_AGENDA,
    "referrals.decide",
    done="The nomination is before the panel again",
)
STAYS_AFTER_ALL = Step(
    "correct_removal",
    frozenset({CaseStatus.LEAVING}),
    CaseStatus.OPEN,
    "offenders.change_case",
    done="The case is open again",
)
# What a panel decides of a nomination itself; a recommendation leaves it where it is until the meeting is closed.
OF_NOMINATIONS = (Outcome.ACCEPT, Outcome.NOT_ACCEPT, Outcome.DEFER, Outcome.ELSEWHERE)
STEPS = {step.verb: step for step in (BEFORE_THE_PANEL_AGAIN, STAYS_AFTER_ALL)}


def undo(decision: Decision, item: AgendaItem, meeting: Meeting, *, because: str, by: Actor) -> None:
    """Take back what a decision did. In the transaction of the decision that replaces it. Raises StepRefused."""
    take_back(decision.outcome, decision.case, item, meeting, because=because, by=by)


def take_back(outcome: str, case: Case | None, item: AgendaItem, meeting: Meeting, *, because: str, by: Actor) -> None:
    """Take back what deciding `outcome` on an item did at a meeting; `case` is the one that it opened, if it did."""
    if outcome == Outcome.ACCEPT:
        undo_acceptance(case, item, meeting, because=because, by=by)
    if item.referral is not None:
        if outcome not in OF_NOMINATIONS:
            return
        item.referral = take(
            BEFORE_THE_PANEL_AGAIN, item.referral, by=by, reason=because, subjects=[item.referral.reference]
        )
        CheckRequest.objects.filter(referral=item.referral, meeting=meeting).update(closed_at=None)
    elif outcome == Outcome.CHANGE_RATING:
        _undo_rating(item.case, meeting, because=because, by=by)
    elif outcome == Outcome.REMOVE:
        item.case = take(STAYS_AFTER_ALL, item.case, by=by, reason=because, subjects=[item.case.reference])
        leaving.forget_decision(item.case, on=meeting.date, reason=because, by=by)


def amend(case: Case, colour: str, reason: str, meeting: Meeting, *, by: Actor) -> None:
    """Give the rating and the reason of an acceptance that stands anew."""
    held = locked(Case, case.pk)
    rating = held.ratings.get(until=None)
    if rating.colour != colour:
        _must_be_of(rating, meeting)
        cases.rate(held, colour, on=meeting.date, reason=reason, meeting=meeting, by=by)
        held.refresh_from_db(fields=["version"])
    if held.why != reason.strip():
        held.why = reason.strip()
        held.version += 1
        held.save(update_fields=["why", "version"])
        audit.record("change_why", held, by=by, fields=["why"], subjects=[held.reference], meeting=meeting.key)


def undo_acceptance(case: Case, item: AgendaItem, meeting: Meeting, *, because: str, by: Actor) -> None:
    """Close a case as if it had not been taken on, with what was agreed at this item. Raises StepRefused if closed."""
    held = locked(Case, case.pk)
    if held.status == CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} has been closed since, so its acceptance cannot be corrected."])
    agreed = ItemAction.objects.filter(item=item, kind=ItemAction.Kind.AGREED, action__status__in=STILL_TO_DO)
    for said in agreed.select_related("action"):
        plans.update_action(said.action, status=ActionStatus.NO_LONGER, note="Acceptance corrected", by=by)
    cases.close(held, on=meeting.date, reason=f"Acceptance corrected: {because}", by=by)


def _undo_rating(case: Case, meeting: Meeting, *, because: str, by: Actor) -> None:
    rating = case.ratings.get(until=None)
    _must_be_of(rating, meeting)
    before = case.ratings.filter(until=meeting.date).first()
    if before is not None:
        cases.rate(case, before.colour, on=meeting.date, reason=because, meeting=meeting, by=by)


def _must_be_of(rating: RagRating, meeting: Meeting) -> None:
    if rating.starts_on != meeting.date:
        raise StepRefused(
            ["The rating has changed again since this meeting. Change it on the case, or at the next meeting."]
        )

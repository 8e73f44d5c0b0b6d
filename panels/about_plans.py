"""What a panel's decision does to the plan of a case: it is agreed, money is agreed, reviews were held.

Merton, Roles and step 7. Called in the transaction of the decision. Without a quorum nothing of it happens before the
panel that ratifies (design.md 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from actionplans import actions as plans
from actionplans import funding, reviews
from iom.models import Meeting
from offenders.models import Case

from .models import AgendaItem, Decision, FundingRuling, Outcome

if TYPE_CHECKING:
    from iom.access import Actor

# What puts the case off: nobody has looked at it.
NOT_LOOKED_AT = frozenset({Outcome.DEFER})


def make_so(
    decision: Decision,
    item: AgendaItem,
    case: Case | None,
    meeting: Meeting,
    *,
    before: Decision | None,
    held: reviews.AtMeeting | None = None,
    by: Actor,
) -> None:
    """Carry out what a decision says of the plan, the money and the reviews of a case, after its actions are written.

    `before` is the decision that it corrects, `held` what was read of the reviews of the case. Raises StepRefused when
    money was decided or spent elsewhere meanwhile.
    """
    if case is None:
        return
    said = decision.item.ratifies if decision.outcome == Outcome.RATIFY else decision
    if said is None:
        return
    if before is not None and before.quorate:
        _money_back(before, meeting, by, but=said)
    if said.outcome == Outcome.ACCEPT:
        plans.keep_agreed(case, meeting=meeting, by=by)
    elif said.plan_agreed:
        plans.agree_plan_again(case, meeting=meeting, by=by)
    elif before is not None and before.plan_agreed and before.quorate:
        plans.unagree_plan(case, meeting=meeting, by=by)
    for ruling in _rulings(said):
        funding.decided_at(ruling.funding, agreed=ruling.agreed, meeting=meeting, by=by)
    if item.case_id is not None and said.outcome not in NOT_LOOKED_AT:
        reviews.decided_at(case, meeting, words=said.reason, held=held, by=by)
    elif item.case_id is not None:
        reviews.taken_back_at(case, meeting, by=by)


def undo(decision: Decision, item: AgendaItem, meeting: Meeting, *, by: Actor) -> None:
    """Take back what `make_so` did. Raises StepRefused when money was spent already."""
    said = item.ratifies if decision.outcome == Outcome.RATIFY else decision
    case = decision.case or item.case
    if said is None or case is None:
        return
    _money_back(said, meeting, by)
    if said.plan_agreed:
        plans.unagree_plan(case, meeting=meeting, by=by)
    if item.case_id is not None:
        reviews.taken_back_at(case, meeting, by=by)


def _rulings(decision: Decision) -> Iterable[FundingRuling]:
    """What a decision says of money; of one that was just written nothing is read."""
    if "funding" in getattr(decision, "_prefetched_objects_cache", {}):
        return decision.funding.all()
    return decision.funding.select_related("funding")


def _money_back(decision: Decision, meeting: Meeting, by: Actor, *, but: Decision | None = None) -> None:
    """Requests that a decision ruled on, and the one in its place does not, are asked for as before."""
    kept = {ruling.funding_id for ruling in but.funding.all()} if but is not None else set()
    for ruling in FundingRuling.objects.filter(decision=decision).exclude(funding__in=kept).select_related("funding"):
        funding.taken_back_at(ruling.funding, meeting=meeting, by=by)

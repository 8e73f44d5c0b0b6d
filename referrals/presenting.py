"""Who presents a nomination to the panel: required by a clause of the criteria, or invited by the rules of the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iom.models import Meeting
from referrals import eligibility, scoring

if TYPE_CHECKING:
    from referrals.models import Referral


@dataclass(frozen=True, slots=True)
class Asked:
    """That whoever put somebody forward comes to the meeting: whether they must, and the paragraph that says so."""

    must: bool
    source: str


def relies_on(referral: Referral) -> str | None:
    """The paragraph of the clause that a written case relies on and that makes its proposer attend (London, step 2).

    None without a written case, or where the score alone settles the clause.
    """
    criteria = scoring.criteria_of(referral)
    clauses = [clause for clause in criteria.clauses if clause.proposer_attends]
    written = str(referral.facts.get("exceptional_circumstances") or "").strip()
    if not clauses or not written:
        return None
    facts = scoring.facts_for_rules(referral, scoring.current_score(referral.offender), criteria)
    today = scoring.clock.today()
    open_ = (each for each in clauses if eligibility.holds(each.when, facts, today) is not False)
    return next((each.source for each in open_), None)


def asked(referral: Referral, meeting: Meeting) -> Asked | None:
    """Whether the proposer comes to this meeting, by the criteria (they must) or by the body (they are invited)."""
    if source := relies_on(referral):
        return Asked(True, source)
    guests = meeting.body.policy.guests
    return Asked(False, guests.source) if guests.nominating_officer else None


def somebody_presents(referral: Referral) -> str | None:
    """A written case goes to a panel only with somebody who presents it (London, step 2)."""
    if referral.presenter.strip() or not relies_on(referral):
        return None
    return "Exceptional circumstances must be presented at the panel: enter who will present this."

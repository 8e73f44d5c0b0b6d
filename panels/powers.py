"""What may be decided on an item: by its part of the agenda and by what the body decides itself. Pure.

A body that does not decide who joins, how somebody is rated or who leaves may recommend it to the one that does. The
anti-social behaviour panel lends support and leaves each case with who brought it (Richmond, 2.11); the youth-to-adult
transfer panel recommends how police management goes on (Hampshire, Transfer Process).
"""

from __future__ import annotations

from iom.policy import Policy

from .models import Outcome, Section

JOINING = (Outcome.ACCEPT, Outcome.NOT_ACCEPT, Outcome.DEFER, Outcome.ELSEWHERE)
RECOMMENDING = (Outcome.RECOMMEND, Outcome.NOT_RECOMMEND, Outcome.DEFER)
RATIFYING = (Outcome.RATIFY, Outcome.NOT_RATIFY, Outcome.DEFER)
AGREEING = (Outcome.TRUE_RECORD, Outcome.CORRECTIONS)
SUPPORTING = (Outcome.SUPPORT, Outcome.NOTED, Outcome.DEFER)
TRANSFERRING = (Outcome.TO_IOM, Outcome.TO_MAPPA, Outcome.NO_POLICE, Outcome.DEFER)
TALKING = (Outcome.NOTED, Outcome.AGREED, Outcome.DEFER)

ABOUT_CASES = (Section.RELEASES, Section.REVIEWS, Section.EXITS)


def outcomes(policy: Policy, body: str, section: str, *, criteria: str = "") -> tuple[Outcome, ...]:
    """What this body may decide on an item of this section; `criteria` are those of the nomination, if it is one."""
    powers = policy.powers(body)
    if section == Section.OUTSIDE:
        return RATIFYING
    if section == Section.LAST_MINUTES:
        return AGREEING
    if section in (Section.APOLOGIES, Section.LAST_ACTIONS):
        return (Outcome.NOTED,)
    if "support" in powers:
        return SUPPORTING
    if "transfer" in powers:
        return TRANSFERRING
    if section == Section.REFERRALS:
        return JOINING if "admission" in powers or _is_theirs(policy, body, criteria) else RECOMMENDING
    if section == Section.EXITS:
        return _on_leaving("exit" in powers, "rating" in powers)
    if section in ABOUT_CASES:
        change = Outcome.CHANGE_RATING if "rating" in powers else Outcome.RECOMMEND
        return (Outcome.NO_CHANGE, change, Outcome.DEFER)
    return TALKING


def _is_theirs(policy: Policy, body: str, criteria: str) -> bool:
    """Whether a nomination for these criteria goes to this body (Richmond, 3)."""
    return any(each.name == criteria and each.body == body for each in policy.eligibility)


def _on_leaving(leaves: bool, rates: bool) -> tuple[Outcome, ...]:
    first = Outcome.REMOVE if leaves else Outcome.RECOMMEND
    change = (Outcome.CHANGE_RATING,) if rates else ()
    return (first, Outcome.NO_CHANGE, *change, Outcome.DEFER)

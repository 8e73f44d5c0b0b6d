"""The steps of a referral. Nothing else writes `Referral.status` (design.md 3).

draft → sent → with coordinator → on agenda → accepted, not accepted or referred elsewhere; deferred leads back to on
agenda; returned and withdrawn can follow any open state.
"""

from __future__ import annotations

from iom.jinja import day_month
from iom.steps import Step
from referrals import deciding, sections
from referrals.models import OPEN, Referral, ReferralStatus
from referrals.presenting import somebody_presents


def all_sections_done(referral: Referral) -> str | None:
    """A nomination goes out whole: each section has been looked at, even where it says "not known"."""
    left = sections.unfinished(referral)
    if not left:
        return None
    names = ", ".join(section.title for section in left)
    return f"Finish {names} before you send this."


def goes_to_a_panel_that_takes_it(referral: Referral) -> str | None:
    """After the deadline a nomination needs a reason, or another panel (Merton, step 1)."""
    meeting = referral.meeting
    if meeting is None or deciding.in_time(referral) or referral.urgent_reason.strip():
        return None
    return (
        f"Referrals for {day_month(meeting.date)} closed on {day_month(deciding.closing(meeting).date)}. "
        "Say why this is urgent, or choose a later panel."
    )


def scheme_decides_outside(referral: Referral) -> str | None:
    """Only some schemes let an urgent nomination be decided between two meetings (Hampshire)."""
    if deciding.decides_outside(referral.scheme):
        return None
    return "This scheme decides nominations at the panel. Put it to the next one; if it is urgent, say so there."


SEND = Step(
    "send",
    frozenset({ReferralStatus.DRAFT}),
    ReferralStatus.SENT,
    "referrals.edit_referral",
    done="Referral sent",
    guards=(all_sections_done, goes_to_a_panel_that_takes_it),
    tells="coordinator",
)
RESEND = Step(
    "resend",
    frozenset({ReferralStatus.RETURNED}),
    ReferralStatus.SENT,
    "referrals.edit_referral",
    done="Referral sent again",
    guards=(all_sections_done, goes_to_a_panel_that_takes_it),
    tells="coordinator",
)
TAKE_IN = Step(
    "take_in",
    frozenset({ReferralStatus.SENT}),
    ReferralStatus.WITH_COORDINATOR,
    "referrals.triage",
    done="Referral taken in",
)
PUT_TO_PANEL = Step(
    "put_to_panel",
    frozenset({ReferralStatus.SENT, ReferralStatus.WITH_COORDINATOR, ReferralStatus.DEFERRED}),
    ReferralStatus.ON_AGENDA,
    "referrals.triage",
    done="Put to the panel",
    guards=(somebody_presents,),
    tells="referrer and agencies",
)
RETURN = Step(
    "return",
    frozenset(
        {
            ReferralStatus.SENT,
            ReferralStatus.WITH_COORDINATOR,
            ReferralStatus.ON_AGENDA,
            ReferralStatus.DEFERRED,
        }
    ),
    ReferralStatus.RETURNED,
    "referrals.triage",
    done="Returned for more information",
    tells="referrer",
)
ACCEPT = Step(
    "accept",
    frozenset({ReferralStatus.ON_AGENDA}),
    ReferralStatus.ACCEPTED,
    "referrals.decide",
    done="Accepted",
)
NOT_ACCEPT = Step(
    "not_accept",
    frozenset({ReferralStatus.ON_AGENDA}),
    ReferralStatus.NOT_ACCEPTED,
    "referrals.decide",
    done="Not accepted",
)
REFER_ELSEWHERE = Step(
    "refer_elsewhere",
    frozenset({ReferralStatus.ON_AGENDA}),
    ReferralStatus.REFERRED_ELSEWHERE,
    "referrals.decide",
    done="Referred elsewhere",
)
DEFER = Step(
    "defer",
    frozenset({ReferralStatus.ON_AGENDA}),
    ReferralStatus.DEFERRED,
    "referrals.decide",
    done="Deferred",
)
BEFORE_A_DECISION = frozenset(
    {ReferralStatus.SENT, ReferralStatus.WITH_COORDINATOR, ReferralStatus.ON_AGENDA, ReferralStatus.DEFERRED}
)
ACCEPT_OUTSIDE = Step(
    "accept_outside",
    BEFORE_A_DECISION,
    ReferralStatus.ACCEPTED,
    "referrals.decide_outside",
    done="Accepted outside the meeting",
    guards=(scheme_decides_outside,),
)
NOT_ACCEPT_OUTSIDE = Step(
    "not_accept_outside",
    BEFORE_A_DECISION,
    ReferralStatus.NOT_ACCEPTED,
    "referrals.decide_outside",
    done="Not accepted, outside the meeting",
    guards=(scheme_decides_outside,),
)
REFER_ELSEWHERE_OUTSIDE = Step(
    "refer_elsewhere_outside",
    BEFORE_A_DECISION,
    ReferralStatus.REFERRED_ELSEWHERE,
    "referrals.decide_outside",
    done="Referred elsewhere, outside the meeting",
    guards=(scheme_decides_outside,),
)
WITHDRAW = Step(
    "withdraw",
    frozenset(OPEN),
    ReferralStatus.WITHDRAWN,
    "referrals.withdraw_referral",
    done="Referral withdrawn",
    tells="coordinator",
)

STEPS = {
    step.verb: step
    for step in (
        SEND,
        RESEND,
        TAKE_IN,
        PUT_TO_PANEL,
        RETURN,
        ACCEPT,
        NOT_ACCEPT,
        REFER_ELSEWHERE,
        DEFER,
        ACCEPT_OUTSIDE,
        NOT_ACCEPT_OUTSIDE,
        REFER_ELSEWHERE_OUTSIDE,
        WITHDRAW,
    )
}
# What a panel's decision on a nomination is called, and the step that it takes.
OUTCOMES = {"accept": ACCEPT, "not_accept": NOT_ACCEPT, "defer": DEFER, "elsewhere": REFER_ELSEWHERE}
# The same between two meetings.
OUTCOMES_OUTSIDE = {
    "accept": ACCEPT_OUTSIDE,
    "not_accept": NOT_ACCEPT_OUTSIDE,
    "elsewhere": REFER_ELSEWHERE_OUTSIDE,
}

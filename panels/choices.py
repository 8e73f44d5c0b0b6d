"""What a recorder put down for an item, on its way to becoming a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actionplans.models import Action, Funding
from iom.models import Agency, Membership

from .accepting import Lead, leads_of
from .models import Decision, How, Outcome, Section

NEEDS_REASON = frozenset(Outcome) - {Outcome.NO_CHANGE, Outcome.NOTED, Outcome.RATIFY, Outcome.TRUE_RECORD}
NEEDS_COLOUR = frozenset({Outcome.ACCEPT, Outcome.CHANGE_RATING})
# Somebody has to see to it: lends the support, or makes the referral that was recommended.
NEEDS_TAKER = frozenset({Outcome.SUPPORT, Outcome.TO_IOM, Outcome.TO_MAPPA})
# Where nobody but the recorder's own body is asked, nothing about harm is either.
ASKS_HARM = (Section.REFERRALS, Section.RELEASES, Section.REVIEWS, Section.EXITS)


@dataclass(frozen=True, slots=True)
class NewAction:
    """Something that an agency takes on at this item."""

    text: str
    agency: Agency
    due_on: date
    owner: Membership | None = None
    owner_name: str = ""
    pathway: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How an action agreed before is reported to stand."""

    action: Action
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the panel decided on one item, as the recorder put it down. `version` is the item's that they saw.

    `votes` are the organisations' with `how` a majority: on `motion`, where that is not the outcome, with the `casting`
    vote of whoever chairs when they tie. `money` are the requests on which the panel said yes or no. `typed` is the
    form as it was filled in, which undoing brings back.
    """

    outcome: str
    reason: str = ""
    colour: str = ""
    evidence: str = ""
    agreed_until: date | None = None
    reason_for_referrer: str = ""
    how: str = How.AGREED
    votes: tuple[tuple[Agency, str], ...] = ()
    motion: str = ""
    casting: str = ""
    vote_note: str = ""
    dissent: str = ""
    harm: str = ""
    harm_words: str = ""
    harm_agency: Agency | None = None
    taken_on_by: Agency | None = None
    score_agreed: bool | None = None
    plan_agreed: bool = False
    money: tuple[tuple[Funding, bool], ...] = ()
    leads: dict[str, Lead] = field(default_factory=dict)
    actions: tuple[NewAction, ...] = ()
    looked_at: tuple[LookedAt, ...] = ()
    note: str = ""
    correction_reason: str = ""
    version: int | None = None
    typed: Mapping[str, Any] = field(default_factory=dict)


def needs_colour(outcome: str, section: str) -> bool:
    """Whether the outcome names a rating: the one given, or the one recommended to the body that rates."""
    return outcome in NEEDS_COLOUR or (outcome == Outcome.RECOMMEND and section in (Section.RELEASES, Section.REVIEWS))


def made_again(decision: Decision) -> Choice:
    """A decision that waited, as the choice that it was: what a quorate panel makes so by ratifying it."""
    return Choice(
        outcome=decision.outcome,
        reason=decision.reason,
        colour=decision.colour if decision.outcome in NEEDS_COLOUR else "",
        evidence=decision.evidence,
        agreed_until=decision.agreed_until,
        reason_for_referrer=decision.reason_for_referrer,
        leads=leads_of(decision.leads_to_give, decision.leads),
    )

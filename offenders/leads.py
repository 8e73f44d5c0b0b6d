"""Which agency leads a case, by the scheme's own rules (Merton, step 8). Pure: the rule proposes, the panel decides."""

from __future__ import annotations

from dataclasses import dataclass

from iom.policy import Policy
from iom.policy.managing import LeadAgencyRule

ADDICTION = "addiction"
DRIVERS_KNOWN = frozenset({ADDICTION, "other"})
RED = "RED"


@dataclass(frozen=True, slots=True)
class LeadProposal:
    """The kind of agency that should lead, and why. `agency_kind` is None where the panel has to choose."""

    agency_kind: str | None
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class _Facts:
    statutory: bool | None
    addiction: bool | None
    colour: str


def propose_lead_agency(policy: Policy, *, statutory: bool | None, main_driver: str, colour: str = "") -> LeadProposal:
    """Try the scheme's rules in their order; the first that applies proposes.

    `statutory` is None when it is not known whether the person is under supervision; `main_driver` is "addiction",
    "other", or anything else for not known. What is not known stops the rule that asks for it: a later rule must not
    win because an earlier one could not be judged. `colour` is the rating, the one before for somebody in custody; ""
    before there is one, when a rule about Red is said beside what holds otherwise.
    """
    facts = _Facts(statutory, main_driver == ADDICTION if main_driver in DRIVERS_KNOWN else None, colour)
    unless = None
    for rule in policy.lead_agency_rules:
        if rule.when == "red" and not colour:
            unless = rule
            continue
        applies = _applies(rule, facts)
        if applies is None:
            return _said(None, _what_is_missing(facts), rule.source, unless)
        if applies:
            return _said(rule.agency_kind, rule.reason, rule.source, unless)
    return _said(None, "The scheme has no rule for this, so the panel chooses.", "default", unless)


def _said(kind: str | None, reason: str, source: str, unless: LeadAgencyRule | None) -> LeadProposal:
    """The proposal, and beside it what a rule about Red would say otherwise, once there is a rating."""
    if unless is not None and unless.agency_kind != kind:
        reason += f" If rated Red: {unless.reason} ({unless.source})"
    return LeadProposal(kind, reason, source)


def _applies(rule: LeadAgencyRule, facts: _Facts) -> bool | None:
    """Whether the rule's condition holds; None where that is not known."""
    if rule.when == "otherwise":
        return True
    if rule.when == "red":
        return facts.colour == RED
    if rule.when == "statutory":
        return facts.statutory
    if facts.statutory is True or facts.addiction is False:
        return False
    return None if facts.statutory is None or facts.addiction is None else True


def _what_is_missing(facts: _Facts) -> str:
    if facts.statutory is None:
        return "It is not known whether this person is under probation supervision, so the panel chooses."
    return "It is not known whether drugs or alcohol drive the offending, so the panel chooses."

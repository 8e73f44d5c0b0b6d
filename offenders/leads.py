"""Which agency leads a case, by the scheme's own rules (Merton, step 8). Pure: the rule proposes, the panel decides."""

from __future__ import annotations

from dataclasses import dataclass

from iom.policy import Policy
from iom.policy.managing import LeadAgencyRule

ADDICTION = "addiction"
DRIVERS_KNOWN = frozenset({ADDICTION, "other"})


@dataclass(frozen=True, slots=True)
class LeadProposal:
    """The kind of agency that should lead, and why. `agency_kind` is None where the panel has to choose."""

    agency_kind: str | None
    reason: str
    source: str


def propose_lead_agency(policy: Policy, *, statutory: bool | None, main_driver: str) -> LeadProposal:
    """Try the scheme's rules in their order; the first that applies proposes.

    `statutory` is None when it is not known whether the person is under supervision; `main_driver` is "addiction",
    "other", or anything else for not known. What is not known stops the rule that asks for it: a later rule must not
    win because an earlier one could not be judged.
    """
    for rule in policy.lead_agency_rules:
        applies = _applies(rule, statutory, main_driver)
        if applies is None:
            return LeadProposal(None, _what_is_missing(statutory), rule.source)
        if applies:
            return LeadProposal(rule.agency_kind, rule.reason, rule.source)
    return LeadProposal(None, "The scheme has no rule for this, so the panel chooses.", "default")


def _applies(rule: LeadAgencyRule, statutory: bool | None, main_driver: str) -> bool | None:
    """Whether the rule's condition holds; None where that is not known."""
    if rule.when == "otherwise":
        return True
    if rule.when == "statutory":
        return statutory
    addiction = main_driver == ADDICTION if main_driver in DRIVERS_KNOWN else None
    if statutory is True or addiction is False:
        return False
    return None if statutory is None or addiction is None else True


def _what_is_missing(statutory: bool | None) -> str:
    if statutory is None:
        return "It is not known whether this person is under probation supervision, so the panel chooses."
    return "It is not known whether drugs or alcohol drive the offending, so the panel chooses."

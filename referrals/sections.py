"""The seven sections of a nomination, as data (ux.md 4.3): what each asks, of whom it is a fact, and in which order.

`offender` names facts that belong to the person and are kept with them; `referral` those of this nomination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PERSON, WHY, PANEL = "The person", "Why IOM", "The panel"


@dataclass(frozen=True, slots=True)
class Section:
    """One page of the task list."""

    slug: str
    title: str
    group: str
    offender: tuple[str, ...] = ()
    referral: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "identity",
        "Identity and aliases",
        PERSON,
        offender=(
            "family_name",
            "given_names",
            "date_of_birth",
            "gender",
            "aliases",
            "pnc_number",
            "cro_number",
            "prison_number",
            "probation_number",
        ),
    ),
    Section(
        "address",
        "Address and custody",
        PERSON,
        offender=("address", "area"),
        referral=("in_custody", "prison", "release_expected_on", "supervision"),
    ),
    Section(
        "offending",
        "Offending and evidence",
        WHY,
        referral=("evidence", "benefit", "main_driver", "proposed_clause", "facts"),
    ),
    Section(
        "harm",
        "Risk of harm and safeguarding checks",
        WHY,
        referral=("high_risk_of_harm", "harm", "safeguarding"),
    ),
    Section("needs", "Needs across the pathways", WHY, referral=("needs",)),
    Section(
        "score-facts",
        "Facts for the reoffending score",
        WHY,
        referral=("offence_code", "convicted_on", "follow_up_from", "sanctions", "first_sanction_age"),
    ),
    Section("presenter", "Who will present it", PANEL, referral=("presenter",)),
)
# Asked only once the nominations of the panel in question have closed (Merton, step 1).
LATE = Section("late", "Why this is urgent", PANEL, referral=("meeting", "urgent_reason"))

BY_SLUG = {section.slug: section for section in (*SECTIONS, LATE)}
SLUGS = tuple(section.slug for section in SECTIONS)

NOT_STARTED, IN_PROGRESS, COMPLETED = "Not yet started", "In progress", "Completed"


def status(section: Section, referral: Any) -> str:
    """One of the three words of the task list. Whatever is known from elsewhere counts as begun."""
    if section.slug in referral.sections_done:
        return COMPLETED
    if section.slug in referral.typed:
        return IN_PROGRESS
    held = [getattr(referral, name) for name in section.referral]
    held += [getattr(referral.offender, name) for name in section.offender if name != "aliases"]
    return IN_PROGRESS if any(value not in (None, "", {}) for value in held) else NOT_STARTED


def unfinished(referral: Any) -> list[Section]:
    """The sections that are still to be done, in their order."""
    return [section for section in SECTIONS if section.slug not in referral.sections_done]


def after(section: Section, referral: Any) -> Section | None:
    """The next unfinished section: the first one further down, else the first one of all; None when all are done."""
    left = [other for other in unfinished(referral) if other.slug != section.slug]
    order = list(SLUGS)
    place = order.index(section.slug) if section.slug in order else -1
    return next((other for other in left if order.index(other.slug) > place), left[0] if left else None)

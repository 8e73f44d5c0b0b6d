"""A nomination's answers in words, section by section: for Check and send, and for whoever reads it afterwards."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from iom.jinja import day
from offenders.models import Gender
from referrals import ogrs
from referrals.forms import clause_facts
from referrals.forms.nomination import CANNOT_SAY, FACT_QUESTIONS, excluding_flags
from referrals.models import MainDriver, Referral, Supervision
from referrals.sections import COMPLETED, SECTIONS, Section, status

Rows = list[dict[str, Any]]


def cards(referral: Referral, *, change: bool) -> list[dict[str, Any]]:
    """Each section with its rows; `change` gives the address where it is changed, which leads back to the check."""
    return [
        {
            "title": section.title,
            "rows": section_rows(referral, section),
            "href": f"{reverse('referral_section', args=[referral.reference, section.slug])}?from=check"
            if change
            else None,
            "done": status(section, referral) == COMPLETED,
        }
        for section in SECTIONS
    ]


def section_rows(referral: Referral, section: Section) -> Rows:
    """The answers of one section as keys and values; an empty value is "not provided"."""
    return [{"key": key, "value": value} for key, value in _ROWS[section.slug](referral)]


def truth(value: bool | None, *, answered: bool = True) -> str:
    if value is None:
        return "Not known" if answered else ""
    return "Yes" if value else "No"


def _identity(referral: Referral) -> list[tuple[str, str]]:
    person = referral.offender
    return [
        ("Name", person.name),
        ("Date of birth", day(person.date_of_birth)),
        ("Sex", Gender(person.gender).label if person.gender else ""),
        ("Other names", "\n".join(alias.name for alias in person.aliases.all())),
        ("PNC number", person.pnc_number),
        ("CRO number", person.cro_number),
        ("Prison number", person.prison_number),
        ("Probation number (CRN)", person.probation_number),
    ]


def _address(referral: Referral) -> list[tuple[str, str]]:
    rows = [
        ("Address", referral.offender.address),
        ("Ward or neighbourhood", referral.offender.area),
        ("In custody now", truth(referral.in_custody, answered="address" in referral.sections_done)),
    ]
    if referral.in_custody:
        rows += [("Prison", referral.prison), ("Expected release", day(referral.release_expected_on))]
    supervision = Supervision(referral.supervision).label if referral.supervision else ""
    return [*rows, ("Under probation supervision", supervision)]


def _offending(referral: Referral) -> list[tuple[str, str]]:
    asked_before = excluding_flags(referral.scheme.policy, referral.criteria)
    nomination = referral.scheme.policy.nomination
    asked = [(nomination.which_clause, proposed(referral))] if nomination.which_clause else []
    return [
        *asked,
        ("What has happened", referral.evidence),
        ("How agencies working together would help", referral.benefit),
        ("What mainly drives the offending", MainDriver(referral.main_driver).label if referral.main_driver else ""),
        *(
            (FACT_QUESTIONS[fact], truth(value))
            for fact, value in referral.facts.items()
            if fact in FACT_QUESTIONS and fact not in asked_before
        ),
        *_clause_answers(referral.facts),
    ]


def _clause_answers(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What else the scheme's clauses asked for, as far as it was answered."""
    rows = []
    if "asset_score" in facts:
        rows.append(("Asset score", str(facts["asset_score"])))
    if "serious_harm" in facts:
        rows.append(("Risk of serious harm to others", dict(clause_facts.GRADES)[facts["serious_harm"]]))
    if "exceptional_circumstances" in facts:
        rows.append(("Exceptional circumstances", facts["exceptional_circumstances"] or "None"))
    if clause_facts.HISTORY in facts:
        kinds = [clause_facts.OFFENCES[kind] for kind in facts[clause_facts.HISTORY] if kind in clause_facts.OFFENCES]
        rows.append(("Types of offence on the record", ", ".join(kinds) or "None of those asked for"))
    return rows


def proposed(referral: Referral) -> str:
    """The clause that the referrer thinks fits, in the scheme's words; "" where nothing was said."""
    clauses = {each.name: each.label for criteria in referral.scheme.policy.eligibility for each in criteria.clauses}
    return (clauses | dict([CANNOT_SAY])).get(referral.proposed_clause, "")


def _harm(referral: Referral) -> list[tuple[str, str]]:
    return [
        (
            "Risk of serious harm judged high",
            truth(referral.high_risk_of_harm, answered="harm" in referral.sections_done),
        ),
        ("What the risk is, and to whom", referral.harm),
        ("Safeguarding checks", referral.safeguarding),
    ]


def _needs(referral: Referral) -> list[tuple[str, str]]:
    return [(pathway.name, referral.needs.get(pathway.slug, "")) for pathway in referral.scheme.policy.pathways]


def _score_facts(referral: Referral) -> list[tuple[str, str]]:
    known = ogrs.offence(referral.offence_code) if referral.offence_code else None
    code = f"{referral.offence_code[:3]}/{referral.offence_code[3:]}"
    return [
        ("Current offence", f"{code} {known.description}" if known else ""),
        ("Date of the current conviction", day(referral.convicted_on)),
        ("In the community from", day(referral.follow_up_from)),
        ("Number of sanctions so far", "" if referral.sanctions is None else str(referral.sanctions)),
        ("Age at the first sanction", "" if referral.first_sanction_age is None else str(referral.first_sanction_age)),
    ]


def _presenter(referral: Referral) -> list[tuple[str, str]]:
    return [("Name and post", referral.presenter)]


def _late(referral: Referral) -> list[tuple[str, str]]:
    return [
        ("Panel", day(referral.meeting.date) if referral.meeting else ""),
        ("Why this is urgent", referral.urgent_reason),
    ]


_ROWS = {
    "identity": _identity,
    "address": _address,
    "offending": _offending,
    "harm": _harm,
    "needs": _needs,
    "score-facts": _score_facts,
    "presenter": _presenter,
    "late": _late,
}

"""Eligibility that explains itself: each clause with the facts it used, where they came from, what would settle it.

What somebody may not read of the score is named and left out; that a clause is met is for all who read the nomination.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from iom import together
from iom.clock import LONDON
from iom.jinja import day, lower_first, plural
from iom.models import PolicyVersion
from iom.policy.joining import Clause, Criteria, SubCohort
from iom.together import Steps
from offenders.models import Case
from referrals import eligibility, scoring
from referrals.eligibility import ClauseResult, Facts
from referrals.models import Finding, Referral, ReferralStatus, Score

if TYPE_CHECKING:
    from iom.access import Actor

MET, NOT_MET, NOT_KNOWN, NOT_OPEN = "Met", "Not met", "Not known", "Not open yet"
# Each fact of the rules in a few words, and what would settle it where it is not known.
FACTS: dict[str, tuple[str, str]] = {
    "ogrs2": ("Reoffending score within 2 years", "a reoffending score"),
    "ovp": ("Violence score (OVP)", "the violence score (OVP)"),
    "mappa_level": ("MAPPA level", "the MAPPA level"),
    "asset_score": ("Asset score", "the Asset score"),
    "offences": ("Offences", "which offences there were, and when"),
    "exceptional_circumstances": ("Exceptional circumstances", "whether there are exceptional circumstances"),
    "serious_harm": ("Risk of serious harm to others", "the risk of serious harm to others"),
    "high_risk_of_harm": ("High risk of harm", "whether the risk of harm is high"),
    "statutory": ("Under probation supervision", "whether the person is under probation supervision"),
    "marac": ("Engaged by the MARAC", "whether the person is engaged by the MARAC"),
    "dyo": ("Engaged by the Deter Young Offenders Panel", "whether that panel engages the person"),
    "repeat_offender": ("Repeat offender", "whether this is a repeat offender"),
    "ppo": ("Prolific and other priority offender", "whether this is a prolific and other priority offender"),
    "top_ten": ("One of the “top ten”", "whether the person is one of the “top ten”"),
    "prolific": ("Prolific", "whether this is a prolific offender"),
    "would_benefit": ("Would benefit", "whether the person would benefit"),
    "force_priority": ("Priority of the force", "whether the offending is a priority of the force"),
    "domestic_abuse_perpetrator": ("Perpetrator of domestic abuse", "whether the person is on the police list"),
    "on_yot_order": ("On a youth offending team's order", "whether the person is on such an order"),
}
# Answers that the nomination holds in a section of its own; all others stand beside the evidence.
SECTION_OF = {"high_risk_of_harm": "harm", "statutory": "address"}
SECTION_WORDS = {"harm": "Risk of harm", "address": "Address and custody", "offending": "Offending and evidence"}
KEPT = "Kept to those who work with scores"


@dataclass(frozen=True, slots=True)
class Used:
    """A fact that a clause used: its value in words and where it came from, with the page if the reader has one."""

    label: str
    value: str
    origin: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Settle:
    """What would settle a clause that is not known, and the page where it is answered."""

    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One clause with all that explains it."""

    label: str
    exclusion: bool
    met: bool | None
    state: str
    source: str
    used: tuple[Used, ...]
    settles: tuple[Settle, ...]
    waits_for: str = ""
    waits_href: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding in words: the criteria and the version of the rules that it was made by, and every clause."""

    criteria: Criteria
    rules: PolicyVersion
    as_of: date
    lines: tuple[Line, ...]
    sub_cohorts: tuple[SubCohort, ...]


def explain(actor: Actor, referral: Referral, score: Score | EllipsisType | None = ...) -> Explained:
    """What the rules say of a nomination today, clause by clause, as far as the actor may read it."""
    score = scoring.at_hand(referral, score)
    criteria = scoring.criteria_of(referral)
    facts = scoring.facts_for_rules(referral, score, criteria, scoring.current_ovp(referral))
    finding = scoring.find(referral, score)
    policy = referral.scheme.policy
    reader = _Reader(actor, referral, score, criteria, facts)
    clauses = {("criterion", clause.name): clause for clause in criteria.clauses}
    clauses |= {("exclusion", clause.name): clause for clause in policy.exclusions}
    belongs = eligibility.sub_cohorts(policy, facts, finding.as_of)
    return Explained(
        criteria,
        referral.scheme.policy_version,
        finding.as_of,
        tuple(reader.line(result, clauses[result.kind, result.clause]) for result in finding.clauses),
        tuple(each for each in policy.sub_cohorts if each.slug in belongs),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """The finding with which somebody was taken on: as it was kept, with its version of the rules."""

    finding: Finding
    criteria: Criteria | None
    rules: PolicyVersion
    lines: tuple[Line, ...]
    sub_cohorts: tuple[SubCohort, ...]


def kept_for(case: Case) -> Kept | None:
    """The last finding of the nomination by which a case was opened; None for one that came without a nomination."""
    return together.run(kept_for_steps(case))


def kept_for_steps(case: Case) -> Steps[Kept | None]:
    """`kept_for`, read together with other rows."""

    def taken_on() -> together.First:
        rows = Finding.objects.filter(
            scheme=case.scheme_id, referral__offender=case.offender_id, referral__status=ReferralStatus.ACCEPTED
        )
        if case.accepted_at_id is not None:
            rows = rows.filter(referral__meeting=case.accepted_at_id)
        return together.first(rows.select_related("policy_version"))

    finding = yield taken_on
    if finding is None:
        return None
    policy = finding.policy_version.policy
    lines = tuple(
        Line(
            each["label"],
            each["kind"] == "exclusion",
            each["met"],
            state_of(each["met"], each.get("waits_for")),
            each["source"],
            (),
            tuple(Settle(words) for words in asked_for(each["missing"])),
        )
        for each in finding.clauses
    )
    return Kept(
        finding,
        next((each for each in policy.eligibility if each.name == finding.criteria), None),
        finding.policy_version,
        lines,
        tuple(each for each in policy.sub_cohorts if each.slug in finding.sub_cohorts),
    )


def state_of(met: bool | None, waits_for: str | None = None) -> str:
    """The finding of one clause in words."""
    if waits_for:
        return NOT_OPEN
    return NOT_KNOWN if met is None else MET if met else NOT_MET


def asked_for(facts: Iterable[str]) -> list[str]:
    """What is missing, as parts of a sentence: "a reoffending score"."""
    return [FACTS[fact][1] for fact in facts]


@dataclass(frozen=True, slots=True)
class _Reader:
    """One reader of one nomination."""

    actor: Actor
    referral: Referral
    score: Score | None
    criteria: Criteria
    facts: Facts

    def line(self, result: ClauseResult, clause: Clause) -> Line:
        asked = eligibility.facts_of(clause.when)
        first = next((each.label for each in self.criteria.clauses if each.name == result.waits_for), "")
        may_say = self.actor.holds("referrals.say_resourced")
        return Line(
            label=clause.label,
            exclusion=result.kind == "exclusion",
            met=result.met,
            state=state_of(result.met, result.waits_for),
            source=result.source,
            used=tuple(self._used(fact) for fact in asked if getattr(self.facts, fact) is not None),
            settles=tuple(Settle(FACTS[fact][1], self._where(fact)) for fact in result.missing),
            waits_for=first,
            waits_href=reverse("resourced_cohorts") if first and may_say else "",
        )

    @property
    def _reads_scores(self) -> bool:
        return self.actor.holds("referrals.view_scores")

    @property
    def _edits(self) -> bool:
        open_for_changes = self.referral.status in (ReferralStatus.DRAFT, ReferralStatus.RETURNED)
        return open_for_changes and self.actor.can("referrals.edit_referral", self.referral)

    def _used(self, fact: str) -> Used:
        label = FACTS[fact][0]
        if fact in ("ogrs2", "ovp") and not self._reads_scores:
            return Used(label, KEPT, "")
        if fact == "ogrs2":
            return Used(label, f"{self.facts.ogrs2}%", self._score_words(), self._score_page())
        if fact == "high_risk_of_harm" and scoring.judging_team(self.criteria):
            return Used(label, _value(self.facts, fact), self._judged(), self._score_page())
        return Used(label, _value(self.facts, fact), self._origin(fact), self._where(fact))

    def _score_words(self) -> str:
        if self.score is None:
            return ""
        return f"{scoring.MODEL_SHORT[self.score.model]} of {day(self.score.scored_on)}"

    def _judged(self) -> str:
        """Who judged, when and why; the reason for those alone who work with scores."""
        judged = scoring.judgement_of(self.referral)
        if judged is None:
            return ""
        team = scoring.judging_team(self.criteria)
        when = day(judged.judged_at.astimezone(LONDON).date())
        why = f": {judged.reason}" if self._reads_scores else ""
        return f"Judged for the {team} by {judged.judged_by.user.name} on {when}{why}"

    def _origin(self, fact: str) -> str:
        told = self.referral.facts.get(scoring.TOLD, {}).get(fact)
        if told:
            return f"Answered by the team on {day(date.fromisoformat(told))}"
        if fact == "mappa_level":
            return "Nomination, before it started"
        return f"Nomination, {lower_first(SECTION_WORDS[SECTION_OF.get(fact, 'offending')])}"

    def _where(self, fact: str) -> str:
        """The page where a fact is answered, if it is this reader's to answer."""
        if self._edits and fact not in ("ogrs2", "ovp", "mappa_level", "exceptional_circumstances", "offences"):
            return reverse("referral_section", args=[self.referral.reference, SECTION_OF.get(fact, "offending")])
        if self._edits and fact == "ogrs2":
            return reverse("referral_section", args=[self.referral.reference, "score-facts"])
        if not self.actor.holds("referrals.score"):
            return ""
        return self._score_page() + ("" if fact == "ogrs2" else "#questions")

    def _score_page(self) -> str:
        return reverse("referral_score", args=[self.referral.reference]) if self._reads_scores else ""


def _value(facts: Facts, fact: str) -> str:
    held: Any = getattr(facts, fact)
    if isinstance(held, bool):
        return "Yes" if held else "No"
    if fact == "offences":
        return _offences(held)
    if fact == "exceptional_circumstances":
        return "Written down" if held.strip() else "None"
    if fact == "ovp":
        return f"{held}%"
    return str(held).replace("_", " ").capitalize()


def _offences(offences: tuple[eligibility.Offence, ...]) -> str:
    if not offences:
        return "None of those asked for"
    words = []
    for each in offences:
        kind = each.type.replace("_", " ")
        dated = each.date is not None and each.date > eligibility.EARLIEST
        words.append(f"{kind} on {day(each.date)}" if dated else f"{kind}, {'earlier' if each.date else 'no date'}")
    shown = "; ".join(words[:4])
    more = f" and {plural(len(words) - 4, 'other')}" if len(words) > 4 else ""
    return f"{shown[:1].upper()}{shown[1:]}{more}"

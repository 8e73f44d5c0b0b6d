"""What other criteria would do to the cohort and to open nominations, before they are adopted (Waltham Forest, 7.5).

Over whom the actor may read, in a constant number of questions to the database. Nothing is stored, and nobody's
standing changes: rules advise, people decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from iom import clock
from iom.policy.joining import Criteria
from offenders.models import Case
from referrals import eligibility, explaining, resourcing, scoring
from referrals.eligibility import Facts, Finding
from referrals.models import OPEN, HarmJudgement, Referral, ReferralStatus, Score

if TYPE_CHECKING:
    from iom.access import Actor

Verdict = Literal["leaves", "joins", "not_known", "stays", "stays_out"]
# In the order of the page: first what would change.
WORDS: dict[Verdict, str] = {
    "leaves": "Would leave",
    "joins": "Would join",
    "not_known": "Not known",
    "stays": "Would stay",
    "stays_out": "Would not join",
}
OUTCOMES = {"eligible": "Met", "not_eligible": "Not met", "excluded": "Excluded", "not_known": "Not known"}
UNDECIDED = [status for status in OPEN if status != ReferralStatus.DRAFT]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the cohort or nominated, with what is known of them for the rules.

    `facts` are read for the criteria in force, `tried` for those that are tried, which may ask other judges.
    """

    thing: Case | Referral
    on_cohort: bool
    criteria: Criteria
    facts: Facts
    tried: Facts


@dataclass(frozen=True, slots=True)
class Row:
    """One person: what the rules in force say today, what the tried ones would say, and by which clause."""

    thing: Case | Referral
    on_cohort: bool
    verdict: Verdict
    today: str
    decides: str
    missing: tuple[str, ...]

    @property
    def words(self) -> str:
        return WORDS[self.verdict]


@dataclass(frozen=True, slots=True)
class Result:
    """Every person by what would become of them."""

    rows: tuple[Row, ...]

    def of(self, verdict: str) -> list[Row]:
        """The people of one verdict."""
        return [row for row in self.rows if row.verdict == verdict]

    def count(self, verdict: str, *, on_cohort: bool | None = None) -> int:
        return sum(row.verdict == verdict and on_cohort in (None, row.on_cohort) for row in self.rows)

    @property
    def cohort(self) -> int:
        """How many are on the cohort now."""
        return sum(row.on_cohort for row in self.rows)

    @property
    def smallest(self) -> int:
        """The cohort if nobody who is not known met the criteria."""
        return self.count("stays") + self.count("joins")

    @property
    def largest(self) -> int:
        """The cohort if everybody who is not known met them."""
        return self.smallest + self.count("not_known")


def try_out(actor: Actor, tried: Criteria) -> Result:
    """Run criteria over the open cohort and the open nominations that the actor may read."""
    policy, today = actor.scheme.policy, clock.today()
    opened = {tried.name: resourcing.resourced(actor.scheme, tried)}
    rows = []
    for person in _people(actor, tried):
        own = person.criteria
        if own.name not in opened:
            opened[own.name] = resourcing.resourced(actor.scheme, own)
        now = eligibility.assess_criteria(policy, own, person.facts, today, opened[own.name])
        then = eligibility.assess_criteria(policy, tried, person.tried, today, opened[tried.name])
        rows.append(_row(person, now, then))
    order = list(WORDS)
    return Result(tuple(sorted(rows, key=lambda row: (order.index(row.verdict), not row.on_cohort))))


def _row(person: Person, now: Finding, then: Finding) -> Row:
    verdict: Verdict
    if then.outcome == "not_known":
        verdict = "not_known"
    elif person.on_cohort:
        verdict = "stays" if then.outcome == "eligible" else "leaves"
    else:
        verdict = "joins" if then.outcome == "eligible" else "stays_out"
    return Row(
        person.thing,
        person.on_cohort,
        verdict,
        OUTCOMES[now.outcome],
        decides(then),
        tuple(explaining.FACTS[fact][0] for fact in then.missing),
    )


def decides(finding: Finding) -> str:
    """The clauses that decide, in the scheme's words: the one that is met, the ground, or all that are not met."""
    if finding.outcome == "eligible":
        return next(each.label for each in finding.clauses if each.clause == finding.route)
    if finding.outcome == "excluded":
        return "; ".join(each.label for each in finding.clauses if each.kind == "exclusion" and each.met)
    if finding.outcome == "not_eligible":
        return "None of: " + "; ".join(each.label for each in finding.clauses if each.kind == "criterion")
    return "Open: " + "; ".join(each.label for each in finding.clauses if each.met is None)


def _people(actor: Actor, tried: Criteria) -> Iterable[Person]:
    cases = list(
        Case.objects.visible_to(actor).not_closed().select_related("offender").order_by("offender__sort_name", "pk")
    )
    rows = Referral.objects.visible_to(actor).select_related("offender", "meeting__body")
    waiting = list(rows.filter(status__in=UNDECIDED).order_by("offender__sort_name", "pk"))
    of_cases = rows.filter(offender__in=[case.offender_id for case in cases]).exclude(status=ReferralStatus.DRAFT)
    newest = {each.offender_id: each for each in of_cases.order_by("offender", "-pk").distinct("offender")}
    on_cohort = {case.offender_id for case in cases}
    waiting = [each for each in waiting if each.offender_id not in on_cohort]
    known = [*waiting, *newest.values()]
    _prepare(actor, known)
    people = {*on_cohort, *(each.offender_id for each in waiting)}
    scores, ovps = scoring.current_scores(people), _ovps(people)
    for case in cases:
        yield _of_case(actor, case, newest.get(case.offender_id), scores, ovps, tried)
    for each in waiting:
        own = scoring.criteria_of(each)
        score, ovp = scores.get(each.offender_id), ovps.get(each.offender_id)
        yield Person(
            each,
            False,
            own,
            scoring.facts_for_rules(each, score, own, ovp),
            scoring.facts_for_rules(each, score, tried, ovp),
        )


def _prepare(actor: Actor, referrals: list[Referral]) -> None:
    """Give each nomination its scheme and the team's newest judgement, so that none asks for them alone."""
    rows = HarmJudgement.objects.filter(referral__in=referrals).order_by("referral_id", "-judged_at", "-pk")
    judged = {each.referral_id: each for each in rows.distinct("referral_id")}
    for each in referrals:
        each.scheme = actor.scheme
        each.__dict__["newest_judgement"] = judged.get(each.pk)


def _ovps(people: Iterable[int]) -> dict[int, Score]:
    rows = Score.objects.filter(offender__in=list(people), model=Score.Model.OVP)
    return {score.offender_id: score for score in rows.order_by("offender", "-scored_on", "-pk").distinct("offender")}


def _of_case(
    actor: Actor,
    case: Case,
    referral: Referral | None,
    scores: dict[int, Score],
    ovps: dict[int, Score],
    tried: Criteria,
) -> Person:
    """What is known of somebody on the cohort: by their nomination, else by the case itself, as after an import."""
    score, ovp = scores.get(case.offender_id), ovps.get(case.offender_id)
    if referral is None:
        own = actor.scheme.policy.criteria()
        facts = Facts(ovp=ovp.pct_2yr if ovp else None)
        return Person(case, True, own, _filled(facts, case, score), _filled(facts, case, score))
    own = scoring.criteria_of(referral)
    return Person(
        case,
        True,
        own,
        _filled(scoring.facts_for_rules(referral, score, own, ovp), case, score),
        _filled(scoring.facts_for_rules(referral, score, tried, ovp), case, score),
    )


def _filled(facts: Facts, case: Case, score: Score | None) -> Facts:
    """The facts with what the case alone says: the score at acceptance, and whether it is statutory."""
    pct = score.pct_2yr if score else case.score
    statutory = facts.statutory if facts.statutory is not None else case.statutory
    return replace(facts, ogrs2=facts.ogrs2 if facts.ogrs2 is not None else pct, statutory=statutory)

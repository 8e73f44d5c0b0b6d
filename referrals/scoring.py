"""Scores and findings of a nomination: the pure models run over its facts, stored with what they were made from.

`referrals.ogrs` and `referrals.eligibility` calculate; this gathers what they need, keeps what they say, and puts it in
words. A score is never changed: the newest one counts, and all of them stay in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, clock, together
from iom.jinja import day, lower_first
from iom.models import Meeting
from iom.policy import Policy
from iom.policy.joining import AllOf, AnyOf, Criteria, Expression, OffenceTest, Scores
from iom.steps import StepRefused, locked
from iom.together import Steps
from offenders.models import Case, Offender
from referrals import eligibility, ogrs, resourcing
from referrals.models import Finding, HarmJudgement, Referral, Score, Supervision

if TYPE_CHECKING:
    from iom.access import Actor

# The scores that the scheme's percentages mean.
REOFFENDING = (Score.Model.OGRS3, Score.Model.OFFICIAL)
# OVP asks whether violence follows (Waltham Forest, 7.3).
OVP = (Score.Model.OVP,)
OGRS3_VERSION = "1.0 service"
MODEL_WORDS = {
    Score.Model.OGRS3: "OGRS3, version 1.0, with the coefficients of the Ministry of Justice's service",
    Score.Model.OVP: "OVP, version 1.0, with the points of the Ministry of Justice's service",
    Score.Model.OFFICIAL: "Official OGRS score, typed in from probation",
}
MODEL_SHORT = {Score.Model.OGRS3: "OGRS3", Score.Model.OVP: "OVP", Score.Model.OFFICIAL: "Official score"}
BAND_WORDS = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "VERY_HIGH": "very high"}

# How each fact of OGRS3 is called in a sentence, and the section of the nomination that asks for it.
FACT_WORDS = {
    "gender": ("gender", "identity"),
    "date_of_birth": ("date of birth", "identity"),
    "date_of_current_conviction": ("date of the current conviction", "score-facts"),
    "date_at_start_of_followup": ("start of follow-up", "score-facts"),
    "total_number_of_sanctions": ("number of sanctions", "score-facts"),
    "age_at_first_sanction": ("age at first sanction", "score-facts"),
    "current_offence_code": ("current offence", "score-facts"),
}
# Facts of the rules that come from elsewhere, and are no question of the score page unless they are missing.
FROM_ELSEWHERE = ("ogrs2", "mappa_level")
# Among the facts of a nomination, the types of offence on the record: what each clause makes of them is worked out.
HISTORY = "history"
# And on which day the team answered what, since it may correct what the referrer said.
TOLD = "told"
SCORE_FIELDS = ("offence_code", "convicted_on", "follow_up_from", "sanctions", "first_sanction_age")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why there is no score yet: the fact, what to do in words, the section of the nomination that asks for it."""

    fact: str
    words: str
    section: str
    missing: bool


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a percentage means under the scheme's marks; `source` is the paragraph of the mark that it is held to."""

    words: str
    source: str
    reached: bool


@dataclass(frozen=True, slots=True)
class OffenceQuestion:
    """The one question about offences that settles every clause of some criteria."""

    types: tuple[str, ...]
    within_months: int | None
    in_community: bool


# --- Reading -----------------------------------------------------------------


def facts_for_score(referral: Referral) -> ogrs.Facts:
    """The seven facts of OGRS3 as the nomination and the person hold them; None is not known."""
    person = referral.offender
    return ogrs.Facts(
        gender=ogrs.Gender(person.gender) if person.gender else None,
        date_of_birth=person.date_of_birth,
        date_of_current_conviction=referral.convicted_on,
        date_at_start_of_followup=referral.follow_up_from,
        total_number_of_sanctions=referral.sanctions,
        age_at_first_sanction=referral.first_sanction_age,
        current_offence_code=referral.offence_code or None,
    )


def obstacles_to_score(referral: Referral, today: date) -> list[Obstacle]:
    """What is missing, impossible or refused by the model; empty when the nomination can be scored."""
    facts = facts_for_score(referral)
    found = [
        Obstacle(fact, f"Enter the {FACT_WORDS[fact][0]}.", FACT_WORDS[fact][1], missing=True)
        for fact in ogrs.missing(facts)
    ]
    found += [
        Obstacle(problem.field, problem.message, FACT_WORDS[problem.field][1], missing=False)
        for problem in ogrs.form_problems(facts, today)
    ]
    if found:
        return found
    result = ogrs.score(facts)
    if not isinstance(result, ogrs.Refusal):
        return []
    return [
        Obstacle(fact, error.message, FACT_WORDS[fact][1], missing=False)
        for error in result.errors
        for fact in (error.fields or ("date_of_birth",))[:1]
    ]


def preview(referral: Referral) -> Score | None:
    """The score that would be kept now, kept nowhere; None where something stands in its way."""
    if obstacles_to_score(referral, clock.today()):
        return None
    return Score(scheme=referral.scheme, **_worked_out(referral))


def needed(obstacles: Iterable[Obstacle]) -> str:
    """The facts that are missing, as a list in a sentence: "date of birth, number of sanctions"."""
    return ", ".join(FACT_WORDS[obstacle.fact][0] for obstacle in obstacles if obstacle.missing)


def scores_of(offender: Offender) -> list[Score]:
    """Every score of a person, the newest first. The caller has found the person through something they may read."""
    return together.run(scores_steps(offender))


def scores_steps(offender: Offender) -> Steps[list[Score]]:
    """`scores_of`, read together with other rows."""
    rows = Score.objects.filter(scheme=offender.scheme_id, offender=offender)
    return (yield rows.select_related("scored_by", "referral"))


def current_score(offender: Offender, models: Iterable[str] = REOFFENDING) -> Score | None:
    """The score that counts: the newest by its date, whoever worked it out."""
    return together.run(current_score_steps(offender, models))


def current_score_steps(offender: Offender, models: Iterable[str] = REOFFENDING) -> Steps[Score | None]:
    """`current_score`, read together with other rows."""
    kinds = tuple(models)
    return (
        yield lambda: together.first(
            Score.objects.filter(scheme=offender.scheme_id, offender=offender.pk, model__in=kinds)
        )
    )


def current_scores(offender_ids: Iterable[int]) -> dict[int, Score]:
    """The score that counts for each of these people, in one query."""
    return together.run(current_scores_steps(offender_ids))


def current_scores_steps(offender_ids: Iterable[int]) -> Steps[dict[int, Score]]:
    """`current_scores`, read together with other rows."""
    rows = Score.objects.filter(offender__in=list(offender_ids), model__in=REOFFENDING)
    found = yield rows.order_by("offender", "-scored_on", "-pk").distinct("offender")
    return {score.offender_id: score for score in found}


@together.worded
def counting(people: list[int]) -> QuerySet:
    """The score that counts for each of these people, as person, per cent within two years, and day."""
    rows = Score.objects.filter(offender__in=people, model__in=REOFFENDING)
    newest = rows.order_by("offender", "-scored_on", "-pk").distinct("offender")
    return newest.values_list("offender", "pct_2yr", "scored_on")


def is_out_of_date(score: Score, referral: Referral) -> bool:
    """Whether the facts have changed since an OGRS3 score was worked out from them."""
    return score.model == Score.Model.OGRS3 and score.inputs != _inputs(facts_for_score(referral))


def headline(score: Score) -> str:
    """`82% within 2 years (64% within 1 year)`."""
    one_year = f" ({score.pct_1yr}% within 1 year)" if score.pct_1yr is not None else ""
    return f"{score.pct_2yr}% within 2 years{one_year}"


def current_ovp(referral: Referral) -> Score | None:
    """The newest OVP of a nominated person, where the scheme works with it."""
    return current_score(referral.offender, OVP) if "ovp" in referral.scheme.policy.scores.models else None


def difference(scores: Iterable[Score], allowed: int) -> str | None:
    """A warning when the newest official score and our newest one are more than `allowed` points apart."""
    newest: dict[str, Score] = {}
    for score in scores:
        newest.setdefault(score.model, score)
    ours, official = newest.get(Score.Model.OGRS3), newest.get(Score.Model.OFFICIAL)
    if ours is None or official is None or abs(ours.pct_2yr - official.pct_2yr) <= allowed:
        return None
    apart = abs(ours.pct_2yr - official.pct_2yr)
    return (
        f"The official score is {official.pct_2yr}% and ours is {ours.pct_2yr}%: {apart} points apart. "
        "Check the facts with probation before the panel agrees a score."
    )


def marks(scores: Scores, model: str = "ogrs3") -> list[tuple[int, str]]:
    """The percentages at which something changes under the scheme's rules, lowest first, with their words."""
    return sorted((mark.percent, mark.label) for mark in scores.thresholds if mark.model == model)


def meaning(scores: Scores, percent: int, model: str = "ogrs3") -> Meaning | None:
    """What a two-year percentage (whole, 1 to 99) means here; None where the scheme sets no mark."""
    rungs = sorted((mark for mark in scores.thresholds if mark.model == model), key=lambda mark: -mark.percent)
    if not rungs:
        return None
    reached = next((mark for mark in rungs if percent >= mark.percent), None)
    if reached is not None:
        words = f"Meets the {reached.percent}% rule: {lower_first(reached.label)}."
        return Meaning(words, reached.source, reached=True)
    lowest = rungs[-1]
    return Meaning(f"Below the {lowest.percent}% rule.", lowest.source, reached=False)


def criteria_for(policy: Policy, meeting: Meeting | None) -> Criteria:
    """The criteria in force at the body that will decide, else those of the scheme."""
    slug = meeting.body.slug if meeting else ""
    own = (each for each in policy.eligibility if each.state == "in_force" and each.body == slug)
    return next(own, policy.criteria())


def criteria_of(referral: Referral) -> Criteria:
    """The criteria that a nomination is held to: those that it was made for, else those of the body that decides."""
    policy = referral.scheme.policy
    chosen = next((each for each in policy.eligibility if each.name == referral.criteria), None)
    return chosen or criteria_for(policy, referral.meeting)


def judging_team(criteria: Criteria) -> str:
    """Whose judgement of the risk of harm the criteria ask for (Merton, step 3); blank where anybody's will do."""
    asked = (each for each in criteria.clauses if "high_risk_of_harm" in eligibility.facts_of(each.when))
    return next((clause.judged_by for clause in asked if clause.judged_by), "")


def judgement_of(referral: Referral) -> HarmJudgement | None:
    """The team's newest judgement of the risk of harm. Lists set it beforehand as `newest_judgement`."""
    return together.run(judgement_steps(referral))


def judgement_steps(referral: Referral) -> Steps[HarmJudgement | None]:
    """`judgement_of`, read together with other rows."""
    if "newest_judgement" not in referral.__dict__:
        referral.__dict__["newest_judgement"] = yield _judgement(referral.pk)
    return referral.__dict__["newest_judgement"]


@together.worded
def _judgement(referral: int) -> together.First:
    return together.first(HarmJudgement.objects.filter(referral=referral).select_related("judged_by__user"))


def high_risk_of_harm(referral: Referral, criteria: Criteria) -> bool | None:
    """What the rules take as known: where the scheme asks for the team's judgement, the referrer's view is none."""
    if not judging_team(criteria):
        return referral.high_risk_of_harm
    judged = judgement_of(referral)
    return judged.high if judged else None


def facts_for_rules(
    referral: Referral, score: Score | None, criteria: Criteria | None = None, ovp: Score | None = None
) -> eligibility.Facts:
    """What is known for the scheme's clauses: answers kept with the nomination, its fields, the scores that count.

    `criteria` are those that the nomination is held to unless others are tried on it.
    """
    own = criteria_of(referral)
    given = {name: value for name, value in referral.facts.items() if _is_readable(name, value)}
    if referral.mappa_level is not None:
        given["mappa_level"] = referral.mappa_level
    if (high := high_risk_of_harm(referral, criteria or own)) is not None:
        given["high_risk_of_harm"] = high
    if ovp is not None:
        given.setdefault("ovp", ovp.pct_2yr)
    if referral.supervision in (Supervision.YES, Supervision.NO):
        given["statutory"] = referral.supervision == Supervision.YES
    if score is not None:
        given["ogrs2"] = score.pct_2yr
    read = eligibility.facts_from(given)
    if isinstance(read, eligibility.Unreadable):
        raise StepRefused(read.errors)
    return _with_history(read, referral, own)


def _with_history(facts: eligibility.Facts, referral: Referral, own: Criteria) -> eligibility.Facts:
    """The facts with the types of offence on the record, where somebody was asked for them.

    Without them, what is known of offences is the answer to the one question of the nomination's own criteria.
    """
    history = referral.facts.get(HISTORY)
    if history is None:
        question = offence_question(own)
        if facts.offences is None or question is None:
            return facts
        return replace(facts, asked=eligibility.Asked(question.types, question.within_months))
    told = facts.offences or ()
    # Whoever was asked for recent ones and named none of a type has it further back: any day long ago will do.
    day = eligibility.EARLIEST if facts.offences is not None else None
    older = tuple(
        eligibility.Offence(kind, day)
        for kind in history
        if kind in eligibility.OFFENCE_TYPES and kind not in {each.type for each in told}
    )
    return replace(facts, offences=(*told, *older))


def _is_readable(name: str, value: Any) -> bool:
    """Whether a stored answer is one that the rules understand; what they do not is not known to them."""
    return not isinstance(eligibility.facts_from({name: value}), eligibility.Unreadable)


def at_hand(referral: Referral, score: Score | EllipsisType | None) -> Score | None:
    """The score that counts: the one that the caller has read already, None too, or for `...` what is found now."""
    return current_score(referral.offender) if isinstance(score, EllipsisType) else score


def find(referral: Referral, score: Score | EllipsisType | None = ...) -> eligibility.Finding:
    """What the rules say of a nomination today. Nothing is stored: see `assess`."""
    score = at_hand(referral, score)
    criteria = criteria_of(referral)
    return _assessed(referral, criteria, facts_for_rules(referral, score, criteria, current_ovp(referral)))


def _assessed(referral: Referral, criteria: Criteria, facts: eligibility.Facts) -> eligibility.Finding:
    opened = resourcing.resourced(referral.scheme, criteria)
    return eligibility.assess(referral.scheme.policy, criteria.name, facts, clock.today(), opened)


def questions(referral: Referral, score: Score | EllipsisType | None = ...) -> list[str]:
    """The facts beyond the score that decide here and now under the scheme's clauses, answered yet or not.

    With an OGRS of 62% the London criteria ask two things, with 82% none: so the rules themselves are asked, with every
    answer forgotten but the score.
    """
    score = at_hand(referral, score)
    criteria = criteria_of(referral)
    forgotten: dict[str, Any] = {name: None for name in eligibility.FACTS if name not in FROM_ELSEWHERE}
    facts = replace(facts_for_rules(referral, score, criteria), **forgotten, asked=None)
    finding = _assessed(referral, criteria, facts)
    asked = dict.fromkeys(fact for clause in finding.clauses for fact in clause.missing)
    known = {"ogrs2"} | ({"offences"} if _history_answers(referral, criteria) else set())
    return [fact for fact in asked if fact not in known]


def _history_answers(referral: Referral, criteria: Criteria) -> bool:
    """Whether the types of offence on the record, which were asked for, say all that the criteria ask of offences."""
    question = offence_question(criteria)
    dated = question is not None and (question.within_months is not None or question.in_community)
    return referral.facts.get(HISTORY) is not None and not dated


def offence_question(criteria: Criteria) -> OffenceQuestion | None:
    """What the criteria want to know of offences; None where they ask for none."""
    tests = [test for clause in criteria.clauses for test in _offence_tests(clause.when)]
    if not tests:
        return None
    months = [test.within_months for test in tests if test.within_months]
    return OffenceQuestion(
        types=tuple(dict.fromkeys(kind for test in tests for kind in test.types)),
        within_months=max(months) if months and len(months) == len(tests) else None,
        in_community=any(test.in_community for test in tests),
    )


def _offence_tests(expression: Expression) -> Iterator[OffenceTest]:
    if isinstance(expression, OffenceTest):
        yield expression
    elif isinstance(expression, AllOf | AnyOf):
        for part in expression.of:
            yield from _offence_tests(part)


# --- Writing -----------------------------------------------------------------


@transaction.atomic
def score_ogrs3(referral: Referral, *, by: Actor) -> Score:
    """Work out OGRS3 from the nomination's facts, and what the rules say with it (Merton, step 3).

    The same facts scored again on the same day give the score that stands. Raises PermissionDenied, and StepRefused
    with what is missing or impossible.
    """
    referral = locked_for_score(referral, by)
    if problems := obstacles_to_score(referral, clock.today()):
        raise StepRefused(problem.words for problem in problems)
    made = _worked_out(referral)
    same = {name: value for name, value in made.items() if name not in ("band", "effects")}
    score = Score.objects.filter(scheme=by.scheme, **same).first()
    if score is None:
        score = Score.objects.create(scheme=by.scheme, scored_by=by.user, **made)
        audit.record("score", referral, by=by, subjects=[referral.reference], model=score.model, score=score.pk)
    if referral.is_open:
        keep_finding(referral, by)
    return score


def _worked_out(referral: Referral) -> dict[str, Any]:
    """What OGRS3 makes of a nomination's facts today, as a score holds it. Raises StepRefused where it refuses."""
    result = ogrs.score(facts_for_score(referral))
    if isinstance(result, ogrs.Refusal):
        raise StepRefused(error.message for error in result.errors)
    return {
        "offender": referral.offender,
        "referral": referral,
        "model": Score.Model.OGRS3,
        "model_version": OGRS3_VERSION,
        "inputs": _inputs(result.facts),
        "pct_1yr": result.pct_1yr,
        "pct_2yr": result.pct_2yr,
        "band": result.band,
        "effects": [as_stored(each) for each in result.effects],
        "scored_on": clock.today(),
    }


@transaction.atomic
def record_official_score(
    offender: Offender,
    *,
    pct_2yr: int,
    scored_on: date,
    by: Actor,
    pct_1yr: int | None = None,
    referral: Referral | None = None,
    case: Case | None = None,
) -> Score:
    """Keep the score that probation's own system gives, with the day on which it was made (whole per cent, 1 to 99).

    It belongs to a nomination or to a case of the person. Raises PermissionDenied, or StepRefused for figures that no
    score can have.
    """
    thing = referral or case
    allowed = (
        by.can("referrals.score", referral)
        if referral is not None
        else by.holds("referrals.score") and by.can("offenders.view_case", case)
    )
    if not allowed or thing is None or thing.offender_id != offender.pk:
        raise PermissionDenied
    if problems := _official_problems(pct_2yr, pct_1yr, scored_on):
        raise StepRefused(problems)
    score = Score.objects.create(
        scheme=by.scheme,
        offender=offender,
        referral=referral,
        model=Score.Model.OFFICIAL,
        model_version="",
        inputs={},
        pct_1yr=pct_1yr,
        pct_2yr=pct_2yr,
        band=ogrs.band_for(pct_2yr),
        scored_on=scored_on,
        scored_by=by.user,
    )
    audit.record("score", thing, by=by, subjects=[thing.reference], model=score.model, score=score.pk)
    if referral is not None and referral.is_open:
        keep_finding(locked(Referral, referral.pk), by)
    return score


@transaction.atomic
def assess(referral: Referral, *, by: Actor) -> Finding:
    """Run the scheme's rules over what is known, and keep the finding with the version of the rules (design.md 3).

    The same finding on the same day is kept once. Raises PermissionDenied.
    """
    return keep_finding(locked_for_score(referral, by), by)


@transaction.atomic
def record_facts(
    referral: Referral,
    *,
    by: Actor,
    version: int | None = None,
    harm_because: str = "",
    presenter: str = "",
    **facts: Any,
) -> Referral:
    """Keep answers that the scheme's clauses ask for, by the names of `eligibility.Facts`; None is not known.

    "High risk of harm" is the team's own judgement where the scheme asks for it, with `harm_because` as its reason,
    whatever the referrer wrote (Merton, step 3). `presenter` says who presents exceptional circumstances to the panel
    (London, step 2). Raises PermissionDenied, Stale, or StepRefused for a fact that the rules cannot read, a judgement
    without a reason, or exceptional circumstances that nobody presents.
    """
    if unknown := set(facts) - set(eligibility.FACTS):
        raise TypeError(f"The rules ask for no {', '.join(sorted(unknown))}")
    referral = locked_for_score(referral, by, version=version)
    must_be_open(referral)
    if isinstance(read := eligibility.facts_from(facts), eligibility.Unreadable):
        raise StepRefused(read.errors)
    told = list(facts)
    judged = judging_team(criteria_of(referral)) and facts.pop("high_risk_of_harm", None)
    if isinstance(judged, bool):
        _judge_harm(referral, judged, harm_because, by)
    before = facts_for_rules(referral, None)
    for name, value in facts.items():
        _keep_fact(referral, name, value)
    _keep_day(referral, before, facts)
    referral.presenter = presenter.strip() or referral.presenter
    if (referral.facts.get("exceptional_circumstances") or "").strip() and not referral.presenter.strip():
        raise StepRefused(["Enter who will present the exceptional circumstances to the panel."])
    referral.version += 1
    referral.save(update_fields=["facts", "high_risk_of_harm", "supervision", "mappa_level", "presenter", "version"])
    audit.record("record_facts", referral, by=by, fields=told, subjects=[referral.reference])
    keep_finding(referral, by)
    return referral


@transaction.atomic
def change_score_facts(referral: Referral, *, by: Actor, version: int | None = None, **facts: Any) -> Referral:
    """Correct the facts of the score once the nomination is with the team. A score already made stays as it was.

    Raises PermissionDenied, Stale, or StepRefused when the panel has decided.
    """
    if unknown := set(facts) - set(SCORE_FIELDS):
        raise TypeError(f"The score asks for no {', '.join(sorted(unknown))}")
    referral = locked_for_score(referral, by, version=version)
    must_be_open(referral)
    changed = {name: value for name, value in facts.items() if getattr(referral, name) != value}
    if not changed:
        return referral
    for name, value in changed.items():
        setattr(referral, name, value)
    referral.version += 1
    referral.save(update_fields=[*changed, "version"])
    audit.record("change_score_facts", referral, by=by, fields=changed, subjects=[referral.reference])
    return referral


def locked_for_score(referral: Referral, by: Actor, *, version: int | None = None) -> Referral:
    referral = locked(Referral, referral.pk, version=version)
    if not by.can("referrals.score", referral):
        raise PermissionDenied
    return referral


def _judge_harm(referral: Referral, high: bool, because: str, by: Actor) -> None:
    """Keep the team's judgement, with who, when and why; one that says the same again is not kept twice."""
    held = judgement_of(referral)
    reason = because.strip() or (held.reason if held and held.high == high else "")
    if not reason:
        raise StepRefused(["Enter why the risk of harm is judged so."])
    if held is not None and (held.high, held.reason) == (high, reason):
        return
    made = HarmJudgement.objects.create(
        scheme=by.scheme, referral=referral, high=high, reason=reason, judged_by=by.membership, judged_at=clock.now()
    )
    referral.__dict__["newest_judgement"] = made
    audit.record("judge_harm", referral, by=by, after="high" if high else "not high", subjects=[referral.reference])


def must_be_open(referral: Referral) -> None:
    if not referral.is_open:
        raise StepRefused([f"This referral is already {referral.get_status_display().lower()}."])


def _keep_fact(referral: Referral, name: str, value: Any) -> None:
    if name == "high_risk_of_harm":
        referral.high_risk_of_harm = value
    elif name == "mappa_level":
        referral.mappa_level = value
    elif name == "statutory":
        answers = {True: Supervision.YES, False: Supervision.NO, None: Supervision.NOT_KNOWN}
        referral.supervision = answers[value]
    elif value is None:
        referral.facts.pop(name, None)
    else:
        referral.facts[name] = value


def _keep_day(referral: Referral, before: eligibility.Facts, told: Mapping[str, Any]) -> None:
    """The day on which the team answered what it changed; what it left as it was keeps where it came from."""
    after = facts_for_rules(referral, None)
    changed = [name for name in told if getattr(after, name) != getattr(before, name)]
    days = {name: day for name, day in referral.facts.get(TOLD, {}).items() if name not in changed}
    days |= {name: clock.today().isoformat() for name in changed if getattr(after, name) is not None}
    if days:
        referral.facts[TOLD] = days
    else:
        referral.facts.pop(TOLD, None)


def keep_finding(referral: Referral, by: Actor) -> Finding:
    score = current_score(referral.offender)
    result = find(referral, score)
    facts = facts_for_rules(referral, score, ovp=current_ovp(referral))
    found = {
        "policy_version": by.scheme.policy_version,
        "criteria": result.criteria,
        "outcome": result.outcome,
        "route": result.route or "",
        "clauses": [asdict(clause) | {"missing": list(clause.missing)} for clause in result.clauses],
        "facts": plain(asdict(facts)),
        "sub_cohorts": list(eligibility.sub_cohorts(referral.scheme.policy, facts, result.as_of)),
        "as_of": result.as_of,
    }
    newest = Finding.objects.filter(scheme=by.scheme, referral=referral).first()
    if newest is not None and all(getattr(newest, name) == value for name, value in found.items()):
        return newest
    finding = Finding.objects.create(scheme=by.scheme, referral=referral, **found)
    audit.record(
        "assess", referral, by=by, after=result.outcome, subjects=[referral.reference], criteria=result.criteria
    )
    return finding


def _official_problems(pct_2yr: int, pct_1yr: int | None, scored_on: date) -> list[str]:
    problems = []
    if not 1 <= pct_2yr <= 99 or (pct_1yr is not None and not 1 <= pct_1yr <= 99):
        problems.append("A score must be 1 to 99 per cent.")
    elif pct_1yr is not None and pct_1yr > pct_2yr:
        problems.append("The score within 1 year cannot be higher than the score within 2 years.")
    if scored_on > clock.today():
        problems.append("The date of the score must be today or earlier.")
    return problems


def _inputs(facts: ogrs.Facts | ogrs.KnownFacts) -> dict[str, Any]:
    """The seven facts as they are stored with a score."""
    return plain({name: getattr(facts, name) for name in ogrs.INPUTS})


def as_stored(effect: ogrs.Effect) -> dict[str, Any]:
    return {
        "fact": effect.fact,
        "label": effect.label,
        "value": effect.value,
        "reference": effect.reference,
        "points": round(effect.points, 1),
    }


def plain(value: Any) -> Any:
    """Dates as text and tuples as lists, so that what is stored reads back equal; what is not known is left out."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def summary(finding: eligibility.Finding) -> str:
    """The finding in a sentence. Rules advise, people decide."""
    if finding.outcome == "eligible":
        met = next(clause.label for clause in finding.clauses if clause.clause == finding.route)
        return f"Meets the scheme's rules: {met}."
    return {
        "not_eligible": "Does not meet the scheme's rules. The panel decides.",
        "not_known": "Not known yet whether the scheme's rules are met.",
        "excluded": "Excluded by the scheme's rules.",
    }[finding.outcome]


def dated(score: Score) -> str:
    """`82% on 12 Mar 2026`, since a score is never shown without its date."""
    return f"{score.pct_2yr}% on {day(score.scored_on)}"

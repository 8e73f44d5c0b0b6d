"""OVP of a nominated person: the chance of violent reoffending, where the scheme uses it (Waltham Forest, 7.3).

`referrals.ovp` calculates. Four of its thirteen facts are those of the reoffending score; the other nine are answers of
an assessment (OASys), kept with the nomination by the names of `ovp.Facts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction

from iom import audit, clock
from iom.policy import Policy
from iom.steps import StepRefused
from offenders.models import Offender
from referrals import ovp
from referrals.models import Referral, Score
from referrals.scoring import Obstacle, as_stored, keep_finding, locked_for_score, must_be_open, plain

if TYPE_CHECKING:
    from iom.access import Actor

VERSION = "1.0 service"
MOST_POINTS = 98
# What the reoffending score asks for as well, and where: the section of the nomination.
SHARED = {
    "gender": ("gender", "identity"),
    "date_of_birth": ("date of birth", "identity"),
    "date_at_start_of_followup": ("start of follow-up", "score-facts"),
    "total_number_of_sanctions": ("number of sanctions", "score-facts"),
}
VIOLENT = "total_number_of_violent_sanctions"
# What an assessment says, in words for a sentence.
ASSESSED = {
    VIOLENT: "number of violent sanctions",
    "recognises_impact_on_others": "whether the impact on others is recognised",
    "no_fixed_abode_or_transient": "whether there is no fixed abode",
    "unemployed": "whether the person is unemployed",
    "current_alcohol_use_problems": "current alcohol use",
    "excessive_alcohol_use": "excessive alcohol use",
    "current_psychiatric_treatment": "psychiatric treatment",
    "temper_control": "temper control",
    "pro_criminal_attitudes": "pro-criminal attitudes",
}
LEVELS = ("current_alcohol_use_problems", "excessive_alcohol_use", "temper_control", "pro_criminal_attitudes")
FORM = "ovp"


def is_used(policy: Policy) -> bool:
    """Whether the scheme works with OVP."""
    return "ovp" in policy.scores.models


def facts(referral: Referral, assessed: Mapping[str, Any] | None = None) -> ovp.Facts:
    """The thirteen facts as the person and the nomination hold them, or with other `assessed` ones. None: not known."""
    person, held = referral.offender, referral.ovp_facts if assessed is None else assessed
    answers = {name: held.get(name) for name in ASSESSED}
    answers |= {name: ovp.Level(answers[name]) for name in LEVELS if answers[name] is not None}
    return ovp.Facts(
        gender=ovp.Gender(person.gender) if person.gender else None,
        date_of_birth=person.date_of_birth,
        date_at_start_of_followup=referral.follow_up_from,
        total_number_of_sanctions=referral.sanctions,
        **answers,
    )


def obstacles(referral: Referral, today: date) -> list[Obstacle]:
    """What is missing or impossible, each with the section where it is put right; `FORM` is the score page's own."""
    known = facts(referral)
    found = [
        Obstacle(name, f"Enter the {_called(name)}." if _is_noun(name) else f"Say {_called(name)}.", _place(name), True)
        for name in ovp.missing(known)
    ]
    return found + [
        Obstacle(each.field, each.message, _place(each.field), False) for each in ovp.form_problems(known, today)
    ]


def _called(name: str) -> str:
    return SHARED[name][0] if name in SHARED else ASSESSED[name]


def _is_noun(name: str) -> bool:
    return not _called(name).startswith("whether ")


def _place(name: str) -> str:
    return SHARED[name][1] if name in SHARED else FORM


def current(offender: Offender) -> Score | None:
    """The newest OVP of a person."""
    return Score.objects.filter(scheme=offender.scheme_id, offender=offender, model=Score.Model.OVP).first()


def is_out_of_date(score: Score, referral: Referral) -> bool:
    """Whether the facts have changed since the score was worked out."""
    return score.inputs != _inputs(facts(referral))


@transaction.atomic
def change_facts(referral: Referral, *, by: Actor, version: int | None = None, **assessed: Any) -> Referral:
    """Keep the answers of an assessment by the names of `ASSESSED`; None is not known. A score made stays as it was.

    Raises PermissionDenied, Stale, or StepRefused when the panel has decided or the answers are impossible.
    """
    if unknown := set(assessed) - set(ASSESSED):
        raise TypeError(f"OVP asks for no {', '.join(sorted(unknown))}")
    referral = locked_for_score(referral, by, version=version)
    must_be_open(referral)
    held = plain({**referral.ovp_facts, **assessed})
    impossible = ovp.form_problems(facts(referral, held), clock.today())
    if problems := [each.message for each in impossible if each.field in ASSESSED]:
        raise StepRefused(problems)
    if held == referral.ovp_facts:
        return referral
    changed = {name: held.get(name) for name in assessed if held.get(name) != referral.ovp_facts.get(name)}
    referral.ovp_facts = held
    referral.version += 1
    referral.save(update_fields=["ovp_facts", "version"])
    audit.record("change_ovp_facts", referral, by=by, fields=changed, subjects=[referral.reference])
    return referral


@transaction.atomic
def score(referral: Referral, *, by: Actor) -> Score:
    """Work out OVP from the nomination's facts, and what the rules say with it.

    The same facts scored again on the same day give the score that stands. Raises PermissionDenied, and StepRefused
    with what is missing or impossible, or where the scheme does not use OVP.
    """
    referral = locked_for_score(referral, by)
    if not is_used(by.scheme.policy):
        raise StepRefused(["This scheme does not use OVP."])
    if problems := obstacles(referral, clock.today()):
        raise StepRefused(problem.words for problem in problems)
    result = ovp.score(facts(referral))
    if isinstance(result, ovp.Refusal):
        raise StepRefused(error.message for error in result.errors)
    made = {
        "offender": referral.offender,
        "referral": referral,
        "model": Score.Model.OVP,
        "model_version": VERSION,
        "inputs": _inputs(facts(referral)),
        "pct_1yr": result.pct_1yr,
        "pct_2yr": result.pct_2yr,
        "scored_on": clock.today(),
    }
    stands = Score.objects.filter(scheme=by.scheme, **made).first()
    if stands is None:
        stands = Score.objects.create(
            scheme=by.scheme,
            band=result.band,
            effects=[as_stored(each) for each in result.effects],
            scored_by=by.user,
            **made,
        )
        audit.record("score", referral, by=by, subjects=[referral.reference], model=stands.model, score=stands.pk)
    if referral.is_open:
        keep_finding(referral, by)
    return stands


def points_of(score: Score) -> int:
    """The points of a stored score, of `MOST_POINTS`, from the facts stored with it."""
    held = dict(score.inputs)
    for name in ("date_of_birth", "date_at_start_of_followup"):
        held[name] = date.fromisoformat(held[name])
    held |= {name: ovp.Level(held[name]) for name in LEVELS} | {"gender": ovp.Gender(held["gender"])}
    result = ovp.score(ovp.Facts(**held))
    if isinstance(result, ovp.Refusal):
        raise TypeError(f"score {score.pk} was stored with facts that give none")
    return result.points


def _inputs(known: ovp.Facts) -> dict[str, Any]:
    """The thirteen facts as they are stored with a score."""
    return plain({name: getattr(known, name) for name in ovp.INPUTS})

"""The reoffending score of a nomination and of a case: what it is, what it means here, why, and what it was before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock
from iom.access import Actor
from iom.jinja import plural
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders.case_pages import case_page, find_case
from offenders.models import Case
from referrals import actions, explaining, ovp_scoring, scoring
from referrals.forms.nomination import ScoreFactsForm
from referrals.forms.ovp import OvpForm
from referrals.forms.score import FactsForm, OfficialScoreForm
from referrals.models import Referral, Score
from referrals.score_page import fact_rows, marks_in_words, scale

Forms = dict[str, forms.Form]
# The forms of the page, by the `do` of their buttons.
FACTS, CHANGE, OFFICIAL, SCORE = "facts", "change", "official", "score"
OVP, SCORE_OVP = "ovp", "score_ovp"


@page("referrals.view_scores", methods=("GET", "POST"))
def referral_score(request: HttpRequest, reference: str) -> HttpResponse:
    """The score of a nominated person."""
    actor = request.actor
    referral = found(Referral.objects.visible_to(actor).for_list(), reference=reference)
    referral.scheme = actor.scheme
    made = _forms(request, referral)
    if request.method == "POST" and _do(request, made, referral, None):
        return redirect("referral_score", referral.reference)
    return render(request, "referrals/score.html", _context(actor, referral, None, made))


@page("referrals.view_scores", methods=("GET", "POST"))
def case_score(request: HttpRequest, reference: str) -> HttpResponse:
    """The score of someone on the cohort: that of the nomination, and official ones since."""
    actor = request.actor
    case = find_case(actor, reference)
    # The newest nomination of the person, where the reader may see it: its facts are what was scored.
    referral = Referral.objects.visible_to(actor).for_list().filter(offender=case.offender).first()
    if referral is not None:
        referral.scheme = actor.scheme
    made = _forms(request, referral)
    if request.method == "POST" and _do(request, made, referral, case):
        return redirect("case_score", case.reference)
    context = _context(actor, referral, case, made) | case_page(request, case, "case_score")
    return render(request, "referrals/case_score.html", context)


def _forms(request: HttpRequest, referral: Referral | None) -> Forms:
    """The forms of the page; the one whose button was pressed holds what was posted."""
    posted = request.POST if request.method == "POST" else None
    do = posted.get("do", "") if posted else ""

    def data(name: str) -> Any:
        return posted if do == name else None

    made: Forms = {OFFICIAL: OfficialScoreForm(data(OFFICIAL), auto_id="official_%s")}
    if referral is not None and referral.is_open:
        made[FACTS] = FactsForm(data(FACTS), referral=referral, asked=scoring.questions(referral), auto_id="facts_%s")
        if ovp_scoring.is_used(referral.scheme.policy):
            made[OVP] = OvpForm(data(OVP), referral=referral, auto_id="ovp_%s")
        made[CHANGE] = ScoreFactsForm(data(CHANGE), referral=referral, auto_id="change_%s")
    return made


def _do(request: HttpRequest, made: Forms, referral: Referral | None, case: Case | None) -> bool:
    """Do what the pressed button says; False where its form has something to put right."""
    do = request.POST.get("do", "")
    if do == SCORE and referral is not None:
        return _refusals_as_message(request, lambda: _score(request, referral))
    if do == SCORE_OVP and referral is not None:
        return _refusals_as_message(request, lambda: _score_ovp(request, referral))
    form = made.get(do)
    if form is None:
        raise PermissionDenied
    if not form.is_valid():
        return False
    saved: dict[str, Callable[[], str]] = {
        FACTS: lambda: _save_facts(request.actor, referral, form),
        CHANGE: lambda: _change_facts(request, referral, form),
        OVP: lambda: _change_ovp(request, referral, form),
        OFFICIAL: lambda: _save_official(request.actor, referral, case, form),
    }
    try:
        messages.success(request, saved[do]())
    except StepRefused as refused:
        for problem in refused.problems:
            form.add_error(None, problem)
        return False
    return True


def _refusals_as_message(request: HttpRequest, act: Callable[[], str]) -> bool:
    try:
        messages.success(request, act())
    except StepRefused as refused:
        messages.error(request, str(refused))
    return True


def _score(request: HttpRequest, referral: Referral) -> str:
    return f"Score: {scoring.headline(scoring.score_ogrs3(referral, by=request.actor))}"


def _score_ovp(request: HttpRequest, referral: Referral) -> str:
    return f"Violence score: {scoring.headline(ovp_scoring.score(referral, by=request.actor))}"


def _change_ovp(request: HttpRequest, referral: Referral, form: OvpForm) -> str:
    """Keep what the assessment says and, where nothing is missing now, score it."""
    changed = ovp_scoring.change_facts(
        referral, by=request.actor, version=form.cleaned_data["version"], **form.answers()
    )
    if ovp_scoring.obstacles(changed, clock.today()):
        return "Answers saved"
    return f"Answers saved. {_score_ovp(request, changed)}"


def _save_facts(actor: Actor, referral: Referral, form: FactsForm) -> str:
    scoring.record_facts(referral, by=actor, version=form.cleaned_data["version"], **form.beside(), **form.answers())
    return "Answers saved"


def _change_facts(request: HttpRequest, referral: Referral, form: ScoreFactsForm) -> str:
    """Correct the facts and, where they are whole now, score them."""
    facts = {name: value for name, value in form.answers().items() if name in scoring.SCORE_FIELDS}
    changed = scoring.change_score_facts(referral, by=request.actor, version=version_of(request.POST), **facts)
    if scoring.obstacles_to_score(changed, clock.today()):
        return "Facts saved"
    return f"Facts saved. {_score(request, changed)}"


def _save_official(actor: Actor, referral: Referral | None, case: Case | None, form: OfficialScoreForm) -> str:
    thing = case or referral
    score = scoring.record_official_score(
        thing.offender,
        referral=referral if case is None else None,
        case=case,
        by=actor,
        **{name: form.cleaned_data[name] for name in ("pct_2yr", "pct_1yr", "scored_on")},
    )
    return f"Official score saved: {scoring.dated(score)}"


def _context(actor: Actor, referral: Referral | None, case: Case | None, made: Forms) -> dict[str, Any]:
    offender = case.offender if case else referral.offender
    scores = scoring.scores_of(offender)
    score = next((each for each in scores if each.model in scoring.REOFFENDING), None)
    ours = next((each for each in scores if each.model == Score.Model.OGRS3), None)
    official = next((each for each in scores if each.model == Score.Model.OFFICIAL), None)
    policy = actor.scheme.policy.scores
    may_score = actor.holds("referrals.score")
    return {
        "referral": referral,
        "offender": offender,
        "score": score,
        "scores": scores,
        "headline": scoring.headline(score) if score else "",
        "scale": scale(policy, score.pct_2yr) if score else None,
        "marks": marks_in_words(policy),
        "meaning": scoring.meaning(policy, score.pct_2yr) if score else None,
        "ours": ours,
        "both": (ours, official) if ours and official else None,
        "facts": fact_rows(ours) if ours else [],
        "ovp": _ovp(actor, referral, scores, made) if ovp_scoring.is_used(actor.scheme.policy) else None,
        "model_words": scoring.MODEL_WORDS,
        "out_of_date": bool(score and referral and referral.is_open and scoring.is_out_of_date(score, referral)),
        "difference": scoring.difference(scores, policy.difference_points),
        "policy": policy,
        "obstacles": _obstacles(actor, referral, score),
        "may_score": may_score,
        "edit_href": _edit_href(actor, referral),
        "facts_form": made.get(FACTS) if may_score else None,
        "change_form": made.get(CHANGE) if may_score else None,
        "official_form": made[OFFICIAL] if may_score else None,
        "forms": list(made.values()),
        "invalid": any(form.errors for form in made.values()),
        "may_triage": referral is not None and actor.can("referrals.triage", referral) and referral.sent_at is not None,
        "finding": scoring.find(referral, score or ...) if referral and referral.is_open else None,
        "explained": explaining.explain(actor, referral, score or ...) if referral and referral.is_open else None,
        "summary": scoring.summary,
    }


def _ovp(actor: Actor, referral: Referral | None, scores: list[Score], made: Forms) -> dict[str, Any]:
    """The second part of the page, where the scheme works with OVP."""
    score = next((each for each in scores if each.model == Score.Model.OVP), None)
    policy = actor.scheme.policy.scores
    held = referral if referral is not None and referral.is_open else None
    stale = bool(score and held and ovp_scoring.is_out_of_date(score, held))
    return {
        "score": score,
        "headline": scoring.headline(score) if score else "",
        "points": ovp_scoring.points_of(score) if score else None,
        "most_points": ovp_scoring.MOST_POINTS,
        "scale": scale(policy, score.pct_2yr, "ovp") if score else None,
        "marks": marks_in_words(policy, "ovp"),
        "meaning": scoring.meaning(policy, score.pct_2yr, "ovp") if score else None,
        "facts": fact_rows(score) if score else [],
        "out_of_date": stale,
        "obstacles": _ovp_obstacles(actor, held) if held and (score is None or stale) else [],
        "form": made.get(OVP) if actor.holds("referrals.score") else None,
    }


def _ovp_obstacles(actor: Actor, referral: Referral) -> list[dict[str, Any]]:
    """What stands in the way of OVP; what is missing of the assessment is one thing to do."""
    rows = ovp_scoring.obstacles(referral, clock.today())
    blank = [each for each in rows if each.missing and each.section == ovp_scoring.FORM]
    found = [
        {
            "words": each.words,
            "href": "#change-ovp" if each.section == ovp_scoring.FORM else _section_href(actor, referral, each.section),
            "missing": each.missing,
            "name": ovp_scoring.SHARED[each.fact][0] if each.fact in ovp_scoring.SHARED else "",
        }
        for each in rows
        if each not in blank
    ]
    if blank:
        answers = plural(len(blank), "answer")
        words, name = f"Enter {answers} of the assessment.", f"{answers} of the assessment"
        found.append({"words": words, "href": "#change-ovp", "missing": True, "name": name})
    return found


def _obstacles(actor: Actor, referral: Referral | None, score: Score | None) -> list[dict[str, Any]]:
    """What stands in the way of a score, each with the page or part of the page where it is put right."""
    if referral is None or not referral.is_open or (score and not scoring.is_out_of_date(score, referral)):
        return []
    return [
        {
            "words": each.words,
            "href": _section_href(actor, referral, each.section),
            "missing": each.missing,
            "name": scoring.FACT_WORDS[each.fact][0],
        }
        for each in scoring.obstacles_to_score(referral, clock.today())
    ]


def _may_edit(actor: Actor, referral: Referral) -> bool:
    return referral.status in actions.EDITABLE and actor.can("referrals.edit_referral", referral)


def _section_href(actor: Actor, referral: Referral, section: str) -> str:
    if _may_edit(actor, referral):
        return reverse("referral_section", args=[referral.reference, section])
    return "#change-facts" if section == "score-facts" else referral.get_absolute_url()


def _edit_href(actor: Actor, referral: Referral | None) -> str:
    """Where the facts are changed: in the nomination while its author holds it, else on this page."""
    if referral is not None and _may_edit(actor, referral):
        return reverse("referral_section", args=[referral.reference, "score-facts"])
    return ""

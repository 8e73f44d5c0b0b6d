"""A decision on an urgent nomination between two meetings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.pages import found, page
from iom.steps import StepRefused
from panels import live, notices, outside, ratifying
from panels.forms.minutes import NoticeForm
from panels.forms.outside import OutsideForm
from panels.models import OutsideDecision
from panels.words import OUTCOME_WORDS
from referrals import deciding
from referrals.models import Referral, ReferralStatus
from referrals.transitions import BEFORE_A_DECISION


@page("panels.read_outside", methods=("GET", "POST"), fresh=True, grid=True)
def decide_outside(request: HttpRequest, reference: str) -> HttpResponse:
    """The decision that was made; before it the form; without such a rule what the scheme does instead."""
    actor = request.actor
    rows = Referral.objects.visible_to(actor).for_list().exclude(status=ReferralStatus.DRAFT)
    referral = found(rows, reference=reference)
    referral.scheme = actor.scheme
    made = outside.standing(referral)
    may = actor.can("referrals.decide_outside", referral) and deciding.decides_outside(actor.scheme)
    form = _form(request, referral) if may and referral.status in BEFORE_A_DECISION else None
    problems: list[str] = []
    if request.method == "POST":
        if form is None:
            problems = ["This referral cannot be decided outside the meeting now."]
        elif form.is_valid():
            try:
                outside.decide(referral, form.urgent(), by=actor, version=form.cleaned_data["version"])
            except StepRefused as refused:
                problems = refused.problems
            else:
                messages.success(request, "Decision recorded. The next panel is asked to ratify it")
                return redirect("decide_outside", referral.reference)
    context = {
        "referral": referral,
        "form": form,
        "problems": [{"text": problem, "href": ""} for problem in problems],
        "has_error": bool(problems) or bool(form and any(each.errors for each in form.every_form if each.is_bound)),
        "made": made,
        "rule_of": actor.scheme.policy.deciding_body.late_rule,
        "may_send": actor.can("referrals.triage", referral),
        "allowed": deciding.decides_outside(actor.scheme),
    }
    if made is not None:
        context |= _as_made(request, made)
    return render(request, "panels/outside.html", context)


def _form(request: HttpRequest, referral: Referral) -> OutsideForm:
    actor, today = request.actor, clock.today()
    policy = actor.scheme.policy
    proposal = live.proposal_for(policy, referral)
    proposed = live.agency_of(actor, proposal)
    deciders = tuple(outside.who_may_decide(referral))
    return OutsideForm(
        request.POST if request.method == "POST" else None,
        table=live.table(actor),
        deciders=deciders,
        policy=policy,
        proposal=proposal,
        proposed=proposed,
        today=today,
        initial={
            "version": referral.version,
            "urgent_because": referral.urgent_reason,
            "lead_agency": proposed.slug if proposed else "",
            "decided_on": today,
            "decided_by": str(deciders[0].pk) if len(deciders) == 1 else "",
        },
    )


def _as_made(request: HttpRequest, made: OutsideDecision) -> dict[str, Any]:
    """What was decided, and how far it has come."""
    ruled = ratifying.ruling(made)
    draft = notices.draft_outside(made)
    item = made.items.filter(state="open").select_related("meeting__body").order_by("-meeting__date").first()
    return {
        "made_words": OUTCOME_WORDS[made.outcome],
        "ruled": ruled,
        "ruled_words": OUTCOME_WORDS[ruled.outcome] if ruled else "",
        "item": item,
        "draft": draft,
        "notice_form": None if draft.sent else NoticeForm(initial={"text": draft.text}, prefix="outside", auto_id="%s"),
        "open_words": ratifying.open_words(made),
    }

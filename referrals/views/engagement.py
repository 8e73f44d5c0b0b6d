"""Meeting the person (ux.md 4.3): what the team found, under a nomination and under a case; recording it, autosaved."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock
from iom.access import Actor
from iom.jinja import clock as clock_words
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.models import Case
from referrals import engagement as meetings
from referrals.forms.engagement import EngagementForm
from referrals.models import Engagement, EngagementKind, Referral


@page("referrals.view_engagement")
def referral_engagement(request: HttpRequest, reference: str) -> HttpResponse:
    """Every meeting with somebody nominated, the newest first."""
    referral = _referral(request.actor, reference)
    context = {"referral": referral, "reads": request.actor.can("referrals.view_referral", referral)}
    return render(request, "referrals/engagement.html", context | _listed(request.actor, referral))


@page("referrals.view_engagement")
def case_engagement(request: HttpRequest, reference: str) -> HttpResponse:
    """Every meeting with somebody on the cohort, those of the nomination included."""
    case = find_case(request.actor, reference)
    context = case_page(request, case, "case_engagement") | _listed(request.actor, case)
    return render(request, "referrals/case_engagement.html", context)


@page("referrals.record_engagement", methods=("POST",))
def referral_engagement_start(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin to record a meeting."""
    return _start(request, _referral(request.actor, reference))


@page("referrals.record_engagement", methods=("POST",))
def case_engagement_start(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin to record a meeting."""
    return _start(request, find_case(request.actor, reference))


@page("referrals.keep_engagement", methods=("GET", "POST"))
def engagement(request: HttpRequest, pk: int) -> HttpResponse:
    """One meeting that one's own agency records: it saves itself until it is finished."""
    held = _own(request.actor, pk)
    if request.method != "POST":
        return _page(request, held, _form(request, held))
    if request.headers.get("X-Autosave"):
        held = _keep_so_far(request, held)
        return JsonResponse({"at": clock_words(clock.now()), "fields": {"version": held.version}})
    if "throw" in request.POST:
        meetings.throw_away(held, by=request.actor, version=version_of(request.POST))
        messages.success(request, "Draft thrown away")
        return redirect(meetings.page_name(held.thing), held.thing.reference)
    form = _form(request, held, request.POST)
    if "later" not in request.POST and form.is_valid():
        try:
            meetings.save(held, by=request.actor, done=True, version=form.cleaned_data["version"], **form.answers())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Saved. Everyone who reads this can see it")
            return redirect(meetings.page_name(held.thing), held.thing.reference)
    elif held.finished_at is None:
        held = _keep_so_far(request, held)
        # What is posted next stands on what was kept now.
        form.data = form.data.copy()
        form.data["version"] = str(held.version)
        if "later" in request.POST:
            messages.success(request, "Saved as a draft. Only your agency sees it")
            return redirect(meetings.page_name(held.thing), held.thing.reference)
    return _page(request, held, form)


def _start(request: HttpRequest, thing: Referral | Case) -> HttpResponse:
    kind = request.POST.get("kind", "")
    if kind not in EngagementKind.values:
        raise Http404
    return redirect("engagement", meetings.begin(thing, kind=kind, by=request.actor).pk)


def _keep_so_far(request: HttpRequest, held: Engagement) -> Engagement:
    """Store what can be stored and keep the rest as it was typed. What is finished is only changed as a whole."""
    if held.finished_at is not None:
        return held
    form = _form(request, held, request.POST, partial=True)
    form.is_valid()
    return meetings.save(
        held,
        by=request.actor,
        done=False,
        version=version_of(request.POST),
        typed=form.left_over(),
        **form.answers(),
    )


def _form(request: HttpRequest, held: Engagement, data: Any = None, *, partial: bool = False) -> EngagementForm:
    """The questions, in which no victim is named."""
    form = EngagementForm(data, engagement=held, partial=partial)
    return naming.guard(form, naming.Protected(request.actor, [held.offender]), held.offender)


def _referral(actor: Actor, reference: str) -> Referral:
    thing: Referral = found(Referral.objects.met_by(actor).select_related("offender", "referrer"), reference=reference)
    thing.scheme = actor.scheme
    return thing


def _own(actor: Actor, pk: int) -> Engagement:
    held: Engagement = found(Engagement.objects.of_agency(actor).for_list(), pk=pk)
    held.scheme = actor.scheme
    return held


def _listed(actor: Actor, thing: Referral | Case) -> dict[str, Any]:
    policy = actor.scheme.policy
    rows = meetings.history(actor, thing.offender)
    drafts = Engagement.objects.of_agency(actor).filter(offender=thing.offender, finished_at=None).for_list()
    kind = "case" if isinstance(thing, Case) else "referral"
    return {
        "meetings": [meetings.shown(each, policy) for each in rows],
        "drafts": list(drafts),
        "rules": policy.engagement,
        "may_record": actor.can("referrals.record_engagement", thing),
        "may_receive": meetings.may_record_reception(actor),
        "start_url": reverse(f"{kind}_engagement_start", args=[thing.reference]),
        "agency": actor.agency,
    }


def _page(request: HttpRequest, held: Engagement, form: EngagementForm) -> HttpResponse:
    thing = held.thing
    return render(
        request,
        "referrals/engagement_record.html",
        {
            "engagement": held,
            "form": form,
            "reference": thing.reference,
            "back": reverse(meetings.page_name(thing), args=[thing.reference]),
            "rules": form.policy.engagement,
            "level_hints": {level.slug: level.definition for level in form.policy.engagement_levels},
        },
    )

"""Visits of a case: supported compliance at home, and prison before release (features 143, 145)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import visits as verbs
from actionplans.forms.outside import VisitForm, VisitMadeForm
from actionplans.models import Plan, Visit
from iom import clock
from iom.models import Agency
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.models import Case


@page("actionplans.plan_visit", methods=("GET", "POST"))
def visits(request: HttpRequest, reference: str) -> HttpResponse:
    """What is planned and was made; planning another. Where the rules make no visit the page says why."""
    case = find_case(request.actor, reference)
    if request.method != "POST":
        return _show(request, case)
    form = _form(request, case, request.POST)
    if form.is_valid():
        given, known = form.cleaned_data, Agency.objects.visible_to(request.actor)
        agency = found(known, slug=given["agency"])
        other = found(known, slug=given["together_with"]) if given["together_with"] else None
        try:
            verbs.plan(case, kind=given["kind"], on=given["on"], agency=agency, together_with=other, by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Visit planned")
            return redirect("case_visits", case.reference)
    return _show(request, case, form)


@page("actionplans.plan_visit", methods=("POST",))
def made(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """What came of a visit."""
    case = find_case(request.actor, reference)
    visit = found(Visit.objects.visible_to(request.actor).filter(case=case), pk=number)
    then = request.POST.get("then", "made")
    if then not in ("made", "not_made"):
        raise Http404
    form = VisitMadeForm.of(visit, request.POST)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "words")
    if form.is_valid():
        given = form.cleaned_data
        try:
            verbs.record(
                visit,
                made=then == "made",
                on=given["on"],
                words=given["words"],
                version=given["version"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Visit recorded")
            return redirect("case_visits", case.reference)
    return _show(request, case, form)


def _form(request: HttpRequest, case: Case, data: object = None) -> VisitForm:
    kinds = [] if verbs.refused_for(case) else [(Visit.Kind.COMPLIANCE, Visit.Kind.COMPLIANCE.label)]
    if case.inside is not None:
        kinds.append((Visit.Kind.PRISON, Visit.Kind.PRISON.label))
    agencies = list(Agency.objects.visible_to(request.actor))
    first = {kind: next((each.slug for each in agencies if each.kind == kind), "") for kind in ("police", "probation")}
    return VisitForm(
        data,
        kinds=kinds,
        agencies=[(each.slug, each.name) for each in agencies],
        initial={"agency": first["police"], "together_with": first["probation"], "kind": kinds[0][0] if kinds else ""},
    )


def _show(request: HttpRequest, case: Case, bound: forms.Form | None = None) -> HttpResponse:
    actor, policy = request.actor, case.scheme.policy
    may = case.status != "closed" and actor.can("actionplans.plan_visit", Plan(scheme_id=case.scheme_id, case=case))
    rows = Visit.objects.visible_to(actor).filter(case=case).select_related("agency", "together_with")
    form = bound if isinstance(bound, VisitForm) else _form(request, case)
    listed = [
        (
            visit,
            (bound if bound is not None and bound.prefix == f"made-{visit.pk}" else VisitMadeForm.of(visit))
            if may and visit.status == Visit.Status.PLANNED
            else None,
        )
        for visit in rows
    ]
    return render(
        request,
        "actionplans/visits.html",
        case_page(request, case, "case_plan")
        | {
            "listed": listed,
            "visit_form": form if may and form.fields["kind"].choices else None,
            "refused": verbs.refused_for(case),
            "rule": policy.supported_compliance,
            "prison_due": verbs.prison_visit_due(case, policy, clock.today()),
            "custody_rule": policy.custody,
            "problem_form": bound,
        },
    )

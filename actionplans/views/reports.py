"""The management report on a case, the list of reports, and who supervises whom (Hampshire, Once Accepted)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import reports as verbs
from actionplans.forms.reports import NarrativeForm, ReviewForm, SupervisorForm
from actionplans.models import ManagementReport, Supervisor
from actionplans.supervising import next_after
from iom import audit, clock
from iom.pages import page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.models import Case

ON_A_PAGE = 50


@page("actionplans.view_reports")
def reports(request: HttpRequest) -> HttpResponse:
    """Every report that is reviewed, the longest overdue first; those that one reviews oneself when asked for."""
    actor, today = request.actor, clock.today()
    policy = actor.scheme.policy
    cases = Case.objects.visible_to(actor).not_closed().with_current()
    mine = cases.filter(verbs.supervised_by(actor.membership))
    show = request.GET.get("show", "")
    if show not in ("mine", "all"):
        show = "mine" if mine.exists() else "all"
    rows = verbs.with_review_due(mine if show == "mine" else cases, policy)
    shown = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "actionplans/reports.html",
        {
            "kept": verbs.is_kept(policy),
            "rule": policy.management_report,
            "cycle_rule": policy.review(verbs.KIND),
            "show": show,
            "tabs": [
                {"text": "Mine to review", "href": "?show=mine", "current": show == "mine"},
                {"text": "All", "href": "?show=all", "current": show == "all"},
            ],
            "shown": shown,
            "rows": verbs.standings(shown),
            "late": rows.filter(review_due__lt=today).count(),
            "today": today,
            "may_name": actor.holds("actionplans.name_supervisor"),
        },
    )


@page("actionplans.name_supervisor", methods=("GET", "POST"))
def supervisors(request: HttpRequest) -> HttpResponse:
    """Who supervises each lead officer. A row is saved by itself."""
    actor = request.actor
    officers = verbs.lead_officers(actor)
    present = {
        each.lead_id: each for each in Supervisor.objects.visible_to(actor).present().select_related("supervisor__user")
    }
    posted = request.POST if request.method == "POST" else None
    rows: list[dict[str, Any]] = []
    for lead in officers:
        held = present.get(lead.pk)
        form = None
        if actor.can("actionplans.name_supervisor", lead):
            chosen = posted if posted is not None and posted.get("lead") == str(lead.pk) else None
            people = verbs.can_supervise(lead)
            form = SupervisorForm(chosen, lead=lead, people=people, present=held.supervisor_id if held else None)
        rows.append({"lead": lead, "held": held, "form": form})
    bound = [row["form"] for row in rows if row["form"] is not None and row["form"].is_bound]
    for form in bound:
        if form.is_valid():
            try:
                verbs.name_supervisor(form.lead, form.chosen, by=actor)
            except StepRefused as refused:
                form.add_error("supervisor", refused.problems)
            else:
                messages.success(request, f"{form.chosen.user.name} reviews the reports of {form.lead.user.name}")
                return redirect("report_supervisors")
    if posted is not None and not bound:
        raise PermissionDenied
    policy = actor.scheme.policy
    return render(
        request,
        "actionplans/report_supervisors.html",
        {"rows": rows, "kept": verbs.is_kept(policy), "rule": policy.management_report, "problem_forms": bound},
    )


@page("actionplans.view_reports")
def report(request: HttpRequest, reference: str) -> HttpResponse:
    """The report as it stands now; where the scheme keeps none, the page says so."""
    return _show(request, find_case(request.actor, reference))


@page("actionplans.write_report", methods=("POST",))
def write(request: HttpRequest, reference: str) -> HttpResponse:
    """Keep the lead officer's own words."""
    actor, case = request.actor, find_case(request.actor, reference)
    form = naming.guard(
        NarrativeForm(request.POST), naming.Protected(actor, [case.offender]), case.offender, "narrative"
    )
    if form.is_valid():
        given = form.cleaned_data
        try:
            verbs.write(case, given["narrative"], by=actor, version=given["version"])
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Report saved")
            return redirect("case_report", case.reference)
    return _show(request, case, narrative=form)


@page("actionplans.review_report", methods=("POST",))
def review(request: HttpRequest, reference: str) -> HttpResponse:
    """The supervisor's review."""
    actor, case = request.actor, find_case(request.actor, reference)
    form = naming.guard(ReviewForm(request.POST), naming.Protected(actor, [case.offender]), case.offender, "words")
    if form.is_valid():
        try:
            made = verbs.review(case, by=actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Review saved: {made.get_fits_display().lower()}")
            return redirect("case_report", case.reference)
    return _show(request, case, review=form)


@page("actionplans.view_reports", kind="pdf")
def report_pdf(request: HttpRequest, reference: str) -> HttpResponse:
    """The report as a PDF, as its reader may read it now."""
    actor, case = request.actor, find_case(request.actor, reference)
    if not verbs.is_kept(actor.scheme.policy):
        messages.error(request, "This scheme keeps no management report")
        return redirect("case_report", case.reference)
    content = verbs.pdf_of(verbs.report_of(actor, case), actor)
    audit.shown(case)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{case.reference.lower()}-management-report.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _show(
    request: HttpRequest, case: Case, *, narrative: NarrativeForm | None = None, review: ReviewForm | None = None
) -> HttpResponse:
    actor, policy = request.actor, request.actor.scheme.policy
    if not verbs.is_kept(policy):
        return render(
            request,
            "actionplans/report_not_kept.html",
            case_page(request, case, "case_report") | {"rule": policy.management_report},
        )
    held = verbs.report_of(actor, case)
    own = held.own or ManagementReport(scheme_id=case.scheme_id, case=case, version=0)
    going_on = case.status != "closed"
    if narrative is None and going_on and actor.can("actionplans.write_report", own):
        narrative = NarrativeForm(initial={"narrative": own.narrative, "version": own.version})
    if review is None and held.cycle is not None and actor.can("actionplans.review_report", own):
        review = ReviewForm.of(own.version, next_after(clock.today(), weeks=verbs.weeks_of(policy)))
    return render(
        request,
        "actionplans/report.html",
        case_page(request, case, "case_report")
        | {
            "report": held,
            "rule": policy.management_report,
            "cycle_rule": policy.review(verbs.KIND),
            "lead_label": (policy.lead("lead_professional").label if policy.lead("lead_professional") else "Lead"),
            "pathways": {each.slug: each.name for each in policy.pathways},
            "narrative": narrative,
            "review": review,
        },
    )

"""The plan as panels agreed it, and what has changed since (features 134, 136)."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from actionplans.models import Action, PathwayNeed, Plan
from iom.pages import page
from offenders.case_pages import case_page, find_case
from offenders.history import Part, changes_since


@page("actionplans.view_plan")
def history(request: HttpRequest, reference: str) -> HttpResponse:
    """Each plan that was agreed, the newest unless another is asked for; and every change after it, by whom."""
    actor = request.actor
    case = find_case(actor, reference)
    plan = Plan.objects.visible_to(actor).filter(case=case).first()
    versions = list(plan.versions.select_related("meeting__body", "agreed_by")) if plan else []
    asked = request.GET.get("version", "")
    shown = next((each for each in versions if not asked or str(each.pk) == asked), None)
    if asked and shown is None:
        raise Http404
    changes = []
    if shown is not None:
        parts = [
            Part(plan.needs.all()),
            Part(Action.with_removed.visible_to(actor).filter(case=case), "case", case.pk),
        ]
        changes = changes_since(parts, shown.created_at)
    return render(
        request,
        "actionplans/plan_history.html",
        case_page(request, case, "case_plan")
        | {
            "versions": versions,
            "shown": shown,
            "changes": changes,
            "levels": dict(PathwayNeed.Level.choices),
            "as_date": date.fromisoformat,
        },
    )

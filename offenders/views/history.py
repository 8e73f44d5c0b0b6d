"""The audit of one case: who changed what, and who looked (ux.md 4.9)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import audit
from iom.pages import page
from offenders import history
from offenders.case_pages import case_page, find_case


@page("offenders.view_case_audit")
def case_audit(request: HttpRequest, reference: str) -> HttpResponse:
    """For the coordinator and whoever leads the case."""
    case = find_case(request.actor, reference)
    if not request.actor.can("offenders.view_case_audit", case):
        raise PermissionDenied
    before = history.instant(request.GET.get("before", ""))
    entries, older = history.changes(request.actor, case, before=before)
    audit.record("read_case_audit", case, by=request.actor, subjects=[case.reference])
    context = case_page(request, case, "case_audit") | {
        "entries": entries,
        "older": history.number_of(older) if older else None,
        "before": before,
        "looks": [] if before else history.looks(request.actor, case),
    }
    return render(request, "offenders/case_audit.html", context)

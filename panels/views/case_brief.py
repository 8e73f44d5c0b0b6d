"""The 60-second brief of one case, to read before acting or to print (feature 312)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import clock
from iom.pages import page
from offenders.case_pages import find_case
from panels.case_brief import brief_of


@page("offenders.view_case")
def case_brief(request: HttpRequest, reference: str) -> HttpResponse:
    """One page of A4: who, why, how rated, what changed, what is to be done, by whom."""
    case = find_case(request.actor, reference)
    today = clock.today()
    context = {"case": case, "brief": brief_of(request.actor, case, today), "today": today}
    return render(request, "panels/case_brief.html", context)

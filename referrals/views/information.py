"""The information page of a case: what each agency knows, with who may read it (ux.md 4.5)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import audit
from iom.pages import page
from offenders.case_pages import case_page, find_case
from referrals import information


@page("offenders.view_case")
def case_information(request: HttpRequest, reference: str) -> HttpResponse:
    """Returns, police systems and intelligence, by agency. What is marked is written down as opened (feature 309)."""
    case = find_case(request.actor, reference)
    items = information.items_about(request.actor, case)
    if marked := sum(item.marked for item in items):
        audit.record("read_marked", case, by=request.actor, subjects=[case.reference], count=marked)
    context = case_page(request, case, "case_information")
    context |= {
        "agencies": information.by_agency(items),
        "unanswered": information.unanswered(request.actor, case),
        "may_add": request.actor.can("offenders.add_entry", case),
    }
    return render(request, "referrals/case_information.html", context)

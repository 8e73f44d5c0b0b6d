"""The overview of a case (ux.md 4.5)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import blocks
from iom.pages import page
from iom.policy.joining import Clause
from offenders.case_pages import case_page, find_case
from offenders.timeline import last_told


@page("offenders.view_case")
def case(request: HttpRequest, reference: str) -> HttpResponse:
    """Why somebody is on the cohort, what changed, what they need, what is being done, what comes next."""
    shown = find_case(request.actor, reference)
    context = case_page(request, shown, "case")
    context["blocks"] = blocks.case_blocks(request.actor, shown, context["today"])
    context["criterion"] = _criterion(shown)
    context["expected"] = shown.scheme.policy.engagement
    context["told"] = last_told(request.actor, shown)
    context["may_add"] = request.actor.can("offenders.add_entry", shown)
    return render(request, "offenders/case.html", context)


def _criterion(case) -> Clause | None:  # noqa: ANN001 -- the model's name is the view's
    """The clause that was met, as the rules in force at acceptance have it."""
    for criteria in case.policy_version.policy.eligibility:
        for clause in criteria.clauses:
            if clause.name == case.criterion:
                return clause
    return None

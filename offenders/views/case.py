"""The overview of a case (ux.md 4.5)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import blocks, clock, together
from iom.pages import page
from iom.policy.joining import Clause
from offenders.case_pages import case_page_steps, find_case
from offenders.timeline import last_told_steps


@page("offenders.view_case")
def case(request: HttpRequest, reference: str) -> HttpResponse:
    """Why somebody is on the cohort, what changed, what they need, what is being done, what comes next."""
    actor, shown = request.actor, find_case(request.actor, reference)
    found = together.run(
        together.all_of(
            {
                "page": case_page_steps(request, shown, "case"),
                "blocks": blocks.case_blocks_steps(actor, shown, clock.today()),
                "told": last_told_steps(actor, shown),
            }
        )
    )
    context = found["page"]
    context["blocks"] = found["blocks"]
    context["criterion"] = _criterion(shown)
    context["expected"] = shown.scheme.policy.engagement
    context["told"] = found["told"]
    context["may_add"] = actor.can("offenders.add_entry", shown)
    return render(request, "offenders/case.html", context)


def _criterion(case) -> Clause | None:  # noqa: ANN001 -- the model's name is the view's
    """The clause that was met, as the rules in force at acceptance have it."""
    for criteria in case.policy_version.policy.eligibility:
        for clause in criteria.clauses:
            if clause.name == case.criterion:
                return clause
    return None

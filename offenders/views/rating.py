"""The rating of a case beside the evidence, and changing it between two panels (ux.md 4.5)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.pages import page
from iom.steps import StepRefused
from offenders import actions
from offenders.case_pages import case_page, find_case
from offenders.evidence import facts
from offenders.forms.rating import NOW, RatingForm
from offenders.models import Case
from offenders.rating import beside, ends_green, history, last_days


@page("offenders.view_case", methods=("GET", "POST"))
def rating(request: HttpRequest, reference: str) -> HttpResponse:
    """What the rating says and what is shown, how it came about, and for whoever may the form that changes it."""
    case = find_case(request.actor, reference)
    context = case_page(request, case, "case_rating")
    policy, present = context["calendar"].policy, case.rating
    form = None
    if present is not None and request.actor.can("offenders.change_rating", case) and case.status != "closed":
        posted = request.POST if request.method == "POST" else None
        form = RatingForm(posted, present=present, policy=policy, today=context["today"], version=case.version)
    if request.method == "POST" and form is None:
        raise PermissionDenied
    if form is not None and form.is_bound and form.is_valid():
        try:
            _change(request, case, form)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Rating of {case.reference} changed. The next panel is asked to ratify it")
            return redirect("case_rating", case.reference)
    return render(request, "offenders/rating.html", context | _shown(request, case, context, form))


def _change(request: HttpRequest, case: Case, form: RatingForm) -> None:
    given = form.cleaned_data
    actions.rate_between(
        case,
        given["colour"],
        on=given["starts_on"],
        reason=given["reason"],
        evidence=given["evidence"],
        agreed_until=given.get("agreed_until"),
        tell_now=given["tell"] == NOW,
        version=given["version"],
        by=request.actor,
    )


def _shown(request: HttpRequest, case: Case, page_of: dict[str, Any], form: RatingForm | None) -> dict[str, Any]:
    policy, today, present = page_of["calendar"].policy, page_of["today"], case.rating
    shown = beside([case], policy, today).get(case.pk)
    since = min(present.starts_on, last_days(today, policy.says_shows.recent_days)) if present else today
    return {
        "form": form,
        "present": present,
        "definitions": {str(each.colour): each for each in policy.ratings},
        "shown": shown,
        "facts": facts(request.actor, case, since),
        "facts_since": since,
        "ratings": history(case),
        "ends_green": ends_green(present, policy) if present else "",
    }

"""Outstanding actions of somebody who leaves (ux.md 4.5)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import at_exit as verbs
from actionplans.forms.at_exit import AtExitForm
from iom.jinja import plural
from iom.pages import page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case


@page("offenders.view_exit", methods=("GET", "POST"))
def at_exit(request: HttpRequest, reference: str) -> HttpResponse:
    """Each open action with what becomes of it; those without an answer are left for later."""
    case = find_case(request.actor, reference)
    if not request.actor.can("offenders.prepare_exit", case):
        raise PermissionDenied
    posted = request.method == "POST"
    forms = [AtExitForm(action, request.POST if posted else None) for action in verbs.outstanding(case)]
    protected = naming.Protected(request.actor, [case.offender])
    for form in forms:
        naming.guard(form, protected, case.offender, "taken_by")
    problems: list[dict[str, str]] = []
    if posted and not [form for form in forms if not form.is_valid()]:
        chosen = [
            verbs.Settled(form.action, form.cleaned_data["choice"], form.cleaned_data["taken_by"])
            for form in forms
            if form.cleaned_data["choice"]
        ]
        try:
            count = verbs.settle(case, chosen, by=request.actor)
        except StepRefused as refused:
            problems = [{"text": text, "href": ""} for text in refused.problems]
        else:
            messages.success(request, f"{plural(count, 'action')} of {case.reference} settled")
            return redirect("case_exit", case.reference)
    context = case_page(request, case, "case_exit") | {"forms": forms, "problems": problems}
    return render(request, "actionplans/at_exit.html", context)

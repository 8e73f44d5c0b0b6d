"""The tactical options of a case's rating as a checklist (ux.md 4.5)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import tactics
from actionplans.forms.tactics import TacticsForm
from actionplans.models import Plan
from iom.jinja import plural
from iom.models import Agency
from iom.pages import page
from iom.steps import StepRefused
from offenders.case_pages import case_page, find_case


@page("actionplans.view_plan", methods=("GET", "POST"), grid=True)
def options(request: HttpRequest, reference: str) -> HttpResponse:
    """What the rating suggests doing, and what was said of each; for whoever changes the plan the form."""
    actor = request.actor
    case = find_case(actor, reference)
    found = tactics.options_of(case)
    form = None
    if actor.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case)) and case.status != "closed":
        posted = request.POST if request.method == "POST" else None
        form = TacticsForm(found, list(Agency.objects.visible_to(actor)), posted, version=case.version)
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            try:
                written = tactics.answer(case, form.said(), version=form.cleaned_data["version"], by=actor)
            except StepRefused as refused:
                form.add_error(None, refused.problems)
            else:
                chosen = sum(each.action_id is not None for each in written)
                messages.success(request, f"{plural(len(written), 'option')} saved, {plural(chosen, 'action')} added")
                return redirect("case_tactics", case.reference)
    context = {
        "form": form,
        "rows": {row.option.option.text: row for row in form.rows} if form else {},
        "groups": [
            (words, [each for each in found if each.option.group == group]) for group, words in tactics.GROUPS.items()
        ],
        "count": len(found),
        "earlier": tactics.earlier(case),
        "has_error": bool(form and (form.errors or any(row.errors for row in form.rows))),
    }
    return render(request, "actionplans/tactics.html", case_page(request, case, "case_rating") | context)

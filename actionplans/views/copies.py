"""Copies of a plan: made, kept, and read again (Merton, step 7)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import copies as verbs
from actionplans.forms.outside import CopyForm
from actionplans.models import Plan, PlanCopy
from iom import audit
from iom.pages import found, page
from iom.steps import StepRefused
from iom.typeset import PdfFailed, PdfTooLarge, PdfUnavailable
from offenders.case_pages import case_page, find_case


@page("actionplans.view_plan", methods=("GET", "POST"))
def copies(request: HttpRequest, reference: str) -> HttpResponse:
    """The register of copies, and making one."""
    actor = request.actor
    case = find_case(actor, reference)
    may = case.status != "closed" and actor.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case))
    form = CopyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        if form.is_valid():
            try:
                verbs.make(case, by=actor, **form.cleaned_data)
            except StepRefused as refused:
                form.add_error(None, refused.problems)
            except (PdfUnavailable, PdfTooLarge, PdfFailed) as failed:
                form.add_error(None, str(failed))
            else:
                messages.success(request, "Copy made. It is in the register below")
                return redirect("case_plan_copies", case.reference)
    made = PlanCopy.objects.visible_to(actor).filter(case=case).select_related("made_by").defer("document__content")
    return render(
        request,
        "actionplans/plan_copies.html",
        case_page(request, case, "case_plan") | {"made": list(made), "copy_form": form if may else None},
    )


@page("actionplans.view_plan", kind="pdf")
def download(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """The bytes of a copy, as they were made."""
    case = find_case(request.actor, reference)
    copy = found(PlanCopy.objects.visible_to(request.actor).filter(case=case).select_related("document"), pk=number)
    audit.shown(case)
    response = HttpResponse(bytes(copy.document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{copy.document.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

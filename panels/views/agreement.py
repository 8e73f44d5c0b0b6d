"""Signing the information sharing agreement."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.models import Meeting
from iom.pages import page
from iom.steps import StepRefused
from panels import agreement
from panels.forms.agreement import SignForm

from .at import of_papers


@page("panels.sign_agreement", methods=("GET", "POST"))
@of_papers
def sign_agreement(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Summary, full text, the statements to tick, the name to type."""
    return _sign(request, meeting)


@page("panels.sign_agreement", methods=("GET", "POST"))
def between_meetings(request: HttpRequest) -> HttpResponse:
    """The same between meetings: what opens restricted material then (security.md Z12)."""
    return _sign(request, None)


def _sign(request: HttpRequest, meeting: Meeting | None) -> HttpResponse:
    text = request.actor.scheme.policy.sharing_agreement
    form = SignForm(request.POST if request.method == "POST" else None, agreement=text)
    if request.method == "POST" and form.is_valid():
        try:
            agreement.sign(meeting, by=request.actor, typed_name=form.cleaned_data["typed_name"], agreed=form.agreed)
        except StepRefused as refused:
            for problem in refused.problems:
                form.add_error("typed_name" if problem.startswith("Type") else None, problem)
        else:
            messages.success(request, "Agreement signed. Thank you")
            return redirect(meeting or "home")
    return render(
        request,
        "panels/sign_agreement.html",
        {
            "meeting": meeting,
            "agreement": text,
            "rule_text": meeting.body.policy.agreement if meeting else None,
            "form": form,
            "signature": agreement.present_signature(request.actor, meeting),
        },
    )

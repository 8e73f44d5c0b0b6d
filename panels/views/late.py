"""A late item in the live meeting: found by name, added as 14a, without leaving the page where there is a script."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom.models import Meeting, MeetingStatus
from iom.pages import page
from iom.steps import StepRefused
from panels import late
from panels.forms.late import LateItemForm

from .at import of_papers


@page("panels.build_agenda", methods=("GET", "POST"))
@of_papers
def add_late_item(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Whom it is about, found by name or reference; then the item at the end of the meeting.

    The words are posted: names stand in no address.
    """
    if meeting.status != MeetingStatus.LIVE:
        return redirect("agenda", meeting.key)
    if request.method != "POST":
        return _show(request, meeting, LateItemForm())
    matches = late.search(request.actor, request.POST.get("person", ""))
    form = LateItemForm(request.POST, matches=matches)
    if request.POST.get("then") == "find":
        return _show(request, meeting, form, looked=True)
    problems: list[str] = []
    if form.is_valid():
        try:
            item = late.add(
                meeting,
                section=form.cleaned_data["section"],
                found=form.chosen if form.cleaned_data["person"] else None,
                title=form.cleaned_data["title"],
                by=request.actor,
            )
        except StepRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"Item {item.number} added")
            return redirect(f"{reverse('live', args=[meeting.key])}?item={item.number}")
    return _show(request, meeting, form, problems=problems)


def _show(
    request: HttpRequest,
    meeting: Meeting,
    form: LateItemForm,
    *,
    looked: bool = False,
    problems: list[str] | None = None,
) -> HttpResponse:
    if looked:
        # Looking somebody up is no mistake yet: only what was found is said.
        matches = form.matches
        form = LateItemForm(None, matches=matches)
        form.initial = {name: request.POST.get(name, "") for name in ("person", "section", "title")}
    context = {
        "meeting": meeting,
        "late_form": form,
        "looked": looked,
        "problems": problems or [],
        "has_error": bool(problems) or (form.is_bound and bool(form.errors)),
    }
    return render(request, "panels/live_add.html", context)

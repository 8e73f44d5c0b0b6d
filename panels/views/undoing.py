"""Undoing the decision saved last."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from iom.models import Meeting
from iom.pages import found, page
from iom.steps import StepRefused
from panels import decide
from panels.models import AgendaItem

from .at import of_papers


@page("panels.record", methods=("POST",))
@of_papers
def undo_decision(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Take back what was saved last; what was typed stands in the form again."""
    item = found(
        AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting), number=request.POST.get("item") or "-"
    )
    try:
        decide.undo(item, by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Undone: item {item.number}. What you typed is in the form again")
    return redirect(f"{reverse('live', args=[meeting.key])}?{urlencode({'item': item.number})}")

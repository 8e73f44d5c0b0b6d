"""Who comes and goes at an item, what they declare there, and who takes the chair."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import audit
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from panels import movements, presence
from panels.forms.attendance import InterestForm
from panels.models import AgendaItem, Interest

from .at import of_papers


@page("panels.take_attendance", methods=("POST",))
@of_papers
def move_person(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Somebody arrives or leaves at an item; pressed again it is taken back."""
    item = _item(request, meeting, pk)
    who = request.POST.get("who", "")

    def change() -> str:
        if request.POST.get("here") == "1":
            row = movements.arrives(item, who, by=request.actor)
            return f"{row.who} is here from item {item.number} on"
        row = movements.leaves(item, who, by=request.actor)
        return f"{row.who} is not here from item {item.number} on"

    return _at_item(request, meeting, item, change)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def declare_interest(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """An interest that somebody here declares at an item; refused, it stands on a page of its own as it was typed."""
    item = _item(request, meeting, pk)
    form = InterestForm(request.POST, here=presence.here_at(meeting, item))
    if form.is_valid():
        row = form.row
        try:
            movements.declare(item, row, form.cleaned_data["words"], by=request.actor)
        except StepRefused as refused:
            for problem in refused.problems:
                form.add_error("words", problem)
        else:
            return _at_item(request, meeting, item, lambda: f"Interest of {row.who} recorded")
    if about := item.referral or item.case:
        audit.shown(about)
    context = {"meeting": meeting, "item": item, "form": form, "back_to": _address(meeting, item)}
    return render(request, "panels/interest.html", context)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def take_back_interest(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """An interest that was written down by mistake."""
    interest = found(Interest.objects.visible_to(request.actor).filter(attendance__meeting=meeting), pk=pk)
    item = interest.item

    def change() -> str:
        movements.take_back_interest(interest, by=request.actor)
        return "Interest taken back"

    return _at_item(request, meeting, item, change)


def _item(request: HttpRequest, meeting: Meeting, pk: int) -> AgendaItem:
    return found(AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting), pk=pk)


def _at_item(request: HttpRequest, meeting: Meeting, item: AgendaItem, change: Callable[[], str]) -> HttpResponse:
    try:
        said = change()
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    return redirect(_address(meeting, item))


def _address(meeting: Meeting, item: AgendaItem) -> str:
    query = {"item": item.number} | ({"change": "1"} if meeting.status != MeetingStatus.LIVE else {})
    return f"{reverse('live', args=[meeting.key])}?{urlencode(query)}#room"

"""Who comes and goes at an item, what they declare there, and who takes the chair."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from panels import movements
from panels.models import AgendaItem, Attendance, Interest

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
    """An interest that somebody here declares at an item."""
    item = _item(request, meeting, pk)
    number = request.POST.get("attendance", "")

    def change() -> str:
        if not number.isdecimal():
            raise StepRefused(["Choose who declares an interest."])
        row = found(Attendance.objects.visible_to(request.actor).filter(meeting=meeting), pk=number)
        movements.declare(item, row, request.POST.get("words", ""), by=request.actor)
        return f"Interest of {row.who} recorded"

    return _at_item(request, meeting, item, change)


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
    query = {"item": item.number} | ({"change": "1"} if meeting.status != MeetingStatus.LIVE else {})
    return redirect(f"{reverse('live', args=[meeting.key])}?{urlencode(query)}#room")

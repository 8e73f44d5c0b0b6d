"""The room screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import audit
from iom.models import MeetingStatus
from iom.pages import found, page
from panels import screen
from panels.models import AgendaItem

from .at import of_papers

if TYPE_CHECKING:
    from iom.models import Meeting

SEEN = "screen"


@page("panels.view_papers", kind="poll")
@of_papers
def room_screen(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """What the room sees of the item that the meeting is on; the same for everybody. Unchanged it answers 304.

    One event for each viewer and item (security.md U4): an item shown again, as its timer moves, is the same look.
    """
    now, about = screen.shown(meeting)
    tag = f'"{now.tag}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        context = {"meeting": meeting, "screen": now, "tag": tag, "live_now": meeting.status == MeetingStatus.LIVE}
        response = render(request, "panels/screen.html", context)
        _look(request, meeting, about)
    response["ETag"] = tag
    return response


@page("panels.record", methods=("POST",), once=False, kind="poll")
@of_papers
def show_on_screen(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The recorder's page brings its item on the room screen."""
    items = AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting)
    item = found(items, number=request.POST.get("item") or "-")
    screen.bring(meeting, item, by=request.actor)
    if request.headers.get("Accept") == "application/json":
        return HttpResponse(status=204)
    return redirect(f"{reverse('live', args=[meeting.key])}?item={item.number}")


def _look(request: HttpRequest, meeting: Meeting, about: screen.Subject | None) -> None:
    """Note whom the screen shows, once for each item that this session has looked at."""
    if about is None:
        return
    item, subject = about
    looked = request.session.get(SEEN, {})
    before = looked.get("items", []) if looked.get("meeting") == meeting.pk else []
    if item in before:
        request.looked_before = True
        return
    audit.shown(subject)
    request.session[SEEN] = {"meeting": meeting.pk, "items": [*before, item]}

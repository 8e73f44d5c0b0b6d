"""Dates for one's own calendar: one meeting as a file, and a private address that a program reads by itself."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom.models import Meeting
from iom.pages import PUBLIC, SIGNED_IN, page
from panels import calendars

from .at import of_meeting


@page("iom.view_meetings")
@of_meeting
def meeting_file(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One meeting as a calendar file."""
    return _calendar(calendars.single(meeting, request.actor), f"iom-{meeting.key}.ics", download=True)


@page(SIGNED_IN, methods=("GET", "POST"))
def calendar_address(request: HttpRequest) -> HttpResponse:
    """The private address of one's dates: make it, replace it, stop it. It is shown once, when it is made."""
    address = ""
    if request.method == "POST":
        if request.POST.get("do") == "stop":
            calendars.end_address(request.user)
            messages.success(request, "The address has stopped. Remove it from your calendar program")
            return redirect("calendar_address")
        address = f"{settings.SITE_URL}{reverse('calendar_feed', args=[calendars.make_address(request.user)])}"
    feed = calendars.address_of(request.user)
    return render(request, "panels/calendar_address.html", {"feed": feed, "address": address})


@page(PUBLIC)
def calendar_feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The dates behind a private address, for a program that does not sign in. It tells no name."""
    content = calendars.feed_of(secret)
    if content is None:
        raise Http404
    return _calendar(content, "iom.ics", download=False)


def _calendar(content: bytes, name: str, *, download: bool) -> HttpResponse:
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'{"attachment" if download else "inline"}; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response

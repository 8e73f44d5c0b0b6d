"""What the views of one meeting share: finding it, and leading on from an address that it no longer has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from iom import meetings
from iom.models import Meeting
from panels.models import MovedMeeting
from panels.querysets import meetings_with_papers

View = Callable[..., HttpResponse]

# Who chairs and who records, named on most pages of a meeting.
PEOPLE = ("chair__user", "recorder", "asks_to_record")


def of_meeting(view: View) -> View:
    """Give the view the meeting of its address, if the actor may know of it; a moved one redirects (design.md 6)."""
    return _finding(view, papers=False)


def of_papers(view: View) -> View:
    """As `of_meeting`, for meetings whose papers the actor may read; the same 404 for any other."""
    return _finding(view, papers=True)


def _finding(view: View, *, papers: bool) -> View:
    @functools.wraps(view)
    def at_meeting(request: HttpRequest, key: str, **rest: Any) -> HttpResponse:
        actor = request.actor
        try:
            meeting = meetings.find(
                actor, key, (lambda: meetings_with_papers(actor).select_related(*PEOPLE)) if papers else None
            )
        except Http404:
            moved = moved_from(request, key)
            if moved is None or request.method not in ("GET", "HEAD"):
                raise
            return redirect(request.get_full_path().replace(f"/{key}/", f"/{moved.key}/", 1))
        # One policy in memory for the whole page.
        meeting.scheme = meeting.body.scheme = actor.scheme
        return view(request, meeting, **rest)

    return at_meeting


def moved_from(request: HttpRequest, key: str) -> Meeting | None:
    """The meeting that used to have this key, if the actor may know of it."""
    try:
        day = date.fromisoformat(key[:10])
    except ValueError:
        return None
    body = {"body__slug": key[11:]} if key[11:] else {"body__position": 0}
    moved = MovedMeeting.objects.visible_to(request.actor).filter(old_date=day, **body).first()
    if moved is None:
        return None
    return Meeting.objects.visible_to(request.actor).filter(pk=moved.meeting_id).first()

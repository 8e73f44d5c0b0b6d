"""What needs me (ux.md 4.2), and what I was told."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import blocks, clock, together
from iom.access import Actor
from iom.meetings import going_on, upcoming
from iom.models import Meeting, Notification
from iom.pages import page


@page("iom.view_home")
def home(request: HttpRequest) -> HttpResponse:
    """Dated tasks first, most overdue first; then what each app adds for the role."""
    today = clock.today()
    parts = {"home": blocks.home_steps(request.actor, today), "next": _next_meeting(request.actor, today)}
    found = together.run(together.all_of(parts))
    tasks, shown = found["home"]
    return render(
        request,
        "iom/home.html",
        {
            "today": today,
            "tasks": tasks,
            "blocks": shown,
            "next_meeting": found["next"],
        },
    )


def _next_meeting(actor: Actor, today: date) -> together.Steps[Meeting | None]:
    """The first meeting that one would be told of: of a body on which one sits."""
    if not actor.seats or not actor.holds("iom.view_meetings"):
        return None
    meetings = upcoming((yield together.shared(going_on, actor.scheme)), today)
    return next((meeting for meeting in meetings if meeting.body.slug in actor.seats), None)


@page("iom.view_notifications", methods=("GET", "POST"))
def notifications(request: HttpRequest) -> HttpResponse:
    """One inbox. Reading marks nothing; the button does."""
    mine = Notification.objects.visible_to(request.actor)
    if request.method == "POST":
        with transaction.atomic():
            mine.unread().update(read_at=clock.now())
        return redirect("notifications")
    return render(request, "iom/notifications.html", {"notifications": mine[:100]})

"""What needs me (ux.md 4.2), and what I was told."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import blocks, clock
from iom.access import Actor
from iom.models import Meeting, Notification
from iom.pages import page


@page("iom.view_home")
def home(request: HttpRequest) -> HttpResponse:
    """Dated tasks first, most overdue first; then what each app adds for the role."""
    today = clock.today()
    tasks, shown = blocks.home(request.actor, today)
    return render(
        request,
        "iom/home.html",
        {
            "today": today,
            "tasks": tasks,
            "blocks": shown,
            "next_meeting": _next_meeting(request.actor, today),
        },
    )


def _next_meeting(actor: Actor, today: date) -> Meeting | None:
    """The first meeting that one would be told of: of a body one sits on, else of the scheme's first body."""
    if not actor.seats:
        return None
    return Meeting.objects.visible_to(actor).upcoming(today).filter(body__slug__in=actor.seats).first()


@page("iom.view_notifications", methods=("GET", "POST"))
def notifications(request: HttpRequest) -> HttpResponse:
    """One inbox. Reading marks nothing; the button does."""
    mine = Notification.objects.visible_to(request.actor)
    if request.method == "POST":
        with transaction.atomic():
            mine.unread().update(read_at=clock.now())
        return redirect("notifications")
    return render(request, "iom/notifications.html", {"notifications": mine[:100]})

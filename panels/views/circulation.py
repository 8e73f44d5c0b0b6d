"""Who has the agenda, who read it, who comes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.jinja import plural
from iom.models import Meeting, MeetingStatus
from iom.pages import page
from iom.steps import StepRefused
from panels import attendance, circulation
from panels.models import Circulation
from panels.navigation import pages_of

from .at import of_papers


@page("panels.build_agenda", methods=("GET", "POST"), grid=True)
@of_papers
def circulation_page(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Each person's copy; the button reminds those who are quiet and sends to those who joined since."""
    if request.method == "POST":
        try:
            told = circulation.chase(meeting, by=request.actor)
        except StepRefused as refused:
            for problem in refused.problems:
                messages.error(request, problem)
        else:
            people = plural(told, "person", "people")
            messages.success(request, f"Reminded {people}" if told else "Everybody has been reminded today already")
        return redirect("circulation", meeting.key)
    rows = Circulation.objects.visible_to(request.actor).filter(meeting=meeting)
    copies = list(
        rows.select_related("membership__user", "membership__agency").order_by(
            "membership__agency__name", "membership__user__name"
        )
    )
    table = circulation.table_of(meeting)
    have_it = {copy.membership_id for copy in copies}
    return render(
        request,
        "panels/circulation.html",
        {
            "meeting": meeting,
            "copies": copies,
            "joined": [person for person in table.people if person.pk not in have_it],
            "without_account": table.without_account,
            "quiet": [copy for copy in copies if copy.read_at is None or not copy.answer],
            "may_chase": meeting.status == MeetingStatus.AGENDA_SENT,
            "forecast": attendance.forecast(meeting),
            "pages": pages_of(meeting, request.actor, "circulation/"),
        },
    )

"""Who is here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.steps import StepRefused
from panels import agreement, attendance, proposers
from panels.forms.attendance import PlaceForm, VisitorForm
from panels.models import Attendance
from panels.navigation import pages_of

from .at import of_papers
from .meetings import past_days


@page("panels.take_attendance", methods=("GET", "POST"), grid=True)
@of_papers
def attendance_page(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One row for each seat holder, pre-ticked from the replies; saved as a whole."""
    rows = attendance.places(meeting)
    if request.method == "GET":
        return _attendance(request, meeting, [PlaceForm(place) for place in rows])
    forms = [PlaceForm(place, request.POST) for place in rows]
    valid = [form.is_valid() for form in forms]
    if not all(valid):
        return _attendance(request, meeting, forms)
    rest_absent = "rest_absent" in request.POST
    try:
        attendance.take_attendance(meeting, [form.came(rest_absent=rest_absent) for form in forms], by=request.actor)
    except StepRefused as refused:
        return _attendance(request, meeting, forms, problems=refused.problems)
    messages.success(request, "Attendance saved")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def add_visitor(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Write down a guest or an observer."""
    form = _visitor_form(request, meeting, request.POST)
    rows = [PlaceForm(place) for place in attendance.places(meeting)]
    if not form.is_valid():
        return _attendance(request, meeting, rows, visitor=form)
    try:
        row = attendance.add_visitor(meeting, by=request.actor, **form.cleaned_data)
    except StepRefused as refused:
        return _attendance(request, meeting, rows, visitor=form, problems=refused.problems)
    messages.success(request, f"{row.get_standing_display()} written down: {row.name}")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def remove_visitor(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Take back a guest or observer."""
    row = found(Attendance.objects.visible_to(request.actor).filter(meeting=meeting), pk=pk)
    attendance.remove_visitor(row, by=request.actor)
    messages.success(request, f"Removed: {row.name}")
    return redirect("attendance", meeting.key)


def _visitor_form(request: HttpRequest, meeting: Meeting, data: Any = None) -> VisitorForm:
    agencies = Agency.objects.visible_to(request.actor)
    return VisitorForm(data, agencies=agencies, before=past_days(meeting), auto_id="visitor_%s")


def _attendance(
    request: HttpRequest,
    meeting: Meeting,
    forms: list[PlaceForm],
    *,
    visitor: VisitorForm | None = None,
    problems: list[str] | None = None,
) -> HttpResponse:
    signed = agreement.signatures_for(meeting)
    return render(
        request,
        "panels/attendance.html",
        {
            "meeting": meeting,
            "rows": [{"form": form, "place": form.place, "signature": _signature(form, signed)} for form in forms],
            "visitors": attendance.visitors(meeting),
            "presenters": proposers.expected(request.actor, meeting),
            "visitor_form": visitor or _visitor_form(request, meeting),
            "open": meeting.status in attendance.TAKEN_IN,
            "quorum": attendance.quorum_of(meeting),
            "expected": sum(form.place.from_reply for form in forms),
            "rules": meeting.body.policy,
            "problems": problems or [],
            "has_error": bool(problems or (visitor and visitor.errors) or any(form.errors for form in forms)),
            "pages": pages_of(meeting, request.actor, "attendance/"),
        },
    )


def _signature(form: PlaceForm, signed: dict[int, Any]) -> Any:
    return signed.get(form.place.membership.pk) if form.place.membership else None

"""Attendance and delivery per agency, as a page and as a file (features 72, 83, 310)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from iom import clock, exports
from iom.pages import page
from iom.steps import StepRefused
from panels import delivery
from panels.forms.escalations import ExportForm, PeriodForm


@page("panels.view_delivery")
def delivery_page(request: HttpRequest) -> HttpResponse:
    """Each agency's attendance and delivery in a period; an agency sees its own line."""
    return _page(request, _period(request.GET), ExportForm())


@page("panels.export_delivery", methods=("POST",), fresh=True, kind="export")
def delivery_file(request: HttpRequest) -> HttpResponse:
    """The same as a CSV file, with a reason and a recipient (security.md E1)."""
    period, asked = _period(request.POST), ExportForm(request.POST)
    if not (period.is_valid() and asked.is_valid()):
        return _page(request, period, asked)
    actor = request.actor
    since, until = period.cleaned_data["since"], period.cleaned_data["until"]
    found = delivery.report(actor, since, until)
    try:
        made = exports.make(
            by=actor,
            kind="delivery",
            name="attendance-and-delivery",
            header=delivery.HEADER,
            rows=[line.cells for line in found.lines],
            reason=asked.cleaned_data["reason"],
            recipient=asked.cleaned_data["recipient"],
            chosen={"since": since.isoformat(), "until": until.isoformat()},
            subjects=(),
        )
    except StepRefused as refused:
        for problem in refused.problems:
            asked.add_error(None, problem)
        return _page(request, period, asked)
    messages.success(request, "Your file is ready")
    return redirect("export", made.key)


def _period(given: QueryDict) -> PeriodForm:
    """The period as it was asked for; six months where nothing was."""
    since, until = delivery.usual_period(clock.today())
    said = {name: given[name] for name in ("since", "until") if name in given}
    return PeriodForm({"since": _typed(since), "until": _typed(until), **said})


def _page(request: HttpRequest, period: PeriodForm, asked: ExportForm) -> HttpResponse:
    actor = request.actor
    since, until = delivery.usual_period(clock.today())
    if period.is_valid():
        since, until = period.cleaned_data["since"], period.cleaned_data["until"]
    found = delivery.report(actor, since, until)
    rules = [body.attendance for body in actor.scheme.policy.bodies if body.attendance.reviewed_by]
    context: dict[str, Any] = {
        "period": period,
        "report": found,
        "core": found.core,
        "others": [line for line in found.lines if not line.core],
        "rules": rules,
        "export": asked,
        "own_only": not actor.has_role("coordinator", "chair", "board_reader"),
        "may_export": actor.holds("panels.export_delivery"),
        "asked": {"since": _typed(since), "until": _typed(until)},
    }
    return render(request, "panels/delivery.html", context)


def _typed(day: date) -> str:
    """A day as people type it."""
    return f"{day.day} {day.month} {day.year}"

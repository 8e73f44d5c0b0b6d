"""What falls due for the cohort in the next weeks, from every clock of every case (feature 306)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from iom import clock
from iom.jinja import plural
from iom.pages import page
from offenders.clocks import Calendar, coming_for
from offenders.forms.radar import RadarForm
from offenders.models import Case

DAYS = 90


@page("offenders.view_radar")
def radar(request: HttpRequest) -> HttpResponse:
    """By week, soonest first; what is overdue stands first. The filters are in the address."""
    actor, today = request.actor, clock.today()
    form = RadarForm(actor.scheme.policy, request.GET or None)
    given = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = Case.objects.visible_to(actor).not_closed().with_current().with_custody()
    if colour := given.get("rating"):
        rows = rows.rated(colour)
    calendar = Calendar.of(actor.scheme, today)
    found = [
        {"case": case, "coming": coming, "href": _where(case, coming.kind)}
        for case in rows.order_by("reference")
        for coming in coming_for(case, calendar)
        if coming.on <= today + timedelta(days=DAYS) and given.get("kind") in (None, "", coming.kind)
    ]
    found.sort(key=lambda row: (row["coming"].on, row["case"].reference))
    weeks = [
        {"starts": starts, "rows": list(rows)}
        for starts, rows in groupby(found, key=lambda row: _week(row["coming"].on, today))
    ]
    context = {"form": form, "weeks": weeks, "count": plural(len(found), "date"), "today": today, "days": DAYS}
    return render(request, "offenders/radar.html", context)


def _week(day: date, today: date) -> date | None:
    """The Monday of a week; None for what is overdue."""
    return None if day < today else day - timedelta(days=day.weekday())


def _where(case: Case, kind: str) -> str:
    name = {"release": "case_custody", "green": "case_exit", "supervision": "case_exit"}.get(kind, "case")
    return reverse(name, args=[case.reference])

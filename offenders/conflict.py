"""Two people changed the same thing: show both, and let the later one keep theirs or take what is there (ux.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom.models import LogEntry, SchemeModel


def conflict(
    request: HttpRequest,
    thing: SchemeModel,
    rows: Sequence[Mapping[str, object]],
    *,
    version_field: str,
    back_url: str,
    reference: str,
) -> HttpResponse:
    """The page of a refused stale edit. `thing` is what is stored now; `rows` are {label, mine, theirs}.

    "Keep mine" posts the same answers again on top of what is stored now.
    """
    last = LogEntry.objects.get_for_object(thing).select_related("actor").order_by("-timestamp").first()
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in ("csrfmiddlewaretoken", version_field)
    ]
    return render(
        request,
        "offenders/conflict.html",
        {
            "who": last.actor.name if last and last.actor else "Someone",
            "when": last.timestamp if last else None,
            "conflicts": [row for row in rows if row["mine"] != row["theirs"]],
            "kept": [*kept, (version_field, thing.version)],
            "back_url": back_url,
            "reference": reference,
        },
        status=409,
    )

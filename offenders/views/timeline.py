"""The timeline of a case: what happened, newest first; adding to it and putting it right (ux.md 4.5)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import together
from iom.jinja import day, query
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import naming, timeline
from offenders.case_pages import case_page, case_page_steps, find_case
from offenders.forms.timeline import CorrectForm, EntryForm, TimelineFilter
from offenders.models import Case, Entry
from offenders.timeline_page import Rows, answers_for, kind_words, kinds_in, rows_of_steps

A_PAGE = 25


@page("offenders.view_case")
def case_timeline(request: HttpRequest, reference: str) -> HttpResponse:
    """Everything, newest first, by month; one kind of it, or what happened after a day."""
    case = find_case(request.actor, reference)
    read = together.run(
        together.all_of(
            {"rows": rows_of_steps(request.actor, case), "page": case_page_steps(request, case, "case_timeline")}
        )
    )
    rows, context = read["rows"], read["page"]
    form = TimelineFilter(kinds_in(rows), request.GET)
    kept = narrowed(rows, form)
    context |= {
        "filters": form,
        "chips": _chips(request, form),
        "shown": Paginator(kept, A_PAGE).get_page(request.GET.get("page")),
        "anything": bool(rows),
        "may_add": request.actor.can("offenders.add_entry", case),
    }
    return render(request, "offenders/timeline.html", context)


def narrowed(rows: Rows, form: TimelineFilter) -> Rows:
    """What the filters leave; one that cannot be read leaves everything (ux.md 4.5, errors)."""
    return rows.narrowed(form.cleaned_data["type"], form.cleaned_data["since"]) if form.is_valid() else rows


def _chips(request: HttpRequest, form: TimelineFilter) -> list[dict[str, str]]:
    if not form.is_valid():
        return []
    kind, since = form.cleaned_data["type"], form.cleaned_data["since"]
    chips = []
    if kind:
        href = query(request.GET, type=None, page=None)
        chips.append({"label": "Type", "value": kind_words(kind), "href": href})
    if since:
        chips.append({"label": "After", "value": day(since), "href": query(request.GET, since=None, page=None)})
    return chips


@page("offenders.add_entry", methods=("GET", "POST"))
def add_entry(request: HttpRequest, reference: str) -> HttpResponse:
    """One thing that happened."""
    case = find_case(request.actor, reference)
    form = EntryForm(request.actor.scheme, request.POST if request.method == "POST" else None, initial=_asked(request))
    _guard(request, form, case)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            timeline.note(
                case,
                given["kind"],
                on=given["happened_on"],
                at=form.at,
                text=given["text"],
                source=given["source"],
                handling=given["handling"],
                readers=given["readers"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Added to the timeline of {case.reference}")
            return redirect("case_timeline", case.reference)
    context = case_page(request, case, "case_timeline")
    context |= {"form": form, "told": case.scheme.policy.engagement}
    return render(request, "offenders/timeline_add.html", context)


@page("offenders.correct_entry", methods=("GET", "POST"))
def correct_entry(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """A correction beside what was written first, or its withdrawal."""
    case = find_case(request.actor, reference)
    entry = found(Entry.objects.visible_to(request.actor).select_related("agency", "made_by"), pk=pk, case=case)
    if not answers_for(request.actor, entry):
        raise PermissionDenied
    start = {"what": "correct", "happened_on": entry.happened_on, "text": entry.text}
    form = CorrectForm(request.POST if request.method == "POST" else None, initial=start)
    _guard(request, form, case)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        text = given["text"] if given["what"] == "correct" else ""
        try:
            timeline.correct(
                entry,
                text=text,
                on=given["happened_on"] if text else entry.happened_on,
                reason=given["reason"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            said = "Corrected. What stood there before is still shown" if text else "Withdrawn"
            messages.success(request, said)
            return redirect("case_timeline", case.reference)
    context = case_page(request, case, "case_timeline") | {"form": form, "entry": entry}
    return render(request, "offenders/timeline_correct.html", context)


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The kind for which another page leads here: never who may read it."""
    return {"kind": request.GET.get("kind", "")}


def _guard(request: HttpRequest, form: Any, case: Case) -> None:
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender)

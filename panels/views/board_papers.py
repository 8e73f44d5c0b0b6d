"""The report of a panel's progress to its board: figures, the reporting post's words, the PDF (features 7 and 8)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import clock as time_of_day
from iom.meetings import find
from iom.models import Meeting
from iom.pages import page
from iom.steps import StepRefused
from panels import board_papers as verbs
from panels import escalations, progress
from panels.forms.escalations import BoardPaperForm
from panels.models import BoardPaper
from panels.navigation import pages_of


@page("panels.view_board_paper", methods=("GET", "POST"))
def board_papers(request: HttpRequest, key: str) -> HttpResponse:
    """What the board is told: written and saved by itself until the agenda goes out, then as it was sent."""
    meeting, paper = _of(request, key)
    may_write = paper.sent_at is None and request.actor.can("panels.write_board_paper", meeting)
    posted = request.POST if request.method == "POST" else None
    if posted is not None and not request.actor.can("panels.write_board_paper", meeting):
        raise PermissionDenied
    start = {"words": paper.words, "version": paper.version if paper.pk else 0}
    form = BoardPaperForm(posted, initial=start)
    if posted is not None and form.is_valid():
        try:
            given = form.cleaned_data
            paper = verbs.save_words(meeting, given["words"], by=request.actor, version=given["version"])
        except StepRefused as refused:
            form.add_error("words", refused.problems)
        else:
            if request.headers.get("X-Autosave"):
                return JsonResponse({"at": time_of_day(clock.now()), "fields": {"version": paper.version}})
            messages.success(request, "Report saved")
            return redirect("board_papers", meeting.key)
    if posted is not None and request.headers.get("X-Autosave"):
        return JsonResponse({"errors": form.errors}, status=422)
    figures = verbs.figures_of(paper, request.actor)
    context: dict[str, Any] = {
        "meeting": meeting,
        "paper": paper,
        # Whoever was writing when it was sent still has their words on the page.
        "form": form if may_write or form.errors else None,
        "figures": figures,
        "four": four(figures),
        "reporter": escalations.reporter(request.actor.scheme),
        "reviewed": verbs.reviewed_here(request.actor.scheme.policy, meeting.body.slug),
        "pages": pages_of(meeting, request.actor, "board-papers/"),
        "as_date": date.fromisoformat,
    }
    return render(request, "panels/board_papers.html", context)


@page("panels.view_board_paper", kind="pdf")
def board_papers_pdf(request: HttpRequest, key: str) -> HttpResponse:
    """The report as a PDF; it names nobody."""
    meeting, paper = _of(request, key)
    response = HttpResponse(verbs.render(paper, request.actor), content_type="application/pdf")
    name = verbs.reference_of(meeting).lower()
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def four(figures: progress.Figures) -> list[tuple[str, str]]:
    """What a board reads first."""
    cohort = figures["cohort"][-1][1]
    return [
        ("People on the cohort", cohort if len(cohort) < 20 else "see by rating"),
        ("Panels held", progress.quorate_words(figures)),
        ("Actions done on time", progress.agencies_words(figures)),
        ("Core agencies at the table", progress.core_words(figures)),
    ]


def _of(request: HttpRequest, key: str) -> tuple[Meeting, BoardPaper]:
    """The meeting of a board and its report; 404 for a body to which nobody reports, 403 for who does not sit on it."""
    meeting = find(request.actor, key)
    meeting.scheme = meeting.body.scheme = request.actor.scheme
    if not verbs.is_board(meeting):
        raise Http404
    if not request.actor.can("panels.view_board_paper", meeting):
        raise PermissionDenied
    paper = verbs.paper_of(meeting)
    paper.meeting = meeting
    return meeting, paper

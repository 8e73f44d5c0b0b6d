"""Trying criteria before they are adopted (Waltham Forest, 7.5), as a page and as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import exports
from iom.pages import page
from iom.steps import StepRefused
from referrals import resourcing, what_if
from referrals.forms.what_if import ExportForm, TrialForm

HEADER = ("Reference", "Person", "Now", "By the rules in force", "Under the criteria tried", "Decided by", "Missing")


@page("referrals.what_if")
def what_if_page(request: HttpRequest) -> HttpResponse:
    """Who would join, leave and stay under other criteria; of whom it is not known, and what is missing."""
    return _page(request, TrialForm(request.actor.scheme.policy, request.GET), ExportForm())


@page("referrals.what_if", methods=("POST",), fresh=True, kind="export")
def what_if_file(request: HttpRequest) -> HttpResponse:
    """The same as a CSV file: for its maker, with a reason and a recipient (security.md E1)."""
    trial = TrialForm(request.actor.scheme.policy, request.POST)
    asked = ExportForm(request.POST)
    if not (trial.is_valid() and asked.is_valid()):
        return _page(request, trial, asked)
    actor = request.actor
    result = what_if.try_out(actor, trial.tried)
    try:
        made = exports.make(
            by=actor,
            kind="what-if",
            name=f"what-if-{trial.chosen.name}",
            header=HEADER,
            rows=[_line(row) for row in result.rows],
            reason=asked.cleaned_data["reason"],
            recipient=asked.cleaned_data["recipient"],
            chosen={name.replace(".", "_"): value for name, value in trial.asked.items()},
            subjects=[row.thing.reference for row in result.rows],
        )
    except StepRefused as refused:
        for problem in refused.problems:
            asked.add_error(None, problem)
        return _page(request, trial, asked)
    messages.success(request, "Your file is ready")
    return redirect("export", made.key)


def _line(row: what_if.Row) -> tuple[str, ...]:
    now = "On the cohort" if row.on_cohort else "Nominated"
    missing = "; ".join(row.missing)
    return (row.thing.reference, row.thing.offender.name, now, row.today, row.words, row.decides, missing)


def _page(request: HttpRequest, trial: TrialForm, asked: ExportForm) -> HttpResponse:
    actor = request.actor
    result = what_if.try_out(actor, trial.tried) if trial.is_valid() else None
    context: dict[str, Any] = {
        "trial": trial,
        "result": result,
        "groups": [(words, result.of(verdict)) for verdict, words in what_if.WORDS.items()] if result else [],
        "export": asked,
        "waiting": [each for each in resourcing.waiting(actor.scheme) if each.criteria.name == trial.chosen.name],
        "may_say": actor.holds("referrals.say_resourced"),
    }
    return render(request, "referrals/what_if.html", context)

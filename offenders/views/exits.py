"""Leaving the cohort: what is asked before, the proposal to the panel, and closing the case (ux.md 4.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import day
from iom.pages import page
from iom.steps import StepRefused
from offenders import exits, leaving, naming
from offenders.case_pages import case_page, find_case
from offenders.clocks import Calendar
from offenders.forms.exits import (
    AgenciesForm,
    CallOffForm,
    CloseForm,
    OfferAgainForm,
    PeriodForm,
    ProposalForm,
    SafetyForm,
    StrategyForm,
)
from offenders.models import Case, CaseStatus


@page("offenders.view_exit")
def case_exit(request: HttpRequest, reference: str) -> HttpResponse:
    """Where the case stands on the way out: the clock, the task list, the decision, and closing."""
    case = find_case(request.actor, reference)
    return render(request, "offenders/exit/exit.html", _hub(request, case))


def _hub(request: HttpRequest, case: Case, call_off_form: CallOffForm | None = None) -> dict[str, Any]:
    actor = request.actor
    context = case_page(request, case, "case_exit")
    now = exits.standing(case, context["calendar"])
    may_prepare = actor.can("offenders.prepare_exit", case) and case.status != CaseStatus.CLOSED
    may_decide = actor.can("offenders.change_case", case)
    return context | {
        "standing": now,
        "leaving": now.leaving,
        "tasks": [_line(each, may_prepare) for each in now.required],
        "may_prepare": may_prepare,
        "may_close": (may_decide or exits.may_close_at_end(actor, case)) and case.status != CaseStatus.CLOSED,
        "may_decide": may_decide,
        "may_offer": actor.can("offenders.offer_again", case) and case.status == CaseStatus.CLOSED,
        "told": list(case.told_of_leaving.select_related("agency", "told_by")),
        "ending": now.rule.ending(case.outcome),
        "last": list(case.assignments.filter(until=None).select_related("agency", "membership__user")),
        "call_off_form": call_off_form or CallOffForm(),
    }


def _line(required: exits.Required, may_prepare: bool) -> dict[str, str]:
    if required.done:
        status, state = "Done", "done"
    elif required.before == exits.NEVER:
        status, state = "Not needed here", "done"
    else:
        status, state = "Not done yet", "new"
    return {
        "title": required.title,
        "href": required.href if may_prepare else "",
        "status": status,
        "state": state,
        "hint": required.words if required.done else required.missing,
    }


# --- One task to a page -----------------------------------------------------------------


@page("offenders.view_exit", methods=("GET", "POST"))
def case_exit_task(request: HttpRequest, reference: str, task: str) -> HttpResponse:
    """One thing to prepare: its form, and what is there already."""
    case = find_case(request.actor, reference)
    if task not in TASKS:
        raise Http404
    if not request.actor.can(PERMISSIONS.get(task, leaving.PREPARES), case):
        raise PermissionDenied
    make, save = TASKS[task]
    data = request.POST if request.method == "POST" else None
    now = exits.standing(case, Calendar.of(case.scheme, clock.today()))
    form = make(case, now, data)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender)
    if data is not None and form.is_valid():
        try:
            done = save(case, now, form, request)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, done)
            return redirect("case_exit", case.reference)
    context = case_page(request, case, "case_exit") | {"standing": now, "leaving": now.leaving, "form": form}
    return render(request, f"offenders/exit/{task.replace('-', '_')}.html", context)


def _initial(now: exits.ExitStanding, *names: str) -> dict[str, Any]:
    return {name: getattr(now.leaving, name) for name in (*names, "version")}


def _strategy(case: Case, now: exits.ExitStanding, data: Any) -> StrategyForm:
    return StrategyForm(data, initial=_initial(now, "who_stays", "contact", "way_back"))


def _save_strategy(case: Case, now: exits.ExitStanding, form: forms.Form, request: HttpRequest) -> str:
    leaving.save_strategy(case, by=request.actor, **form.cleaned_data)
    return f"Exit strategy of {case.reference} saved"


def _safety(case: Case, now: exits.ExitStanding, data: Any) -> SafetyForm:
    return SafetyForm(data, initial=_initial(now, "safety", "safety_words"))


def _save_safety(case: Case, now: exits.ExitStanding, form: forms.Form, request: HttpRequest) -> str:
    given = form.cleaned_data
    leaving.consider_safety(
        case, given["safety"], words=given["safety_words"], version=given["version"], by=request.actor
    )
    return f"View of victims and safeguarding for {case.reference} saved"


def _agencies(case: Case, now: exits.ExitStanding, data: Any) -> AgenciesForm:
    return AgenciesForm(leaving.not_told(case), exits.concerned(case), data)


def _save_agencies(case: Case, now: exits.ExitStanding, form: AgenciesForm, request: HttpRequest) -> str:
    how = form.cleaned_data["how"] or leaving.THROUGH_US
    told = leaving.tell_agencies(case, form.chosen, how=how, by=request.actor)
    return f"Told: {', '.join(each.agency.name for each in told)}" if told else "Everybody was told already"


def _proposal(case: Case, now: exits.ExitStanding, data: Any) -> ProposalForm:
    if not now.needs_panel:
        raise Http404
    return ProposalForm(now.missing, data, initial=_initial(now, "proposal"))


def _save_proposal(case: Case, now: exits.ExitStanding, form: forms.Form, request: HttpRequest) -> str:
    given = form.cleaned_data
    leaving.propose(
        case,
        reason=given["proposal"],
        missing=now.missing,
        without=given.get("without", ""),
        version=given["version"],
        by=request.actor,
    )
    return f"Leaving of {case.reference} proposed to the panel"


def _period(case: Case, now: exits.ExitStanding, data: Any) -> PeriodForm:
    rating = case.rating
    if now.rule.force != "agreed_period" or now.green_since is None or rating is None:
        raise Http404
    return PeriodForm(data, initial={"agreed_on": rating.agreed_on, "agreed_until": rating.agreed_until})


def _save_period(case: Case, now: exits.ExitStanding, form: forms.Form, request: HttpRequest) -> str:
    given = form.cleaned_data
    leaving.agree_period(case, given["agreed_until"], on=given["agreed_on"], by=request.actor)
    return f"{case.reference} is watched as Green until {day(given['agreed_until'])}"


def _offer_again(case: Case, now: exits.ExitStanding, data: Any) -> OfferAgainForm:
    return OfferAgainForm(data, initial=_initial(now, "offer_again_on"))


def _save_offer_again(case: Case, now: exits.ExitStanding, form: forms.Form, request: HttpRequest) -> str:
    given = form.cleaned_data
    leaving.offer_again(case, given["offer_again_on"], version=given["version"], by=request.actor)
    if given["offer_again_on"] is None:
        return f"{case.reference} is not to be offered again"
    return f"{case.reference} is to be offered again on {day(given['offer_again_on'])}"


Make = Callable[[Case, exits.ExitStanding, Any], forms.Form]
Save = Callable[[Case, exits.ExitStanding, Any, HttpRequest], str]
TASKS: dict[str, tuple[Make, Save]] = {
    "strategy": (_strategy, _save_strategy),
    "safety": (_safety, _save_safety),
    "agencies": (_agencies, _save_agencies),
    "proposal": (_proposal, _save_proposal),
    "period": (_period, _save_period),
    "offer-again": (_offer_again, _save_offer_again),
}
# Who does what elsewhere than by preparing.
PERMISSIONS = {"period": leaving.DECIDES, "offer-again": "offenders.offer_again"}


# --- Back, and out ----------------------------------------------------------------------


@page("offenders.view_exit", methods=("POST",))
def case_exit_withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Take a proposal back before the panel has heard it."""
    case = find_case(request.actor, reference)
    try:
        leaving.withdraw_proposal(case, by=request.actor)
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
    else:
        messages.success(request, f"Proposal for {case.reference} taken back")
    return redirect("case_exit", case.reference)


@page("offenders.view_exit", methods=("POST",))
def case_exit_call_off(request: HttpRequest, reference: str) -> HttpResponse:
    """The person stays after all."""
    case = find_case(request.actor, reference)
    form = CallOffForm(request.POST)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender)
    if form.is_valid():
        try:
            leaving.call_off(case, on=clock.today(), reason=form.cleaned_data["reason"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{case.reference} stays on the cohort")
            return redirect("case_exit", case.reference)
    return render(request, "offenders/exit/exit.html", _hub(request, case, form))


@page("offenders.view_exit", methods=("GET", "POST"))
def case_exit_close(request: HttpRequest, reference: str) -> HttpResponse:
    """How and why the case ends; what is missing stands above, and going on without it asks for a reason."""
    case = find_case(request.actor, reference)
    actor = request.actor
    if not (actor.can("offenders.change_case", case) or exits.may_close_at_end(actor, case)):
        raise PermissionDenied
    if case.status == CaseStatus.CLOSED:
        return redirect("case_exit", case.reference)
    now = exits.standing(case, Calendar.of(case.scheme, clock.today()))
    data = request.POST if request.method == "POST" else None
    form = CloseForm(now.rule, now.missing_to_close, data, initial=_closing(case, now))
    naming.guard(form, naming.Protected(actor, [case.offender]), case.offender)
    if data is not None and form.is_valid():
        try:
            _close(case, form, request)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{case.reference} is closed")
            readable = actor.has_role("coordinator", "chair", "researcher")
            return redirect("case_exit", case.reference) if readable else redirect("cases")
    context = case_page(request, case, "case_exit") | {"standing": now, "leaving": now.leaving, "form": form}
    return render(request, "offenders/exit/close.html", context)


def _closing(case: Case, now: exits.ExitStanding) -> dict[str, Any]:
    ended = now.supervision_ends_on if now.rule.force == "end_of_supervision" and now.supervision_ended else now.today
    return {"ended_on": ended, "version": case.version}


def _close(case: Case, form: CloseForm, request: HttpRequest) -> None:
    given = form.cleaned_data
    closed = exits.close_case(
        case,
        on=given["ended_on"],
        outcome=given["outcome"],
        reason=given["reason"],
        without=given.get("without", ""),
        story=given.get("story", ""),
        offer_again_on=given.get("offer_again_on"),
        version=given["version"],
        by=request.actor,
    )
    case.status = closed.status

"""The safeguarding ledger of a case, one kind of check, a concern for a child; and all cases at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import day
from iom.models import Meeting
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import ledger, safeguarding
from offenders.case_pages import case_page, find_case
from offenders.forms.safeguarding import AskForm, CheckForm, ChildAnswerForm, ChildForm
from offenders.models import Case, Check, CheckAsked, CheckKind, MashReferral


@page("offenders.view_safeguarding")
def case_safeguarding(request: HttpRequest, reference: str) -> HttpResponse:
    """Every kind of check with how it stands, and the concerns for children that were referred."""
    case = find_case(request.actor, reference)
    context = case_page(request, case, "case_safeguarding") | ledger.of_case(request.actor, case)
    return render(request, "offenders/safeguarding.html", context)


@page("offenders.record_check", methods=("GET", "POST"))
def case_check(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """One kind of check: how it stands, the way to record one or ask for one, and every check before."""
    case = _case_of_kind(request, reference, kind)
    form = _check_form(request, case, kind, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            check = safeguarding.record_check(
                case,
                kind,
                outcome=given["outcome"],
                on=given["checked_on"],
                agency=given["agency"],
                checked_by=given["checked_by"],
                ask=given["ask"],
                how=given["how"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Check recorded. It holds until {day(check.expires_on)}")
            return redirect("case_safeguarding", case.reference)
    return _show_kind(request, case, kind, form, _ask_form(request))


@page("offenders.ask_check", methods=("POST",))
def case_check_ask(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """Ask an agency to make a check by a day."""
    case = _case_of_kind(request, reference, kind)
    form = AskForm(request.actor, request.POST, auto_id="id_ask_%s")
    if form.is_valid():
        given = form.cleaned_data
        try:
            safeguarding.ask_agency(case, kind, agency=given["agency"], due_on=given["due_on"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{given['agency'].name} has been asked, by {day(given['due_on'])}")
            return redirect("case_check", case.reference, kind)
    return _show_kind(request, case, kind, _check_form(request, case, kind, None), form)


@page("offenders.ask_check", methods=("POST",))
def take_back(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Take back what an agency was asked for."""
    case = find_case(request.actor, reference)
    asked: CheckAsked = found(CheckAsked.objects.visible_to(request.actor).filter(case=case), pk=pk)
    try:
        safeguarding.take_back(asked, by=request.actor)
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
    else:
        messages.success(request, "Question taken back")
    return redirect("case_check", case.reference, asked.kind)


@page("offenders.record_check", methods=("POST",))
def strike_check(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Strike out a check that was entered by mistake."""
    case = find_case(request.actor, reference)
    check: Check = found(Check.objects.visible_to(request.actor).filter(case=case), pk=pk)
    try:
        safeguarding.strike_out(check, by=request.actor)
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
    else:
        messages.success(request, "Check struck out. It stays in the history")
    return redirect("case_check", case.reference, check.kind)


@page("offenders.record_check", methods=("GET", "POST"))
def case_child(request: HttpRequest, reference: str) -> HttpResponse:
    """Record that a concern for a child was referred; from the live meeting, at which one."""
    case = find_case(request.actor, reference)
    form = ChildForm(
        request.actor,
        request.POST if request.method == "POST" else None,
        any_agency=request.actor.can("offenders.record_others_check", case),
        initial={"referred_on": day(clock.today())},
    )
    meeting = _meeting(request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            safeguarding.refer_child(
                case,
                on=given["referred_on"],
                agency=given["agency"],
                referred_by=given["referred_by"],
                reference_there=given["reference_there"],
                how=given["how"],
                meeting=meeting,
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Referral recorded for {case.reference}")
            return redirect("case_safeguarding", case.reference)
    context = case_page(request, case, "case_safeguarding") | {"form": form, "meeting": meeting}
    return render(request, "offenders/safeguarding_child.html", context)


@page("offenders.record_check", methods=("GET", "POST"))
def child_answer(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Record how a referral of a concern for a child was answered."""
    case = find_case(request.actor, reference)
    referral: MashReferral = found(MashReferral.objects.visible_to(request.actor).filter(case=case), pk=pk)
    stored = {name: getattr(referral, name) for name in ("answer", "answered_on", "reference_there", "version")}
    form = ChildAnswerForm(request.POST if request.method == "POST" else None, initial=stored)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            safeguarding.child_answered(
                referral,
                answer=given["answer"],
                on=given["answered_on"],
                reference_there=given["reference_there"],
                version=given["version"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Answer recorded")
            return redirect("case_safeguarding", case.reference)
    context = case_page(request, case, "case_safeguarding") | {"form": form, "referral": referral}
    return render(request, "offenders/safeguarding_answer.html", context)


@page("offenders.review_safeguarding")
def summary(request: HttpRequest) -> HttpResponse:
    """Which cases have checks that are stale or not done."""
    return render(request, "offenders/safeguarding_summary.html", ledger.summary(request.actor, clock.today()))


def _case_of_kind(request: HttpRequest, reference: str, kind: str) -> Case:
    if kind not in CheckKind.values:
        raise Http404
    return find_case(request.actor, reference)


def _meeting(request: HttpRequest) -> Meeting | None:
    """The meeting at which it was decided, if the link came from one and the reader may know it."""
    key = request.POST.get("meeting") or request.GET.get("meeting")
    return ledger.meeting_of(request.actor, key) if key else None


def _check_form(request: HttpRequest, case: Case, kind: str, data: Any) -> CheckForm:
    actor = request.actor
    return CheckForm(
        actor,
        kind,
        data,
        any_agency=actor.can("offenders.record_others_check", case),
        initial={"checked_by": actor.user.name, "checked_on": day(clock.today())},
    )


def _ask_form(request: HttpRequest) -> AskForm:
    due = ledger.ask_by(request.actor.scheme, clock.today())
    return AskForm(request.actor, initial={"due_on": day(due)}, auto_id="id_ask_%s")


def _show_kind(request: HttpRequest, case: Case, kind: str, form: CheckForm, ask_form: AskForm) -> HttpResponse:
    context = case_page(request, case, "case_safeguarding") | ledger.of_kind(request.actor, case, kind)
    return render(request, "offenders/safeguarding_check.html", context | {"form": form, "ask_form": ask_form})

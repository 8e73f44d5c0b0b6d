"""Licence conditions that partners ask for: the list of a case, asking, and one request with what is next (London)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import licence, naming
from offenders.case_pages import case_page, find_case
from offenders.custody import prison_called
from offenders.forms.licence import AnswerForm, AskForm, DecideForm, SettleForm, ToldForm
from offenders.models import Case, LicenceRequest, Prison

# So many of the meetings that took place lately can be named as those that agreed.
MEETINGS = 12
DONE = {
    "answer": "What your agency says is saved",
    "settle": "What the meeting agreed is saved",
    "decide": "Saved. Whoever asked has been told",
    "told": "Saved: the prison knows",
    "withdraw": "Withdrawn",
}


@page("offenders.ask_licence")
def conditions(request: HttpRequest, reference: str) -> HttpResponse:
    """What is asked for, and where each request stands."""
    case = find_case(request.actor, reference)
    rows = LicenceRequest.objects.visible_to(request.actor).filter(case=case).select_related("agency")
    context = {"requests": list(rows), "policy": case.scheme.policy.licence_conditions}
    return render(request, "offenders/licence.html", case_page(request, case, "case_custody") | context)


@page("offenders.ask_licence", methods=("GET", "POST"))
def ask(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a condition."""
    case = find_case(request.actor, reference)
    always = licence.agencies_to_ask(case, (), request.actor.agency)
    known = {each.pk for each in always} | {request.actor.agency.pk}
    others = [each for each in Agency.objects.visible_to(request.actor).order_by("name") if each.pk not in known]
    lines = licence.citable(request.actor, case)
    form = AskForm(lines, others, request.POST if request.method == "POST" else None)
    _guard(request, case, form, "condition", "why", "how_met", "facts")
    if form.is_bound and form.is_valid():
        said = dict(form.cleaned_data)
        chosen = set(said.pop("agencies", ()))
        try:
            made = licence.ask(
                case, **said, agencies=[each for each in others if each.slug in chosen], by=request.actor
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Asked for. The agencies have been told")
            return redirect("licence_request", case.reference, made.pk)
    context = {"form": form, "always": always, "policy": case.scheme.policy.licence_conditions}
    return render(request, "offenders/licence_ask.html", case_page(request, case, "case_custody") | context)


@page("offenders.view_licence", methods=("GET", "POST"))
def condition(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """One request: what it says, who agrees, and what the reader can do next."""
    case = find_case(request.actor, reference)
    asked = found(
        LicenceRequest.objects.visible_to(request.actor).filter(case=case).select_related("agency", "agreed_at__body"),
        pk=pk,
    )
    given = request.POST if request.method == "POST" else None
    do = given.get("do", "") if given is not None else ""
    forms = _forms(request, asked, given, do)
    form = forms.get(do)
    for each in forms.values():
        _guard(request, case, each, *(name for name in ("words", "because") if name in each.fields))
    try:
        if do == "withdraw":
            licence.withdraw(asked, by=request.actor)
            return _done(request, case, asked, do)
        if form is not None and form.is_valid():
            _do(request, asked, do, form.cleaned_data)
            return _done(request, case, asked, do)
    except StepRefused as refused:
        if form is None:
            messages.error(request, " ".join(refused.problems))
            return redirect("licence_request", case.reference, asked.pk)
        form.add_error(None, refused.problems)
    prison = prison_called(Prison.objects.visible_to(request.actor), case.inside.prison) if case.inside else None
    context = {
        "asked": asked,
        "answers": list(asked.answers.select_related("agency", "answered_by")),
        "forms": forms,
        "prison": prison,
        "policy": case.scheme.policy.licence_conditions,
        "may_withdraw": asked.status in ("asked", "agreed") and request.actor.can("offenders.withdraw_licence", asked),
    }
    return render(request, "offenders/licence_request.html", case_page(request, case, "case_custody") | context)


def _forms(request: HttpRequest, asked: LicenceRequest, given: Any, do: str) -> dict[str, Any]:
    """What the reader can do with it now, each with its form."""
    actor, first = request.actor, {"version": asked.version}

    def made(name: str, form: type, *args: Any, **options: Any) -> Any:
        return form(*args, given if do == name else None, auto_id=f"id_{name}_%s", **options)

    forms = {}
    if asked.status == "asked" and actor.can("offenders.answer_licence", asked):
        own = asked.answers.filter(agency=actor.agency).first()
        said = {True: "yes", False: "no", None: None}[own.agrees]
        forms["answer"] = made("answer", AnswerForm, initial={"agrees": said, "words": own.words})
    if asked.status == "asked" and actor.can("offenders.settle_licence", asked):
        forms["settle"] = made("settle", SettleForm, _meetings(request), initial=first)
    if asked.status == "agreed" and actor.can("offenders.decide_licence", asked):
        forms["decide"] = made("decide", DecideForm, initial=first)
    if asked.status == "included" and not asked.prison_told_on and actor.can("offenders.tell_licence", asked):
        forms["told"] = made("told", ToldForm, initial=first | {"on": clock.today()})
    return forms


def _meetings(request: HttpRequest) -> list[Meeting]:
    held = Meeting.objects.visible_to(request.actor).filter(date__lte=clock.today()).exclude(status="cancelled")
    return list(held.select_related("body").order_by("-date", "pk")[:MEETINGS])


def _do(request: HttpRequest, asked: LicenceRequest, do: str, said: dict[str, Any]) -> None:
    by = request.actor
    if do == "answer":
        licence.answer(asked, agrees=said["agrees"] == "yes", words=said["words"], by=by)
    elif do == "settle":
        at = next((each for each in _meetings(request) if each.key == said["meeting"]), None)
        version = said["version"]
        licence.settle(asked, agreed=said["agreed"] == "yes", meeting=at, words=said["words"], version=version, by=by)
    elif do == "decide":
        licence.decide(
            asked, included=said["included"] == "yes", because=said["because"], version=said["version"], by=by
        )
    else:
        licence.tell_prison(asked, on=said["on"], whom=said["whom"], version=said["version"], by=by)


def _guard(request: HttpRequest, case: Case, form: Any, *fields: str) -> None:
    if fields:
        naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, *fields)


def _done(request: HttpRequest, case: Case, asked: LicenceRequest, do: str) -> HttpResponse:
    messages.success(request, DONE[do])
    return redirect("licence_request", case.reference, asked.pk)

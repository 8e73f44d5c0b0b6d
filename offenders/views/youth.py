"""Young people on their way to adult services (Hampshire, Transfer Process; feature 168)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import actions, likeness, naming, youths
from offenders.alike import Person
from offenders.forms.youth import EndForm, FactsForm, RecommendForm, ReferredForm, StartForm, TakeOverForm
from offenders.models import Case, Offender, YouthRecommendation, YouthStatus, YouthTransfer


@page("offenders.view_youth")
def youth_list(request: HttpRequest) -> HttpResponse:
    """Everybody on the way, with what is due next and what is not met or not known."""
    rows = YouthTransfer.objects.visible_to(request.actor).select_related("offender", "scheme")
    listed = [{"move": each, "next": next_due(each), "conditions": youths.judged(each)} for each in rows.going_on()]
    listed.sort(key=lambda row: (row["next"] is None, row["next"].on if row["next"] else clock.today()))
    context = {
        "rows": listed,
        "over": list(rows.filter(status__in=[YouthStatus.TAKEN_OVER, YouthStatus.ENDED])),
        "route": request.actor.scheme.policy.youth_route,
        "may_start": request.actor.holds("offenders.start_youth"),
    }
    return render(request, "offenders/youth/list.html", context)


def next_due(move: YouthTransfer) -> Any:
    """The first day that is still to come."""
    return next((each for each in youths.due(move) if each.on >= clock.today()), None)


@page("offenders.start_youth", methods=("GET", "POST"))
def new_youth(request: HttpRequest) -> HttpResponse:
    """Begin a move, of somebody known here or not."""
    form = StartForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = youths.start(_who(request, form), by=request.actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Move {made.reference} started")
            return redirect(made)
    return render(request, "offenders/youth/new.html", {"form": form, "route": request.actor.scheme.policy.youth_route})


def _who(request: HttpRequest, form: StartForm) -> Offender:
    """The person meant, entered if nobody is alike. Raises StepRefused."""
    given, actor = form.cleaned_data, request.actor
    if given["case"]:
        case = Case.objects.visible_to(actor).filter(reference__iexact=given["case"]).select_related("offender").first()
        if case is None:
            raise StepRefused(["There is no such case that you can read. Check the reference."])
        return case.offender
    names = {name: given[name] for name in ("given_names", "family_name", "date_of_birth")}
    alike = likeness.find(
        actor.scheme, Person((f"{given['given_names']} {given['family_name']}",), names["date_of_birth"])
    )
    if alike and not given["somebody_else"]:
        raise StepRefused(
            ["We may already know this person. Give the case reference, or tick that it is nobody whom we know."]
        )
    return actions.add_offender(by=actor, **names)


@page("offenders.view_youth", methods=("GET", "POST"))
def youth(request: HttpRequest, reference: str) -> HttpResponse:
    """One move: the days, what must be true, and what was recommended; the forms of what comes next."""
    rows = YouthTransfer.objects.visible_to(request.actor)
    move = found(rows.select_related("offender", "scheme", "recommended_at__body"), reference=reference)
    able = _forms(request, move)
    do = request.POST.get("do", "")
    if request.method == "POST" and do in able and able[do].is_valid():
        try:
            done = DO[do](move, able[do].cleaned_data, request.actor)
        except StepRefused as refused:
            able[do].add_error(None, refused.problems)
        else:
            messages.success(request, f"{reference}: {done}")
            return redirect(move)
    context = {
        "move": move,
        "route": move.scheme.policy.youth_route,
        "due": youths.due(move),
        "conditions": youths.judged(move),
        "able": able,
        "today": clock.today(),
        "nominate": reverse("referral_new")
        if move.recommendation == YouthRecommendation.IOM and move.is_open and request.actor.holds("referrals.nominate")
        else "",
        "posted": [form for form in able.values() if form.is_bound],
    }
    return render(request, "offenders/youth/youth.html", context)


def _forms(request: HttpRequest, move: YouthTransfer) -> dict[str, forms.Form]:
    """The forms that stand on the page now, by what they do; the one that was posted is bound."""
    actor, able = request.actor, {}
    if not move.is_open or not actor.can(youths.CHANGE, move):
        return able
    wanted: list[tuple[str, type[forms.Form], dict[str, Any]]] = [
        ("facts", FactsForm, {name: getattr(move, name) for name in (*youths.FACTS, "version")}),
        ("recommend", RecommendForm, {"on": clock.today()}),
    ]
    if move.status == YouthStatus.RECOMMENDED and move.recommendation == YouthRecommendation.IOM:
        wanted.append(("refer", ReferredForm, {}))
    wanted += [("take_over", TakeOverForm, {"on": clock.today()}), ("end", EndForm, {})]
    for do, form, initial in wanted:
        data = request.POST if request.method == "POST" and request.POST.get("do") == do else None
        able[do] = form(data, prefix=do, initial=initial)
        naming.guard(able[do], naming.Protected(actor, [move.offender]), move.offender)
    return able


def _facts(move: YouthTransfer, given: dict[str, Any], by: Any) -> str:
    youths.change_facts(move, by=by, **given)
    return "saved"


def _recommend(move: YouthTransfer, given: dict[str, Any], by: Any) -> str:
    youths.recommend(move, given["what"], on=given["on"], reason=given["reason"], by=by)
    return "recommendation kept"


def _refer(move: YouthTransfer, given: dict[str, Any], by: Any) -> str:
    youths.referred(move, given["by_whom"], on=clock.today(), by=by)
    return "referral kept"


def _take_over(move: YouthTransfer, given: dict[str, Any], by: Any) -> str:
    youths.take_over(move, on=given["on"], by=by)
    return "taken over"


def _end(move: YouthTransfer, given: dict[str, Any], by: Any) -> str:
    youths.end(move, reason=given["reason"], by=by)
    return "ended"


DO = {"facts": _facts, "recommend": _recommend, "refer": _refer, "take_over": _take_over, "end": _end}

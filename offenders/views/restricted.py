"""Keeping a case to named people, opening one in an emergency, and looking over who did (security.md Z4, Z5)."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import by_month
from iom.pages import found, page
from iom.steps import StepRefused
from iom.working_days import add_months
from offenders import restricted
from offenders.case_pages import case_page, find_case, sealed_page
from offenders.forms.restricted import BreakGlassForm, GrantForm, ReasonForm, RestrictForm
from offenders.models import BreakGlass, Case, may_open

# How long openings stand on the page; the audit keeps them longer.
MONTHS_SHOWN = 6
USUAL_MONTHS = 6


@page("offenders.break_glass", methods=("GET", "POST"), fresh=True)
def open_in_emergency(request: HttpRequest, reference: str) -> HttpResponse:
    """The page of a sealed case, whose form opens it for an hour."""
    case = Case.objects.sealed_to(request.actor).filter(reference=reference).first()
    if case is None:
        # Named by now, or open to all: the case itself is the way on. For anything else, the same 404.
        return redirect(find_case(request.actor, reference))
    form = BreakGlassForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        restricted.break_glass(case, reason=form.cleaned_data["reason"], by=request.actor)
        messages.success(request, "Opened for 60 minutes. Its owner and the scheme administrator have been told")
        return redirect(case)
    return render(request, "offenders/restricted.html", sealed_page(case, form))


@page("offenders.restrict_case", methods=("GET", "POST"))
def restrict(request: HttpRequest, reference: str) -> HttpResponse:
    """Restrict a case; of one that is restricted, who is named on it, and naming one more."""
    case = _to_manage(request, reference)
    if case.restricted:
        return _grant(request, case)
    given = request.POST if request.method == "POST" else None
    form = RestrictForm(request.actor, case, given, initial=_usual_end())
    if given is not None and form.is_valid():
        try:
            restricted.restrict(
                case,
                reason=form.cleaned_data["reason"],
                people=form.named,
                until=form.cleaned_data["until"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{case.reference} is restricted. Only the people you named can find it")
            return redirect(case) if may_open(request.actor, case) else redirect("cases")
    return render(request, "offenders/restricted_new.html", case_page(request, case, "case_restrict") | {"form": form})


def _grant(request: HttpRequest, case: Case) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    form = GrantForm(request.actor, given, initial=_usual_end())
    if given is not None and form.is_valid():
        try:
            held = restricted.grant(
                case,
                form.membership,
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{held.user.name} can open {case.reference}")
            return redirect("case_restrict", case.reference)
    return _people(request, case, form, ReasonForm())


@page("offenders.restrict_case", methods=("POST",))
def end_grant(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Take somebody off a restricted case."""
    case = _to_manage(request, reference)
    held = found(case.casegrant_set.select_related("user"), pk=pk)
    restricted.end_grant(held, by=request.actor)
    messages.success(request, f"{held.user.name} can no longer open {case.reference}")
    return redirect("case_restrict", case.reference) if may_open(request.actor, case) else redirect("cases")


@page("offenders.restrict_case", methods=("POST",))
def lift(request: HttpRequest, reference: str) -> HttpResponse:
    """Open a restricted case again to everyone who reads cases."""
    case = _to_manage(request, reference)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            restricted.lift(case, reason=form.cleaned_data["reason"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{case.reference} is open again to everyone who reads cases")
            return redirect(case)
    return _people(request, case, GrantForm(request.actor, initial=_usual_end()), form)


def _people(request: HttpRequest, case: Case, form: GrantForm, lift_form: ReasonForm) -> HttpResponse:
    context = case_page(request, case, "case_restrict") | {
        "form": form,
        "lift_form": lift_form,
        "grants": restricted.grants_of(case),
        "now_at": clock.now(),
        "restriction": case.restrictions.filter(lifted_at=None).select_related("restricted_by", "owner__user").first(),
        "manages": restricted.manages(request.actor, case),
    }
    return render(request, "offenders/restricted_people.html", context)


def _to_manage(request: HttpRequest, reference: str) -> Case:
    case = find_case(request.actor, reference)
    if not request.actor.can("offenders.restrict_case", case):
        raise PermissionDenied
    return case


def _usual_end() -> dict[str, date]:
    return {"until": add_months(clock.today(), USUAL_MONTHS)}


@page("offenders.review_openings", methods=("GET", "POST"))
def openings(request: HttpRequest) -> HttpResponse:
    """The monthly review: who opened a restricted case in an emergency, when and why (security.md Z5)."""
    actor = request.actor
    if request.method == "POST":
        number = request.POST.get("opening", "")
        opening = found(BreakGlass.objects.visible_to(actor), pk=number if number.isdecimal() else None)
        restricted.review(opening, by=actor)
        messages.success(request, f"You have looked over the opening of {opening.case.reference}")
        return redirect("openings")
    since = add_months(clock.today(), -MONTHS_SHOWN)
    rows = BreakGlass.objects.visible_to(actor).filter(opened_at__date__gte=since)
    shown = list(rows.select_related("case", "membership__user", "membership__agency", "reviewed_by"))
    open_to = set(
        Case.objects.visible_to(actor).filter(pk__in={each.case_id for each in shown}).values_list("pk", flat=True)
    )
    lines = [
        {
            "opening": each,
            "when": each.opened_at,
            "reason": each.reason if restricted.reads_reason(actor, each, open_to) else "",
            "mine": each.membership.user_id == actor.user.pk,
        }
        for each in shown
    ]
    return render(request, "offenders/restricted_openings.html", {"months": by_month(lines), "shown": MONTHS_SHOWN})

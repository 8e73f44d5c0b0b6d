"""Nominating somebody again (issue 4; features 121): from a decided nomination, and from a closed case."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom.pages import found, page
from iom.steps import StepRefused
from offenders.case_pages import find_case
from offenders.models import Case, CaseStatus, Transfer
from referrals import actions
from referrals.again import Past, can_be_taken_up, history, nominate_again
from referrals.forms.again import AgainForm
from referrals.forms.nomination import ReopenForm
from referrals.models import Referral


@page("referrals.nominate", methods=("GET", "POST"))
def referral_again(request: HttpRequest, reference: str) -> HttpResponse:
    """What was decided on a nomination, and what has changed since."""
    earlier = found(Referral.objects.visible_to(request.actor).select_related("offender"), reference=reference)
    if not can_be_taken_up(earlier):
        return redirect(earlier)
    return _again(request, earlier, earlier)


@page("offenders.view_case", methods=("GET", "POST"))
def case_again(request: HttpRequest, reference: str) -> HttpResponse:
    """The same for somebody who has left the cohort."""
    case = find_case(request.actor, reference)
    if case.status != CaseStatus.CLOSED:
        return redirect(case)
    earlier = Referral.objects.visible_to(request.actor).filter(offender=case.offender_id, sent_at__isnull=False)
    return _again(request, case, earlier.first())


def _again(request: HttpRequest, after: Referral | Case, earlier: Referral | None) -> HttpResponse:
    policy = request.actor.scheme.policy
    form = AgainForm(policy, request.POST if request.method == "POST" else None, earlier=earlier)
    if request.method != "POST" or not form.is_valid():
        return again_page(request, after, form)
    reopening = ReopenForm(request.POST if "reopened_because" in request.POST else None)
    barred = actions.barred_words(policy, form.mappa_level, form.facts, form.nominated_for)
    may_reopen = request.actor.holds("referrals.reopen_excluded")
    if barred and not (may_reopen and reopening.is_valid()):
        context = {"start": form, "form": reopening, "problems": barred, "may_reopen": may_reopen}
        return render(request, "referrals/mappa_stop.html", context)
    try:
        referral = nominate_again(
            after,
            by=request.actor,
            mappa_level=form.mappa_level,
            facts=form.facts,
            changed_since=form.cleaned_data["changed_since"],
            reopened_because=reopening.cleaned_data["reopened_because"] if barred else "",
            criteria=form.nominated_for,
            transfer=transfer_of(request),
        )
    except StepRefused as refused:
        for problem in refused.problems:
            form.add_error(None, problem)
        return again_page(request, after, form)
    return redirect(referral)


def again_page(
    request: HttpRequest, after: Referral | Case, form: AgainForm, past: tuple[Past, ...] | None = None
) -> HttpResponse:
    """The page that asks, which also stands between "yes, that person" and the new nomination."""
    context: dict[str, Any] = {
        "form": form,
        "after": after,
        "offender": after.offender,
        "past": history(request.actor, after.offender) if past is None else past,
        "action": address(after) + (f"?transfer={transfer.reference}" if (transfer := transfer_of(request)) else ""),
        "reopened_because": request.POST.get("reopened_because", ""),
    }
    return render(request, "referrals/again.html", context)


def address(after: Referral | Case) -> str:
    """Where somebody is nominated again after a nomination or case."""
    return reverse("referral_again" if isinstance(after, Referral) else "case_again", args=[after.reference])


def transfer_of(request: HttpRequest) -> Transfer | None:
    """What another scheme turned to us with, where the nomination begins from there. Raises Http404."""
    reference = request.GET.get("transfer", "")
    if not reference:
        return None
    rows = Transfer.objects.visible_to(request.actor).filter(incoming=True).prefetch_related("shares")
    return found(rows, reference=reference)

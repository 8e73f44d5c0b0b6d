"""Custody and release (ux.md 4.5): where, since when, expected out when; and that somebody is out."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.pages import page
from iom.steps import Stale, StepRefused
from offenders import actions, custody_page
from offenders.case_pages import case_page, find_case
from offenders.forms.custody import CustodyForm, ReleaseForm, SupervisionForm
from offenders.models import Case


@page("offenders.record_custody", methods=("GET", "POST"))
def custody(request: HttpRequest, reference: str) -> HttpResponse:
    """The present period with its corrections, or a new one, and the periods before."""
    case = find_case(request.actor, reference)
    form = _custody_form(case, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            _save(case, form, request)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Custody of {case.reference} saved")
            return redirect("case_custody", case.reference)
    return _show(request, case, form, ReleaseForm(initial={"version": case.inside.version if case.inside else 0}))


@page("offenders.record_custody", methods=("POST",))
def release(request: HttpRequest, reference: str) -> HttpResponse:
    """Somebody is out. The rating waits for the panel."""
    case = find_case(request.actor, reference)
    if case.inside is None:
        raise Http404
    form = ReleaseForm(request.POST)
    if form.is_valid():
        try:
            actions.record_release(
                case.inside,
                on=form.cleaned_data["released_on"],
                version=form.cleaned_data["version"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(
                request, f"Release of {case.reference} recorded. The rating stays until the panel rates again"
            )
            return redirect("case_custody", case.reference)
    return _show(request, case, _custody_form(case, None), form)


@page("offenders.record_custody", methods=("POST",))
def supervision(request: HttpRequest, reference: str) -> HttpResponse:
    """Until when somebody is supervised: the agenda of the panel before the end proposes it."""
    case = find_case(request.actor, reference)
    form = SupervisionForm(request.POST, auto_id="id_supervision_%s")
    if form.is_valid():
        actions.record_supervision(case, form.cleaned_data["kind"], form.cleaned_data["ends_on"], by=request.actor)
        messages.success(request, f"Supervision of {case.reference} saved")
        return redirect("case_custody", case.reference)
    release_form = ReleaseForm(initial={"version": case.inside.version if case.inside else 0})
    return _show(request, case, _custody_form(case, None), release_form, form)


OWN = ("recalled", "sentence", "offence", "release_source")


def _custody_form(case: Case, data: object) -> CustodyForm:
    held = case.inside
    names = ("kind", "prison", "starts_on", "release_expected_on", *OWN, "version")
    return CustodyForm(data, initial={name: getattr(held, name) for name in names} if held else {"version": 0})


def _save(case: Case, form: CustodyForm, request: HttpRequest) -> None:
    given = dict(form.cleaned_data)
    version = given.pop("version")
    if case.inside is not None:
        actions.change_custody(case.inside, by=request.actor, version=version, **given)
    elif version:
        raise Stale(next(iter(case.custody), case))
    else:
        actions.record_custody(case, by=request.actor, **given)


def _show(
    request: HttpRequest,
    case: Case,
    form: CustodyForm,
    release_form: ReleaseForm,
    supervision_form: SupervisionForm | None = None,
) -> HttpResponse:
    return render(
        request,
        "offenders/custody.html",
        case_page(request, case, "case_custody")
        | {
            "form": form,
            "release_form": release_form,
            "supervision_form": supervision_form or SupervisionForm(auto_id="id_supervision_%s"),
            "supervisions": list(case.supervisions.all()),
            "may_change": request.actor.can("offenders.record_custody", case),
            "may_record": request.actor.can("offenders.record_status", case),
            "may_rule": request.actor.can("offenders.record_hit", case),
            "gps": case.scheme.policy.gps,
        }
        | custody_page.sections(request.actor, case, clock.today()),
    )

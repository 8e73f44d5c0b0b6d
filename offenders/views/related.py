"""Family, victims and contacts of somebody on the cohort, and one record of them: change, open, shut, end."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom.pages import found, page
from iom.steps import StepRefused
from offenders import related, related_pages
from offenders.case_pages import case_page, find_case
from offenders.forms.related import EndForm, OpenForm, RelatedForm, ShutForm
from offenders.models import RelatedPerson


@page("offenders.view_related")
def case_family(request: HttpRequest, reference: str) -> HttpResponse:
    """What the reader's agency knows, and what others opened to it."""
    case = find_case(request.actor, reference)
    context = case_page(request, case, "case_family") | related_pages.listing(request.actor, case.offender)
    context["add_url"] = reverse("case_family_add", args=[case.reference])
    return render(request, "offenders/family.html", context)


@page("offenders.add_related", methods=("GET", "POST"))
def case_family_add(request: HttpRequest, reference: str) -> HttpResponse:
    """Enter somebody near the person."""
    case = find_case(request.actor, reference)

    def show(context: dict[str, Any]) -> HttpResponse:
        return render(request, "offenders/family_add.html", case_page(request, case, "case_family") | context)

    return related_pages.add(request, case.offender, reverse("case_family", args=[case.reference]), show)


@page("offenders.keep_related", methods=("GET", "POST"))
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """One record of one's own agency: what it says, who can read it, and the ways to change that."""
    held = _own(request, pk)
    form = _form(held, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            related.change(held, by=request.actor, version=form.cleaned_data["version"], **form.answers)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Record saved")
            return redirect("related", held.pk)
    return _show(request, held, form=form)


@page("offenders.keep_related", methods=("POST",))
def open_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Open it to agencies, with a reason."""
    held = _own(request, pk)
    form = OpenForm(request.actor, request.POST, initial={"version": held.version})
    if form.is_valid():
        given = dict(form.cleaned_data)
        try:
            related.open_to(held, by=request.actor, **given)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Opened. Those who can read it now have been told")
            return redirect("related", held.pk)
    return _show(request, held, open_form=form)


@page("offenders.keep_related", methods=("POST",))
def shut_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Seal it again."""
    held = _own(request, pk)
    form = ShutForm(request.POST, initial={"version": held.version})
    if form.is_valid():
        try:
            related.shut(held, by=request.actor, version=form.cleaned_data["version"])
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Sealed. Only {held.agency.name} can read it")
            return redirect("related", held.pk)
    return _show(request, held, shut_form=form)


@page("offenders.keep_related", methods=("POST",))
def end_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that it no longer holds."""
    held = _own(request, pk)
    form = EndForm(request.POST, initial={"version": held.version})
    if form.is_valid():
        try:
            related.end(
                held, because=form.cleaned_data["because"], by=request.actor, version=form.cleaned_data["version"]
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Ended and sealed. Your agency can still read it")
            return redirect("related", held.pk)
    return _show(request, held, end_form=form)


def _own(request: HttpRequest, pk: int) -> RelatedPerson:
    held: RelatedPerson = found(RelatedPerson.objects.of_agency(request.actor).with_opening(), pk=pk)
    return held


def _form(held: RelatedPerson, data: Any = None) -> RelatedForm:
    stored = {name: getattr(held, name) for name in (*related.FIELDS, "version")}
    return RelatedForm(data, initial=stored | {"victim": "yes" if held.victim else "no"})


def _show(
    request: HttpRequest,
    held: RelatedPerson,
    *,
    form: RelatedForm | None = None,
    open_form: OpenForm | None = None,
    shut_form: ShutForm | None = None,
    end_form: EndForm | None = None,
) -> HttpResponse:
    at = {"version": held.version}
    reference, back = related.way_to(request.actor, held.offender)
    names = related_pages.agency_names(request.actor)
    openings = list(held.openings.select_related("opened_by", "shut_by"))
    context = {
        "record": held,
        "reference": reference,
        "back": back,
        "form": form or _form(held),
        "open_form": open_form or OpenForm(request.actor, initial=at),
        "shut_form": shut_form or ShutForm(initial=at),
        "end_form": end_form or EndForm(initial=at),
        "readers": related_pages.readers_in_words(held.present_openings, names),
        "openings": [(each, related_pages.readers_in_words([each], names)) for each in openings],
    }
    return render(request, "offenders/family_record.html", context)

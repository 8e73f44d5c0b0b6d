"""The directory of services, the map of gaps, and agreements with courts and providers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from actionplans import services as verbs
from actionplans.forms.services import (
    AgreementForm,
    EndAgreementForm,
    EndServiceForm,
    GapNoteForm,
    ReviewAgreementForm,
    ServiceFilter,
    ServiceForm,
    services_for,
)
from actionplans.gaps import Line, gap_map, told
from actionplans.models import Agreement, GapNote, Service
from iom import clock
from iom.access import Actor
from iom.pages import found, page
from iom.steps import StepRefused

TABS = (
    ("Directory", "services", "actionplans.view_services"),
    ("Gaps", "service_gaps", "actionplans.view_gaps"),
    ("Agreements", "service_agreements", "actionplans.view_agreements"),
)


def tabs(actor: Actor, current: str) -> list[dict[str, Any]]:
    """For `sub_nav`."""
    return [
        {"text": text, "href": reverse(name), "current": name == current}
        for text, name, permission in TABS
        if actor.holds(permission)
    ]


# --- The directory ------------------------------------------------------------


@page("actionplans.view_services")
def services(request: HttpRequest) -> HttpResponse:
    """What people can be referred to, by pathway and ward."""
    actor, today = request.actor, clock.today()
    rows = list(Service.objects.visible_to(actor).select_related("agency"))
    policy = actor.scheme.policy
    filters = ServiceFilter(request.GET, policy=policy, wards=verbs.areas_known(actor.scheme, rows))
    chosen = filters.chosen
    shown = [
        row
        for row in rows
        if (chosen["ended"] or row.until is None or row.until >= today)
        and (not chosen["pathway"] or chosen["pathway"] in row.pathways)
        and (not chosen["ward"] or row.covers(chosen["ward"]))
        and (not chosen["priority"] or row.priority)
    ]
    return render(
        request,
        "actionplans/services.html",
        {
            "tabs": tabs(actor, "services"),
            "filters": filters,
            "chips": _chips(request.GET, filters, chosen),
            "rows": shown,
            "pathways": {each.slug: each.name for each in policy.pathways},
            "today": today,
            "may_add": actor.holds("actionplans.keep_service"),
        },
    )


def _chips(given: QueryDict, filters: ServiceFilter, chosen: dict[str, Any]) -> list[dict[str, str]]:
    chips = []
    for name, value in chosen.items():
        if not value:
            continue
        rest = given.copy()
        rest.pop(name, None)
        choices = dict(getattr(filters.fields[name], "choices", ()))
        chips.append(
            {
                "label": str(filters.fields[name].label),
                "value": str(choices.get(value, "yes")),
                "href": f"{reverse('services')}?{rest.urlencode()}",
            }
        )
    return chips


@page("actionplans.view_services")
def service(request: HttpRequest, number: int) -> HttpResponse:
    """One service with all that is known of it."""
    actor = request.actor
    held = found(Service.objects.visible_to(actor).select_related("agency"), pk=number)
    may_keep = actor.can("actionplans.keep_service", held)
    agreements = Agreement.objects.visible_to(actor).in_force().filter(service=held)
    return render(
        request,
        "actionplans/service.html",
        {
            "service": held,
            "today": clock.today(),
            "pathways": {each.slug: each.name for each in actor.scheme.policy.pathways},
            "may_keep": may_keep,
            "agreements": list(agreements) if actor.holds("actionplans.view_agreements") else [],
        },
    )


@page("actionplans.keep_service", methods=("GET", "POST"))
def add_service(request: HttpRequest) -> HttpResponse:
    """Enter a service; from a gap, with its pathway and ward filled in."""
    actor = request.actor
    start = {
        "starts_on": clock.today(),
        "pathways": request.GET.getlist("pathway"),
        "areas": request.GET.get("ward", ""),
        "provider": "" if actor.has_role("coordinator") else str(actor.agency.pk),
    }
    form = _service_form(request, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add_service(by=actor, **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{made.name} is in the directory")
            return redirect(made)
    return render(request, "actionplans/service_form.html", {"form": form, "service": None})


@page("actionplans.keep_service", methods=("GET", "POST"))
def change_service(request: HttpRequest, number: int) -> HttpResponse:
    """Correct an entry."""
    actor = request.actor
    held = found(Service.objects.visible_to(actor).select_related("agency"), pk=number)
    if not actor.can("actionplans.keep_service", held):
        raise PermissionDenied
    form = _service_form(request, held)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_service(held, by=actor, version=form.cleaned_data["version"], **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Entry saved")
            return redirect(held)
    return render(request, "actionplans/service_form.html", {"form": form, "service": held})


@page("actionplans.keep_service", methods=("GET", "POST"))
def end_service(request: HttpRequest, number: int) -> HttpResponse:
    """Say that a service takes nobody after a day."""
    actor = request.actor
    held = found(Service.objects.visible_to(actor).select_related("agency"), pk=number)
    if not actor.can("actionplans.keep_service", held):
        raise PermissionDenied
    posted = request.POST if request.method == "POST" else None
    form = EndServiceForm(posted, initial={"last_day": held.until or clock.today(), "version": held.version})
    if posted is not None and form.is_valid():
        try:
            verbs.end_service(held, by=actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{held.name} ends. What was offered keeps its name")
            return redirect(held)
    return render(request, "actionplans/service_end.html", {"form": form, "service": held})


def _service_form(
    request: HttpRequest, held: Service | None = None, initial: dict[str, Any] | None = None
) -> ServiceForm:
    actor = request.actor
    return ServiceForm(
        request.POST if request.method == "POST" else None,
        policy=actor.scheme.policy,
        agencies=verbs.agencies_offered(actor),
        outside=actor.has_role("coordinator"),
        service=held,
        initial=ServiceForm.initial_of(held) if held else initial,
    )


# --- Gaps ---------------------------------------------------------------------


@page("actionplans.view_gaps")
def gaps(request: HttpRequest) -> HttpResponse:
    """The map: all pathways, one pathway by ward, or one ward by pathway; and where there is no service."""
    actor = request.actor
    held = gap_map(actor, clock.today())
    policy = actor.scheme.policy
    names = {each.slug: each.name for each in policy.pathways}
    pathway = request.GET.get("pathway", "")
    ward = request.GET.get("ward", "")
    if pathway in names:
        lines, shown = held.of_pathway(pathway), "pathway"
    elif ward in held.wards:
        lines, shown = held.of_ward(ward), "ward"
    else:
        lines, shown = held.totals, "all"
    notes = list(GapNote.objects.visible_to(actor).select_related("made_by"))
    return render(
        request,
        "actionplans/service_gaps.html",
        {
            "tabs": tabs(actor, "service_gaps"),
            "map": held,
            "lines": lines,
            "shown": shown,
            "pathway": names.get(pathway, ""),
            "ward": ward,
            "gaps": held.gaps,
            "issues": {(line.pathway, line.ward): _issue(line) for line in (*held.gaps, *held.totals)},
            "notes": [note for note in notes if note.going_on],
            "over": [note for note in notes if not note.going_on],
            "pathways": names,
            "today": clock.today(),
            "may_keep": actor.holds("actionplans.keep_gaps"),
            "may_raise": actor.has_role("coordinator", "chair"),
            "rule": next(
                (duty for duty in policy.duties if "gap" in duty.text.casefold() and "service" in duty.text.casefold()),
                None,
            ),
        },
    )


def _issue(line: Line) -> str:
    """The address at which a gap is raised as an issue for the board, its title and words filled in."""
    where = f" in {line.ward}" if line.ward else ""
    # The board reads this: it is told of fewer than five as it is on the map.
    many = told(int(line.need), suppressed=True) if line.need.isdigit() else line.need
    need = f"{many[:1].upper()}{many[1:]} people on the cohort need help with {line.name}{where}"
    title = f"No service: {line.name}{where}" if line.gap else f"Not enough help: {line.name}{where}"
    said = {"title": title[:100], "stuck": f"{need}.", "kind": "service"}
    return f"{reverse('new_escalation')}?{urlencode(said)}"


@page("actionplans.keep_gaps", methods=("GET", "POST"))
def note_gap(request: HttpRequest) -> HttpResponse:
    """Write down who bids for what is missing."""
    actor = request.actor
    start = {
        "pathway": request.GET.get("pathway", ""),
        "area": request.GET.get("ward", ""),
        "state": GapNote.State.OPEN,
    }
    form = _note_form(request, start)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.note_gap(by=actor, **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Note saved")
            return redirect("service_gaps")
    return render(request, "actionplans/service_gap_note.html", {"form": form, "note": None})


@page("actionplans.keep_gaps", methods=("GET", "POST"))
def change_gap_note(request: HttpRequest, number: int) -> HttpResponse:
    """Say how a bid stands."""
    actor = request.actor
    held = found(GapNote.objects.visible_to(actor), pk=number)
    names = ("pathway", "area", "text", "bidder", "bid_to", "due_on", "state", "version")
    form = _note_form(request, {name: getattr(held, name) for name in names}, held)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_gap_note(held, by=actor, version=form.cleaned_data["version"], **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Note saved")
            return redirect("service_gaps")
    return render(request, "actionplans/service_gap_note.html", {"form": form, "note": held})


def _note_form(request: HttpRequest, initial: dict[str, Any], held: GapNote | None = None) -> GapNoteForm:
    actor = request.actor
    wards = verbs.areas_known(actor.scheme, Service.objects.visible_to(actor))
    if held is not None and held.area and held.area not in wards:
        wards.append(held.area)
    posted = request.POST if request.method == "POST" else None
    return GapNoteForm(posted, policy=actor.scheme.policy, wards=wards, initial=initial)


# --- Agreements ---------------------------------------------------------------


@page("actionplans.view_agreements")
def agreements(request: HttpRequest) -> HttpResponse:
    """What courts, the CPS and providers have promised, the next to be reviewed first; what has ended."""
    actor, today = request.actor, clock.today()
    rows = list(Agreement.objects.visible_to(actor).select_related("service").order_by("review_on", "pk"))
    prioritised = Service.objects.visible_to(actor).active(today).filter(priority=True).select_related("agency")
    return render(
        request,
        "actionplans/service_agreements.html",
        {
            "tabs": tabs(actor, "service_agreements"),
            "held": [row for row in rows if row.ended_on is None],
            "ended": [row for row in rows if row.ended_on is not None],
            "prioritised": list(prioritised),
            "today": today,
            "may_keep": actor.holds("actionplans.keep_agreement"),
        },
    )


@page("actionplans.view_agreements", methods=("GET", "POST"))
def agreement(request: HttpRequest, number: int) -> HttpResponse:
    """One agreement; the coordinator says what a review found, or that it has ended."""
    actor = request.actor
    held = found(Agreement.objects.visible_to(actor).select_related("service"), pk=number)
    may_keep = actor.can("actionplans.keep_agreement", held) and held.ended_on is None
    posted = request.POST if request.method == "POST" else None
    if posted is not None and not actor.can("actionplans.keep_agreement", held):
        raise PermissionDenied
    do = posted.get("do", "") if posted is not None else ""
    review = ReviewAgreementForm(posted if do == "review" else None, initial={"version": held.version}, prefix="review")
    end = EndAgreementForm(posted if do == "end" else None, initial={"version": held.version}, prefix="end")
    for form, verb, words in ((review, verbs.review_agreement, "Review saved"), (end, verbs.end_agreement, "Ended")):
        if form.is_bound and form.is_valid():
            try:
                verb(held, by=actor, **form.cleaned_data)
            except StepRefused as refused:
                form.add_error(None, refused.problems)
            else:
                messages.success(request, words)
                return redirect(held)
    return render(
        request,
        "actionplans/service_agreement.html",
        {"agreement": held, "today": clock.today(), "may_keep": may_keep, "review": review, "end": end},
    )


@page("actionplans.keep_agreement", methods=("GET", "POST"))
def add_agreement(request: HttpRequest) -> HttpResponse:
    """Write down what was agreed."""
    actor = request.actor
    start = {"starts_on": clock.today(), "service": request.GET.get("service", "")}
    form = _agreement_form(request, None, start)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add_agreement(by=actor, **form.taken())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Agreement saved")
            return redirect(made)
    return render(request, "actionplans/service_agreement_form.html", {"form": form, "agreement": None})


@page("actionplans.keep_agreement", methods=("GET", "POST"))
def change_agreement(request: HttpRequest, number: int) -> HttpResponse:
    """Correct an agreement."""
    actor = request.actor
    held = found(Agreement.objects.visible_to(actor).select_related("service"), pk=number)
    form = _agreement_form(request, held, AgreementForm.initial_of(held))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_agreement(held, by=actor, version=form.cleaned_data["version"], **form.taken())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Agreement saved")
            return redirect(held)
    return render(request, "actionplans/service_agreement_form.html", {"form": form, "agreement": held})


def _agreement_form(request: HttpRequest, held: Agreement | None, initial: dict[str, Any]) -> AgreementForm:
    actor = request.actor
    active = Service.objects.visible_to(actor).active(clock.today())
    offered = services_for(active, held.service if held else None)
    return AgreementForm(request.POST if request.method == "POST" else None, services=offered, initial=initial)

"""The action plan editor (ux.md 4.6): needs, actions and offers by pathway, each row saved by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from actionplans import actions as verbs
from actionplans.forms.plan import NeedForm
from actionplans.models import Action, Plan
from actionplans.plan_page import PlanPage
from actionplans.reading import OTHER
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import find_case
from offenders.models import Case


@page("actionplans.view_plan")
def plan(request: HttpRequest, reference: str) -> HttpResponse:
    """The plan: lead professional, police officer and coordinator edit, others read."""
    case = find_case(request.actor, reference)
    return show(
        request,
        PlanPage(
            request.actor, case, editing=_number(request.GET.get("edit")), answering=_number(request.GET.get("offer"))
        ),
    )


@page("actionplans.change_plan", methods=("POST",))
def need(request: HttpRequest, reference: str, pathway: str) -> HttpResponse:
    """Save what is needed on one pathway."""
    case = find_case(request.actor, reference)
    known_pathway(case, pathway)
    changing(request, case)
    form = NeedForm.of(None, pathway, request.POST)

    def save() -> str:
        given, held = form.cleaned_data, verbs.start_plan(case, by=request.actor)
        verbs.set_need(
            held, pathway, level=given["level"], goal=given["goal"], version=given["version"], by=request.actor
        )
        return f"{pathway_name(case, pathway)}: need saved"

    return saved(request, case, form, save, at=pathway)


@page("actionplans.change_plan", methods=("POST",))
def add_action(request: HttpRequest, reference: str, pathway: str) -> HttpResponse:
    """Add an action to a pathway, or to none."""
    case = find_case(request.actor, reference)
    if pathway != OTHER:
        known_pathway(case, pathway)
    form = changing(request, case).new_action(pathway, request.POST)
    _no_victims(request, case, form)

    def save() -> str:
        given = form.given() | {"pathway": "" if pathway == OTHER else pathway}
        verbs.add_action(case=case, by=request.actor, **given)
        return f"Action added for {given['agency'].name}"

    return saved(request, case, form, save, at=pathway)


@page("actionplans.change_plan", methods=("POST",))
def change_action(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Correct what was agreed, in the row of the plan."""
    case = find_case(request.actor, reference)
    held = _action(request, case, number)
    form = changing(request, case).edit_action(held, request.POST)
    _no_victims(request, case, form)

    def save() -> str:
        version = version_of(request.POST, form.add_prefix("version"))
        verbs.change_action(held, by=request.actor, version=version, **form.given())
        return "Action saved"

    return saved(request, case, form, save, at=f"action-{held.pk}")


@page("actionplans.change_plan", methods=("POST",))
def move_action(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Move an action up or down on its pathway."""
    case = find_case(request.actor, reference)
    held, to = _action(request, case, number), request.POST.get("move", "")
    if to not in ("up", "down"):
        raise Http404
    place = verbs.move_action(held, to, by=request.actor)
    messages.success(request, f"Moved to {place}")
    return redirect(at(case, f"action-{held.pk}"))


@page("actionplans.change_plan", methods=("POST",))
def remove_action(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Take an action out of the plan. The page then offers to undo it."""
    case = find_case(request.actor, reference)
    held = _action(request, case, number)
    try:
        verbs.remove_action(held, by=request.actor, version=version_of(request.POST))
    except StepRefused as refused:
        messages.warning(request, " ".join(refused.problems))
        return redirect(at(case, f"action-{held.pk}"))
    return redirect(f"{reverse('case_plan', args=[case.reference])}?removed={held.pk}")


@page("actionplans.change_plan", methods=("POST",))
def bring_back(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Undo a removal."""
    case = find_case(request.actor, reference)
    held = found(Action.with_removed.visible_to(request.actor).filter(case=case), pk=number)
    verbs.bring_back(held, by=request.actor)
    messages.success(request, "Action is back in the plan")
    return redirect(at(case, f"action-{held.pk}"))


@page("actionplans.change_plan", methods=("POST",))
def reviewed(request: HttpRequest, reference: str) -> HttpResponse:
    """The plan was looked at and stays as it is."""
    case = find_case(request.actor, reference)
    verbs.mark_reviewed(verbs.start_plan(case, by=request.actor), by=request.actor)
    messages.success(request, "Plan marked as reviewed, no change")
    return redirect("case_plan", case.reference)


# --- Shared with the views of offers and money ------------------------------


def changing(request: HttpRequest, case: Case) -> PlanPage:
    """The page for whoever may change the plan. Raises PermissionDenied for anybody else, whatever they sent."""
    if not request.actor.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied
    return PlanPage(request.actor, case)


def saved(request: HttpRequest, case: Case, form: forms.Form, save: Callable[[], str], *, at: str) -> HttpResponse:
    """Save a row and go back to it; what is refused stays as it was typed, with the reasons beside it."""
    if form.is_valid():
        try:
            words = save()
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, words)
            return redirect(f"{reverse('case_plan', args=[case.reference])}#{at}")
    return show(request, PlanPage(request.actor, case, bound={form.prefix: form}))


def show(request: HttpRequest, shown: PlanPage) -> HttpResponse:
    """The page."""
    context = shown.context(request)
    just = _number(request.GET.get("removed"))
    context["just_removed"] = next((each for each in context["removed"] if each.pk == just), None)
    return render(request, "actionplans/plan.html", context)


def at(case: Case, anchor: str) -> str:
    """The place of a pathway or row on the page of the plan."""
    return f"{reverse('case_plan', args=[case.reference])}#{anchor}"


def known_pathway(case: Case, pathway: str) -> None:
    """Raises Http404 for a pathway that the scheme does not have."""
    if pathway not in {each.slug for each in case.scheme.policy.pathways}:
        raise Http404


def pathway_name(case: Case, pathway: str) -> str:
    """The name of a pathway of the scheme."""
    return next(each.name for each in case.scheme.policy.pathways if each.slug == pathway)


def _action(request: HttpRequest, case: Case, number: int) -> Action:
    return found(Action.objects.visible_to(request.actor).for_list().filter(case=case), pk=number)


def _no_victims(request: HttpRequest, case: Case, form: forms.Form) -> None:
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")


def _number(text: Any) -> int:
    return int(text) if str(text or "").isascii() and str(text or "").isdigit() and len(str(text)) < 10 else 0

"""The action plan editor (ux.md 4.6): needs and actions by pathway, each row saved by itself."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from actionplans import actions as verbs
from actionplans.forms.plan import ActionForm, NeedForm, UpdateForm
from actionplans.models import Plan
from actionplans.reading import OTHER, PathwayLine, next_panel, pathway_lines, updatable, who_choices
from iom import clock
from iom.pages import page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.models import Case


@page("actionplans.view_plan")
def plan(request: HttpRequest, reference: str) -> HttpResponse:
    """The plan: lead professional, police officer and coordinator edit, others read."""
    return _show(request, find_case(request.actor, reference))


@page("actionplans.change_plan", methods=("POST",))
def need(request: HttpRequest, reference: str, pathway: str) -> HttpResponse:
    """Save what is needed on one pathway."""
    case = find_case(request.actor, reference)
    _known_pathway(case, pathway)
    form = NeedForm.of(None, pathway, request.POST)
    if not form.is_valid():
        return _show(request, case, need_form=form, pathway=pathway)
    given = form.cleaned_data
    held = verbs.start_plan(case, by=request.actor)
    try:
        verbs.set_need(
            held, pathway, level=given["level"], goal=given["goal"], version=given["version"], by=request.actor
        )
    except StepRefused as refused:
        form.add_error(None, refused.problems)
        return _show(request, case, need_form=form, pathway=pathway)
    messages.success(request, f"{_name(case, pathway)}: need saved")
    return redirect(_at(case, pathway))


@page("actionplans.change_plan", methods=("POST",))
def add_action(request: HttpRequest, reference: str, pathway: str) -> HttpResponse:
    """Add an action to a pathway, or to none."""
    case = find_case(request.actor, reference)
    if pathway != OTHER:
        _known_pathway(case, pathway)
    form = _new_action(case, pathway, who_choices(case.scheme, clock.today()), request.POST)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")
    if form.is_valid():
        given = form.given() | {"pathway": "" if pathway == OTHER else pathway}
        try:
            verbs.add_action(case=case, by=request.actor, **given)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Action added for {given['agency'].name}")
            return redirect(_at(case, pathway))
    return _show(request, case, action_form=form, pathway=pathway)


@page("actionplans.change_plan", methods=("POST",))
def reviewed(request: HttpRequest, reference: str) -> HttpResponse:
    """The plan was looked at and stays as it is."""
    case = find_case(request.actor, reference)
    verbs.mark_reviewed(verbs.start_plan(case, by=request.actor), by=request.actor)
    messages.success(request, "Plan marked as reviewed, no change")
    return redirect("case_plan", case.reference)


def _known_pathway(case: Case, pathway: str) -> None:
    if pathway not in {each.slug for each in case.scheme.policy.pathways}:
        raise Http404


def _name(case: Case, pathway: str) -> str:
    return next(each.name for each in case.scheme.policy.pathways if each.slug == pathway)


def _at(case: Case, pathway: str) -> str:
    return f"{reverse('case_plan', args=[case.reference])}#{pathway}"


def _new_action(case: Case, pathway: str, choices: list[tuple[str, str]], data: Any = None) -> ActionForm:
    return ActionForm(
        data,
        prefix=f"new-{pathway}",
        choices=choices,
        pathways=[],
        next_panel=next_panel(case.scheme, clock.today()) if data else None,
    )


def _show(
    request: HttpRequest,
    case: Case,
    *,
    need_form: NeedForm | None = None,
    action_form: ActionForm | None = None,
    pathway: str = "",
) -> HttpResponse:
    actor = request.actor
    held = Plan.objects.visible_to(actor).filter(case=case).prefetch_related("needs").first()
    acts = list(case.actions.for_list())
    may_change = case.status != "closed" and actor.can("actionplans.change_plan", held or _unsaved(case))
    choices = who_choices(case.scheme, clock.today()) if may_change else []
    mine = updatable(actor, acts) if case.status != "closed" else set()
    back = reverse("case_plan", args=[case.reference])
    sections = [
        _section(line, case, choices, may_change, need_form, action_form, pathway)
        for line in pathway_lines(case, held, acts)
    ]
    return render(
        request,
        "actionplans/plan.html",
        case_page(request, case, "case_plan")
        | {
            "plan": held,
            "may_change": may_change,
            "sections": sections,
            "update_forms": {
                action.pk: UpdateForm.of(action, back) for action in acts if action.to_do and action.pk in mine
            },
            "problem_form": need_form or action_form,
        },
    )


def _unsaved(case: Case) -> Plan:
    return Plan(scheme_id=case.scheme_id, case=case)


def _section(
    line: PathwayLine,
    case: Case,
    choices: list[tuple[str, str]],
    may_change: bool,
    need_form: NeedForm | None,
    action_form: ActionForm | None,
    pathway: str,
) -> dict[str, Any]:
    """One pathway with its forms; the one that was refused stays as it was typed."""
    here = line.slug == pathway
    section: dict[str, Any] = {"line": line, "need_form": None, "action_form": None, "adding": False}
    if may_change:
        section["need_form"] = need_form if here and need_form else NeedForm.of(line.need, line.slug)
        section["action_form"] = action_form if here and action_form else _new_action(case, line.slug, choices)
        section["adding"] = bool(here and action_form)
    return section

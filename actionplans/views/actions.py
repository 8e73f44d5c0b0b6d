"""Actions (ux.md 4.8): one's own, one's agency's, all; of one case; and one by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from actionplans import actions as verbs
from actionplans.beside import notes_for
from actionplans.forms.plan import ActionForm, BulkForm, RowUpdateForm, UpdateForm
from actionplans.models import Action, ActionStatus, Plan
from actionplans.reading import next_panel, overdue_first, updatable, who_choices
from iom import clock
from iom.access import Actor
from iom.addresses import own_path
from iom.jinja import form_problems, plural
from iom.models import Agency
from iom.pages import found, page
from iom.rows import autosaved
from iom.stale import version_of
from iom.steps import Stale, StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case

ON_A_PAGE = 50
# The name under which the page sends the version of a row.
POSTED = re.compile(r"a\d{1,9}-version")
SCOPES = (("mine", "Mine"), ("agency", "My agency"), ("all", "All"))


@page("actionplans.view_actions", methods=("GET", "POST"), grid=True)
def actions(request: HttpRequest) -> HttpResponse:
    """Overdue first. What is finished is shown when asked for. Every row of one's own is saved with one press."""
    actor, today = request.actor, clock.today()
    scope = request.GET.get("show", "")
    if scope not in dict(SCOPES):
        scope = "all" if actor.has_role("coordinator", "chair") else "agency"
    rows = _of_scope(actor, scope)
    agency = Agency.objects.in_scheme_of(actor).filter(slug=request.GET.get("agency", "")).first()
    if agency is not None:
        rows = rows.filter(agency=agency)
    finished = request.GET.get("finished") == "1"
    rows = rows if finished else rows.to_do()
    shown = Paginator(overdue_first(rows.for_list()), ON_A_PAGE).get_page(request.GET.get("page"))
    listed = list(shown)
    if request.method == "POST":
        # What was finished a moment ago stands in no list of what is to do, and its note may still be typed.
        seen = [int(name[1:-8]) for name in request.POST if POSTED.fullmatch(name)]
        listed = list(overdue_first(Action.objects.visible_to(actor).filter(pk__in=seen).for_list()))
    forms = _row_forms(request, listed, updatable(actor, listed))
    bulk = BulkForm(request.POST if request.POST.get("then") == "mark" else None)
    if request.method == "POST":
        saved = _save_rows(actor, forms.values())
        if request.headers.get("X-Autosave"):
            return autosaved(list(forms.values()))
        if bulk.is_bound:
            saved += _mark(actor, forms, bulk)
        if not any(form.errors for form in (*forms.values(), bulk)):
            messages.success(request, f"{plural(saved, 'action')} saved" if saved else "Nothing was changed")
            return redirect(request.get_full_path())
    return render(
        request,
        "actionplans/actions.html",
        {
            "today": today,
            "scope": scope,
            "tabs": _tabs(actor, scope),
            "agency": agency,
            "finished": finished,
            "shown": shown,
            "listed": listed,
            "notes": notes_for(actor, listed),
            "update_forms": forms,
            "bulk": bulk,
            "problems": form_problems(bulk, *forms.values()),
        },
    )


def _row_forms(request: HttpRequest, listed: list[Action], mine: set[int]) -> dict[int, RowUpdateForm]:
    """A row for each action that the reader may report on; a finished one is opened by itself to change it."""
    posted = request.POST if request.method == "POST" else None
    return {
        action.pk: RowUpdateForm.of(posted, f"a{action.pk}", action=action)
        for action in listed
        if action.pk in mine and (action.to_do or posted is not None)
    }


def _save_rows(actor: Actor, forms: Iterable[RowUpdateForm]) -> int:
    """Each row by itself: one that cannot be saved must not lose the others. Returns how many were saved."""
    for form in forms:
        if form.untouched or not form.is_valid():
            continue
        given = form.cleaned_data
        try:
            held = verbs.update_action(
                form.action, status=given["status"], note=given["note"], version=given["version"], by=actor
            )
        except Stale as error:
            theirs = error.thing
            form.hold(theirs.version)
            said = f" “{theirs.note}”" if theirs.note else ""
            form.add_error(
                "status",
                f"Somebody said “{theirs.get_status_display()}”{said} of “{theirs.text}” while you were writing. "
                "Save again to keep yours, or load the page again to use theirs",
            )
        else:
            form.hold(held.version)
    return sum(form.kept and not form.errors for form in forms)


def _mark(actor: Actor, forms: dict[int, RowUpdateForm], bulk: BulkForm) -> int:
    """Say the same of every action that was chosen. Returns of how many; what somebody changed meanwhile waits."""
    if not bulk.is_valid():
        return 0
    given, marked = bulk.cleaned_data, 0
    for pk in given["chosen"]:
        form = forms.get(pk)
        if form is None or form.errors:
            continue
        try:
            held = verbs.update_action(
                form.action,
                status=given["outcome"],
                note=given["note"] or None,
                version=int(form.data.get(form.add_prefix("version")) or 0),
                by=actor,
            )
        except Stale as error:
            form.add_error("status", f"Somebody changed “{error.thing.text}” while you were choosing. Look at it first")
        else:
            form.hold(held.version)
            marked += 1
    return marked


def _forms_by_themselves(listed: list[Action], mine: set[int], back: str) -> dict[int, UpdateForm]:
    """A form in the row of each action that is to do; one that is finished is opened to change it."""
    return {action.pk: UpdateForm.of(action, back) for action in listed if action.to_do and action.pk in mine}


def _of_scope(actor: Actor, scope: str) -> Any:
    rows = Action.objects.visible_to(actor)
    if scope == "mine":
        return rows.filter(owner__user=actor.user)
    return rows.filter(agency=actor.agency) if scope == "agency" else rows


def _tabs(actor: Actor, scope: str) -> list[dict[str, Any]]:
    """The three lists with how much is to do in each."""
    return [
        {
            "text": text,
            "href": f"{reverse('actions')}?show={key}",
            "current": key == scope,
            "count": _of_scope(actor, key).to_do().count(),
        }
        for key, text in SCOPES
    ]


@page("actionplans.view_actions")
def case_actions(request: HttpRequest, reference: str) -> HttpResponse:
    """All actions of a case, those to do first."""
    actor = request.actor
    case = find_case(actor, reference)
    listed = list(overdue_first(Action.objects.visible_to(actor).filter(case=case).for_list()))
    mine = updatable(actor, listed) if case.status != "closed" else set()
    back = reverse("case_actions", args=[case.reference])
    return render(
        request,
        "actionplans/case_actions.html",
        case_page(request, case, "case_actions")
        | {
            "to_do": [action for action in listed if action.to_do],
            "over": [action for action in listed if not action.to_do],
            "notes": notes_for(actor, listed),
            "update_forms": _forms_by_themselves(listed, mine, back),
            "may_change": case.status != "closed" and actor.can("actionplans.change_plan", _plan_of(case)),
        },
    )


@page("actionplans.view_actions", methods=("GET", "POST"))
def action(request: HttpRequest, number: int) -> HttpResponse:
    """One action, and how it stands."""
    actor = request.actor
    held = found(Action.objects.visible_to(actor).for_list(), pk=number)
    form = UpdateForm.of(held, _back(request, held), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        verbs.update_action(held, status=given["status"], note=given["note"], version=given["version"], by=actor)
        messages.success(request, f"Action saved: {dict(ActionStatus.choices)[given['status']].lower()}")
        return redirect(_back(request, held))
    return render(
        request,
        "actionplans/action.html",
        {
            "action": held,
            "notes": notes_for(actor, [held]).get(held.pk, []),
            "form": form,
            "today": clock.today(),
            "back": _back(request, held),
            "may_update": actor.can("actionplans.update_action", held),
            "may_change": _may_change(actor, held),
        },
    )


@page("actionplans.change_plan", methods=("GET", "POST"))
def change(request: HttpRequest, number: int) -> HttpResponse:
    """Correct what was agreed: what, who, by when, on which pathway."""
    actor, today = request.actor, clock.today()
    held = found(Action.objects.visible_to(actor).for_list(), pk=number)
    if not _may_change(actor, held):
        raise PermissionDenied
    form = ActionForm(
        request.POST if request.method == "POST" else None,
        choices=who_choices(actor.scheme, today),
        pathways=[(each.slug, each.name) for each in actor.scheme.policy.pathways],
        next_panel=next_panel(actor.scheme, today),
        initial=ActionForm.initial_of(held),
    )
    person = held.case.offender if held.case else None
    naming.guard(form, naming.Protected(actor, [person] if person else []), person, "text")
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_action(held, by=actor, version=version_of(request.POST), **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Action saved")
            return redirect("action", held.pk)
    return render(request, "actionplans/action_change.html", {"action": held, "form": form})


def _plan_of(case: Any) -> Plan:
    return Plan(scheme_id=case.scheme_id, case=case)


def _may_change(actor: Actor, held: Action) -> bool:
    if held.case is None:
        return actor.has_role("coordinator", "chair")
    return held.case.status != "closed" and actor.can("actionplans.change_plan", _plan_of(held.case))


def _back(request: HttpRequest, held: Action) -> str:
    """Where the person came from, if that is a page of ours; else the action's own list."""
    back = request.POST.get("back", "")
    if back and own_path(back) == back:
        return back
    return reverse("case_actions", args=[held.case.reference]) if held.case else reverse("actions")

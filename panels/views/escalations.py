"""Escalations (ux.md 4.8): what is with the board, what it answered, and what might go there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans.models import Action
from iom import clock
from iom.access import Actor
from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused, offers
from offenders.models import Case
from panels import escalations as verbs
from panels.forms.escalations import IssueForm, OutsideAnswerForm, WithdrawForm
from panels.models import AgendaItem, Escalation, EscalationStatus

ON_A_PAGE = 25
CLOSED = (EscalationStatus.FED_BACK, EscalationStatus.WITHDRAWN)
# Of an action that is suggested, more than these would be a list by itself.
MOST_SUGGESTED = 10


@page("panels.view_escalations")
def list_escalations(request: HttpRequest) -> HttpResponse:
    """What is with the board, oldest first; what it answered; what is being written; what is over."""
    actor = request.actor
    rows = list(Escalation.objects.visible_to(actor).exclude(status__in=CLOSED).for_list())
    closed = Escalation.objects.visible_to(actor).filter(status__in=CLOSED).for_list().order_by("-sent_on", "-pk")
    shown = Paginator(closed, ON_A_PAGE).get_page(request.GET.get("page"))
    said = verbs.answers_to([*rows, *shown])
    may_raise = actor.holds("panels.raise_escalation")
    suggested = verbs.often_carried(actor).select_related("agency").order_by("-carried_forward", "due_on")
    return render(
        request,
        "panels/escalations.html",
        {
            "today": clock.today(),
            "waiting": [each for each in rows if each.status == EscalationStatus.WITH_BOARD],
            "answered": [each for each in rows if each.status == EscalationStatus.ANSWERED],
            "writing": [each for each in rows if each.status in verbs.SEND.sources],
            "shown": shown,
            "said": said,
            "rule": actor.scheme.policy.escalation,
            "reporter": verbs.reporter(actor.scheme),
            "may_raise": may_raise,
            "suggested": list(suggested[:MOST_SUGGESTED]) if may_raise else [],
        },
    )


@page("panels.raise_escalation", methods=("GET", "POST"))
def new_escalation(request: HttpRequest) -> HttpResponse:
    """Write an issue down: from an item of a meeting, from an action, or from nothing but one's own words."""
    actor = request.actor
    item, action = _from(request, actor)
    case = _case_of(item, action)
    meeting = item.meeting if item else action.meeting if action else None
    form = _form(request, actor, case=case, chosen=[action] if action else [], initial=_start(request, action))
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.raise_issue(
                form.issue,
                to=form.cleaned_data.get("to", "board"),
                meeting=meeting,
                case=case,
                actions=form.chosen,
                by=actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            return _saved(request, made)
    return render(
        request,
        "panels/escalation_form.html",
        {"form": form, "escalation": None, "item": item, "action": action, "case": case} | _rules(actor),
    )


@page("panels.raise_escalation", methods=("GET", "POST"))
def edit_escalation(request: HttpRequest, reference: str) -> HttpResponse:
    """Change a draft, or say what the board asked more of."""
    actor = request.actor
    held = found(Escalation.objects.visible_to(actor).for_list(), reference=reference)
    linked = list(Action.objects.visible_to(actor).filter(escalation_links__escalation=held).select_related("agency"))
    form = _form(request, actor, case=held.case_for(actor), chosen=linked, initial=IssueForm.initial_of(held))
    if held.status not in verbs.SEND.sources:
        messages.error(request, f"This is {held.get_status_display().lower()}: its words stay as they are")
        return redirect(held.get_absolute_url())
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.change(
                held,
                form.issue,
                to=form.cleaned_data.get("to"),
                actions=form.chosen,
                version=version_of(request.POST),
                by=actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            return _saved(request, made)
    said = verbs.answers_to([held]).get(held.pk, [])
    return render(
        request, "panels/escalation_form.html", {"form": form, "escalation": held, "said": said} | _rules(actor)
    )


def _saved(request: HttpRequest, made: Escalation) -> HttpResponse:
    """Kept as a draft, and sent at once where that button was pressed."""
    if request.POST.get("then") == "send":
        try:
            made = verbs.send(made, by=request.actor)
        except StepRefused as refused:
            messages.error(request, f"{made.reference} is saved as a draft. {refused}")
            return redirect("edit_escalation", made.reference)
        messages.success(request, f"{made.reference} sent to the {made.to_name}")
    else:
        messages.success(request, f"{made.reference} saved. Nobody has been told yet")
    return redirect(made.get_absolute_url())


@page("panels.view_escalations", methods=("GET", "POST"))
def escalation(request: HttpRequest, reference: str) -> HttpResponse:
    """One escalation: what is asked, what was said, what hangs on it, and what can be done with it now."""
    actor = request.actor
    held = found(Escalation.objects.visible_to(actor).for_list(), reference=reference)
    posted = request.POST if request.method == "POST" else None
    do = request.POST.get("do", "") if posted is not None else ""
    answer = OutsideAnswerForm(posted if do == "answer" else None, version=held.version)
    withdraw = WithdrawForm(posted if do == "withdraw" else None, version=held.version)
    problems: list[dict[str, str]] = []
    if posted is not None:
        if not actor.holds("panels.raise_escalation"):
            raise PermissionDenied
        try:
            if words := _done(request, held, do, answer, withdraw):
                messages.success(request, words)
                return redirect(held.get_absolute_url())
        except StepRefused as refused:
            problems = [{"text": problem, "href": ""} for problem in refused.problems]
    return render(
        request,
        "panels/escalation.html",
        {
            "escalation": held,
            "today": clock.today(),
            "case": held.case_for(actor),
            "linked": list(
                Action.objects.visible_to(actor).filter(escalation_links__escalation=held).for_list().order_by("due_on")
            ),
            "said": verbs.answers_to([held]).get(held.pk, []),
            "on_agendas": list(
                Meeting.objects.visible_to(actor).filter(items__escalation_link__escalation=held).distinct().order_by("date")
            ),
            "offers": [step.verb for step, _ in offers(actor, held, verbs.STEPS.values())],
            "answer": answer,
            "withdraw": withdraw,
            "problems": problems,
            "reporter": verbs.reporter(actor.scheme),
            "reads_papers": actor.holds("panels.view_papers"),
        },
    )  # fmt: skip


def _done(request: HttpRequest, held: Escalation, do: str, answer: OutsideAnswerForm, withdraw: WithdrawForm) -> str:
    """Do what was asked; the words that say so, or nothing where the form has errors."""
    by = request.actor
    if do == "send":
        verbs.send(held, by=by, version=version_of(request.POST))
        return f"{held.reference} sent to the {held.to_name}"
    if do == "heard":
        verbs.feed_back(held, on=clock.today(), by=by, version=version_of(request.POST))
        return verbs.FEED_BACK.done
    if do == "answer" and answer.is_valid():
        given = answer.cleaned_data
        verbs.answer_from_outside(held, by=by, **given)
        return verbs.ANSWER.done
    if do == "withdraw" and withdraw.is_valid():
        given = withdraw.cleaned_data
        verbs.withdraw(held, reason=given["reason"], version=given["version"], by=by)
        return verbs.WITHDRAW.done
    return ""


def _from(request: HttpRequest, actor: Actor) -> tuple[AgendaItem | None, Action | None]:
    """The item or action that the issue came from, as the address names it."""
    item = action = None
    if (pk := request.GET.get("item", "")).isdecimal():
        item = found(AgendaItem.objects.visible_to(actor).select_related("meeting__body", "case__offender"), pk=int(pk))
    elif (pk := request.GET.get("action", "")).isdecimal():
        action = found(Action.objects.visible_to(actor).for_list(), pk=int(pk))
    return item, action


def _case_of(item: AgendaItem | None, action: Action | None) -> Case | None:
    return item.case if item else action.case if action else None


def _start(request: HttpRequest, action: Action | None) -> dict[str, Any]:
    """What is known of an action that is stuck, or of a gap in services (its words stand in the address: no names)."""
    start: dict[str, Any] = {"kind": "service", "to": "board"}
    if action is None:
        return start | {name: request.GET[name][:300] for name in ("title", "stuck") if name in request.GET}
    times = action.carried_forward
    tried = f"Carried forward {'once' if times == 1 else f'{times} times'}." if times else ""
    return start | {"agency": str(action.agency_id), "actions": [str(action.pk)], "tried": tried}


def _form(
    request: HttpRequest, actor: Actor, *, case: Case | None, chosen: list[Action], initial: dict[str, Any]
) -> IssueForm:
    """The form, offering the actions of the case, those chosen already, and those carried forward often."""
    near = Action.objects.visible_to(actor).to_do().filter(case=case) if case else Action.objects.none()
    rows = {each.pk: each for each in chosen}
    for each in [*near.select_related("agency"), *verbs.often_carried(actor).select_related("agency")[:MOST_SUGGESTED]]:
        rows.setdefault(each.pk, each)
    return IssueForm(
        request.POST if request.method == "POST" else None,
        agencies=Agency.objects.visible_to(actor).order_by("name"),
        destinations=verbs.destinations(actor.scheme),
        actions=rows.values(),
        initial=initial,
    )


def _rules(actor: Actor) -> dict[str, Any]:
    return {"destinations": verbs.destinations(actor.scheme), "reporter": verbs.reporter(actor.scheme)}

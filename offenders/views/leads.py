"""Who leads a case, by the scheme's rule or against it, handing over, and how many cases each leads."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import day
from iom.models import Agency
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import actions, caseloads
from offenders.case_pages import case_page, find_case
from offenders.clocks import coming_for
from offenders.forms.leads import HandOverForm, RuleFactsForm
from offenders.handing_over import call_off, hand_over, kind_wanted, label_of, open_work, proposal_for, roles_of
from offenders.models import AssignmentRole, Case, HandOver


@page("offenders.view_case", methods=("GET", "POST"))
def case_leads(request: HttpRequest, reference: str) -> HttpResponse:
    """Who leads now, what the rule says and why, what is arranged, who led before; the facts that the rule asks."""
    case = find_case(request.actor, reference)
    form = RuleFactsForm.of(case)
    if request.method == "POST":
        form = RuleFactsForm(request.POST)
        if form.is_valid():
            try:
                actions.say_what_the_rule_asks(case, **form.facts, by=request.actor)
            except StepRefused as refused:
                form.add_error(None, refused.problems)
            else:
                messages.success(request, "Saved. The rule was asked again")
                return redirect("case_leads", case.reference)
    return _show(request, case, form)


def _show(request: HttpRequest, case: Case, form: RuleFactsForm, problems: tuple[str, ...] = ()) -> HttpResponse:
    actor, policy = request.actor, case.scheme.policy
    proposal = proposal_for(case)
    present = case.assigned(AssignmentRole.LEAD_AGENCY)
    fits = _of_kind(request, proposal.agency_kind)
    met = present is not None and proposal.agency_kind in (None, present.agency.kind)
    rows = HandOver.objects.visible_to(actor).filter(case=case)
    changes = list(rows.select_related("agency", "membership__user", "before__user", "made_by"))
    since = {row.assignment_id: row for row in changes if row.assignment_id}
    history = list(case.assignments.select_related("agency", "membership__user", "meeting__body"))
    history.sort(key=lambda held: (held.starts_on, held.pk), reverse=True)
    context: dict[str, Any] = {
        "form": form,
        "problems": problems,
        "proposal": proposal,
        "proposed": [] if met or case.status == "closed" else fits,
        "proposal_met": met,
        "statutory_rule": policy.statutory,
        "roles": [_role(case, role) for role in roles_of(policy)],
        "missing": caseloads.missing_roles(case, policy, clock.today()),
        "waiting": [row for row in changes if row.waits],
        "fell_through": [row for row in changes if row.ended_because][:3],
        "history": [
            {"held": held, "label": label_of(policy, held.role), "change": since.get(held.pk)} for held in history
        ],
        "professionals": len({held.holder for held in history if held.role == AssignmentRole.LEAD_PROFESSIONAL}),
        "may_change": case.status != "closed" and actor.can("offenders.change_leads", case),
        "label_of": lambda role: label_of(policy, role),
    }
    return render(request, "offenders/leads.html", case_page(request, case, "case_leads") | context)


def _role(case: Case, role: str) -> dict[str, Any]:
    lead = case.scheme.policy.lead(role)
    return {"role": role, "label": label_of(case.scheme.policy, role), "held": case.assigned(role), "rule": lead}


def _of_kind(request: HttpRequest, kind: str | None) -> list[Agency]:
    return list(Agency.objects.visible_to(request.actor).filter(kind=kind).order_by("name")) if kind else []


@page("offenders.view_case", methods=("POST",))
def take_proposal(request: HttpRequest, reference: str) -> HttpResponse:
    """Give the lead to an agency of the kind that the rule proposes, from today: one click."""
    case = find_case(request.actor, reference)
    fits = {str(agency.pk): agency for agency in _of_kind(request, proposal_for(case).agency_kind)}
    agency = fits.get(request.POST.get("agency", ""))
    if agency is None:
        return _show(request, case, RuleFactsForm.of(case), ("The rule says something else now. Look again.",))
    try:
        hand_over(case, AssignmentRole.LEAD_AGENCY, agency=agency, on=clock.today(), by=request.actor)
    except StepRefused as refused:
        return _show(request, case, RuleFactsForm.of(case), tuple(refused.problems))
    messages.success(request, f"{agency.name} leads {case.reference} from today")
    return redirect("case_leads", case.reference)


@page("offenders.view_case", methods=("GET", "POST"))
def change_lead(request: HttpRequest, reference: str, role: str) -> HttpResponse:
    """Hand a role over: to whom, from when, with which notes, and what becomes of the open actions."""
    case = find_case(request.actor, reference)
    policy = case.scheme.policy
    if role not in roles_of(policy):
        raise Http404
    form = HandOverForm(request.actor, case, role, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = hand_over(case, role, **form.given, by=request.actor)
        except StepRefused as refused:
            for problem in refused.problems:
                form.add_error("reason" if "reason" in problem else None, problem)
        else:
            messages.success(request, _done(request, case, row))
            return redirect("case_leads", case.reference)
    present, proposal = case.assigned(role), proposal_for(case)
    context: dict[str, Any] = {
        "form": form,
        "role": role,
        "label": label_of(policy, role),
        "present": present,
        "duty": policy.lead(role),
        "wanted": kind_wanted(policy, role, proposal),
        "proposal": proposal if role == AssignmentRole.LEAD_AGENCY else None,
        "work": open_work(case, present.membership if present else None),
        "caseload": policy.caseload,
        "may_change": case.status != "closed" and request.actor.can("offenders.change_leads", case),
    }
    shown = case_page(request, case, "case_leads") | context
    return render(request, "offenders/lead_change.html", shown | {"coming": coming_for(case, shown["calendar"])})


def _done(request: HttpRequest, case: Case, row: HandOver) -> str:
    label = label_of(case.scheme.policy, row.role)
    said = f"{label} of {case.reference} from {day(row.on)}: {row.holder}."
    if row.waits:
        said += " It takes effect by itself on that day."
    load = next((load for load in caseloads.loads(request.actor) if load.membership == row.membership), None)
    if load is not None and load.over:
        said += f" {row.holder} now leads {load.words}."
    return said


@page("offenders.view_case", methods=("POST",))
def call_off_hand_over(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Let an arranged change not happen."""
    case = find_case(request.actor, reference)
    row = found(HandOver.objects.visible_to(request.actor).filter(case=case), pk=pk)
    try:
        call_off(row, by=request.actor)
    except StepRefused as refused:
        return _show(request, case, RuleFactsForm.of(case), tuple(refused.problems))
    messages.success(request, "Called off. Both have been told")
    return redirect("case_leads", case.reference)


@page("offenders.view_caseloads")
def caseload_page(request: HttpRequest) -> HttpResponse:
    """How many each leads against the limit, whose cases need a new lead, and who has none."""
    actor, today = request.actor, clock.today()
    policy = actor.scheme.policy
    cases = Case.objects.visible_to(actor).not_closed()
    unheld = [
        {"label": lead.label, "cases": list(cases.without(lead.role).select_related("offender").order_by("reference"))}
        for lead in policy.leads
        if lead.required
    ]
    context = {
        "loads": caseloads.loads(actor),
        "colours": policy.ratings,
        "caseload": policy.caseload,
        "leavers": caseloads.leavers(actor, today),
        "unheld": [each for each in unheld if each["cases"]],
        "label_of": lambda role: label_of(policy, role),
    }
    return render(request, "offenders/caseloads.html", context)

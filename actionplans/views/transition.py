"""The transition plan of a case (feature 154): steps down towards the end of supervision, agreed at a meeting."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import transition as verbs
from actionplans.forms.outside import AgreedForm, EndForm, StepForm
from actionplans.models import Plan, TransitionPlan, TransitionStep
from iom import clock
from iom.models import Agency, Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from offenders.case_pages import case_page, find_case
from offenders.models import Case

HELD = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
LAST_MEETINGS = 6


@page("actionplans.view_plan", methods=("GET", "POST"))
def transition(request: HttpRequest, reference: str) -> HttpResponse:
    """The steps with their days; posting sets the end towards which they lead."""
    case = find_case(request.actor, reference)
    if request.method != "POST":
        return _show(request, case)
    _must_change(request, case)
    form = EndForm(request.POST, prefix="end")
    if form.is_valid():
        try:
            verbs.begin(case, ends_on=form.cleaned_data["ends_on"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "End of supervision saved")
            return redirect("case_transition", case.reference)
    return _show(request, case, end=form)


@page("actionplans.change_plan", methods=("POST",))
def add_step(request: HttpRequest, reference: str) -> HttpResponse:
    """Add a step down."""
    case = find_case(request.actor, reference)
    plan = found(TransitionPlan.objects.visible_to(request.actor), case=case)
    _must_change(request, case)
    form = StepForm(request.POST, agencies=_agencies(request))
    if form.is_valid():
        given = form.cleaned_data
        agency = found(Agency.objects.visible_to(request.actor), slug=given["agency"])
        try:
            verbs.add_step(
                plan, weeks_before=given["weeks_before"], text=given["text"], agency=agency, by=request.actor
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Step added")
            return redirect("case_transition", case.reference)
    return _show(request, case, step=form)


@page("actionplans.change_plan", methods=("POST",))
def step(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """A step was taken, or is taken out."""
    case = find_case(request.actor, reference)
    plan = found(TransitionPlan.objects.visible_to(request.actor), case=case)
    held: TransitionStep = found(plan.steps.all(), pk=number)
    match request.POST.get("then"):
        case "done":
            verbs.done(held, by=request.actor)
            messages.success(request, "Step done")
        case "remove":
            try:
                verbs.remove_step(held, by=request.actor)
            except StepRefused as refused:
                messages.warning(request, " ".join(refused.problems))
            else:
                messages.success(request, "Step taken out")
        case _:
            raise Http404
    return redirect("case_transition", plan.case.reference)


@page("actionplans.agree_transition", methods=("POST",))
def agreed(request: HttpRequest, reference: str) -> HttpResponse:
    """A meeting agreed it."""
    case = find_case(request.actor, reference)
    plan = found(TransitionPlan.objects.visible_to(request.actor), case=case)
    form = AgreedForm(request.POST, meetings=_meetings(request))
    if form.is_valid():
        meeting = found(Meeting.objects.visible_to(request.actor), pk=form.cleaned_data["meeting"])
        try:
            verbs.agree(plan, meeting=meeting, by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Agreed at the {meeting.called}")
            return redirect("case_transition", case.reference)
    return _show(request, case, agree=form)


def _must_change(request: HttpRequest, case: Case) -> None:
    if not request.actor.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied


def _agencies(request: HttpRequest) -> list[tuple[str, str]]:
    return [(each.slug, each.name) for each in Agency.objects.visible_to(request.actor)]


def _meetings(request: HttpRequest) -> list[tuple[str, str]]:
    rows = Meeting.objects.visible_to(request.actor).filter(status__in=HELD).select_related("body").order_by("-date")
    return [(str(each.pk), each.called) for each in rows[:LAST_MEETINGS]]


def _show(
    request: HttpRequest,
    case: Case,
    *,
    end: forms.Form | None = None,
    step: forms.Form | None = None,
    agree: forms.Form | None = None,
) -> HttpResponse:
    actor = request.actor
    plan = TransitionPlan.objects.visible_to(actor).filter(case=case).select_related("agreed_at__body").first()
    is_open = case.status != "closed"
    may = is_open and actor.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case))
    ends = plan.ends_on if plan else verbs.end_of_supervision(case)
    may_agree = is_open and plan is not None and actor.can("actionplans.agree_transition", plan)
    return render(
        request,
        "actionplans/transition.html",
        case_page(request, case, "case_plan")
        | {
            "transition": plan,
            "steps": list(plan.steps.select_related("agency")) if plan else [],
            "rule": case.scheme.policy.exit,
            "today": clock.today(),
            "end_form": (end or EndForm(prefix="end", initial={"ends_on": ends})) if may else None,
            "step_form": (step or StepForm(agencies=_agencies(request))) if may and plan else None,
            "agree_form": (agree or AgreedForm(meetings=_meetings(request))) if may_agree else None,
            "may_change": may,
            "problem_form": end or step or agree,
        },
    )

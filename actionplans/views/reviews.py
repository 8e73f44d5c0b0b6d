"""Reviews of a case (ux.md 4.5): what is due, what was held, the Green clock, and what agencies tell the panel."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import reviews as verbs
from actionplans.forms.reviews import HeldForm, TellForm
from actionplans.models import Plan, Review
from iom import clock
from iom.pages import page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.clocks import clock_of
from offenders.models import Case


@page("actionplans.view_plan")
def reviews(request: HttpRequest, reference: str) -> HttpResponse:
    """What is due and overdue, what was held, and the update for the next panel."""
    return _show(request, find_case(request.actor, reference))


@page("actionplans.change_plan", methods=("POST",))
def hold(request: HttpRequest, reference: str) -> HttpResponse:
    """Write down a review that was held outside a panel's item."""
    case = find_case(request.actor, reference)
    form = HeldForm(request.POST, kinds=_kinds(case))
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "words")
    if form.is_valid():
        try:
            verbs.hold(case, by=request.actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Review recorded")
            return redirect("case_reviews", case.reference)
    return _show(request, case, held=form)


@page("actionplans.tell_panel", methods=("POST",))
def tell(request: HttpRequest, reference: str) -> HttpResponse:
    """What one's agency tells the next panel."""
    case = find_case(request.actor, reference)
    meeting = verbs.next_meeting(case)
    if meeting is None:
        raise Http404
    form = TellForm.of(None, request.POST)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")
    if form.is_valid():
        given = form.cleaned_data
        try:
            verbs.tell_panel(case, meeting, given["text"], version=given["version"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Saved for the {meeting.called}")
            return redirect("case_reviews", case.reference)
    return _show(request, case, told=form)


def _kinds(case: Case) -> list[tuple[str, str]]:
    """What can be written down here: a supervisor reviews on the page of the management report."""
    return [(rule.kind, rule.label) for rule in case.scheme.policy.reviews if rule.kind != Review.Kind.SUPERVISOR]


def _show(
    request: HttpRequest, case: Case, *, held: forms.Form | None = None, told: forms.Form | None = None
) -> HttpResponse:
    actor, today = request.actor, clock.today()
    context = case_page(request, case, "case_reviews")
    unsaved, is_open = Plan(scheme_id=case.scheme_id, case=case), case.status != "closed"
    meeting = verbs.next_meeting(case) if is_open else None
    updates = verbs.updates_for(actor, case, meeting) if meeting else []
    own = next((each for each in updates if actor.agency and each.agency_id == actor.agency.pk), None)
    may_tell = meeting is not None and actor.agency is not None and actor.can("actionplans.tell_panel", unsaved)
    lead = case.assigned("lead_agency")
    done = Review.objects.visible_to(actor).filter(case=case).select_related("by", "meeting__body")
    return render(
        request,
        "actionplans/reviews.html",
        context
        | {
            "due": verbs.due_for([case], case.scheme.policy).get(case.pk, []),
            "labels": dict(Review.Kind.choices) | dict(_kinds(case)),
            "done": list(done),
            "green": clock_of(case, context["calendar"]),
            "today": today,
            "meeting": meeting,
            "updates": updates,
            "leads": lead is not None and actor.agency is not None and lead.agency_id == actor.agency.pk,
            "tell_form": (told or TellForm.of(own)) if may_tell else None,
            "held_form": (
                (held or HeldForm(kinds=_kinds(case)))
                if is_open and _kinds(case) and actor.can("actionplans.change_plan", unsaved)
                else None
            ),
            "problem_forms": [each for each in (held, told) if each is not None],
        },
    )

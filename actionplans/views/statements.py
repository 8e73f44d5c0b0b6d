"""Intervention statements for courts (ux.md 4.6): drafted from the offers, edited, approved by the lead, given."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from actionplans import statements as verbs
from actionplans.court_words import counted, sentence
from actionplans.forms.statements import GivenForm, HearingForm, StatementForm, VersionOnlyForm
from actionplans.models import CourtStatement, StatementStatus
from iom import audit, clock
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import case_page, find_case
from offenders.models import Case
from offenders.restricted import lead_of


@page("actionplans.view_statement")
def statement(request: HttpRequest, reference: str) -> HttpResponse:
    """The draft as it would be printed, what changed since, and every version that was approved."""
    return _show(request, find_case(request.actor, reference))


@page("actionplans.write_statement", methods=("POST",))
def draft(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin a statement for a hearing."""
    actor, case = request.actor, find_case(request.actor, reference)
    form = _guarded(HearingForm(request.POST), request, case, "court")
    if form.is_valid():
        try:
            verbs.draft(case, by=actor, **form.cleaned_data)
        except StepRefused as refused:
            return _show(request, case, hearing=form, problems=refused.problems)
        else:
            messages.success(request, "Statement drafted from what was offered. Nobody has been told yet")
            return redirect("case_statement_edit", case.reference)
    return _show(request, case, hearing=form)


@page("actionplans.write_statement", methods=("GET", "POST"))
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    """Change the words of the draft; or bring in what changed, ask for approval, drop it."""
    actor, case = request.actor, find_case(request.actor, reference)
    held = _draft_of(request, case)
    if not actor.can("actionplans.write_statement", held):
        raise PermissionDenied
    if request.method == "POST" and (do := request.POST.get("do", "")) in _DO:
        return _done(request, case, held, do)
    form = _form(request, case, held)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.save(held, by=actor, **form.given())
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Draft saved")
            return redirect("case_statement", case.reference)
    return render(
        request,
        "actionplans/statement_edit.html",
        case_page(request, case, "case_statement")
        | {"statement": held, "form": form, "figures": counted(verbs.facts_of(case)), **_changes(held)},
    )


_DO = {
    "bring_in": (verbs.bring_in, "What changed is in the draft now", "case_statement_edit"),
    "ask": (verbs.ask_approval, "The lead professional has been asked to approve it", "case_statement"),
    "drop": (verbs.drop, "Draft dropped", "case_statement"),
}


def _done(request: HttpRequest, case: Case, held: CourtStatement, do: str) -> HttpResponse:
    """One of the other things that can be done with a draft; what stands in its way is said on its page."""
    verb, words, then = _DO[do]
    problems = verbs.hold_back(held, by=request.actor) if do == "ask" else []
    if not problems:
        try:
            verb(held, by=request.actor, version=version_of(request.POST))
        except StepRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, words)
            return redirect(then, case.reference)
    return _show(request, case, problems=problems)


@page("actionplans.approve_statement", methods=("GET", "POST"))
def approve(request: HttpRequest, reference: str) -> HttpResponse:
    """The lead professional reads it as it will be printed, and approves it. Nobody else can."""
    actor, case = request.actor, find_case(request.actor, reference)
    held = _draft_of(request, case)
    if not actor.can("actionplans.approve_statement", held):
        raise PermissionDenied
    form = VersionOnlyForm(request.POST if request.method == "POST" else None, initial={"version": held.version})
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        problems = verbs.hold_back(held, by=actor)
        if not problems:
            try:
                verbs.approve(held, by=actor, version=form.cleaned_data["version"])
            except StepRefused as refused:
                problems = refused.problems
            else:
                messages.success(request, verbs.APPROVE.done)
                return redirect("case_statement", case.reference)
    return render(
        request,
        "actionplans/statement_approve.html",
        case_page(request, case, "case_statement")
        | {
            "statement": held,
            "record": verbs.record_of(held, actor, clock.now().isoformat()),
            "as_date": date.fromisoformat,
            "form": form,
            "obstacles": problems or verbs.obstacles(held),
            "problems": _as_problems(problems),
        },
    )


@page("actionplans.view_statement", methods=("GET", "POST"))
def approved(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """One version that was approved, as it was approved; and to whom it was given."""
    actor, case = request.actor, find_case(request.actor, reference)
    held = _approved_of(request, case, number)
    posted = request.POST if request.method == "POST" else None
    may_give = actor.can("actionplans.write_statement", held)
    if posted is not None and not may_give:
        raise PermissionDenied
    form = GivenForm(posted, initial={"given_on": clock.today(), "version": held.version})
    if posted is not None and form.is_valid():
        try:
            verbs.give(held, by=actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Written down")
            return redirect("case_statement_held", case.reference, held.number)
    return render(
        request,
        "actionplans/statement_held.html",
        case_page(request, case, "case_statement")
        | {
            "statement": held,
            "record": held.record,
            "as_date": date.fromisoformat,
            "given": list(held.given.select_related("by")),
            "form": form if may_give and held.document_id else None,
        },
    )


@page("actionplans.view_statement", kind="pdf")
def pdf(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """The kept bytes of an approved statement."""
    case = find_case(request.actor, reference)
    held = _approved_of(request, case, number)
    if held.document is None:
        raise Http404
    audit.shown(case)
    response = HttpResponse(bytes(held.document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{held.document.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# --- Shared -------------------------------------------------------------------


def _rows(request: HttpRequest, case: Case) -> Any:
    return CourtStatement.objects.visible_to(request.actor).filter(case=case).select_related("document")


def _draft_of(request: HttpRequest, case: Case) -> CourtStatement:
    held = found(_rows(request, case), status=StatementStatus.DRAFT)
    held.case = case
    return held


def _approved_of(request: HttpRequest, case: Case, number: int) -> CourtStatement:
    held = found(_rows(request, case), status=StatementStatus.APPROVED, number=number)
    held.case = case
    return held


def _guarded(form: Any, request: HttpRequest, case: Case, *fields: str) -> Any:
    return naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, *fields)


def _form(request: HttpRequest, case: Case, held: CourtStatement) -> StatementForm:
    form = StatementForm(request.POST if request.method == "POST" else None, statement=held, lines=verbs.lines_of(held))
    return _guarded(form, request, case, *form.typed_fields)


def _changes(held: CourtStatement) -> dict[str, Any]:
    """What changed since it was drafted, in the words that would stand in it."""
    changed = verbs.changes_since(held)
    return {
        "changes": changed,
        "new": [sentence(fact) for fact in changed.new],
        "changed": [(line, sentence(fact)) for line, fact in changed.changed],
        "gone": list(changed.gone),
    }


def _as_problems(problems: list[str]) -> list[dict[str, str]]:
    return [{"text": problem, "href": ""} for problem in problems]


def _show(
    request: HttpRequest, case: Case, *, hearing: HearingForm | None = None, problems: list[str] | None = None
) -> HttpResponse:
    actor = request.actor
    rows = list(_rows(request, case).prefetch_related("given"))
    held = next((row for row in rows if row.status == StatementStatus.DRAFT), None)
    may_write = case.status != "closed" and actor.can(
        "actionplans.write_statement", CourtStatement(scheme_id=case.scheme_id, case=case)
    )
    context: dict[str, Any] = {
        "draft": held,
        "held": [row for row in rows if row.status == StatementStatus.APPROVED],
        "lead": lead_of(case),
        "may_write": may_write,
        "hearing": (hearing or HearingForm()) if may_write and held is None else None,
        "problems": _as_problems(problems or []),
        "figures": counted(verbs.facts_of(case)),
        "obstacles": [],
        "record": None,
        "as_date": date.fromisoformat,
        "may_approve": False,
    }
    if held is not None:
        held.case = case
        context |= _changes(held) | {
            "record": verbs.record_of(held, actor, clock.now().isoformat()),
            "obstacles": verbs.obstacles(held),
            "may_approve": actor.can("actionplans.approve_statement", held),
            "version": VersionOnlyForm(initial={"version": held.version}),
        }
    return render(request, "actionplans/statement.html", case_page(request, case, "case_statement") | context)

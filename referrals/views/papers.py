"""Papers: a page for those of a nomination, a case or an answer, with the form that adds one; download; removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import audit, meetings
from iom.files import keeping, store
from iom.files.judging import CONTENT_TYPES, Kind
from iom.pages import found, page
from iom.steps import StepRefused
from offenders.case_pages import case_page, find_case
from referrals import papers, returns
from referrals.forms.papers import PaperForm, RemovePaperForm
from referrals.models import Paper, Referral

Add = Callable[..., Paper]


@page("referrals.view_papers", methods=("GET", "POST"), kind="upload")
def nomination_papers(request: HttpRequest, reference: str) -> HttpResponse:
    """The papers of a nomination, for those who read it and those who were sent an agenda with it."""
    rows = Referral.objects.with_papers_for(request.actor).select_related("offender", "meeting__body")
    referral = found(rows, reference=reference)
    may_add = referral.is_open and request.actor.can("referrals.add_paper", referral)
    form = _form(request, may_add)
    if _added(request, form, papers.add_to_referral, referral):
        return redirect("nomination_papers", referral.reference)
    reads_it = request.actor.can("referrals.view_referral", referral)
    context = {"referral": referral, "shown": papers.papers_for(referral, request.actor), "form": form}
    return render(request, "referrals/papers.html", context | {"reads_it": reads_it})


@page("offenders.view_case", methods=("GET", "POST"), kind="upload")
def case_documents(request: HttpRequest, reference: str) -> HttpResponse:
    """The documents of a case (ux.md 4.5), with what came with nominations and answers."""
    case = find_case(request.actor, reference)
    form = _form(request, case.status != "closed")
    if _added(request, form, papers.add_to_case, case):
        return redirect("case_documents", case.reference)
    shown = papers.documents_of(case, request.actor)
    context = {
        "documents": [each for each in shown if each.paper.case_id],
        "others": [each for each in shown if not each.paper.case_id],
        "form": form,
    }
    return render(request, "referrals/case_documents.html", case_page(request, case, "case_documents") | context)


@page("referrals.answer_checks", methods=("GET", "POST"), kind="upload")
def research_papers(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """What one's own agency adds to its answer about a person."""
    asked = found(returns.asked_of(request.actor, meetings.find(request.actor, key)), pk=pk)
    form = _form(request, asked.closed_at is None)
    if _added(request, form, papers.add_to_request, asked):
        return redirect("research_papers", key, pk)
    answer = returns.answer_to(asked)
    context = {
        "asked": asked,
        "shown": papers.papers_of_answer(asked, request.actor),
        "form": form,
        "sent": answer is not None and answer.sent_at is not None,
    }
    return render(request, "referrals/research_papers.html", context)


@page("referrals.view_papers")
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """The file itself, to keep and not to show: only what opens; anything else is the same 404 (security.md F3, F4)."""
    wanted = _paper(request, key)
    if not keeping.is_open(wanted.file, request.actor.scheme.policy):
        raise Http404
    try:
        content = keeping.content_of(wanted.file)
    except store.Missing:
        raise Http404 from None
    papers.record_download(wanted, by=request.actor)
    audit.shown(wanted)
    response = HttpResponse(content, content_type=CONTENT_TYPES[Kind(wanted.file.kind)])
    response["Content-Disposition"] = f'attachment; filename="{wanted.download_name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@page("referrals.view_papers", methods=("GET", "POST"))
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Why a paper goes; then it is destroyed."""
    wanted = _paper(request, key)
    if wanted.file.removed_at is not None or not request.actor.can("referrals.remove_paper", wanted):
        raise Http404
    form = RemovePaperForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            papers.remove(wanted, reason=form.cleaned_data["reason"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"{wanted.words} removed. Nobody can open it any more")
            return redirect(wanted.page_url)
    context = {"form": form, "paper": wanted, "one": papers.shown(wanted, request.actor)}
    return render(request, "referrals/paper_remove.html", context)


def _paper(request: HttpRequest, key: str) -> Paper:
    return found(Paper.objects.visible_to(request.actor).for_list(), file__key=key)


def _form(request: HttpRequest, may_add: bool) -> PaperForm | None:
    if not may_add:
        return None
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    return PaperForm(request.actor.scheme, *given)


def _added(request: HttpRequest, form: PaperForm | None, add: Add, thing: Any) -> bool:
    """Whether this request added a paper; if it could not, the form says why."""
    if request.method != "POST":
        return False
    if form is None:
        raise Http404
    if not form.is_valid():
        return False
    try:
        added = add(thing, form.judged, by=request.actor, **form.given)
    except StepRefused as refused:
        form.add_error(None, refused.problems)
        return False
    opens = keeping.is_open(added.file, request.actor.scheme.policy)
    then = "" if opens else f". {papers.standing(added.file, request.actor)[2]}"
    messages.success(request, f"{added.words} added{then}")
    return True

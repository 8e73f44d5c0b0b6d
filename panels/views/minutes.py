"""The minutes: draft, review and signature, and the signed page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from iom.clock import now
from iom.fresh import is_fresh
from iom.jinja import clock as time_of_day
from iom.models import Meeting, MeetingStatus
from iom.pages import page
from iom.stale import version_of
from iom.steps import Stale, StepRefused, offers
from offenders import naming
from panels import minutes as verbs
from panels import pdf
from panels.chairing import chair_of
from panels.forms.minutes import CommentsForm, SignForm, WordsForm
from panels.minutes_steps import SEND_TO_CHAIR
from panels.models import Minutes, MinutesStatus
from panels.navigation import pages_of
from panels.record import fingerprint, items_of, record_of, reference_of

from .at import of_papers
from .minutes_files import files_context, readable, signed_version

ALREADY_SIGNED = "These minutes are signed already."
CHANGED = "These minutes have changed since you opened them. Read them again below, then sign. Nothing was signed."


@page("panels.view_minutes", methods=("GET", "POST"), grid=True)
@of_papers
def draft_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The draft, which wrote itself; the coordinator adds words, item by item, and they keep themselves."""
    minutes = _latest(meeting)
    if minutes.status == MinutesStatus.SIGNED:
        return redirect("signed_minutes", meeting.key, minutes.number)
    if not request.actor.can("panels.edit_minutes", minutes):
        if request.method == "POST":
            raise PermissionDenied
        return _not_signed_yet(request, meeting, minutes)
    items = items_of(meeting)
    form = WordsForm(items, minutes.narrative, minutes.version, request.POST if request.method == "POST" else None)
    _guard(request, form)
    autosave = request.headers.get("X-Autosave") == "1"
    if request.method == "POST" and form.is_valid():
        minutes = verbs.set_words(minutes, form.words(), by=request.actor, version=form.cleaned_data["version"])
        if autosave:
            return JsonResponse({"at": time_of_day(now()), "fields": {"version": minutes.version}})
        messages.success(request, "Minutes saved")
        return redirect("minutes", meeting.key)
    if autosave:
        return JsonResponse({"errors": form.errors}, status=422)
    return _draft(request, meeting, minutes, form)


def _guard(request: HttpRequest, form: WordsForm | CommentsForm) -> None:
    """No victim is named in what is said of a person's item."""
    people = {item.pk: thing.offender for item in form.items if (thing := item.referral or item.case) is not None}
    protected = naming.Protected(request.actor, people.values())
    for pk, person in people.items():
        naming.guard(form, protected, person, f"item_{pk}")


@page("panels.edit_minutes", methods=("POST",))
@of_papers
def send_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Give the draft to the chair."""
    minutes = _latest(meeting)
    try:
        verbs.send_to_chair(minutes, by=request.actor, version=version_of(request.POST))
    except StepRefused as refused:
        form = WordsForm(items_of(meeting), minutes.narrative, minutes.version)
        return _draft(request, meeting, minutes, form, problems=refused.problems, status=409)
    messages.success(request, f"Minutes sent to {chair_of(meeting).user.name} to sign")
    return redirect("minutes", meeting.key)


@page("panels.review_minutes", methods=("GET", "POST"), grid=True, fresh=True)
@of_papers
def review_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The chair reads, and signs what was read with a fresh code: this version of this record (security.md M5)."""
    minutes = _latest(meeting)
    if minutes.status == MinutesStatus.SIGNED:
        if request.method == "POST":
            raise StepRefused([ALREADY_SIGNED])
        return redirect("signed_minutes", meeting.key, minutes.number)
    if minutes.status == MinutesStatus.DRAFT:
        return _not_signed_yet(request, meeting, minutes)
    if request.method == "GET":
        return _review(request, meeting, minutes)
    form = SignForm(request.POST)
    if not form.is_valid():
        return _review(request, meeting, minutes, form=form)
    given = form.cleaned_data
    try:
        verbs.sign(
            minutes,
            by=request.actor,
            typed_name=given["typed_name"],
            record_sha256=given["record_sha256"],
            fresh=is_fresh(request),
            number=given["number"],
        )
    except Stale:
        return _review(request, meeting, minutes, problems=[CHANGED], status=409)
    except StepRefused as refused:
        minutes.refresh_from_db(fields=["status"])
        if minutes.status == MinutesStatus.SIGNED:
            # Two signed at once: the other one was first (security.md C3).
            raise
        _say(form, refused.problems)
        return _review(request, meeting, minutes, form=form)
    messages.success(request, "Minutes signed. The PDF is being made")
    return redirect("signed_minutes", meeting.key, minutes.number)


@page("panels.review_minutes", methods=("POST",), grid=True)
@of_papers
def comment_on_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Keep the chair's comments; with the button "Return" the minutes go back with them."""
    minutes = _latest(meeting)
    items = items_of(meeting)
    comments = CommentsForm(items, minutes.item_comments, minutes.version, request.POST)
    _guard(request, comments)
    autosave = request.headers.get("X-Autosave") == "1"
    if not comments.is_valid():
        if autosave:
            return JsonResponse({"errors": comments.errors}, status=422)
        return _review(request, meeting, minutes, comments=comments)
    try:
        minutes = verbs.set_comments(
            minutes,
            comments.cleaned_data["general"],
            comments.words(),
            by=request.actor,
            version=comments.cleaned_data["version"],
        )
        if autosave:
            return JsonResponse({"at": time_of_day(now()), "fields": {"version": minutes.version}})
        verbs.return_to_coordinator(minutes, by=request.actor)
    except StepRefused as refused:
        return _review(request, meeting, minutes, comments=comments, problems=refused.problems)
    messages.success(request, "Minutes returned to the coordinator with your comments")
    return redirect("meeting", meeting.key)


@page("panels.view_minutes")
@of_papers
def signed_minutes(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """A signed version, from its frozen record alone."""
    minutes = signed_version(request, meeting, number)
    shown, is_whole = readable(request, minutes)
    return render(
        request,
        "panels/minutes_signed.html",
        {
            "meeting": meeting,
            "minutes": minutes,
            **files_context(request, minutes, is_whole=is_whole),
            "reference": reference_of(meeting),
            "pages": pages_of(meeting, request.actor, "minutes/"),
            **pdf.page_context(shown, pdf.signature_of(minutes)),
        },
    )


# --- What the views share ----------------------------------------------------


def _latest(meeting: Meeting) -> Minutes:
    minutes = verbs.latest(meeting)
    if minutes is None:
        raise Http404
    minutes.meeting = meeting
    return minutes


def _draft(
    request: HttpRequest,
    meeting: Meeting,
    minutes: Minutes,
    form: WordsForm,
    *,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    record = record_of(minutes)
    context = _record_context(request, meeting, minutes, record, form) | {
        "form": form,
        "checks": verbs.checks(record),
        "step": next(iter(offers(request.actor, minutes, [SEND_TO_CHAIR])), None),
        "may_correct": minutes.status == MinutesStatus.DRAFT and request.actor.can("panels.record", meeting),
        "problems": problems or [],
        "has_error": bool(problems) or bool(form.errors),
    }
    return render(request, "panels/minutes.html", context, status=status)


def _review(
    request: HttpRequest,
    meeting: Meeting,
    minutes: Minutes,
    *,
    form: SignForm | None = None,
    comments: CommentsForm | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    minutes.refresh_from_db()
    minutes.meeting = meeting
    record = record_of(minutes)
    seen = fingerprint(record)
    if form is not None and form.data.get("record_sha256") != seen:
        # What is signed next is what stands on this page.
        form.data = form.data.copy()
        form.data["record_sha256"] = seen
    if comments is None:
        comments = CommentsForm(items_of(meeting), minutes.item_comments, minutes.version)
        comments.initial["general"] = minutes.comments
    context = _record_context(request, meeting, minutes, record, comments) | {
        "form": form or SignForm(initial={"number": minutes.number, "record_sha256": seen}),
        "comments": comments,
        "seen": seen,
        "why_not": verbs.why_not_sign(minutes, request.actor),
        "problems": problems or [],
        "has_error": bool(problems) or bool(form and form.errors) or bool(comments.errors),
    }
    return render(request, "panels/minutes_review.html", context, status=status)


def _record_context(
    request: HttpRequest, meeting: Meeting, minutes: Minutes, record: dict[str, Any], by_item: Any
) -> dict[str, Any]:
    """The record as the pages show it, each entry beside its item and the field that belongs to it."""
    rows = [
        {"entry": entry, "item": item, "field": by_item[f"item_{item.pk}"]}
        for entry, item in zip(record["items"], by_item.items, strict=True)
    ]
    return pdf.page_context(record, None) | {
        "meeting": meeting,
        "chair": chair_of(meeting),
        "minutes": minutes,
        "rows": rows,
        "reference": reference_of(meeting),
        "course": [("draft", "Draft"), ("with_chair", "With chair"), ("signed", "Signed")],
        "pages": pages_of(meeting, request.actor, "minutes/"),
        "due": meeting.dates.minutes_due,
        "is_over": meeting.status != MeetingStatus.LIVE,
    }


def _not_signed_yet(request: HttpRequest, meeting: Meeting, minutes: Minutes) -> HttpResponse:
    context = {
        "meeting": meeting,
        "minutes": minutes,
        "may_review": request.actor.can("panels.review_minutes", minutes),
        "pages": pages_of(meeting, request.actor, "minutes/"),
    }
    return render(request, "panels/minutes_not_signed.html", context)


def _say(form: SignForm, problems: list[str]) -> None:
    """Put what the verb refused beside the field it is about."""
    for problem in problems:
        field = "typed_name" if problem.startswith("Type your name") else None
        form.add_error(field, problem.rstrip("."))

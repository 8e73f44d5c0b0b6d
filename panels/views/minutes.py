"""The minutes: draft, review and signature, and the signed page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom.clock import now
from iom.fresh import is_fresh
from iom.jinja import clock as time_of_day
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import Stale, StepRefused, offers
from offenders import naming
from offenders.restricted import closed_references
from panels import addenda, last_minutes, names_kept_out, pdf
from panels import minutes as verbs
from panels import minutes_comments as discussion
from panels.chairing import chair_of
from panels.forms.minutes import CommentsForm, MemberCommentForm, ResolveForm, SignForm, WordsForm
from panels.minutes_steps import SEND_TO_CHAIR
from panels.models import AgendaItem, Minutes, MinutesComment, MinutesStatus
from panels.navigation import pages_of
from panels.record import fingerprint, items_of, open_to, record_of, reference_of
from panels.words import OUTCOME_WORDS

from .at import of_papers
from .minutes_files import files_context, readable, signed_version

# The phases of minutes, as the stepper shows them.
COURSE = [
    {"key": "draft", "text": "Draft"},
    {"key": "with_chair", "text": "With chair"},
    {"key": "signed", "text": "Signed"},
    {"key": "addenda", "text": "Addenda"},
]
ALREADY_SIGNED = "These minutes are signed already."
CHANGED = "These minutes have changed since you opened them. Read them again below, then sign. Nothing was signed."


@page("panels.view_minutes", methods=("GET", "POST"), grid=True)
@of_papers
def draft_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The draft, which wrote itself; the coordinator adds words, item by item, and they keep themselves."""
    minutes = latest_of(meeting)
    if minutes.status == MinutesStatus.SIGNED:
        return redirect("signed_minutes", meeting.key, minutes.number)
    if not request.actor.can("panels.edit_minutes", minutes):
        if request.method == "POST":
            raise PermissionDenied
        if minutes.status == MinutesStatus.DRAFT and discussion.reads_draft(request.actor, meeting):
            return _for_members(request, meeting, minutes)
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


@page("panels.edit_minutes", methods=("POST",), grid=True)
@of_papers
def send_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Save the words that were posted, and give the draft to the chair."""
    minutes = latest_of(meeting)
    items = items_of(meeting)
    form = WordsForm(items, minutes.narrative, minutes.version, request.POST)
    _guard(request, form)
    if not form.is_valid():
        return _draft(request, meeting, minutes, form)
    posted = {pk: text for pk, text in form.words().items() if f"item_{pk}" in request.POST}
    try:
        minutes = verbs.set_words(minutes, posted, by=request.actor, version=version_of(request.POST))
        problems = names_kept_out.obstacles(minutes, by=request.actor)
        if not problems:
            verbs.send_to_chair(minutes, by=request.actor)
    except StepRefused as refused:
        problems = refused.problems
    if problems:
        # Answered as a page, not as a refusal: the words are kept, and those who keep a name are told.
        minutes = latest_of(meeting)
        form = WordsForm(items, minutes.narrative, minutes.version)
        return _draft(request, meeting, minutes, form, problems=problems)
    messages.success(request, f"Minutes sent to {chair_of(meeting).user.name} to sign")
    return redirect("minutes", meeting.key)


@page("panels.review_minutes", methods=("GET", "POST"), grid=True, fresh=True)
@of_papers
def review_minutes(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The chair reads, and signs what was read with a fresh code: this version of this record (security.md M5)."""
    minutes = latest_of(meeting)
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
    if verbs.why_not_sign(minutes, request.actor) is None and (
        held_back := names_kept_out.obstacles(minutes, by=request.actor)
    ):
        return _review(request, meeting, minutes, form=form, problems=held_back)
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
    minutes = latest_of(meeting)
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
    agreed = last_minutes.ruling(minutes)
    return render(
        request,
        "panels/minutes_signed.html",
        {
            "addenda": addenda.shown_of(minutes, shown),
            "to_sign": len(addenda.waiting_of(minutes, shown)),
            "may_add": request.actor.can("panels.edit_minutes", minutes),
            "agreed": agreed,
            "agreed_words": OUTCOME_WORDS[agreed.outcome] if agreed else "",
            "course": COURSE,
            "meeting": meeting,
            "minutes": minutes,
            **files_context(request, minutes, is_whole=is_whole),
            "reference": reference_of(meeting),
            "pages": pages_of(meeting, request.actor, "minutes/"),
            **pdf.page_context(shown, pdf.signature_of(minutes)),
        },
    )


# --- What the views share ----------------------------------------------------


def latest_of(meeting: Meeting) -> Minutes:
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
        "checks": verbs.checks(minutes, record),
        "thread": discussion.thread(minutes),
        "resolve_form": ResolveForm(),
        "open_comments": sum(not each.resolved_at for said in discussion.thread(minutes).values() for each in said),
        "step": next(iter(offers(request.actor, minutes, [SEND_TO_CHAIR])), None),
        "may_correct": minutes.status == MinutesStatus.DRAFT and request.actor.can("panels.record", meeting),
        "problems": problems or [],
        "has_error": bool(problems) or bool(form.errors),
    }
    return render(request, "panels/minutes.html", context, status=status)


def _for_members(
    request: HttpRequest,
    meeting: Meeting,
    minutes: Minutes,
    *,
    item: int | None = None,
    form: MemberCommentForm | None = None,
) -> HttpResponse:
    """The draft for those who were there, to comment on; what is closed to the reader is absent."""
    shown = open_to(record_of(minutes), closed_references(request.actor))
    items = {each.number: each for each in items_of(meeting)}
    said = discussion.thread(minutes)
    rows = [
        {
            "entry": entry,
            "item": (here := items[entry["number"]]),
            "said": said.get(here.pk, []),
            "form": form if form and here.pk == item else MemberCommentForm(prefix=f"item-{here.pk}"),
        }
        for entry in shown["items"]
    ]
    context = pdf.page_context(shown, None) | {
        "meeting": meeting,
        "minutes": minutes,
        "rows": rows,
        "reference": reference_of(meeting),
        "course": COURSE,
        "pages": pages_of(meeting, request.actor, "minutes/"),
        "due": meeting.dates.minutes_due,
        "form": form,
        "has_error": bool(form and form.errors),
    }
    return render(request, "panels/minutes_comment.html", context)


@page("panels.view_minutes", methods=("POST",))
@of_papers
def comment_on_draft(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Say something of one item of a draft."""
    minutes = latest_of(meeting)
    item = next((each for each in items_of(meeting) if each.pk == pk), None)
    shown = found(AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting), pk=item.pk if item else 0)
    form = MemberCommentForm(request.POST, prefix=f"item-{shown.pk}")
    thing = item.referral or item.case
    if thing is not None:
        naming.guard(form, naming.Protected(request.actor, [thing.offender]), thing.offender)
    if not form.is_valid():
        if discussion.reads_draft(request.actor, meeting):
            return _for_members(request, meeting, minutes, item=item.pk, form=form)
        messages.error(request, "Your comment was not kept. Enter it without the name of a victim.")
    else:
        discussion.comment(minutes, item, form.cleaned_data["text"], by=request.actor)
        messages.success(request, f"Comment on item {item.number} kept. The coordinator is told")
    return redirect(f"{reverse('minutes', args=[meeting.key])}#item-{item.pk}")


@page("panels.view_minutes", methods=("POST",))
@of_papers
def resolve_comment(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Coordinator or chair say what came of a comment."""
    rows = MinutesComment.objects.visible_to(request.actor).filter(minutes__meeting=meeting)
    made = found(rows.select_related("minutes__meeting", "item", "author__user"), pk=pk)
    form = ResolveForm(request.POST)
    form.is_valid()
    made = discussion.resolve(made, form.cleaned_data.get("outcome", ""), by=request.actor)
    messages.success(request, f"Comment on item {made.item.number} resolved")
    back = "minutes" if request.actor.can("panels.edit_minutes", made.minutes) else "review_minutes"
    return redirect(f"{reverse(back, args=[meeting.key])}#item-{made.item_id}")


@page("panels.edit_minutes", methods=("POST",))
@of_papers
def leave_out(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Leave the words of a corrected decision out of the minutes, or put them back."""
    minutes = verbs.leave_out(latest_of(meeting), pk, by=request.actor)
    messages.success(request, "Words left out" if pk in minutes.left_out else "Words put back")
    return redirect("minutes", meeting.key)


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
        "thread": discussion.thread(minutes),
        "resolve_form": ResolveForm(),
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
        "course": COURSE,
        "pages": pages_of(meeting, request.actor, "minutes/"),
        "due": meeting.dates.minutes_due,
        "is_over": meeting.status != MeetingStatus.LIVE,
    }


def _not_signed_yet(request: HttpRequest, meeting: Meeting, minutes: Minutes) -> HttpResponse:
    context = {
        "meeting": meeting,
        "minutes": minutes,
        "course": COURSE,
        "may_review": request.actor.can("panels.review_minutes", minutes),
        "pages": pages_of(meeting, request.actor, "minutes/"),
    }
    return render(request, "panels/minutes_not_signed.html", context)


def _say(form: SignForm, problems: list[str]) -> None:
    """Put what the verb refused beside the field it is about."""
    for problem in problems:
        field = "typed_name" if problem.startswith("Type your name") else None
        form.add_error(field, problem.rstrip("."))

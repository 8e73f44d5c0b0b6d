"""The list of meetings; planning, moving and calling off; the agenda as members read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.access import Actor
from iom.jinja import day_month, longday, plural
from iom.models import Body, Meeting, MeetingStatus
from iom.pages import page
from iom.steps import StepRefused
from panels import agreement, attendance, circulation, meetings, planning, proposers, recording
from panels.chairing import chair_of
from panels.countdown import steps_of
from panels.forms.agenda import AnswerForm, ReadyForm
from panels.forms.meetings import AdjournForm, CancelForm, EditMeetingForm, NewMeetingForm
from panels.models import Attendance
from panels.navigation import pages_of
from panels.papers import Papers, papers
from panels.querysets import meetings_with_papers
from panels.slots import Slots, slots
from panels.suggesting import calendar_of
from panels.transitions import COURSE
from referrals.papers import counts_by_referral

from .at import of_meeting, of_papers

PAST_ON_A_PAGE = 12


@page("iom.view_meetings")
def list_meetings(request: HttpRequest) -> HttpResponse:
    """The next meeting with its state, then the others to come, then the past ones."""
    today, known = clock.today(), Meeting.objects.visible_to(request.actor)
    coming = list(
        known.filter(date__gte=today).exclude(status=MeetingStatus.CANCELLED).order_by("date", "starts_at", "pk")
    )
    past = known.exclude(pk__in=[meeting.pk for meeting in coming]).order_by("-date", "starts_at", "pk")
    shown = Paginator(past, PAST_ON_A_PAGE).get_page(request.GET.get("page"))
    for meeting in (*coming, *shown):
        meeting.scheme = meeting.body.scheme = request.actor.scheme
    first = next((meeting for meeting in coming if meeting.body.position == 0), coming[0] if coming else None)
    return render(
        request,
        "panels/meetings.html",
        {
            "today": today,
            "next": first,
            "steps": steps_of(first, today) if first else [],
            "coming": [meeting for meeting in coming if meeting != first],
            "together": planning.together(coming),
            "problems": {meeting.pk: words for meeting in coming if (words := planning.problem_of(meeting))},
            "past": shown,
            "course": course(),
            "may_plan": request.actor.holds("panels.plan_meetings"),
        },
    )


def course() -> list[dict[str, str]]:
    """The states of a meeting, for the stepper."""
    return [{"key": str(state), "text": MeetingStatus(state).label} for state in COURSE]


@page("panels.plan_meetings", methods=("GET", "POST"))
def new_meeting(request: HttpRequest) -> HttpResponse:
    """Plan a meeting. "Show the dates" works out its deadlines before anything is saved."""
    bodies = list(Body.objects.visible_to(request.actor).order_by("position"))
    for body in bodies:
        body.scheme = request.actor.scheme
    options: dict[str, Any] = {"scheme": request.actor.scheme, "bodies": bodies}
    if request.method == "GET":
        body = next((body for body in bodies if body.slug == request.GET.get("body")), bodies[0])
        form = NewMeetingForm(initial=_proposed(body), **options)
        return _meeting_page(request, form, dates=None)
    form = NewMeetingForm(request.POST, **options)
    if not form.is_valid():
        return _meeting_page(request, form, dates=None)
    given = form.cleaned_data
    dates = meetings.dates_of(given["body"], given["date"])
    first = planning.Sitting(
        body=given["body"],
        on=given["date"],
        starts_at=given["starts_at"],
        minutes_long=given["minutes_long"],
        place=given["place"],
        chair=given["chair"],
        area=given.get("area", ""),
    )
    wanted = planning.wanted(first, given["times"], others=given.get("others", False))
    if "show" in request.POST:
        return _meeting_page(request, form, dates=dates, wanted=wanted)
    try:
        made = planning.plan_all(wanted, by=request.actor)
    except StepRefused as refused:
        _show_refusal(form, refused, "date")
        return _meeting_page(request, form, dates=dates, wanted=wanted)
    if len(made) == 1:
        messages.success(request, f"{made[0].body.name} planned for {longday(made[0].date)}. Nobody has been told yet")
        return redirect(made[0])
    messages.success(request, f"{plural(len(made), 'meeting')} planned. Nobody has been told yet")
    return redirect("meetings")


def _proposed(body: Body) -> dict[str, Any]:
    """What the next meeting of a body would be by its cadence, and by where the last one was."""
    on = planning.next_day(body)
    one = planning.proposed(body, on or clock.today())
    return {
        "body": body.pk,
        "date": on if on and on >= clock.today() else None,
        "starts_at": one.starts_at,
        "minutes_long": one.minutes_long,
        "place": one.place,
        "chair": one.chair.pk if one.chair else None,
        "times": 1,
    }


@page("panels.plan_meetings", methods=("GET", "POST"))
@of_papers
def edit_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Move a meeting, or change its place, length or chair."""
    options: dict[str, Any] = {"scheme": request.actor.scheme}
    if request.method == "GET":
        form = EditMeetingForm(
            initial={
                "date": meeting.date,
                "starts_at": meeting.starts_at,
                "minutes_long": meeting.minutes_long,
                "place": meeting.place,
                "chair": meeting.chair_id,
                "version": meeting.version,
            },
            **options,
        )
        return _meeting_page(request, form, dates=meeting.dates, meeting=meeting)
    form = EditMeetingForm(request.POST, **options)
    if not form.is_valid():
        return _meeting_page(request, form, dates=None, meeting=meeting)
    given = form.cleaned_data
    dates = meetings.dates_of(meeting.body, given["date"])
    if "show" in request.POST:
        return _meeting_page(request, form, dates=dates, meeting=meeting)
    try:
        changed = meetings.change(
            meeting,
            on=given["date"],
            starts_at=given["starts_at"],
            minutes_long=given["minutes_long"],
            place=given["place"],
            chair=given["chair"],
            version=given["version"],
            new_rhythm=given["new_rhythm"],
            by=request.actor,
        )
    except StepRefused as refused:
        _show_refusal(form, refused, "date")
        return _meeting_page(request, form, dates=dates, meeting=meeting)
    messages.success(request, f"Saved: {longday(changed.date)}{planning.left_behind(changed, meeting.date)}")
    return redirect(changed)


@page("panels.plan_meetings", methods=("POST",))
@of_papers
def cancel_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Call a meeting off."""
    form = CancelForm(request.POST)
    if form.is_valid():
        try:
            meetings.cancel(meeting, reason=form.cleaned_data["reason"], by=request.actor)
        except StepRefused as refused:
            _show_refusal(form, refused, "reason")
        else:
            messages.success(request, f"Called off: {meeting.body.name} of {day_month(meeting.date)}")
            return redirect("meetings")
    edit = EditMeetingForm(
        initial={
            "date": meeting.date,
            "starts_at": meeting.starts_at,
            "minutes_long": meeting.minutes_long,
            "place": meeting.place,
            "chair": meeting.chair_id,
            "version": meeting.version,
        },
        scheme=request.actor.scheme,
    )
    return _meeting_page(request, edit, dates=meeting.dates, meeting=meeting, cancelling=form)


def _show_refusal(form: Any, refused: StepRefused, field: str) -> None:
    for problem in refused.problems:
        form.add_error(field, problem)


def _meeting_page(
    request: HttpRequest,
    form: Any,
    *,
    dates: Any,
    meeting: Meeting | None = None,
    cancelling: CancelForm | None = None,
    wanted: Sequence[planning.Sitting] = (),
) -> HttpResponse:
    scheme = request.actor.scheme
    return render(
        request,
        "panels/meeting_form.html",
        {
            "form": form,
            "wanted": [(one, planning.day_problem(scheme, one.on)) for one in wanted],
            "meeting": meeting,
            "dates": dates,
            "cancelling": cancelling or CancelForm(auto_id="id_cancel_%s"),
            "has_error": bool(form.errors or (cancelling and cancelling.errors)),
            "pages": pages_of(meeting, request.actor, "edit/") if meeting else [],
        },
    )


@page("iom.view_meetings")
@of_meeting
def meeting_page(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The agenda as members read it; before it is sent, or without a seat, the date alone."""
    return _agenda_page(request, meeting, None)


def _agenda_page(
    request: HttpRequest, meeting: Meeting, form: AnswerForm | None, *, ready: ReadyForm | None = None
) -> HttpResponse:
    actor = request.actor
    reads = actor.holds("panels.view_papers") and meetings_with_papers(actor).filter(pk=meeting.pk).exists()
    copy = circulation.copy_of(actor, meeting) if reads else None
    signature = agreement.signature_of(actor.membership, meeting) if reads else None
    if copy is not None and copy.read_at is None and form is None and ready is None:
        ready = _ready_form(request, meeting, signed=signature is not None)
    if form is None and copy is not None:
        form = AnswerForm(initial={"answer": copy.answer, "substitute_name": copy.substitute_name})
    if copy is not None and request.method == "GET":
        circulation.mark_opened(copy, by=actor)
    shown = papers(meeting, actor) if reads else None
    made = slots(meeting) if reads and meeting.status != MeetingStatus.DRAFT else Slots(grouped=False)
    return render(
        request,
        "panels/meeting.html",
        {
            "slots": made,
            "may_resume": meeting.status == MeetingStatus.ADJOURNED and actor.can("panels.record", meeting),
            "my_slot": made.of(actor.agency),
            "meeting": meeting,
            "chair": chair_of(meeting),
            "papers": shown,
            "booked": proposers.booked(_nominated(shown), meeting) if shown else {},
            "files": _files(actor, shown) if shown else {},
            "copy": copy,
            "form": form,
            "ready": ready,
            "agreement": actor.scheme.policy.sharing_agreement,
            "course": course(),
            "pages": pages_of(meeting, actor, "") if reads else [],
            "length": circulation.length_in_words(meeting.minutes_long),
            "signature": signature,
            "may_agree_late": bool(shown and shown.waiting_for_chair) and actor.can("panels.agree_late_item", meeting),
            "today": clock.today(),
            "may_check_in": reads and _may_check_in(meeting, copy),
            "next_day": calendar_of(meeting).next_one if reads else None,
            "quorum": attendance.forecast(meeting) if shown and actor.has_role("chair", "coordinator") else None,
        },
    )


def _nominated(shown: Papers) -> list[int]:
    return [line.item.referral_id for line in shown.lines if line.item.referral_id]


def _files(actor: Actor, shown: Papers) -> dict[int, int]:
    """How many files the reader was sent with each nomination (feature 65)."""
    return counts_by_referral(actor, _nominated(shown))


def _may_check_in(meeting: Meeting, copy: Any) -> bool:
    running = meeting.status in (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE)
    return copy is not None and running and meeting.date == clock.today()


@page("panels.answer_circulation", methods=("POST",))
@of_papers
def read_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The reader says that they have read the agenda; with it whether they come, and that they keep the agreement."""
    signed = agreement.signature_of(request.actor.membership, meeting) is not None
    form = _ready_form(request, meeting, signed=signed)
    if not form.is_valid():
        return _agenda_page(request, meeting, None, ready=form)
    try:
        noted = _get_ready(request, meeting, form)
    except StepRefused as refused:
        for problem in refused.problems:
            form.add_error("typed_name" if problem.startswith("Type") else None, problem)
        return _agenda_page(request, meeting, None, ready=form)
    messages.success(request, f"Thank you. We have noted that you {' and '.join(noted)}")
    return redirect(meeting)


@transaction.atomic
def _get_ready(request: HttpRequest, meeting: Meeting, form: ReadyForm) -> list[str]:
    """All of it or nothing: whoever mistypes their name finds the form as it was."""
    given, by = form.cleaned_data, request.actor
    circulation.mark_read(meeting, by=by)
    noted = ["read this agenda"]
    if given["answer"]:
        circulation.answer(meeting, given["answer"], substitute_name=given["substitute_name"], by=by)
        noted.append("answered")
    if form.signs:
        agreement.sign(meeting, by=by, typed_name=given["typed_name"], agreed=form.agreed)
        noted.append("signed the agreement")
    return noted


def _ready_form(request: HttpRequest, meeting: Meeting, *, signed: bool) -> ReadyForm:
    """What is still to be said: whoever has signed is not asked for it again."""
    return ReadyForm(
        request.POST if request.method == "POST" else None,
        agreement=request.actor.scheme.policy.sharing_agreement,
        may_sign=not signed and request.actor.holds("panels.sign_agreement"),
    )


@page("panels.answer_circulation", methods=("POST",))
@of_papers
def answer_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The answer to whether one attends."""
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _agenda_page(request, meeting, form)
    circulation.answer(
        meeting,
        form.cleaned_data["answer"],
        substitute_name=form.cleaned_data["substitute_name"],
        by=request.actor,
    )
    messages.success(request, "Thank you. Your answer is saved. You can change it until the meeting begins")
    return redirect(meeting)


@page("panels.answer_circulation", methods=("POST",))
@of_papers
def check_in(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """A seat holder says from their own device that they are here."""
    row = attendance.check_in(meeting, request.POST.get("how", ""), by=request.actor)
    messages.success(request, f"You are checked in: {Attendance.How(row.how).label.lower()}")
    return redirect(meeting)


def past_days(meeting: Meeting) -> list[date]:
    """When the body met before, newest first: a guest's invitation was agreed at one of these."""
    return [day for day in reversed(calendar_of(meeting).all_days) if day < meeting.date][:12]


@page("panels.view_papers")
@of_papers
def referral_papers(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The nominations on an agenda that has gone out, as they were written: paperwork for everybody at the table."""
    rule = meeting.body.policy.late_rule
    lines = [line for line in papers(meeting, request.actor).lines if line.item.referral is not None]
    return render(
        request,
        "panels/referral_papers.html",
        {
            "meeting": meeting,
            "lines": lines,
            "pathways": request.actor.scheme.policy.pathways,
            "warning_words": rule.warning if rule else "",
            "pages": pages_of(meeting, request.actor, "papers/"),
        },
    )


@page("panels.record", methods=("GET", "POST"))
@of_papers
def adjourn_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Break a live meeting off and say when it goes on."""
    form = AdjournForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            when = clock.exactly(form.cleaned_data["date"], form.cleaned_data["starts_at"])
            meetings.adjourn(meeting, resumes_at=when, by=request.actor)
        except clock.NoSuchTime as error:
            form.add_error("starts_at", f"This time {error}")
        except StepRefused as refused:
            _show_refusal(form, refused, "date")
        else:
            messages.success(request, "Adjourned. Everybody who has the agenda has been told when it goes on")
            return redirect(meeting)
    return render(request, "panels/adjourn.html", {"meeting": meeting, "form": form, "has_error": bool(form.errors)})


@page("panels.record", methods=("POST",))
@of_papers
def resume_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Go on with an adjourned meeting; whoever does so records."""
    recording.resume(meeting, by=request.actor)
    messages.success(request, "The meeting goes on. You are recording")
    return redirect("live", meeting.key)

"""Who is here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.models import Agency, Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from panels import agreement, attendance, chairing, inviting, presence, proposers
from panels.forms.attendance import ChairForm, InviteForm, PlaceForm, VisitorForm
from panels.models import AgendaItem, Attendance, GuestInvitation
from panels.navigation import pages_of

from .at import of_papers
from .meetings import past_days

# Somebody has come or gone in these.
BEGUN = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)


@page("panels.take_attendance", methods=("GET", "POST"), grid=True)
@of_papers
def attendance_page(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One row for each seat holder, pre-ticked from the replies; saved as a whole."""
    rows = attendance.places(meeting)
    if request.method == "GET":
        return _attendance(request, meeting, [PlaceForm(place) for place in rows])
    forms = [PlaceForm(place, request.POST) for place in rows]
    valid = [form.is_valid() for form in forms]
    if not all(valid):
        return _attendance(request, meeting, forms)
    rest_absent, all_yes = "rest_absent" in request.POST, "all_who_said_yes" in request.POST
    came = [form.came(rest_absent=rest_absent, all_who_said_yes=all_yes) for form in forms]
    try:
        attendance.take_attendance(meeting, came, by=request.actor)
    except StepRefused as refused:
        return _attendance(request, meeting, forms, problems=refused.problems)
    messages.success(request, "Attendance saved")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def add_visitor(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Write down a guest or an observer."""
    form = _visitor_form(request, meeting, request.POST)
    rows = [PlaceForm(place) for place in attendance.places(meeting)]
    if not form.is_valid():
        return _attendance(request, meeting, rows, visitor=form)
    try:
        row = attendance.add_visitor(meeting, by=request.actor, **form.cleaned_data)
    except StepRefused as refused:
        return _attendance(request, meeting, rows, visitor=form, problems=refused.problems)
    messages.success(request, f"{row.get_standing_display()} written down: {row.name}")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def remove_visitor(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Take back a guest or observer."""
    row = found(Attendance.objects.visible_to(request.actor).filter(meeting=meeting), pk=pk)
    attendance.remove_visitor(row, by=request.actor)
    messages.success(request, f"Removed: {row.name}")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def signed_at_the_table(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Somebody without an account signed the sharing agreement on paper, and the recorder saw it."""
    row = found(Attendance.objects.visible_to(request.actor).filter(meeting=meeting), pk=pk)
    try:
        agreement.sign_at_the_table(row, by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Signed at the table: {row.who}")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def take_the_chair(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Somebody else than the named chair takes the chair, or the named chair takes it back."""
    form = ChairForm(
        request.POST, by_rule=chairing.succession(meeting), items=_items(request, meeting), auto_id="chair_%s"
    )
    rows = [PlaceForm(place) for place in attendance.places(meeting)]
    if not form.is_valid():
        return _attendance(request, meeting, rows, chair=form)
    given = form.cleaned_data
    try:
        took = chairing.take_the_chair(
            meeting, given["who"], because=given["because"], item=given["item"], by=request.actor
        )
    except StepRefused as refused:
        return _attendance(request, meeting, rows, chair=form, problems=refused.problems)
    messages.success(request, f"{took.membership.user.name} is in the chair")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def invite_guest(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The meeting agrees to invite somebody to its next one."""
    form = _invite_form(request, request.POST)
    rows = [PlaceForm(place) for place in attendance.places(meeting)]
    if not form.is_valid():
        return _attendance(request, meeting, rows, invite=form)
    try:
        inviting.invite(meeting, by=request.actor, **form.cleaned_data)
    except StepRefused as refused:
        return _attendance(request, meeting, rows, invite=form, problems=refused.problems)
    messages.success(request, f"Invited to the next meeting: {form.cleaned_data['name']}")
    return redirect("attendance", meeting.key)


@page("panels.take_attendance", methods=("POST",))
@of_papers
def invited_guest(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """An invited guest is here, or the invitation is taken back by the meeting that agreed to it."""
    invitation = found(GuestInvitation.objects.visible_to(request.actor).filter(meeting__body=meeting.body), pk=pk)
    try:
        if invitation.meeting_id == meeting.pk:
            inviting.take_back(invitation, by=request.actor)
            messages.success(request, f"Invitation taken back: {invitation.name}")
        else:
            inviting.came(invitation, meeting, by=request.actor)
            messages.success(request, f"Guest written down: {invitation.name}")
    except StepRefused as refused:
        messages.error(request, str(refused))
    return redirect("attendance", meeting.key)


def _visitor_form(request: HttpRequest, meeting: Meeting, data: Any = None) -> VisitorForm:
    agencies = Agency.objects.visible_to(request.actor)
    before = past_days(meeting)
    asks = meeting.body.policy.guests.agreed_at_previous_meeting
    return VisitorForm(
        data,
        agencies=agencies,
        before=before,
        items=_items(request, meeting),
        auto_id="visitor_%s",
        initial={} if asks else {"agreed_at": "none"},
    )


def _invite_form(request: HttpRequest, data: Any = None) -> InviteForm:
    return InviteForm(data, agencies=Agency.objects.visible_to(request.actor), auto_id="invite_%s")


def _items(request: HttpRequest, meeting: Meeting) -> list[AgendaItem]:
    return list(AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting).numbered())


def _attendance(
    request: HttpRequest,
    meeting: Meeting,
    forms: list[PlaceForm],
    *,
    visitor: VisitorForm | None = None,
    chair: ChairForm | None = None,
    invite: InviteForm | None = None,
    problems: list[str] | None = None,
) -> HttpResponse:
    signed, on_paper = agreement.signatures_for(meeting), agreement.table_signatures(meeting)
    by_rule, items = chairing.succession(meeting), _items(request, meeting)
    room = presence.room(meeting)
    numbers = {item.pk: item.number for item in items}
    known = {row.pk: row for row in room.rows}
    guests = attendance.visitors(meeting)
    before = past_days(meeting)
    more = [form for form in (visitor, chair, invite) if form is not None]
    return render(
        request,
        "panels/attendance.html",
        {
            "meeting": meeting,
            "rows": [_line(form, signed, on_paper, room, numbers) for form in forms],
            "visitors": [
                {
                    "row": row,
                    "signature": on_paper.get((row.pk, row.who)),
                    "came": presence.in_words(room, known[row.pk], numbers) if row.pk in known else "",
                }
                for row in guests
            ],
            "presenters": proposers.expected(request.actor, meeting),
            "visitor_form": visitor or _visitor_form(request, meeting),
            "open": meeting.status in attendance.TAKEN_IN,
            "quorum": attendance.quorum_of(meeting),
            "turns": presence.turns_in_words(presence.turns(room, items)) if meeting.status in BEGUN else "",
            "expected": sum(form.place.from_reply for form in forms),
            "said_yes": sum(form.place.said_yes for form in forms),
            "rules": meeting.body.policy,
            "previous": before[0] if before else None,
            "chair": chairing.chair_of(meeting),
            "acting": chairing.acting(meeting),
            "by_rule": by_rule,
            "chair_form": chair or ChairForm(by_rule=by_rule, items=items, auto_id="chair_%s"),
            "invited": inviting.invited_to(meeting),
            "agreed": inviting.agreed_here(meeting),
            "may_invite": meeting.status in inviting.AGREED_IN,
            "invite_form": invite or _invite_form(request),
            "problems": problems or [],
            "has_error": bool(problems or any(form.errors for form in [*more, *forms])),
            "pages": pages_of(meeting, request.actor, "attendance/"),
        },
    )


def _line(
    form: PlaceForm, signed: dict[int, Any], on_paper: dict[Any, Any], room: presence.Room, numbers: dict[int, str]
) -> dict[str, Any]:
    """One seat of the sheet: its form, who signed the agreement and how, and how the person came and went."""
    place, row = form.place, form.place.row
    account = row.account if row is not None else place.membership
    return {
        "form": form,
        "place": place,
        "account": account,
        "signature": signed.get(account.pk) if account else None,
        "on_paper": on_paper.get((row.pk, row.who)) if row is not None else None,
        "came": presence.in_words(room, row, numbers) if row is not None else "",
    }

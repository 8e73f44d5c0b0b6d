"""Bodies: what they are for, who sits on them and chairs, who asks to join, and how their meetings are planned."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import bodies, clock
from iom.access import Actor
from iom.jinja import day_month, longday, plural
from iom.models import (
    Accountability,
    Agency,
    Body,
    ChairAppointment,
    JoinRequest,
    Meeting,
    MeetingStatus,
    Membership,
    OtherMeeting,
    Seat,
)
from iom.models.dates import holidays_in
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from iom.terms import chain, duties, terms
from panels import planning, seating
from panels.forms.bodies import (
    AnswerRequestForm,
    AppointForm,
    EndAppointmentForm,
    EndSeatForm,
    NewSeatForm,
    OtherMeetingForm,
    PersonForm,
    PlanningForm,
    ProposeForm,
    ReviewForm,
    SeatForm,
    TrainingForm,
)

View = Callable[..., HttpResponse]
COMING = 6


def of_body(view: View) -> View:
    """Give the view the body of its address."""

    @functools.wraps(view)
    def at_body(request: HttpRequest, slug: str, **rest: Any) -> HttpResponse:
        body: Body = found(Body.objects.visible_to(request.actor), slug=slug)
        body.scheme = request.actor.scheme
        return view(request, body, **rest)

    return at_body


def _address(body: Body, end: str = "") -> str:
    return f"/bodies/{body.slug}/{end}"


@page("iom.view_bodies")
def list_bodies(request: HttpRequest) -> HttpResponse:
    """Every body of the scheme: how often it meets, who chairs, what is missing, when it meets next."""
    actor, today = request.actor, clock.today()
    rows = []
    for body in Body.objects.visible_to(actor).order_by("position"):
        body.scheme = actor.scheme
        known = seating.places(body)
        coming = Meeting.objects.visible_to(actor).filter(body=body).upcoming(today).first()
        rows.append(
            {
                "body": body,
                "policy": body.policy,
                "seats": len(known),
                "unfilled": seating.unfilled(known),
                "chair": bodies.chair_on(body, today),
                "next": coming,
                "over": chain(actor.scheme.policy, body.policy)[:1],
            }
        )
    return render(
        request,
        "panels/bodies/list.html",
        {
            "rows": rows,
            "policy": actor.scheme.policy,
            "waiting": JoinRequest.objects.visible_to(actor).filter(state="open").select_related("body"),
            "may_see_people": actor.holds("iom.view_people_records"),
        },
    )


@page("iom.view_bodies")
@of_body
def body_page(request: HttpRequest, body: Body) -> HttpResponse:
    """Terms of reference with their sources, the chain of accountability, chair, seats, and the next meetings."""
    actor, today = request.actor, clock.today()
    policy = actor.scheme.policy
    known = seating.places(body)
    coming = list(
        Meeting.objects.visible_to(actor).filter(body=body).upcoming(today).select_related("follows")[:COMING]
    )
    for meeting in coming:
        meeting.scheme, meeting.body = actor.scheme, body
    return render(
        request,
        "panels/bodies/body.html",
        {
            "body": body,
            "policy": body.policy,
            "scheme_policy": policy,
            "terms": terms(policy, body.policy, today, holidays_in(actor.scheme)),
            "chain": chain(policy, body.policy),
            "duties": duties(policy, body.policy),
            "targets": policy.targets if body.policy.kind in ("panel", "board") else (),
            "reports": [each for each in policy.reports if each.to == body.name],
            "places": known,
            "unfilled": seating.unfilled(known),
            "without_lead": seating.without_lead(body, known),
            "ended": Seat.ever.in_scheme_of(actor).filter(body=body, ended_on__isnull=False).select_related("agency"),
            "chairing": seating.chairing(body, today),
            "past": ChairAppointment.objects.visible_to(actor)
            .filter(body=body)
            .select_related("membership__user")
            .prefetch_related("reviews"),
            "coming": [(one, planning.problem_of(one), planning.why_then(one)) for one in coming],
            "group": planning.same_day_group(body),
            "requests": JoinRequest.objects.visible_to(actor).filter(body=body).select_related("proposed_by__agency"),
            "today": today,
            "may_change": actor.holds("iom.change_bodies"),
            "may_plan": actor.holds("panels.plan_meetings"),
            "may_propose": actor.holds("iom.propose_organisation"),
        },
    )


# --- Seats --------------------------------------------------------------------------


@page("iom.change_bodies", methods=("GET", "POST"))
@of_body
def seat_page(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """Who holds a seat and who stands in; where the post sits on other bodies, they are offered."""
    seat: Seat = found(Seat.objects.visible_to(request.actor).filter(body=body).select_related("agency"), pk=pk)
    seat.body, seat.scheme = body, request.actor.scheme
    people, others = bodies.can_sit(seat, clock.today()), bodies.same_post(seat)
    options = {"seat": seat, "people": people, "others": others}
    if request.method == "GET":
        form = SeatForm(
            initial={
                "version": seat.version,
                "holder": seat.holder_id,
                "substitute": seat.substitute_id,
                "authority": seat.substitute_authority,
                "briefed": seat.substitute_briefed,
                "leads": seat.leads,
                "also": [str(one.pk) for one in others if one.holder_id is None or one.holder_id == seat.holder_id],
            },
            **options,
        )
        return _seat(request, body, seat, form)
    form = SeatForm(request.POST, **options)
    if form.is_valid():
        given = form.cleaned_data
        try:
            bodies.change_seat(
                seat,
                holder=given["holder"],
                substitute=given["substitute"],
                authority=given.get("authority", False),
                briefed=given.get("briefed", False),
                leads=given.get("leads", False),
                also=given.get("also", []),
                version=given["version"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            also = f", and on {plural(len(given['also']), 'other body', 'other bodies')}" if given.get("also") else ""
            messages.success(request, f"Saved: {seat.post}{also}")
            return redirect(_address(body, "#seats"))
    return _seat(request, body, seat, form)


def _seat(
    request: HttpRequest, body: Body, seat: Seat, form: SeatForm, ending: EndSeatForm | None = None
) -> HttpResponse:
    context = {"body": body, "seat": seat, "form": form, "ending": ending or EndSeatForm(), "rules": body.policy}
    return render(request, "panels/bodies/seat.html", context)


@page("iom.change_bodies", methods=("POST",))
@of_body
def end_seat(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """End a place on a body."""
    seat: Seat = found(Seat.objects.visible_to(request.actor).filter(body=body).select_related("agency"), pk=pk)
    seat.body, seat.scheme = body, request.actor.scheme
    ending = EndSeatForm(request.POST)
    if ending.is_valid():
        bodies.end_seat(seat, reason=ending.cleaned_data["reason"], by=request.actor)
        messages.success(request, f"The seat has ended: {seat.post}, {seat.agency.name}")
        return redirect(_address(body, "#seats"))
    form = SeatForm(
        initial={"version": seat.version, "holder": seat.holder_id, "substitute": seat.substitute_id},
        seat=seat,
        people=bodies.can_sit(seat, clock.today()),
        others=bodies.same_post(seat),
    )
    return _seat(request, body, seat, form, ending)


@page("iom.change_bodies", methods=("GET", "POST"))
@of_body
def new_seat(request: HttpRequest, body: Body) -> HttpResponse:
    """Add a place, permanent or as required."""
    agencies = list(Agency.objects.visible_to(request.actor).order_by("name"))
    form = NewSeatForm(request.POST or None, agencies=agencies, initial={"attends": "as_required"})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            seat = bodies.add_seat(
                body,
                agency=given["agency"],
                post=given["post"],
                permanent=given["attends"] == "permanent",
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error("post", refused.problems)
        else:
            messages.success(request, f"Seat added: {seat.post}, {seat.agency.name}. Nobody holds it yet")
            return redirect(_address(body, f"seats/{seat.pk}/"))
    return render(request, "panels/bodies/new_seat.html", {"body": body, "form": form})


# --- Who chairs ------------------------------------------------------------------------


@page("iom.change_bodies", methods=("GET", "POST"))
@of_body
def chair_page(request: HttpRequest, body: Body) -> HttpResponse:
    """Appoint the chair or the vice-chair from a day."""
    today = clock.today()
    people = bodies.can_chair(request.actor.scheme, today)
    form = AppointForm(request.POST or None, people=people, initial={"role": "chair", "starts_on": today})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = bodies.appoint(
                body,
                given["membership"],
                given["role"],
                on=given["starts_on"],
                words=given["words"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error("membership", refused.problems)
        else:
            review = f". The review is due by {longday(made.review_due)}" if made.review_due else ""
            messages.success(request, f"Appointed from {longday(made.starts_on)}{review}")
            return redirect(_address(body, "#chair"))
    return _chair(request, body, form)


def _chair(
    request: HttpRequest, body: Body, form: AppointForm, ending: EndAppointmentForm | None = None, of: int = 0
) -> HttpResponse:
    held = [one for one in seating.chairing(body, clock.today()) if one.appointment is not None]
    endings = [
        (one, ending if ending is not None and one.appointment.pk == of else EndAppointmentForm(prefix=one.role))
        for one in held
        if one.appointment.until is None
    ]
    context = {"body": body, "form": form, "endings": endings, "rules": body.policy, "ending": ending}
    return render(request, "panels/bodies/chair.html", context)


@page("iom.change_bodies", methods=("POST",))
@of_body
def end_appointment(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """End an appointment with nobody in its place."""
    held: ChairAppointment = found(ChairAppointment.objects.visible_to(request.actor).filter(body=body), pk=pk)
    held.body = body
    ending = EndAppointmentForm(request.POST, prefix=held.role)
    if ending.is_valid():
        try:
            bodies.end_appointment(held, on=ending.cleaned_data["until"], by=request.actor)
        except StepRefused as refused:
            ending.add_error("until", refused.problems)
        else:
            messages.success(request, f"{held.get_role_display()} until {longday(ending.cleaned_data['until'])}")
            return redirect(_address(body, "#chair"))
    people = bodies.can_chair(request.actor.scheme, clock.today())
    form = AppointForm(people=people, initial={"role": "chair", "starts_on": clock.today()})
    return _chair(request, body, form, ending, pk)


@page("iom.change_bodies", methods=("GET", "POST"))
@of_body
def review_chair(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """Record what came of the yearly look at who chairs."""
    rows = ChairAppointment.objects.visible_to(request.actor).filter(body=body).select_related("membership__user")
    held: ChairAppointment = found(rows, pk=pk)
    held.body = body
    form = ReviewForm(request.POST or None, initial={"reviewed_on": clock.today()})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            bodies.review(held, given["outcome"], on=given["reviewed_on"], words=given["words"], by=request.actor)
        except StepRefused as refused:
            form.add_error("reviewed_on", refused.problems)
        else:
            held.refresh_from_db()
            said = f"next by {longday(held.review_due)}" if held.review_due else "appoint another when one is found"
            messages.success(request, f"Review recorded: {said}")
            return redirect(_address(body, "#chair"))
    return render(request, "panels/bodies/review.html", {"body": body, "held": held, "form": form})


# --- Requests to join --------------------------------------------------------------------


@page("iom.propose_organisation", methods=("GET", "POST"))
@of_body
def propose(request: HttpRequest, body: Body) -> HttpResponse:
    """Any member proposes another organisation (Richmond, 4.7)."""
    seated = Seat.objects.visible_to(request.actor).filter(body=body).values("agency")
    agencies = list(Agency.objects.visible_to(request.actor).exclude(pk__in=seated).order_by("name"))
    form = ProposeForm(request.POST or None, agencies=agencies)
    if request.method == "POST" and form.is_valid():
        try:
            made = bodies.propose(body, by=request.actor, **form.cleaned_data)
        except StepRefused as refused:
            form.add_error("organisation", refused.problems)
        else:
            messages.success(request, "Sent to the co-ordinator, who will answer you here and by email")
            return redirect(_address(body, f"requests/{made.pk}/"))
    context = {"body": body, "form": form, "policy": request.actor.scheme.policy}
    return render(request, "panels/bodies/propose.html", context)


@page("iom.propose_organisation", methods=("GET", "POST"))
@of_body
def join_request(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """A proposal with its answer; the coordinator answers here."""
    actor = request.actor
    rows = JoinRequest.objects.visible_to(actor).filter(body=body)
    asked: JoinRequest = found(
        rows.select_related("proposed_by__user", "proposed_by__agency", "answered_by__user", "agreed_at__body", "seat"),
        pk=pk,
    )
    asked.body = body
    open_to = asked.state == JoinRequest.State.OPEN and actor.can("iom.change_bodies", asked)
    held = Meeting.objects.visible_to(actor).filter(body=body, date__lte=clock.today())
    options = {"held": list(held.exclude(status=MeetingStatus.CANCELLED).order_by("-date")[:12])}
    form = AnswerRequestForm(initial={"version": asked.version, "attends": "permanent"}, **options)
    if request.method == "POST":
        form = AnswerRequestForm(request.POST, **options)
        if form.is_valid():
            given = form.cleaned_data
            try:
                done = bodies.answer_request(
                    asked,
                    accepted=given["outcome"] == JoinRequest.State.ACCEPTED,
                    answer=given["answer"],
                    agreed_at=given["agreed_at"],
                    permanent=given["attends"] != "as_required",
                    version=given["version"],
                    by=actor,
                )
            except StepRefused as refused:
                form.add_error(None, refused.problems)
            else:
                messages.success(request, "Answered. Who proposed it has been told")
                return redirect(_address(body, f"seats/{done.seat_id}/" if done.seat_id else f"requests/{done.pk}/"))
    return render(
        request, "panels/bodies/request.html", {"body": body, "asked": asked, "form": form, "open_to": open_to}
    )


# --- How meetings are planned ---------------------------------------------------------------


@page("panels.plan_meetings", methods=("GET", "POST"))
@of_body
def planning_page(request: HttpRequest, body: Body) -> HttpResponse:
    """Whether meetings plan themselves, what is wrong with a day, and when the other body meets."""
    in_areas = body.policy.areas > 1
    if request.method == "GET":
        form = PlanningForm(
            initial={
                "version": body.version,
                "plans_itself": "1" if body.plans_itself else "0",
                "areas": "\n".join(body.areas),
            },
            in_areas=in_areas,
        )
        return _planning(request, body, form)
    form = PlanningForm(request.POST, in_areas=in_areas)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = planning.change_planning(
                body,
                plans_itself=given["plans_itself"],
                areas=given.get("areas", body.areas),
                version=given["version"],
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error("areas" if in_areas else None, refused.problems)
        else:
            messages.success(request, f"Saved. {_planned(made)}")
            return redirect(_address(body, "planning/"))
    return _planning(request, body, form)


def _planned(made: list[Meeting]) -> str:
    if not made:
        return "Nothing had to be planned"
    return f"Planned: {', '.join(day_month(one.date) for one in made)}"


def _planning(
    request: HttpRequest, body: Body, form: PlanningForm, entering: OtherMeetingForm | None = None
) -> HttpResponse:
    actor, today = request.actor, clock.today()
    coming = list(Meeting.objects.visible_to(actor).filter(body=body).upcoming(today).select_related("follows"))
    for meeting in coming:
        meeting.scheme, meeting.body = actor.scheme, body
    rule = body.policy.relative_to
    return render(
        request,
        "panels/bodies/planning.html",
        {
            "body": body,
            "policy": body.policy,
            "form": form,
            "entering": entering or OtherMeetingForm(),
            "rows": [
                {
                    "meeting": one,
                    "why": planning.why_then(one),
                    "problem": planning.problem_of(one),
                    "target": planning.target_of(one),
                }
                for one in coming
            ],
            "rule_of": rule,
            "others": OtherMeeting.objects.visible_to(actor).filter(body=body, date__gte=today).order_by("date")
            if rule
            else (),
            "first": not Meeting.objects.visible_to(actor).filter(body=body).exists(),
            "without_first": [
                area
                for area in body.areas
                if not Meeting.objects.visible_to(actor).filter(body=body, area=area).exists()
            ],
            "group": [one for one in planning.same_day_group(body) if one.pk != body.pk],
        },
    )


@page("panels.plan_meetings", methods=("POST",))
@of_body
def settle_day(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """A meeting on a day without work, or whose other body moved: it stays, or it moves after the other."""
    rows = Meeting.objects.visible_to(request.actor).filter(body=body)
    meeting: Meeting = found(rows, pk=pk)
    version = version_of(request.POST)
    meeting.scheme, meeting.body = request.actor.scheme, body
    try:
        if "move" in request.POST:
            moved = planning.move_to_target(meeting, version=version, by=request.actor)
            messages.success(request, f"Moved to {longday(moved.date)}")
        else:
            planning.agree_day(meeting, version=version, by=request.actor)
            messages.success(request, f"It stays on {longday(meeting.date)}")
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
    return redirect(_address(body, "planning/"))


@page("panels.plan_meetings", methods=("POST",))
@of_body
def other_meeting(request: HttpRequest, body: Body) -> HttpResponse:
    """Enter a day on which the other body meets."""
    entering = OtherMeetingForm(request.POST)
    if entering.is_valid():
        try:
            made = planning.record_other_meeting(body, entering.cleaned_data["date"], by=request.actor)
        except StepRefused as refused:
            entering.add_error("date", refused.problems)
        else:
            messages.success(request, f"Entered. {_planned(made)}")
            return redirect(_address(body, "planning/"))
    form = PlanningForm(
        initial={"version": body.version, "plans_itself": "1" if body.plans_itself else "0"}, in_areas=False
    )
    return _planning(request, body, form, entering)


@page("panels.plan_meetings", methods=("GET", "POST"))
@of_body
def change_other_meeting(request: HttpRequest, body: Body, pk: int) -> HttpResponse:
    """The other body meets on another day, or not at all; ours stays until somebody moves it."""
    other: OtherMeeting = found(OtherMeeting.objects.visible_to(request.actor).filter(body=body), pk=pk)
    form = OtherMeetingForm(request.POST or None, initial={"date": other.date})
    if request.method == "POST":
        if "remove" in request.POST:
            planning.remove_other_meeting(other, version=version_of(request.POST), by=request.actor)
            messages.success(request, "Removed. Our meeting stays where it is")
            return redirect(_address(body, "planning/"))
        if form.is_valid():
            try:
                planning.move_other_meeting(
                    other, form.cleaned_data["date"], version=version_of(request.POST), by=request.actor
                )
            except StepRefused as refused:
                form.add_error("date", refused.problems)
            else:
                messages.success(request, "Saved. Our meeting stays until you move it")
                return redirect(_address(body, "planning/"))
    context = {"body": body, "other": other, "form": form, "rule": body.policy.relative_to}
    return render(request, "panels/bodies/other_meeting.html", context)


# --- People ---------------------------------------------------------------------------------


@page("iom.view_people_records")
def people_page(request: HttpRequest) -> HttpResponse:
    """Who was trained in what, how many cases each leads, and to whom each answers (Waltham Forest, 5.8 to 5.10)."""
    actor = request.actor
    policy = actor.scheme.policy
    return render(
        request,
        "panels/bodies/people.html",
        {
            "people": seating.people(actor, clock.today()),
            "policy": policy,
            "may_change": actor.holds("iom.change_people_records"),
        },
    )


@page("iom.change_people_records", methods=("GET", "POST"))
def person_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a training, or to whom somebody answers."""
    rows = Membership.objects.visible_to(request.actor).select_related("user", "agency")
    member: Membership = found(rows.with_role("member", "chair", "coordinator", "researcher"), pk=pk)
    training, lines = TrainingForm(), _lines_form(request.actor, member)
    if request.method == "POST":
        if "training" in request.POST:
            training = TrainingForm(request.POST)
            if training.is_valid() and _done(
                request,
                training,
                "what",
                lambda: bodies.record_training(member, by=request.actor, **training.cleaned_data),
            ):
                return redirect("bodies_person", pk)
        else:
            lines = PersonForm(request.POST)
            if lines.is_valid() and _done(
                request, lines, None, lambda: bodies.say_accountable(member, by=request.actor, **lines.cleaned_data)
            ):
                return redirect("bodies_person", pk)
    context = {
        "member": member,
        "training": training,
        "lines": lines,
        "trainings": member.trainings.all(),
        "policy": request.actor.scheme.policy,
    }
    return render(request, "panels/bodies/person.html", context)


def _lines_form(actor: Actor, member: Membership) -> PersonForm:
    held = Accountability.objects.visible_to(actor).filter(membership=member).first()
    names = ("version", "scheme_to", "scheme_for", "line_manager", "line_for")
    return PersonForm(initial={name: getattr(held, name) for name in names} if held else {"version": 0})


def _done(request: HttpRequest, form: Any, field: str | None, verb: Callable[[], object]) -> bool:
    try:
        verb()
    except StepRefused as refused:
        form.add_error(field, refused.problems)
        return False
    messages.success(request, "Saved")
    return True

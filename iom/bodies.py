"""Who sits on a body and who chairs it, and how another organisation joins it (docs/bodies.md).

What a body is for and how it decides stands in the policy; who that is at present stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Q
from django.utils.text import slugify

from iom import audit, clock, notify
from iom.jinja import longday
from iom.models import (
    Accountability,
    Agency,
    Body,
    ChairAppointment,
    ChairReview,
    JoinRequest,
    Meeting,
    MeetingStatus,
    Membership,
    Role,
    Scheme,
    Seat,
    Training,
    User,
)
from iom.steps import StepRefused, locked
from iom.working_days import add_months

if TYPE_CHECKING:
    from iom.access import Actor

CHAIR, VICE_CHAIR = ChairAppointment.Role.CHAIR, ChairAppointment.Role.VICE_CHAIR


# --- Who chairs --------------------------------------------------------------------


def chair_on(body: Body, day: date) -> Membership | None:
    """Who is appointed to chair the body on a day, if they are still here then. None where nobody is."""
    return _appointed(body, day, CHAIR)


def vice_chair_on(body: Body, day: date) -> Membership | None:
    """Who is appointed vice-chair on a day, if they are still here then (Richmond, 1.8, 4.6)."""
    return _appointed(body, day, VICE_CHAIR)


def _appointed(body: Body, day: date, role: str) -> Membership | None:
    found = appointment_on(body, day, role)
    held = Membership.objects.filter(pk=found.membership_id if found else None).current(day)
    return held.select_related("user", "agency").first()


def appointment_on(body: Body, day: date, role: str) -> ChairAppointment | None:
    """The appointment itself, whoever holds it."""
    rows = ChairAppointment.objects.filter(body=body, role=role).on(day)
    return rows.select_related("membership__user", "membership__agency").order_by("-starts_on", "-pk").first()


def can_chair(scheme: Scheme, on: date) -> list[Membership]:
    """Who can be appointed: everyone who sits at the table on a day."""
    rows = Membership.objects.filter(scheme=scheme).current(on).with_role(Role.MEMBER, Role.CHAIR, Role.COORDINATOR)
    return list(rows.select_related("user", "agency").order_by("user__name", "pk"))


@transaction.atomic
def appoint(body: Body, membership: Membership, role: str, *, on: date, by: Actor, words: str = "") -> ChairAppointment:
    """Appoint who chairs, or stands in, from a day; the appointment before ends then.

    The meetings from that day on for which the former chair was named, and whose agenda has not gone out, get the new
    one. Raises PermissionDenied; StepRefused for somebody who is not here, who has no rights of a chair, or who has the
    other post, and for a day before the present appointment began.
    """
    body = _for_change(body, by)
    present = appointment_on(body, on, role)
    other = appointment_on(body, on, VICE_CHAIR if role == CHAIR else CHAIR)
    later = ChairAppointment.objects.filter(body=body, role=role, starts_on__gt=on).exists()
    problems = []
    if not Membership.objects.filter(pk=membership.pk, scheme=by.scheme).current(on).exists():
        problems.append("That person does not act for an agency of the scheme on that day.")
    elif role == CHAIR and Role.CHAIR not in membership.roles:
        problems.append(
            f"{membership.user.name} has no rights of a chair, so could not sign minutes. "
            "An administrator gives them first, under Users."
        )
    if other is not None and other.membership_id == membership.pk:
        problems.append("The chair and the vice-chair cannot be the same person.")
    if later:
        problems.append("An appointment from a later day is recorded already.")
    if present is not None and present.membership_id == membership.pk:
        problems.append(f"{membership.user.name} is {present.get_role_display().lower()} already.")
    if problems:
        raise StepRefused(problems)
    _end_present(present, on, by)
    made = ChairAppointment.objects.create(
        scheme=by.scheme,
        body=body,
        membership=membership,
        role=role,
        starts_on=on,
        review_due=_review_after(body, role, on),
        words=words.strip(),
    )
    audit.record("appoint_chair", made, by=by, after=role, of=f"user:{membership.user_id}")
    if role == CHAIR:
        _name_for_meetings(body, present.membership_id if present else None, made, by)
    notify.tell(
        [membership.user],
        scheme=by.scheme,
        kind="appointed",
        subject=f"appointment:{made.pk}",
        text=f"You are {made.get_role_display().lower()} of the {body.name} from {longday(on)}",
        url=f"/bodies/{body.slug}/",
        email_body="The co-ordinator recorded your appointment. Sign in to read what the post does:",
    )
    return made


def _end_present(present: ChairAppointment | None, on: date, by: Actor) -> None:
    if present is None:
        return
    present.until = on
    present.version += 1
    present.save(update_fields=["until", "version"])
    audit.record("end_appointment", present, by=by, fields=["until"], of=f"user:{present.membership.user_id}")


def _name_for_meetings(body: Body, former: int | None, made: ChairAppointment, by: Actor) -> None:
    rows = Meeting.objects.select_for_update(of=("self",)).filter(
        Q(chair=None) | Q(chair=former), body=body, status=MeetingStatus.DRAFT, date__gte=made.starts_on
    )
    for meeting in rows.select_related("body"):
        meeting.chair = made.membership
        meeting.version += 1
        meeting.save(update_fields=["chair", "version"])
        audit.record("change_meeting", meeting, by=by, fields=["chair"], meeting=meeting.key)


def _review_after(body: Body, role: str, day: date) -> date | None:
    """When an appointment is looked at again; the rule is the chair's (Merton, Chairs)."""
    months = body.policy.chair.review_months
    return add_months(day, months) if months and role == CHAIR else None


@transaction.atomic
def end_appointment(appointment: ChairAppointment, *, on: date, by: Actor) -> ChairAppointment:
    """End an appointment on a day, with nobody in its place. Raises PermissionDenied or StepRefused."""
    body = _for_change(appointment.body, by)
    held: ChairAppointment = locked(ChairAppointment, appointment.pk)
    if held.until is not None:
        raise StepRefused(["This appointment has ended already."])
    if on < held.starts_on:
        raise StepRefused([f"The day must be {longday(held.starts_on)} or later, when the appointment began."])
    held.body = body
    _end_present(held, on, by)
    return held


@transaction.atomic
def review(appointment: ChairAppointment, outcome: str, *, on: date, by: Actor, words: str = "") -> ChairReview:
    """Record what came of looking at an appointment again (Merton, Chairs).

    Who stays is looked at again after the same time, counted from the day of the review. Raises PermissionDenied, or
    StepRefused when the appointment is over or the day is not one of it.
    """
    body = _for_change(appointment.body, by)
    held: ChairAppointment = locked(ChairAppointment, appointment.pk)
    if held.until is not None and held.until <= clock.today():
        raise StepRefused(["This appointment has ended: there is nothing to review."])
    if not held.starts_on <= on <= clock.today():
        raise StepRefused([f"The day of the review must be between {longday(held.starts_on)} and today."])
    made = ChairReview.objects.create(
        scheme=by.scheme,
        appointment=held,
        reviewed_on=on,
        outcome=outcome,
        words=words.strip(),
        reviewed_by=by.membership,
    )
    stays = outcome == ChairReview.Outcome.STAYS
    held.review_due = _review_after(body, held.role, on) if stays else None
    held.version += 1
    held.save(update_fields=["review_due", "version"])
    audit.record("review_chair", held, by=by, after=outcome, fields=["review_due"])
    return made


# --- Seats -------------------------------------------------------------------------


def post_key(agency: int | None, post: str) -> tuple[int | None, str]:
    """What is the same for one post on several bodies: the agency, and the post without what stands after a comma."""
    return agency, post.partition(",")[0].strip().casefold()


def same_post(seat: Seat) -> list[Seat]:
    """The seats of the same post of the same agency on other bodies (Richmond, marked in the lists of members)."""
    rows = Seat.objects.filter(scheme=seat.scheme_id, agency=seat.agency_id).exclude(body=seat.body_id)
    key = post_key(seat.agency_id, seat.post)
    found = rows.select_related("body", "holder__user").order_by("body__position", "position")
    return [one for one in found if post_key(one.agency_id, one.post) == key]


def can_sit(seat: Seat, on: date) -> list[Membership]:
    """Who can hold a seat or stand in: people of its agency who are at the table."""
    return [one for one in can_chair(seat.scheme, on) if one.agency_id == seat.agency_id]


@transaction.atomic
def change_seat(
    seat: Seat,
    *,
    holder: Membership | None,
    substitute: Membership | None,
    authority: bool,
    briefed: bool,
    by: Actor,
    leads: bool = False,
    also: Iterable[Seat] = (),
    version: int | None = None,
) -> Seat:
    """Say who holds a seat and who stands in; `also` are seats of the same post, which get the same holder.

    One who `leads` for the agency takes that from its other seats on the body (Richmond, 3.6).

    Raises PermissionDenied, Stale, or StepRefused: for people of another agency or who have left, and for a substitute
    who is the holder.
    """
    seat = locked(Seat, seat.pk, version=version)
    if not by.can("iom.change_bodies", seat):
        raise PermissionDenied
    seat.scheme = by.scheme
    known = {one.pk for one in can_sit(seat, clock.today())}
    problems = [
        f"{one.user.name} does not act for {seat.agency.name}."
        for one in (holder, substitute)
        if one is not None and one.pk not in known
    ]
    if holder is not None and substitute is not None and holder.pk == substitute.pk:
        problems.append("The substitute must be somebody else than the holder.")
    if substitute is None and (authority or briefed):
        problems.append("Name the substitute who is briefed or has delegated authority.")
    if problems:
        raise StepRefused(problems)
    for one in Seat.objects.filter(body=seat.body, agency=seat.agency, leads=True).exclude(pk=seat.pk) if leads else ():
        _write_seat(one, by, leads=False)
    _write_seat(
        seat,
        by,
        holder=holder,
        substitute=substitute,
        substitute_authority=authority,
        substitute_briefed=briefed,
        leads=leads,
    )
    others = {one.pk: one for one in same_post(seat)}
    for one in also:
        if one.pk not in others:
            raise StepRefused(["That seat is not one of the same post."])
        _write_seat(locked(Seat, one.pk), by, holder=holder)
    return seat


def _write_seat(seat: Seat, by: Actor, **facts: object) -> None:
    changed = [name for name, value in facts.items() if getattr(seat, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(seat, name, facts[name])
    seat.version += 1
    seat.save(update_fields=[*changed, "version"])
    audit.record("change_seat", seat, by=by, fields=changed, seat=seat.pk)


@transaction.atomic
def add_seat(body: Body, *, agency: Agency, post: str, permanent: bool, by: Actor) -> Seat:
    """Add a place to a body, permanent or as required, held by nobody yet.

    Raises PermissionDenied, or StepRefused when the agency has that post there already.
    """
    body = _for_change(body, by)
    if Seat.objects.filter(body=body, agency=agency, post__iexact=post.strip()).exists():
        raise StepRefused([f"{agency.name} has a seat for this post on the {body.name} already."])
    last = Seat.ever.filter(body=body).aggregate(last=Max("position"))["last"]
    seat = Seat.objects.create(
        scheme=by.scheme,
        body=body,
        agency=agency,
        post=post.strip(),
        permanent=permanent,
        position=0 if last is None else last + 1,
    )
    audit.record("add_seat", seat, by=by, after="permanent" if permanent else "as_required", seat=seat.pk)
    return seat


@transaction.atomic
def end_seat(seat: Seat, *, reason: str, by: Actor, version: int | None = None) -> Seat:
    """End a place on a body from today; what was recorded of it at meetings stays.

    Raises PermissionDenied, Stale, or StepRefused without a reason.
    """
    seat = locked(Seat, seat.pk, version=version)
    if not by.can("iom.change_bodies", seat):
        raise PermissionDenied
    if not reason.strip():
        raise StepRefused(["Enter why the seat ends."])
    seat.ended_on, seat.ended_because = clock.today(), reason.strip()
    seat.holder = seat.substitute = None
    seat.substitute_authority = seat.substitute_briefed = seat.leads = False
    seat.version += 1
    seat.save()
    audit.record("end_seat", seat, by=by, reason=reason, seat=seat.pk)
    return seat


def _for_change(body: Body, by: Actor) -> Body:
    if not by.can("iom.change_bodies", body):
        raise PermissionDenied
    held: Body = locked(Body, body.pk)
    held.scheme = by.scheme
    return held


# --- Requests to join (Richmond, 4.7) ---------------------------------------------------


@transaction.atomic
def propose(body: Body, *, organisation: str, agency: Agency | None, post: str, why: str, by: Actor) -> JoinRequest:
    """Propose another organisation for a body; the co-ordinators are told.

    Raises PermissionDenied, or StepRefused when the same one waits for an answer already.
    """
    if not by.can("iom.propose_organisation", body):
        raise PermissionDenied
    body = locked(Body, body.pk)
    name = agency.name if agency else organisation.strip()
    if JoinRequest.objects.filter(body=body, organisation__iexact=name, state=JoinRequest.State.OPEN).exists():
        raise StepRefused([f"{name} has been proposed already and waits for an answer."])
    made = JoinRequest.objects.create(
        scheme=by.scheme,
        body=body,
        organisation=name,
        agency=agency,
        post=post.strip(),
        why=why.strip(),
        proposed_by=by.membership,
    )
    audit.record("propose_organisation", made, by=by, request=made.pk)
    notify.tell(
        coordinators(by.scheme, clock.today()),
        scheme=by.scheme,
        kind="join_asked",
        subject=f"request:{made.pk}",
        text=f"An organisation is proposed for the {body.name}",
        url=f"/bodies/{body.slug}/requests/{made.pk}/",
        email_body="A member proposed another organisation. Sign in to read why, and answer:",
    )
    return made


@transaction.atomic
def answer_request(
    request: JoinRequest,
    *,
    accepted: bool,
    answer: str,
    by: Actor,
    agreed_at: Meeting | None = None,
    permanent: bool = True,
    version: int | None = None,
) -> JoinRequest:
    """Answer a proposal with words. Accepted, its seat is made, and the agency where the scheme did not know it.

    Raises PermissionDenied, Stale, or StepRefused: without words, or when it was answered before.
    """
    request = locked(JoinRequest, request.pk, version=version)
    if not by.can("iom.change_bodies", request):
        raise PermissionDenied
    problems = []
    if request.state != JoinRequest.State.OPEN:
        problems.append("This request has been answered already.")
    if not answer.strip():
        problems.append("Enter the answer.")
    if problems:
        raise StepRefused(problems)
    body = request.body
    if accepted:
        request.agency = request.agency or _agency_called(request.organisation, by)
        request.seat = add_seat(body, agency=request.agency, post=request.post, permanent=permanent, by=by)
    request.state = JoinRequest.State.ACCEPTED if accepted else JoinRequest.State.REFUSED
    request.answer, request.agreed_at = answer.strip(), agreed_at if accepted else None
    request.answered_by, request.answered_at = by.membership, clock.now()
    request.version += 1
    request.save()
    audit.record("answer_join_request", request, by=by, after=request.state, request=request.pk)
    notify.tell(
        [request.proposed_by.user],
        scheme=by.scheme,
        kind="join_answered",
        subject=f"request:{request.pk}",
        text=f"Answered: the organisation that you proposed for the {body.name}",
        url=f"/bodies/{body.slug}/requests/{request.pk}/",
        email_body="The co-ordinator answered your request. Sign in to read it:",
    )
    return request


def _agency_called(name: str, by: Actor) -> Agency:
    """The agency of that name, or a new one, which is asked about nobody until the scheme makes it a core one."""
    found = Agency.objects.filter(scheme=by.scheme, name__iexact=name).first()
    if found is not None:
        return found
    root = slugify(name)[:50] or "agency"
    taken = set(Agency.objects.filter(scheme=by.scheme, slug__startswith=root).values_list("slug", flat=True))
    slug = next(each for each in (root, *(f"{root}-{number}" for number in range(2, 1000))) if each not in taken)
    made = Agency.objects.create(scheme=by.scheme, slug=slug, name=name, kind="other", core=False)
    audit.record("add_agency", made, by=by)
    return made


# --- Training and accountability (Waltham Forest, 5.8 to 5.10) --------------------------------


@transaction.atomic
def record_training(membership: Membership, *, what: str, on: date, by: Actor) -> Training:
    """Record what somebody was trained in. Raises PermissionDenied, or StepRefused for a day to come or one known."""
    if not by.can("iom.change_people_records", membership):
        raise PermissionDenied
    what = what.strip()
    if on > clock.today():
        raise StepRefused(["The day of the training must be today or earlier."])
    if Training.objects.filter(membership=membership, what=what, on=on).exists():
        raise StepRefused(["This training is recorded already."])
    made = Training.objects.create(scheme=by.scheme, membership=membership, what=what, on=on, recorded_by=by.membership)
    audit.record("record_training", made, by=by, of=f"user:{membership.user_id}")
    return made


@transaction.atomic
def say_accountable(
    membership: Membership,
    *,
    scheme_to: str,
    scheme_for: str,
    line_manager: str,
    line_for: str,
    by: Actor,
    version: int | None = None,
) -> Accountability:
    """Say to whom somebody answers for the work of the scheme, and to whom as an employee.

    Raises PermissionDenied or Stale.
    """
    if not by.can("iom.change_people_records", membership):
        raise PermissionDenied
    present = Accountability.objects.filter(membership=membership).first()
    row = (
        locked(Accountability, present.pk, version=version)
        if present
        else Accountability(scheme=by.scheme, membership=membership, version=0)
    )
    facts = {"scheme_to": scheme_to, "scheme_for": scheme_for, "line_manager": line_manager, "line_for": line_for}
    changed = [name for name, value in facts.items() if getattr(row, name) != value.strip()]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, facts[name].strip())
    row.version += 1
    row.changed_at = clock.now()
    row.save()
    audit.record("say_accountable", row, by=by, fields=changed, of=f"user:{membership.user_id}")
    return row


def coordinators(scheme: Scheme, on: date) -> list[User]:
    """The accounts of the scheme's co-ordinators on a day, each once."""
    rows = Membership.objects.filter(scheme=scheme).current(on).with_role(Role.COORDINATOR).select_related("user")
    return list({row.user_id: row.user for row in rows}.values())

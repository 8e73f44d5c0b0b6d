"""Planning, moving and calling off meetings."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, bodies, clock, notify, stored_dates
from iom.deadlines import MeetingDates
from iom.jinja import hour, longday, plural
from iom.models import Body, Meeting, Membership, OtherMeeting, Role, Scheme, Seat, User
from iom.steps import StepRefused, locked, take
from referrals.models import CheckRequest, Referral, ReferralStatus

from . import agenda, board_papers, circulation, escalations, last_minutes, ratifying
from .models import Circulation, MovedMeeting
from .transitions import ADJOURN, CANCEL, NOT_HELD_YET

if TYPE_CHECKING:
    from iom.access import Actor


def dates_of(body: Body, on: date) -> MeetingDates:
    """The deadlines that a meeting of `body` on a day would have, before it is planned."""
    return body.dates_on(on)


def chairs(scheme: Scheme) -> list[Membership]:
    """Who can be named to chair: everyone who holds that role now."""
    rows = Membership.objects.filter(scheme=scheme).current(clock.today()).with_role(Role.CHAIR)
    return list(rows.select_related("user", "agency").order_by("user__name", "pk"))


def default_chair(body: Body, on: date | None = None) -> Membership | None:
    """Who is appointed to chair on a day, today unless it is given, and holds the role.

    Where nobody is appointed: who holds the role of a chair; of several, one who sits on this body.
    """
    known = chairs(body.scheme)
    appointed = bodies.chair_on(body, on or clock.today())
    if appointed is not None and appointed in known:
        return appointed
    seated = set(Seat.objects.filter(body=body, holder__in=known).values_list("holder_id", flat=True))
    return next((chair for chair in known if chair.pk in seated), known[0] if known else None)


@transaction.atomic
def plan(
    *,
    body: Body,
    on: date,
    starts_at: time,
    minutes_long: int,
    by: Actor,
    place: str = "",
    chair: Membership | None = None,
    area: str = "",
    pattern_date: date | None = None,
    by_cadence: bool = False,
    follows: OtherMeeting | None = None,
) -> Meeting:
    """Plan a meeting, with what every agenda has on it. Nobody is told before the agenda goes out.

    `pattern_date` is the day for which it stands in the body's rhythm, its own unless said. `follows` is the meeting of
    somebody else by which its day was set.

    Raises PermissionDenied, or StepRefused when the body has a meeting on that day already or the day is past.
    """
    if not by.holds("panels.plan_meetings") or body.scheme_id != by.scheme.pk:
        raise PermissionDenied
    _must_be_free(body, on)
    meeting = Meeting.objects.create(
        scheme=by.scheme,
        body=body,
        date=on,
        starts_at=starts_at,
        minutes_long=minutes_long,
        place=place,
        chair=chair,
        area=area,
        pattern_date=pattern_date or on,
        planned_by_cadence=by_cadence,
        follows=follows,
    )
    stored_dates.store(meeting)
    audit.record("plan_meeting", meeting, by=by, after=meeting.status, meeting=meeting.key)
    agenda.add_items(meeting, [agenda.Wanted(section) for section in agenda.STANDING], by=by)
    board_papers.put_on(meeting, by=by)
    last_minutes.bring(meeting, by=by)
    ratifying.bring_all(by=by)
    escalations.bring_all(by=by)
    # A move to this day and back leaves no signpost that leads away from what is here now.
    MovedMeeting.objects.filter(scheme=by.scheme, body=body, old_date=on).delete()
    return meeting


@transaction.atomic
def change(
    meeting: Meeting,
    *,
    on: date,
    starts_at: time,
    minutes_long: int,
    place: str,
    chair: Membership | None,
    by: Actor,
    version: int | None = None,
    new_rhythm: bool = False,
) -> Meeting:
    """Change when and where a meeting is, or who chairs it. Another day moves it: its old address leads to the new one.

    With `new_rhythm` the meetings that are planned after it follow its new day; else they keep to the old one.

    Its dates are counted and stored anew, and the day by which agencies answer follows. Whoever has the agenda is told.
    Raises PermissionDenied, StepRefused or Stale.
    """
    meeting = locked(Meeting, meeting.pk, version=version)
    if not by.can("panels.plan_meetings", meeting):
        raise PermissionDenied
    if meeting.status not in NOT_HELD_YET:
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: its date and place stay."])
    meeting.scheme = meeting.body.scheme = by.scheme
    facts = {"date": on, "starts_at": starts_at, "minutes_long": minutes_long, "place": place, "chair": chair}
    changed = [name for name, value in facts.items() if getattr(meeting, name) != value]
    if not changed:
        return meeting
    old = meeting.date
    if "date" in changed:
        _must_be_free(meeting.body, on)
    for name in changed:
        setattr(meeting, name, facts[name])
    if "date" in changed:
        meeting.pattern_date = on if new_rhythm else meeting.pattern_date or old
        meeting.day_agreed = False
    meeting.version += 1
    meeting.save(update_fields=[*changed, "pattern_date", "day_agreed", "version"])
    if "date" in changed:
        _leave_signpost(meeting, old)
        stored_dates.store(meeting)
    audit.record("change_meeting", meeting, by=by, fields=changed, meeting=meeting.key)
    if {"date", "starts_at", "place"}.intersection(changed):
        _tell(
            meeting,
            "meeting_changed",
            f"Date or place changed: {circulation.name_of(meeting)}",
            f"It is now on {longday(meeting.date)} at {hour(meeting.starts_at)}. Tell us again if you will attend:",
        )
    return meeting


def _leave_signpost(meeting: Meeting, old: date) -> None:
    MovedMeeting.objects.filter(scheme=meeting.scheme, body=meeting.body, old_date__in=[old, meeting.date]).delete()
    MovedMeeting.objects.create(scheme=meeting.scheme, body=meeting.body, old_date=old, meeting=meeting)


@transaction.atomic
def cancel(meeting: Meeting, *, reason: str, by: Actor) -> Meeting:
    """Call a meeting off. Its nominations go to the body's next one; everyone who has the agenda is told.

    Raises PermissionDenied, or StepRefused without a reason, or when nominations would have nowhere to go.
    """
    if not reason.strip():
        raise StepRefused(["Enter why the meeting is called off."])
    nominated = list(Referral.objects.filter(meeting=meeting, status=ReferralStatus.ON_AGENDA))
    after = _next_open(meeting)
    if nominated and after is None:
        raise StepRefused(
            [f"Plan the next meeting first: {plural(len(nominated), 'nomination')} of this one must go to it."]
        )
    meeting = take(CANCEL, meeting, by=by, reason=reason)
    for referral in nominated:
        _move_nomination(referral, meeting, after, by)
    ratifying.bring_all(by=by)
    escalations.bring_all(by=by)
    _tell(
        meeting,
        "meeting_cancelled",
        f"Called off: {circulation.name_of(meeting)}",
        "The meeting will not take place. Sign in for what comes next:",
    )
    return meeting


@transaction.atomic
def adjourn(meeting: Meeting, *, resumes_at: datetime, by: Actor) -> Meeting:
    """Break a live meeting off, to go on at another time: its items, decisions and numbers stay as they are.

    Nothing is carried to another meeting, since this one is not over. Everyone who has the agenda is told. Raises
    PermissionDenied, or StepRefused when the meeting is not live or the time is past.
    """
    if resumes_at <= clock.now():
        raise StepRefused(["The meeting must go on at a time that is still to come."])
    meeting = take(ADJOURN, meeting, by=by, resumes_at=resumes_at, recorder_until=None, asks_to_record=None)
    local = clock.local(resumes_at)
    _tell(
        meeting,
        "meeting_adjourned",
        f"Adjourned: {circulation.name_of(meeting)}",
        f"It goes on on {longday(local.date())} at {hour(local.time())}. The agenda is the same:",
    )
    return meeting


def _next_open(meeting: Meeting) -> Meeting | None:
    rows = Meeting.objects.filter(body=meeting.body).upcoming(clock.today()).exclude(pk=meeting.pk)
    return rows.select_related("body").first()


def _move_nomination(referral: Referral, old: Meeting, new: Meeting, by: Actor) -> None:
    """The nomination and what agencies were asked about it go to another meeting; nobody is asked twice."""
    referral.meeting = new
    referral.save(update_fields=["meeting"])
    asked = CheckRequest.objects.filter(meeting=old, referral=referral)
    there = CheckRequest.objects.filter(meeting=new, offender=referral.offender).values("agency")
    asked.exclude(agency__in=there).update(meeting=new, due_on=new.dates.checks_due.date)
    agenda.add_item(
        new, section="referrals", referral=referral, why=f"From the meeting called off on {longday(old.date)}", by=by
    )
    audit.record("move_referral", referral, by=by, subjects=[referral.reference], meeting=new.key)


def _must_be_free(body: Body, on: date) -> None:
    if on < clock.today():
        raise StepRefused(["The date must be today or later."])
    there = Meeting.objects.filter(body=body, date=on).first()
    if there is not None:
        state = " It was called off: choose another day." if there.status == "cancelled" else ""
        raise StepRefused([f"{body.name} has a meeting on {longday(on)} already.{state}"])


def _tell(meeting: Meeting, kind: str, text: str, body: str) -> int:
    copies = Circulation.objects.filter(meeting=meeting).select_related("membership__user")
    people: list[User] = [copy.membership.user for copy in copies]
    return notify.tell(
        people,
        scheme=meeting.scheme,
        kind=kind,
        subject=f"meeting:{meeting.pk}:{meeting.version}",
        text=text,
        url=meeting.get_absolute_url(),
        email_body=body,
    )

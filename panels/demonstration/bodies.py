"""Who chairs in a demonstration scheme, who asked to join, who was trained in what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from iom import bodies
from iom.models import Body, ChairAppointment, ChairReview, Meeting, Seat
from iom.working_days import add_months
from panels import planning

if TYPE_CHECKING:
    from .year import Life

# The review of the chair, where the rules have one, comes this soon.
REVIEW_IN = timedelta(days=20)


def appoint(life: Life) -> None:
    """The chair from the start of the scheme, a vice-chair, and a seat that was tried and given up.

    Where the panel is set by somebody else's meetings, their next days are known.
    """
    by, start = life.coordinator, life.scheme_began
    rule = life.body.policy.relative_to
    with life.at(start, 10):
        for meeting in Meeting.objects.filter(body=life.body).upcoming(life.today) if rule else ():
            planning.record_other_meeting(life.body, meeting.date - timedelta(days=rule.days), by=by)
        made = bodies.appoint(
            life.body,
            life.chair,
            ChairAppointment.Role.CHAIR,
            on=start,
            words=life.mark("Agreed by the partnership"),
            by=by,
        )
        police = life.staff.named["police"]
        if police != life.chair:
            bodies.appoint(
                life.body,
                police,
                ChairAppointment.Role.VICE_CHAIR,
                on=start,
                words=life.mark("Chosen by the members"),
                by=by,
            )
        for board in Body.objects.filter(scheme=life.scheme, position__gt=0, seats__holder=life.chair).distinct():
            bodies.appoint(
                board, life.chair, bodies.CHAIR, on=start, words=life.mark("Agreed by the partnership"), by=by
            )
        _name_substitute(life)
        tried = bodies.add_seat(life.body, agency=by.membership.agency, post="Community warden", permanent=False, by=by)
    reviewed = life.working_day(max(start, add_months(life.today, -12) + REVIEW_IN))
    if reviewed >= life.today:
        reviewed = life.last_working_day(life.today - timedelta(days=1))
    with life.at(reviewed, 16):
        words = life.mark("The members are content, and the chair goes on")
        bodies.review(made, ChairReview.Outcome.STAYS, on=reviewed, words=words, by=by)
        bodies.end_seat(tried, reason=life.mark("Comes as a guest when there is something to say"), by=by)


def _name_substitute(life: Life) -> None:
    """Somebody of the same agency for the first seat that has another to send; where the rules ask, they may decide."""
    rule = life.body.policy.attendance
    for seat in Seat.objects.filter(body=life.body, holder__isnull=False).order_by("position"):
        others = [one for one in bodies.can_sit(seat, life.scheme_began) if one != seat.holder]
        if others:
            bodies.change_seat(
                seat,
                holder=seat.holder,
                substitute=others[0],
                authority=rule.delegated_authority,
                briefed=rule.briefed,
                by=life.coordinator,
            )
            return


def ask_and_train(life: Life) -> None:
    """One request that was answered and one that waits; two people trained; who answers to whom.

    And the boards and teams have their next meetings, as the clock would plan them.
    """
    by, day = life.coordinator, life.last_working_day(life.today - timedelta(days=12))
    with life.at(day, 11):
        asked = bodies.propose(
            life.body,
            organisation=life.mark("Example Boxing Club"),
            agency=None,
            post=life.mark("Coach"),
            why=life.mark("Young men of the cohort train there"),
            by=life.staff.actor("police"),
        )
    with life.at(life.last_working_day(life.today - timedelta(days=7)), 11):
        answer = life.mark("Invited for single items: the members do not want names to go further")
        bodies.answer_request(asked, accepted=False, answer=answer, by=by)
        bodies.propose(
            life.body,
            organisation=life.mark("Sample Mentors"),
            agency=None,
            post=life.mark("Mentor co-ordinator"),
            why=life.mark("They meet people at the prison gate"),
            by=life.staff.actor("housing"),
        )
        for name, what in (("police", "Work with domestic abuse"), ("probation", "Desistance and engagement")):
            bodies.record_training(life.staff.named[name], what=life.mark(what), on=add_months(life.today, -4), by=by)
        bodies.say_accountable(
            life.staff.named["coordinator"],
            scheme_to=life.mark("Chair of the panel"),
            scheme_for=life.mark("The agenda, the cohort and what the panel decided"),
            line_manager=life.mark("Community Safety Manager"),
            line_for=life.mark("Workload, leave, conduct and training"),
            by=by,
        )
    with life.at(life.today - timedelta(days=1), 7):
        for body in Body.objects.filter(scheme=life.scheme, position__gt=0).order_by("position"):
            planning.keep_planned(body, life.today, by=by)

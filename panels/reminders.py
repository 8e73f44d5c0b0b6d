"""What the clock says about meetings (design.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from iom.jinja import longday, weekday_day
from iom.models import Meeting, MeetingStatus, Membership, Role, Scheme, User
from iom.reminders import Due, source
from panels import circulation, ratifying, standing  # noqa: F401 -- standing registers what bodies ask of people
from panels.chairing import chair_of
from panels.models import Escalation, MinutesStatus, OutsideDecision

# --- Before the meeting

# The coordinator hears of an agenda this long before it is due: time to settle what is open.
NOTICE = timedelta(days=2)


@source
def agenda_due(scheme: Scheme, on: date) -> Iterator[Due]:
    """An agenda that has not gone out is due (Merton, step 2: 7 days before), or was: it matters until the meeting."""
    drafts = Meeting.objects.filter(scheme=scheme, status=MeetingStatus.DRAFT, date__gte=on).select_related("body")
    coordinators = _coordinators(scheme, on) if drafts else ()
    for meeting in drafts:
        meeting.scheme = meeting.body.scheme = scheme
        due = meeting.dates.agenda_due.date
        if due is None or on < due - NOTICE:
            continue
        yield Due(
            kind="agenda_due",
            subject=f"meeting:{meeting.pk}",
            due=due,
            recipients=coordinators,
            text=f"Agenda due {weekday_day(due)}: {circulation.name_of(meeting)}",
            url=f"{meeting.get_absolute_url()}agenda/",
            email_body=(
                f"The agenda for {longday(meeting.date)} {'was' if on > due else 'is'} to go out by 5pm on "
                f"{longday(due)}. "
                "Nobody has been emailed yet. Look it over and send it:"
            ),
        )


# --- After the meeting


@source
def minutes_due(scheme: Scheme, on: date) -> Iterator[Due]:
    """Minutes that are not signed are due: the coordinator hears while they are a draft, then the chair.

    A chair who has left cannot sign: then it is the coordinator again, who names another.
    """
    begun = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED)
    meetings = Meeting.objects.filter(scheme=scheme, status__in=begun, date__lte=on).select_related(
        "body", "chair__user"
    )
    coordinators = _coordinators(scheme, on) if meetings else ()
    for meeting in meetings:
        meeting.scheme = meeting.body.scheme = scheme
        due = meeting.dates.minutes_due.date
        if due is None or on < due - NOTICE:
            continue
        chair = chair_of(meeting)
        with_chair = meeting.minutes.filter(status=MinutesStatus.WITH_CHAIR).exists() and _still_here(chair, on)
        yield Due(
            kind="minutes_to_sign_due" if with_chair else "minutes_due",
            subject=f"meeting:{meeting.pk}",
            due=due,
            recipients=(chair.user,) if with_chair else coordinators,
            text=(
                f"Minutes {'to sign by' if with_chair else 'due'} {weekday_day(due)}: {circulation.name_of(meeting)}"
            ),
            url=f"{meeting.get_absolute_url()}minutes/{'review/' if with_chair else ''}",
            email_body=(
                f"The minutes of {longday(meeting.date)} {'were' if on > due else 'are'} to be out by 5pm on "
                f"{longday(due)}. They {'wait for your signature' if with_chair else 'are not signed yet'}. Sign in:"
            ),
        )


# --- Decisions made between two meetings

# Without a meeting that could have ratified it, the coordinator hears after so long. Default: the source is silent.
WITHOUT_A_MEETING = timedelta(days=31)


@source
def to_ratify(scheme: Scheme, on: date) -> Iterator[Due]:
    """What was decided outside the meeting and the next meeting did not ratify: the coordinator hears the day after."""
    waiting = list(OutsideDecision.objects.filter(scheme=scheme).waiting().select_related("referral"))
    coordinators = _coordinators(scheme, on) if waiting else ()
    for made in waiting:
        due = next(iter(ratifying.days_of_meetings(made)), made.decided_on + WITHOUT_A_MEETING)
        if on <= due:
            continue
        reference = made.referral.reference
        yield Due(
            kind="to_ratify",
            subject=f"outside:{made.pk}",
            due=due,
            recipients=coordinators,
            text=f"Ratify the decision on referral {reference}",
            url=f"/referrals/{reference}/outside/",
            email_body=(
                f"What was decided outside the meeting on {longday(made.decided_on)} was to be ratified by "
                f"{longday(due)} and has not been. Put it to the next panel:"
            ),
        )


# --- What the board has not answered


@source
def escalation_due(scheme: Scheme, on: date) -> Iterator[Due]:
    """An answer that was looked for and has not come: coordinator and chair hear the day after, until it comes."""
    late = list(Escalation.objects.filter(scheme=scheme).overdue(on))
    office = _with_role(scheme, on, Role.COORDINATOR, Role.CHAIR) if late else ()
    for escalation in late:
        yield Due(
            kind="escalation_due",
            subject=f"escalation:{escalation.pk}",
            due=escalation.due_on,
            recipients=office,
            text=f"Ask for the answer to {escalation.reference}: it was due {weekday_day(escalation.due_on)}",
            url=escalation.get_absolute_url(),
            email_body=(
                f"The {escalation.to_name} has had this since {longday(escalation.sent_on)}, and its answer was looked "
                f"for by {longday(escalation.due_on)}. Sign in to see it:"
            ),
        )


def _still_here(chair: Membership | None, on: date) -> bool:
    return chair is not None and Membership.objects.filter(pk=chair.pk).current(on).exists()


def _coordinators(scheme: Scheme, on: date) -> tuple[User, ...]:
    return _with_role(scheme, on, Role.COORDINATOR)


def _with_role(scheme: Scheme, on: date, *roles: str) -> tuple[User, ...]:
    rows = Membership.objects.filter(scheme=scheme).current(on).with_role(*roles).select_related("user")
    return tuple({membership.user_id: membership.user for membership in rows}.values())

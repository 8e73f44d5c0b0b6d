"""What the clock says about referrals (design.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from iom.jinja import day_month, longday, weekday_day
from iom.models import Agency, Meeting, Membership, Scheme
from iom.models.dates import holidays_in
from iom.reminders import Due, source
from iom.working_days import Holidays, step
from referrals import chasing, deciding

# How long before they close people hear of it: time enough to write one (about 7 minutes) on a working day.
NOTICE = timedelta(days=7)
NOMINATORS = ("member", "referrer", "researcher", "coordinator")


@source
def nominations_close(scheme: Scheme, on: date) -> Iterator[Due]:
    """Nominations for the next panel close soon (Merton, step 1: 10 days before). After the last day it is no use."""
    meeting = deciding.panels_for_day(scheme, on).open
    closes = deciding.closing(meeting).date if meeting else None
    if meeting is None or closes is None or on < closes - NOTICE:
        return
    people = Membership.objects.filter(scheme=scheme).current(on).with_role(*NOMINATORS).select_related("user")
    yield Due(
        kind="nominations_close",
        subject=meeting.key,
        due=closes,
        recipients=tuple({membership.user_id: membership.user for membership in people}.values()),
        text=f"Referrals close {weekday_day(closes)}: IOM panel {day_month(meeting.date)}",
        url="/referrals/",
        email_body=(
            f"Referrals for the IOM panel of {longday(meeting.date)} close at the end of {longday(closes)}. "
            "If you want to nominate someone, or have a draft to finish, sign in:"
        ),
    )


@source
def checks_due(scheme: Scheme, on: date) -> Iterator[Due]:
    """Agencies with checks left hear of it on the days that the scheme's rules say (`check_reminders`), or as soon
    after as the clock runs; of days that were missed together, once.

    Until the meeting is held it is still of use: late answers are taken (ux.md 4.4).
    """
    rows = [row for row in chasing.progress(chasing.open_to_all(scheme.pk), on) if row["left"]]
    meetings = {meeting.pk: meeting for meeting in _meetings(scheme, {row["meeting"] for row in rows})}
    agencies = Agency.objects.in_bulk({row["agency"] for row in rows})
    holidays = holidays_in(scheme)
    for row in rows:
        meeting, agency = meetings[row["meeting"]], agencies[row["agency"]]
        due = meeting.dates.checks_due.date
        passed = [] if due is None else [day for day in _reminded_on(scheme, due, holidays) if day <= on]
        if not passed:
            continue
        yield Due(
            kind=chasing.DUE,
            subject=f"meeting:{meeting.pk}:{agency.pk}",
            due=passed[-1],
            recipients=tuple(chasing.contacts(agency, on)),
            url=f"/research/{meeting.key}/",
            **chasing.reminder_words(meeting, agency, row["left"], row["asked"], on),
        )


def _reminded_on(scheme: Scheme, due: date, holidays: Holidays) -> list[date]:
    """The days on which agencies are reminded, the first one first."""
    counts = scheme.policy.check_reminders
    days = {step(due, abs(count), "working", "before" if count < 0 else "after", holidays).date for count in counts}
    return sorted(days)


def _meetings(scheme: Scheme, ids: set[int]) -> list[Meeting]:
    meetings = list(Meeting.objects.filter(pk__in=ids).select_related("body"))
    for meeting in meetings:
        meeting.scheme = scheme
    return meetings

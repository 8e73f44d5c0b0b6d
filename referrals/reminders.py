"""What the clock says about referrals (design.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from iom.jinja import day_month, longday, weekday_day
from iom.models import Membership, Scheme
from iom.reminders import Due, source
from referrals import deciding

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

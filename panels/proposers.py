"""Whoever put somebody forward comes to present them, as a guest for that item (London, step 2; Richmond, 4.12).

Put to a panel, a nomination books its proposer where the scheme's rules ask for it; taken off, the booking falls away.
The booking is no attendance: who came is written down at the meeting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from iom import audit, clock, notify, together
from iom.blocks import Task, home_tasks
from iom.jinja import day_month, longday
from iom.models import Meeting, Seat
from referrals import hooks, presenting
from referrals.models import Presentation, Referral

from .models import AgendaItem

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who comes for one item: `seated` where they hold a seat of the body anyway."""

    presentation: Presentation
    number: str
    seated: bool


@hooks.when_put_to_panel
def ask_proposer(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """Book whoever made the nomination to come to this meeting, and tell them; another meeting's booking falls away."""
    present = Presentation.objects.filter(referral=referral, cancelled_at=None)
    present.exclude(meeting=meeting).update(cancelled_at=clock.now())
    asked = presenting.asked(referral, meeting)
    if asked is None or present.filter(meeting=meeting).exists():
        return
    made = Presentation.objects.create(
        scheme=referral.scheme,
        referral=referral,
        meeting=meeting,
        proposer=referral.referrer,
        name=referral.presenter.strip() or referral.referrer.user.name,
        must=asked.must,
        source=asked.source,
        asked_at=clock.now(),
    )
    audit.record(
        "ask_proposer",
        made,
        by=by,
        after="must attend" if asked.must else "invited",
        subjects=[referral.reference],
        meeting=meeting.key,
    )
    need = "You must come" if asked.must else "You are invited"
    notify.tell(
        [referral.referrer.user],
        scheme=referral.scheme,
        kind="present_referral",
        subject=f"{referral.reference} {meeting.key}",
        text=f"Present referral {referral.reference} at the panel of {day_month(meeting.date)}",
        url=referral.get_absolute_url(),
        due=meeting.date,
        email_body=(
            f"{need} to the panel of {longday(meeting.date)} to present this referral and to answer questions, "
            f"for that item alone ({asked.source}). Sign in to see when and where:"
        ),
    )


@hooks.when_off_agenda
def release_proposer(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """Nobody presents what will not be heard."""
    Presentation.objects.filter(referral=referral, cancelled_at=None).update(cancelled_at=clock.now())


@home_tasks
def present_referrals(actor: Actor, today: date) -> Iterator[Task]:
    """The proposer's: the panels to which they are asked, soonest first."""
    if actor.membership is None:
        return
    scheme, membership = actor.scheme, actor.membership

    def booked_here() -> together.Existing:
        return together.exists(Presentation.objects.filter(scheme=scheme, proposer=membership, cancelled_at=None))

    def mine() -> QuerySet:
        coming = Meeting.objects.in_scheme_of(actor).upcoming(today)
        rows = Presentation.objects.visible_to(actor).filter(
            proposer=actor.membership, cancelled_at=None, meeting__in=coming, referral__status="on_agenda"
        )
        return rows.select_related("referral", "meeting").order_by("meeting__date", "pk")

    if not (yield booked_here):
        return
    for each in (yield mine):
        must = "" if each.must else " (you are invited)"
        words = f"Present {each.referral.reference} at the panel of {day_month(each.meeting.date)}{must}"
        yield Task(each.meeting.date, words, each.referral.get_absolute_url(), "See when and where")


def expected(actor: Actor, meeting: Meeting) -> list[Expected]:
    """Who comes to present which item of a meeting, as far as the actor may read the nominations."""
    rows = Presentation.objects.visible_to(actor).filter(meeting=meeting, cancelled_at=None)
    rows = list(rows.select_related("referral", "proposer__user", "proposer__agency"))
    items = AgendaItem.objects.filter(meeting=meeting, referral__in=[row.referral_id for row in rows])
    numbers = dict(items.values_list("referral", "number"))
    holders = set(Seat.objects.filter(body=meeting.body).values_list("holder", flat=True))
    return [Expected(row, numbers.get(row.referral_id, ""), row.proposer_id in holders) for row in rows]


def booked(referrals: Iterable[int], meeting: Meeting) -> dict[int, Presentation]:
    """The bookings for nominations that the reader meets on the agenda anyway, by the nomination's number."""
    rows = Presentation.objects.filter(meeting=meeting, referral__in=list(referrals), cancelled_at=None)
    return {row.referral_id: row for row in rows}

"""Dates for a calendar program: meetings, deadlines and one's own slot. Never a name, a case or an item (ux.md 7).

Each person has a private address at most, of which only a digest is kept: whoever loses it makes another, and the old
one stops. An address tells what its owner may know of dates, in every scheme for which they act.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from icalendar import Calendar, Event

from iom import audit, clock, walls
from iom.access import Actor, actor_for
from iom.deadlines import Deadline
from iom.jinja import clock as clock_words
from iom.models import CalendarFeed, Meeting, MeetingStatus, Membership, User

from .slots import AgencySlot, Slots, slots

# How far a calendar reaches back and ahead, in days.
BACK, AHEAD = timedelta(days=90), timedelta(days=400)
READ_EACH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a calendar. An `ends` of None is a deadline, which takes no time; `busy` blocks the time."""

    uid: str
    summary: str
    starts: datetime
    ends: datetime | None
    place: str = ""
    path: str = ""
    words: str = ""
    off: bool = False
    busy: bool = True
    version: int = 1


@transaction.atomic
def make_address(user: User) -> str:
    """A new private address of somebody's calendar; one they had before stops. The address is kept nowhere.

    The caller shows it once: it opens the dates to whoever holds it.
    """
    secret = secrets.token_urlsafe(32)
    _, made = CalendarFeed.objects.update_or_create(
        user=user, defaults={"digest": _digest(secret), "made_at": clock.now(), "read_at": None}
    )
    audit.account("calendar_address_made" if made else "calendar_address_replaced", user)
    return secret


@transaction.atomic
def end_address(user: User) -> bool:
    """Stop the address of somebody's calendar. False if they had none."""
    ended, _ = CalendarFeed.objects.filter(user=user).delete()
    if ended:
        audit.account("calendar_address_ended", user)
    return bool(ended)


def feed_of(secret: str) -> bytes | None:
    """The calendar behind an address; None for one that never was, was replaced, or whose owner's account is closed."""
    feed = CalendarFeed.objects.select_related("user").filter(digest=_digest(secret), user__is_active=True).first()
    if feed is None:
        return None
    now = clock.now()
    if feed.read_at is None or now - feed.read_at > READ_EACH:
        CalendarFeed.objects.filter(pk=feed.pk).update(read_at=now)
    entries: list[Entry] = []
    members = Membership.objects.filter(user=feed.user).current(clock.today()).order_by("scheme", "pk")
    for membership in members.select_related("scheme"):
        with walls.within(membership.scheme, cause="calendar"):
            membership.user = feed.user
            entries += entries_for(actor_for(membership))
    # Somebody who acts for two agencies in a scheme has each date once.
    return written({entry.uid: entry for entry in entries}.values())


def entries_for(actor: Actor) -> list[Entry]:
    """The dates that concern a person in a scheme: meetings of their bodies, and the deadlines that are theirs."""
    today = clock.today()
    # Whoever only nominates meets no meeting's page; until when to nominate they may know.
    rows = Meeting.objects.in_scheme_of(actor).select_related("body", "chair")
    found: list[Entry] = []
    for meeting in rows.filter(date__range=(today - BACK, today + AHEAD)).order_by("date", "pk"):
        meeting.scheme = meeting.body.scheme = actor.scheme
        if _concerns(actor, meeting):
            found += entries_of(meeting, actor)
        elif actor.has_role("referrer") and meeting.body.slug in actor.scheme.policy.deciding_bodies:
            found += list(_deadlines(meeting, actor))
    return found


def _concerns(actor: Actor, meeting: Meeting) -> bool:
    """Whether somebody comes to a meeting or runs it."""
    return meeting.body.slug in actor.seats or actor.has_role("coordinator", "chair")


def entries_of(meeting: Meeting, actor: Actor) -> list[Entry]:
    """One meeting with its deadlines, and the time for which the reader's agency is asked."""
    made = slots(meeting) if meeting.status == MeetingStatus.AGENDA_SENT else Slots(grouped=False)
    mine = made.of(actor.agency)
    return [
        *_sitting(meeting, part_only=mine is not None or made.spares(actor.agency)),
        *_own_slot(meeting, mine),
        *_deadlines(meeting, actor),
    ]


def single(meeting: Meeting, actor: Actor) -> bytes:
    """The calendar file of one meeting, as its page offers it: the sitting and, where cases are grouped, one's slot."""
    made = slots(meeting) if _concerns(actor, meeting) and meeting.status != MeetingStatus.DRAFT else Slots(False)
    mine = made.of(actor.agency)
    return written([*_sitting(meeting, part_only=mine is not None), *_own_slot(meeting, mine)])


def called(meeting: Meeting) -> str:
    """What a meeting is called in a calendar: "IOM panel"; another body by its own name."""
    first = meeting.body.position == 0 and meeting.body.kind == "panel"
    name = meeting.body.name
    return "IOM panel" if first else name if name.startswith("IOM") else f"IOM: {name}"


def _sitting(meeting: Meeting, *, part_only: bool) -> Iterator[Entry]:
    starts = clock.at(meeting.date, meeting.starts_at)
    yield Entry(
        uid=_uid(meeting, "meeting"),
        summary=called(meeting),
        starts=starts,
        ends=starts + timedelta(minutes=meeting.minutes_long),
        place=meeting.place,
        path=meeting.get_absolute_url(),
        words="Sign in to read the agenda.",
        off=meeting.status == MeetingStatus.CANCELLED,
        busy=not part_only,
        version=meeting.version,
    )
    if meeting.status == MeetingStatus.ADJOURNED and meeting.resumes_at is not None:
        yield Entry(
            uid=_uid(meeting, "resumed"),
            summary=f"{called(meeting)}, continued",
            starts=meeting.resumes_at,
            ends=meeting.resumes_at + timedelta(minutes=meeting.minutes_long),
            place=meeting.place,
            path=meeting.get_absolute_url(),
            version=meeting.version,
        )


def _own_slot(meeting: Meeting, mine: AgencySlot | None) -> Iterator[Entry]:
    if mine is None:
        return
    starts, ends = clock.at(meeting.date, mine.starts), clock.at(meeting.date, mine.ends)
    yield Entry(
        uid=_uid(meeting, "slot"),
        summary=f"{called(meeting)}: your part",
        starts=starts,
        ends=ends if ends > starts else ends + timedelta(days=1),
        place=meeting.place,
        path=meeting.get_absolute_url(),
        words=f"You are asked to be there from {clock_words(mine.starts)} to {clock_words(mine.ends)}.",
        version=meeting.version,
    )


def _deadlines(meeting: Meeting, actor: Actor) -> Iterator[Entry]:
    """The dates before and after a meeting that are the reader's own work."""
    if meeting.status == MeetingStatus.CANCELLED:
        return
    dates, office = meeting.dates, actor.has_role("coordinator")
    ours: list[tuple[str, str, Deadline, bool]] = [
        ("nominations", "IOM referrals close", dates.nominations_close, office or actor.has_role("referrer", "member")),
        ("agenda", "IOM agenda due", dates.agenda_due, office),
        ("checks", "IOM checks due", dates.checks_due, actor.has_role("member", "researcher", "coordinator")),
        ("minutes", "IOM minutes due", dates.minutes_due, actor.has_role("coordinator", "chair")),
    ]
    for name, summary, due, wanted in ours:
        if wanted and due.date is not None:
            yield Entry(
                uid=_uid(meeting, name),
                summary=summary,
                starts=_instant(due),
                ends=None,
                path=meeting.get_absolute_url(),
                words=f"For the {called(meeting)} of {meeting.date:%-d %B}.",
                busy=False,
                version=meeting.version,
            )


def _instant(due: Deadline) -> datetime:
    """When a deadline strikes: at its hour, else at the end of the day."""
    day: date = due.date  # type: ignore[assignment]
    return clock.at(day, due.due_at) if due.due_at else clock.at(day + timedelta(days=1), datetime.min.time())


def _uid(meeting: Meeting, what: str) -> str:
    return f"{what}-{meeting.pk}@{_host()}"


def _host() -> str:
    return settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0] or "iom-panel"


def written(entries: Iterable[Entry]) -> bytes:
    """Entries as a calendar file (RFC 5545); instants in UTC, so that no program has to know our clocks."""
    calendar = Calendar()
    calendar.add("prodid", "-//IOM Panel//Dates//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "IOM")
    stamp = clock.now().replace(microsecond=0)
    for entry in entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("summary", entry.summary)
        event.add("dtstamp", stamp)
        event.add("dtstart", entry.starts.astimezone(UTC))
        event.add("dtend", (entry.ends or entry.starts).astimezone(UTC))
        event.add("sequence", entry.version)
        event.add("status", "CANCELLED" if entry.off else "CONFIRMED")
        event.add("transp", "OPAQUE" if entry.busy and not entry.off else "TRANSPARENT")
        if entry.place:
            event.add("location", entry.place)
        if entry.words:
            event.add("description", entry.words)
        if entry.path:
            event.add("url", f"{settings.SITE_URL}{entry.path}")
        calendar.add_component(event)
    return calendar.to_ical()


def address_of(user: User) -> CalendarFeed | None:
    """What is known of somebody's calendar address: when it was made and last read; not the address."""
    return CalendarFeed.objects.filter(user=user).first()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

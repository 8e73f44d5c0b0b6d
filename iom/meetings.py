"""Finding a meeting by the key of its address (design.md 6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.http import Http404

from iom import clock, together
from iom.models import Meeting, MeetingStatus, Scheme
from iom.models.dates import keep_dates, stored_dates

if TYPE_CHECKING:
    from iom.access import Actor


def find(actor: Actor, key: str, rows: Callable[[], QuerySet[Meeting]] | None = None) -> Meeting:
    """The meeting of `2026-03-12` (the scheme's first body) or `2026-03-12-board`, if the actor may see it.

    `rows` narrows further, for instance to meetings whose papers the actor reads, and is put into SQL once
    (`iom.asked_before`). Raises Http404.
    """
    day, slug = key[:10], key[11:]
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    if len(key) == 11 or (slug and key[10] != "-"):
        raise Http404
    if "\0" in slug:
        raise Http404  # no body is called so, and the database would not even look
    meeting = together.run(_find_steps(actor, on, slug, rows))
    if meeting is None:
        raise Http404
    return meeting


def _find_steps(
    actor: Actor, on: date, slug: str, rows: Callable[[], QuerySet[Meeting]] | None
) -> together.Steps[Meeting | None]:
    def every() -> QuerySet[Meeting]:
        return Meeting.objects.visible_to(actor) if rows is None else rows().select_related("body", "scheme")

    of_body = ("body__slug", slug) if slug else ("body__position", 0)
    return (yield lambda: together.first(every().filter(of_body, date=on)))


# --- What goes on ------------------------------------------------------------------------------

GOING_ON = (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE, MeetingStatus.ADJOURNED, MeetingStatus.MINUTES_DRAFTED)
TO_COME = (MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT)


def going_on(scheme: Scheme) -> together.Steps[list[Meeting]]:
    """The scheme's meetings that are planned or not finished, soonest first, with their dates: asked for as
    `together.shared(going_on, scheme)` by every part of a page that says something of meetings.

    For those whose actor may know of meetings (`iom.view_meetings`), or who say no more than when one is.
    """

    def asked() -> list[QuerySet]:
        still = Q(date__gte=clock.today(), status=MeetingStatus.DRAFT) | Q(status__in=GOING_ON)
        rows = Meeting.objects.filter(still, scheme=scheme)
        dates = stored_dates(scheme).filter(meeting__in=rows)
        return [rows.select_related("body", "follows").order_by("date", "starts_at", "pk"), dates]

    meetings, kept = yield asked
    for meeting in meetings:
        meeting.scheme = meeting.body.scheme = scheme
    keep_dates(scheme, meetings, kept)
    return meetings


def upcoming(meetings: list[Meeting], on: date) -> list[Meeting]:
    """Those of `going_on` that are still to be held, as `MeetingQuerySet.upcoming`."""
    return [meeting for meeting in meetings if meeting.status in TO_COME and meeting.date >= on]

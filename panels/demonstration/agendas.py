"""What stands on the agendas of the other bodies: who presents, what is closed, what an agency brings and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iom.models import Meeting, MeetingStatus, Seat
from panels import agenda
from panels.models import Section

if TYPE_CHECKING:
    from .year import Life

REPORT, PRESENTER = "Young adults: the figures of the quarter", "Robin Specimen, Youth Justice Service"
CLOSED = "What was learned from a serious further offence"
BROUGHT = "Noise and damage around one estate"


def fill(life: Life) -> None:
    """The next meeting of each other body, as far as its rules ask for something of their own."""
    coming = Meeting.objects.filter(scheme=life.scheme, status=MeetingStatus.DRAFT).exclude(body=life.body)
    seen: set[int] = set()
    for meeting in coming.upcoming(life.today).select_related("body__scheme", "chair"):
        if meeting.body_id not in seen:
            seen.add(meeting.body_id)
            with life.at(life.last_working_day(life.today), 8):
                _fill(life, meeting)


def _fill(life: Life, meeting: Meeting) -> None:
    rule, by = meeting.body.policy.agenda_rule, life.coordinator
    if rule.presenters_first:
        agenda.add_item(
            meeting, section=Section.REPORTS, title=life.mark(REPORT), presenter=life.mark(PRESENTER), minutes=15, by=by
        )
    if rule.closed_session:
        agenda.add_item(meeting, section=Section.REPORTS, title=life.mark(CLOSED), closed=True, minutes=15, by=by)
    if rule.brought_by_agencies:
        seat = Seat.objects.filter(body=meeting.body, agency__kind="housing").select_related("agency").first()
        if seat is not None:
            agenda.add_item(meeting, section=Section.BROUGHT, title=life.mark(BROUGHT), brought_by=seat.agency, by=by)


def group_by_need(life: Life, meeting: Meeting) -> None:
    """Where the scheme's document speaks of meetings by need, the coming agenda is put together so."""
    if meeting.body.policy.agenda_rule.by_need:
        agenda.group(meeting, "need", by=life.coordinator)

"""The pages of a meeting that a person may open, in the order in which they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iom.models import Meeting, MeetingStatus

from .board_papers import is_board

if TYPE_CHECKING:
    from iom.access import Actor

BEGUN = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
OVER = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
OUT = (MeetingStatus.AGENDA_SENT, *BEGUN)

# Words, the end of the address, who may open it, and in which states there is something to open.
PLACES = (
    ("Agenda", "", "panels.view_papers", None),
    ("Referral papers", "papers/", "panels.view_papers", OUT),
    ("Build the agenda", "agenda/", "panels.build_agenda", (MeetingStatus.DRAFT, *OUT)),
    ("Circulation", "circulation/", "panels.build_agenda", OUT),
    ("Who is here", "attendance/", "panels.take_attendance", OUT),
    ("Live meeting", "live/", "panels.view_papers", (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE)),
    ("Minutes", "minutes/", "panels.view_minutes", OVER),
    ("Notices", "notices/", "panels.send_notices", OVER),
    ("Date and place", "edit/", "panels.plan_meetings", (MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT)),
)


def pages_of(meeting: Meeting, actor: Actor, current: str) -> list[dict[str, Any]]:
    """For `sub_nav`; `current` is the end of the address of the page that is shown, such as `agenda/`."""
    root = meeting.get_absolute_url()
    report = [("Report to the board", "board-papers/", "panels.view_board_paper", None)] * is_board(meeting)
    return [
        {"text": text, "href": f"{root}{end}", "current": end == current}
        for text, end, permission, states in (*PLACES, *report)
        if actor.holds(permission) and (states is None or meeting.status in states)
    ]

"""What a board is told of its panel: figures since it last met, and the reporting post's own words (Merton, Reporting).

The report stands on each agenda of the board by itself, as an item; where the rules let the board review attendance,
that is another. Nothing in it names anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.jinja import moment
from iom.models import Meeting
from iom.policy import BodyPolicy, Policy
from iom.steps import Stale, StepRefused, locked

from . import agenda, escalations, pdf, progress
from .models import BoardPaper, Section

if TYPE_CHECKING:
    from iom.access import Actor

PROGRESS = "Progress of the panel since the last meeting"
ATTENDANCE = "Attendance and delivery, agency by agency"
MINUTES = 10


def is_board(meeting: Meeting) -> bool:
    """Whether the panel reports to this body: it answers what the panel cannot resolve, or reviews attendance."""
    policy = meeting.scheme.policy
    return meeting.body.slug == policy.escalation.to_body or bool(reviewed_here(policy, meeting.body.slug))


def reviewed_here(policy: Policy, slug: str) -> tuple[BodyPolicy, ...]:
    """The bodies whose attendance this body reviews (Merton, Substitution)."""
    return tuple(body for body in policy.bodies if body.attendance.reviewed_by == slug)


def put_on(meeting: Meeting, *, by: Actor) -> None:
    """Put the reports that a board is owed on its agenda, when the meeting is planned."""
    policy, wanted = meeting.scheme.policy, []
    if meeting.body.slug == policy.escalation.to_body:
        who = escalations.reporter(meeting.scheme)
        why = f"{who} reports"
        wanted.append(agenda.Wanted(Section.REPORTS, title=PROGRESS, why=why, minutes=MINUTES, presenter=who[:120]))
    if reviewed := reviewed_here(policy, meeting.body.slug):
        rule = reviewed[0].attendance
        wanted.append(agenda.Wanted(Section.REPORTS, title=ATTENDANCE, why=rule.words[:200], minutes=MINUTES))
    if wanted:
        agenda.bring(meeting, wanted, by=by)


def paper_of(meeting: Meeting) -> BoardPaper:
    """The report to a meeting of a board, saved or not yet begun."""
    return BoardPaper.objects.filter(meeting=meeting).first() or BoardPaper(
        scheme_id=meeting.scheme_id, meeting=meeting
    )


@transaction.atomic
def save_words(meeting: Meeting, words: str, *, by: Actor, version: int | None = None) -> BoardPaper:
    """Keep the reporting post's own words. `version` is that of the report its reader saw, 0 before it was begun.

    Raises PermissionDenied, Stale, or StepRefused when the board has it already or somebody is named.
    """
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.write_board_paper", meeting):
        raise PermissionDenied
    if not is_board(meeting):
        raise StepRefused(["The panel does not report to this body."])
    paper = BoardPaper.objects.select_for_update().filter(meeting=meeting).first()
    if version is not None and version != (paper.version if paper else 0):
        raise Stale(paper)
    if paper is not None and paper.sent_at is not None:
        raise StepRefused(["The board has been sent this report, so it stays as it is."])
    if escalations.naming(words, by):
        raise StepRefused([f"{escalations.NAMES_NOBODY}."])
    if paper is None:
        paper = BoardPaper(scheme_id=meeting.scheme_id, meeting=meeting, version=0)
    elif paper.words == words:
        return paper
    paper.words, paper.written_by = words, by.user
    paper.version += 1
    paper.save()
    audit.record("write_board_paper", paper, by=by, fields=["words"], meeting=meeting.key)
    return paper


def figures_of(paper: BoardPaper, by: Actor) -> progress.Figures:
    """The figures as the board was sent them; until then as they are now."""
    return paper.figures if paper.figures is not None else progress.figures_for(paper.meeting, by)


@agenda.goes_with_the_agenda
def freeze(meeting: Meeting, by: Actor) -> BoardPaper | None:
    """Keep the report as it is when the agenda goes to the board: part of sending it. None for any other meeting."""
    if not is_board(meeting):
        return None
    paper = BoardPaper.objects.select_for_update().filter(meeting=meeting).first()
    paper = paper or BoardPaper(scheme_id=meeting.scheme_id, meeting=meeting, version=0)
    paper.meeting = meeting
    paper.figures, paper.sent_at = progress.figures_for(meeting, by), clock.now()
    paper.version += 1
    paper.save()
    audit.record("send_board_paper", paper, by=by, meeting=meeting.key)
    return paper


def reference_of(meeting: Meeting) -> str:
    """How the report is called outside its page: `MERTON-2026-03-24-board-papers`."""
    return f"{meeting.scheme.slug.replace('_', '-').upper()}-{meeting.key}-papers"


def render(paper: BoardPaper, by: Actor) -> bytes:
    """The report as a PDF: a draft until the board was sent it. Raises as `pdf.render` does."""
    meeting, figures = paper.meeting, figures_of(paper, by)
    made_at = paper.sent_at or clock.now()
    who = escalations.reporter(meeting.scheme)
    standing = f"Sent with the agenda, {moment(made_at)}" if paper.sent_at else f"Draft, {moment(made_at)}"
    return pdf.render(
        "panels/pdf/board_papers.html",
        {
            "meeting": meeting,
            "scheme": meeting.scheme,
            "paper": paper,
            "paragraphs": [part for part in paper.words.split("\n\n") if part.strip()],
            "figures": figures,
            "quorate": progress.quorate_words(figures),
            "reporter": who,
            "printed": standing,
            "author": meeting.scheme.name,
            "made_at": made_at,
            "draft": paper.sent_at is None,
        },
        title=reference_of(meeting),
    )

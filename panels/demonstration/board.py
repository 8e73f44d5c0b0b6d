"""What a panel asks of its board: one issue that the board answered, one that waits, and the report to the board."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from actionplans.models import Action
from iom.models import Meeting
from panels import board_papers, escalations
from panels.decide import Choice
from panels.escalations import Issue
from panels.models import AgendaItem, EscalationItem, Outcome

from . import names

if TYPE_CHECKING:
    from .year import Life

# So long before today the first was sent, the second, and so long before the answer of a board outside came.
FIRST, SECOND, ANSWERED = timedelta(days=40), timedelta(days=20), timedelta(days=6)


def ask(life: Life) -> None:
    """Two issues on their way, each with the actions that are stuck with it."""
    by = life.coordinator
    outside = escalations.destinations(life.scheme)[-1].body is None
    stuck = Action.objects.filter(scheme=life.scheme, case__restricted=False).to_do().order_by("due_on", "pk")
    if life.mark.text:
        # The mark is a part of every name: whatever is marked would name whom it came from.
        stuck = stuck.none()
    for number, (told, ago) in enumerate(zip(names.ISSUES, (FIRST, SECOND), strict=True)):
        day = life.last_working_day(life.today - ago)
        with life.at(day, 15):
            raised = escalations.raise_issue(
                Issue(**{name: words if name == "kind" else life.mark(words) for name, words in told.items()}),
                to="beyond" if outside and number == 0 and len(escalations.destinations(life.scheme)) > 1 else "board",
                actions=stuck.filter(agency__kind=("housing", "health")[number])[:2],
                by=by,
            )
            sent = escalations.send(raised, by=by)
        if sent.is_outside and number == 0:
            with life.at(life.last_working_day(life.today - ANSWERED), 15):
                escalations.answer_from_outside(
                    sent,
                    outcome="answered",
                    words=life.mark(names.BOARD_SAYS),
                    on=life.last_working_day(life.today - ANSWERED),
                    said_by=life.mark(f"Secretary of the {sent.to_name}"),
                    by=by,
                )


def choice_on(life: Life, item: AgendaItem) -> Choice | None:
    """What is decided on an item that carries an issue: the first is answered, the others are put off."""
    link = escalations.link_of(item)
    if link is None:
        return None
    if link.kind == EscalationItem.Kind.ANSWER:
        return Choice(Outcome.NOTED, note=life.mark("The panel heard the answer."))
    oldest = AgendaItem.objects.filter(meeting=item.meeting, escalation_link__kind=link.kind).order_by("position")
    if item == oldest.first():
        return Choice(Outcome.ANSWERED, reason=life.mark(names.BOARD_SAYS))
    return Choice(Outcome.DEFER, reason=life.mark("The health commissioner is asked to the next meeting."))


def report(life: Life) -> None:
    """The reporting post's words for the board's next meeting."""
    rule = life.policy.escalation.to_body
    coming = Meeting.objects.filter(scheme=life.scheme, body__slug=rule).upcoming(life.today).first() if rule else None
    if coming is not None:
        with life.at(life.last_working_day(life.today - timedelta(days=1)), 16):
            board_papers.save_words(coming, life.mark(names.BOARD_REPORT), by=life.coordinator)

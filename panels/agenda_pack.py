"""The agenda as a document for one reader: what they may read, and nothing else; never kept, so never out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iom import audit, clock
from iom.jinja import moment
from iom.models import Meeting
from iom.policy import Policy
from referrals.papers import counts_by_referral

from . import changes, pdf
from .papers import Line, Papers, papers
from .slots import slots

if TYPE_CHECKING:
    from iom.access import Actor


def render(meeting: Meeting, actor: Actor) -> bytes:
    """The pack of a meeting for one reader: cover, running order with times, nominations with their papers, brief.

    Items about cases that are restricted or closed to the reader are absent; their numbers and times are not given to
    anything else. Raises as `pdf.render` does.
    """
    shown = papers(meeting, actor)
    nominated = [line for line in shown.lines if line.item.referral is not None]
    brief = changes.brief(meeting, actor) if cohort(meeting) else None
    _note_readers(shown, brief)
    audit.record("print_agenda_pack", meeting, by=actor, meeting=meeting.key, items=len(shown.lines))
    made = slots(meeting)
    return pdf.render(
        "panels/pdf/agenda_pack.html",
        {
            "meeting": meeting,
            "papers": shown,
            "slots": made,
            "my_slot": made.of(actor.agency),
            "agency": actor.agency,
            "nominated": nominated,
            "files": counts_by_referral(actor, [line.item.referral_id for line in nominated]),
            "needs": {line.item.pk: needs_of(meeting.scheme.policy, line) for line in nominated},
            "brief": brief,
            "reference": f"Agenda {meeting.key}",
            "printed": f"Printed by {actor.user.name}, {actor.agency.name}, {moment(clock.now())}",
            "author": meeting.scheme.name,
        },
        title=f"Agenda {meeting.key}",
    )


def cohort(meeting: Meeting) -> bool:
    """Whether a body looks at cases of the cohort at all."""
    return meeting.body.policy.agenda_rule.kind != "not_cases"


def needs_of(policy: Policy, line: Line) -> str:
    """What a nomination says is needed, by the names of the scheme's pathways."""
    named = [pathway.name for pathway in policy.pathways if line.item.referral.needs.get(pathway.slug)]
    return ", ".join(named)


def _note_readers(shown: Papers, brief: changes.Brief | None) -> None:
    """Write down whom the document showed: no page's template notes it."""
    things = [line.item.referral or line.item.case for line in shown.lines if line.person is not None]
    things += [one.case for one in brief.changed] if brief else []
    audit.shown(*things)

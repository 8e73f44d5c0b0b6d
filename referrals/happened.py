"""What nominations and checks add to the timeline of a case: documents, and when the team met the person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.urls import reverse

from iom import clock, together
from iom.together import Steps
from offenders.models import Case
from offenders.querysets import found_by
from offenders.timeline import Line, Told, knows_who_was_told, on_timeline
from referrals import hooks
from referrals.models import Engagement, Paper

if TYPE_CHECKING:
    from iom.access import Actor


@on_timeline
def documents(actor: Actor, case: Case) -> Iterator[Any]:
    """Files of the case that the reader may open, by what they are; a file's own name stays on its page."""
    href = reverse("case_documents", args=[case.reference])
    signed = yield together.shared(hooks.signature_of_steps, actor)
    found = found_by(actor, case)

    def papers() -> QuerySet[Paper]:
        return Paper.objects.of_case(actor, case, found=found, signed=signed).kept().select_related("file__agency")

    for paper in (yield papers):
        on = clock.local(paper.file.created_at).date()
        yield Line(on, "document", f"Document added: {paper.get_what_display()}", "", paper.file.agency.name, href)


@on_timeline
def met(actor: Actor, case: Case) -> Iterator[Any]:
    """When the team met the person, or tried to; and what a prison found at reception."""
    href = reverse("case_engagement", args=[case.reference])
    for each in (yield together.shared(meetings_with, actor, case)):
        title = f"{each.get_kind_display()}: {each.get_met_display().lower()}"
        yield Line(each.met_on, "meeting", title, each.own_words, each.agency.name, href)


@knows_who_was_told
def told_at_a_meeting(actor: Actor, case: Case) -> Iterator[Any]:
    """The meeting with the team at which the person was told what is expected."""
    meetings = yield together.shared(meetings_with, actor, case)
    for each in islice((each for each in meetings if each.expectations_told), 1):
        yield Told(each.told_on or each.met_on, each.agency.name)


def meetings_with(actor: Actor, case: Case) -> Steps[list[Engagement]]:
    """The finished meetings with the person that the reader may read, the newest first."""

    def meetings() -> QuerySet[Engagement]:
        rows = Engagement.objects.visible_to(actor).filter(offender=case.offender_id)
        return rows.finished().select_related("agency")

    return (yield meetings)

"""What nominations and checks add to the timeline of a case: documents, and when the team met the person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.urls import reverse

from iom import clock
from offenders.models import Case
from offenders.timeline import Line, Told, knows_who_was_told, on_timeline
from referrals.models import Engagement, Paper

if TYPE_CHECKING:
    from iom.access import Actor


@on_timeline
def documents(actor: Actor, case: Case) -> Iterator[Line]:
    """Files of the case that the reader may open, by what they are; a file's own name stays on its page."""
    href = reverse("case_documents", args=[case.reference])
    for paper in Paper.objects.visible_to(actor).filter(case=case).kept().select_related("file__agency"):
        on = clock.local(paper.file.created_at).date()
        yield Line(on, "document", f"Document added: {paper.get_what_display()}", "", paper.file.agency.name, href)


@on_timeline
def met(actor: Actor, case: Case) -> Iterator[Line]:
    """When the team met the person, or tried to; and what a prison found at reception."""
    href = reverse("case_engagement", args=[case.reference])
    rows = Engagement.objects.visible_to(actor).filter(offender=case.offender_id).finished().select_related("agency")
    for each in rows:
        title = f"{each.get_kind_display()}: {each.get_met_display().lower()}"
        yield Line(each.met_on, "meeting", title, each.own_words, each.agency.name, href)


@knows_who_was_told
def told_at_a_meeting(actor: Actor, case: Case) -> Iterator[Told]:
    """The meeting with the team at which the person was told what is expected."""
    rows = Engagement.objects.visible_to(actor).filter(offender=case.offender_id, expectations_told=True).finished()
    for each in rows.select_related("agency")[:1]:
        yield Told(each.told_on or each.met_on, each.agency.name)

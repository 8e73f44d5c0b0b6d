"""What panels add to the timeline of a case: what was decided, why, and where it stands in the minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from iom.together import Steps
from offenders.models import Case, Colour
from offenders.timeline import Line, on_timeline
from panels.models import AgendaItem, Decision, Minutes, MinutesStatus, Outcome
from panels.words import OUTCOME_WORDS

if TYPE_CHECKING:
    from iom.access import Actor


@on_timeline
def decisions(actor: Actor, case: Case) -> Iterator[Any]:
    """Decisions in force on items that the reader sees; with the minutes, where they are signed and the reader's."""

    def decided() -> QuerySet[Decision]:
        about = Q(item__case=case) | Q(case=case)
        rows = Decision.objects.in_force().filter(about, item__in=AgendaItem.objects.visible_to(actor))
        return rows.select_related("item__meeting__body").order_by("item__meeting__date", "pk").distinct()

    found = yield decided
    minuted = yield from signed_minutes(actor, {each.item.meeting_id for each in found})
    for each in found:
        meeting = each.item.meeting
        words = OUTCOME_WORDS[Outcome(each.outcome)]
        colour = f": {Colour(each.colour).label}" if each.colour else ""
        waits = ", to be ratified" if each.to_ratify else ""
        href = f"{meeting.get_absolute_url()}{'minutes/' if meeting.pk in minuted else ''}"
        yield Line(meeting.date, "decision", f"{words}{colour}{waits}", each.reason, f"the {meeting.body.name}", href)


def signed_minutes(actor: Actor, meetings: set[int]) -> Steps[set[int]]:
    """Of these meetings those whose signed minutes the reader may open."""

    def signed() -> QuerySet:
        rows = Minutes.objects.visible_to(actor).filter(meeting__in=meetings, status=MinutesStatus.SIGNED)
        return rows.values_list("meeting", flat=True)

    return set((yield signed))

"""What comes up while a meeting is live and stands on no agenda (ux.md 5, point 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused
from offenders.models import Case, CaseStatus
from referrals import actions as referrals
from referrals.models import Referral, ReferralStatus

from . import agenda
from .models import AgendaItem, Section

if TYPE_CHECKING:
    from iom.access import Actor

MOST = 10
# What a nomination can be put to the panel from.
WAITING = (ReferralStatus.SENT, ReferralStatus.WITH_COORDINATOR, ReferralStatus.DEFERRED)


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody whom a search found: a case, or a nomination that waits for a panel."""

    thing: Case | Referral

    @property
    def kind(self) -> str:
        return "case" if isinstance(self.thing, Case) else "nomination"

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.thing.pk}"

    @property
    def reference(self) -> str:
        return self.thing.reference

    @property
    def words(self) -> str:
        return f"{self.thing.offender.name}, {self.thing.reference}"

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections in which such a thing stands."""
        if isinstance(self.thing, Case):
            return (Section.REVIEWS, Section.RELEASES, Section.EXITS)
        return (Section.REFERRALS,)


def search(actor: Actor, words: str) -> list[Found]:
    """Open cases, and nominations that wait for a panel, whose name, alias or reference has every one of the words."""
    if not words.strip():
        return []
    cases = Case.objects.visible_to(actor).exclude(status=CaseStatus.CLOSED).matching(words)
    waiting = Referral.objects.visible_to(actor).filter(status__in=WAITING)
    for word in words.split():
        waiting = waiting.filter(
            Q(reference__iexact=word)
            | Q(offender__family_name__icontains=word)
            | Q(offender__given_names__icontains=word)
            | Q(offender__aliases__name__icontains=word)
        )
    found = [*cases.select_related("offender")[:MOST], *waiting.select_related("offender").distinct()[:MOST]]
    return [Found(thing) for thing in found[:MOST]]


@transaction.atomic
def add(meeting: Meeting, *, section: str, found: Found | None, title: str = "", by: Actor) -> AgendaItem:
    """Put an item at the end of a live meeting, numbered after the last one: 14a. No agency has been asked about it.

    Raises PermissionDenied, or StepRefused when the meeting is not live or the thing is on its agenda already.
    """
    if meeting.status != MeetingStatus.LIVE:
        raise StepRefused(["This meeting is not live. Use the agenda."])
    if found is None:
        return agenda.add_item(meeting, section=section, title=title, by=by)
    if isinstance(found.thing, Case):
        return agenda.add_item(meeting, section=section, case=found.thing, why="Raised at the meeting", by=by)
    referrals.put_to_panel(found.thing, meeting=meeting, agencies=[], by=by)
    return meeting.items.get(referral=found.thing, section=Section.REFERRALS)

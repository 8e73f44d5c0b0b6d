"""The agenda of a meeting: its items, their order and their numbers.

Until the agenda goes out, items are moved, added and removed freely and nobody is told. Sending it fixes the numbers
1, 2, 3 …; what comes later gets the number before it with a letter, 6a, is marked late and waits for the chair to
agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit
from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused, locked

from .models import AgendaItem, ItemState, Section
from .transitions import OPEN_TO_ITEMS

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.models import Case
    from referrals.models import Referral

SECTIONS = tuple(Section)
# What every agenda has: at its start who is here and what was promised, at its end what nobody foresaw.
STANDING = (Section.APOLOGIES, Section.LAST_ACTIONS, Section.AOB)
ONCE_A_MEETING = (Section.APOLOGIES, Section.LAST_ACTIONS)
STANDING_MINUTES = 5


def subjects_of(item: AgendaItem) -> list[str]:
    """References of the people whom an item is about, for the audit."""
    return [thing.reference for thing in (item.referral, item.case) if thing is not None]


def minutes_for(meeting: Meeting, section: str) -> int:
    """How long an item of this section is planned for: the policy's minutes for people, five for the rest."""
    about_people = section in (Section.REFERRALS, Section.RELEASES, Section.REVIEWS, Section.EXITS)
    return meeting.body.policy.sitting.minutes_per_item if about_people else STANDING_MINUTES


@transaction.atomic
def add_item(
    meeting: Meeting,
    *,
    section: str,
    by: Actor,
    referral: Referral | None = None,
    case: Case | None = None,
    title: str = "",
    why: str = "",
    minutes: int | None = None,
) -> AgendaItem:
    """Put something on the agenda, at the end of its section; in a live meeting at the end of the agenda.

    Once the agenda has gone out the item is late and numbered after the one before it (6a). A nomination that arrived
    after the closing date is late in any case. Raises PermissionDenied, or StepRefused when the meeting is over or the
    thing is on the agenda already.
    """
    meeting = _locked_meeting(meeting)
    _must_build(meeting, by)
    _refuse_twice(meeting, section, referral, case)
    item = AgendaItem(
        scheme=meeting.scheme,
        meeting=meeting,
        section=section,
        position=0,
        referral=referral,
        case=case,
        title=title or ("" if referral or case else Section(section).label),
        why=why,
        minutes=minutes or minutes_for(meeting, section),
        late=meeting.status != MeetingStatus.DRAFT or bool(referral and referral.late),
    )
    items = ordered(meeting)
    place = len(items) if meeting.status == MeetingStatus.LIVE else _end_of(items, section)
    if meeting.status != MeetingStatus.DRAFT:
        item.number = later_number([each.number for each in items[:place]], {each.number for each in items})
    items.insert(place, item)
    item.position = place + 1
    item.save()
    _renumber_positions(items)
    audit.record(
        "add_agenda_item", item, by=by, after=section, subjects=subjects_of(item), meeting=meeting.key, late=item.late
    )
    return item


def ordered(meeting: Meeting) -> list[AgendaItem]:
    """Every item of the agenda as it stands, parked ones left out, whoever may see them."""
    return list(meeting.items.numbered().select_related("referral", "case"))


def later_number(before: Sequence[str], taken: Iterable[str]) -> str:
    """The number of an item that comes after the agenda went out: 6a after 6, then 6b; 0a when nothing is before it."""
    wholes = [int(number) for number in before if number.isdecimal()]
    stem = wholes[-1] if wholes else 0
    used = set(taken)
    for count in range(26 * 27):
        number = f"{stem}{_letters(count)}"
        if number not in used:
            return number
    raise StepRefused(["This agenda takes no more items. Put it on the next one."])


def _letters(count: int) -> str:
    """0 is a, 25 is z, 26 is aa."""
    high, low = divmod(count, 26)
    return (chr(96 + high) if high else "") + chr(97 + low)


def _locked_meeting(meeting: Meeting) -> Meeting:
    """The meeting, held so that two people do not order its agenda at once."""
    return locked(Meeting, meeting.pk)


def _must_build(meeting: Meeting, by: Actor) -> None:
    if not by.can("panels.build_agenda", meeting):
        raise PermissionDenied
    if meeting.status not in OPEN_TO_ITEMS:
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: its agenda takes no more items."])


def _refuse_twice(meeting: Meeting, section: str, referral: Referral | None, case: Case | None) -> None:
    there = meeting.items.all()
    if referral is not None:
        there = there.filter(referral=referral)
    elif case is not None:
        there = there.filter(case=case, section=section)
    elif section in ONCE_A_MEETING:
        there = there.filter(section=section)
    else:
        return
    if found := there.first():
        name = referral or case or f"“{Section(section).label}”"
        where = "parked: bring it back" if found.state == ItemState.PARKED else "on this agenda already"
        raise StepRefused([f"{name} is {where}."])


def _end_of(items: Sequence[AgendaItem], section: str) -> int:
    """Where an item joins: after its section's last item, or after the last one of the sections before it."""
    rank = SECTIONS.index(Section(section))
    ranks = [SECTIONS.index(Section(item.section)) for item in items]
    return max((index + 1 for index, other in enumerate(ranks) if other <= rank), default=0)


def _renumber_positions(items: Sequence[AgendaItem]) -> None:
    """Write places 1, 2, 3 … where they changed."""
    changed = []
    for place, item in enumerate(items, start=1):
        if item.position != place:
            item.position = place
            changed.append(item)
    AgendaItem.objects.bulk_update(changed, ["position"])

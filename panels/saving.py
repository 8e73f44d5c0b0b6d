"""What saving the record of an item goes by: as much as its answers are checked against, and nothing that only a page
shows. A save is answered by a redirect; where it is refused the page is read as a whole (`panels.live`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.http import QueryDict

from actionplans.models import Action, Funding
from iom import clock, together
from iom.meetings import TO_COME
from iom.models import Agency, Meeting, Membership
from iom.policy import Policy
from offenders import naming
from offenders.leads import LeadProposal
from offenders.models import Offender, RagRating
from referrals.models import Score
from referrals.scoring import current_score_steps

from . import live, presence, voting
from .agreement import needs_its_own
from .chairing import chair_steps
from .decide import holding_steps
from .models import AgendaItem, Decision, ItemState
from .papers import items_at
from .querysets import AgendaItemQuerySet

if TYPE_CHECKING:
    from iom.access import Actor

# Answers that name a person, and what makes one of a line.
NAME_PEOPLE = ("lead_professional", "police_officer", "quick")


@dataclass(frozen=True, slots=True)
class Desk:
    """The item that is saved, whom its answers can name, and where "next" leads."""

    meeting: Meeting
    policy: Policy
    item: AgendaItem
    table: live.Table
    next_open: AgendaItem | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Of the brief of an item, what its form goes by (`panels.live.Brief`)."""

    person: Offender
    rating: RagRating | None
    score: Score | None
    harm_last: str
    proposal: LeadProposal | None
    proposed_agency: Agency | None
    money: tuple[Funding, ...]


@dataclass(frozen=True, slots=True)
class OfItem:
    """What is read of the item once it is known: the decision that holds, and what the forms of its sheet go by."""

    present: Decision | None
    asked: Asked | None
    look_at: Sequence[Action]
    protected: naming.Protected | None


def desk_steps(
    actor: Actor, meeting: Meeting, policy: Policy, posted: QueryDict, *, goes_on: bool
) -> together.Steps[Desk | None]:
    """The item of this number, or else the first not decided; None without such an item.

    `goes_on`: the button leads to the next item that is not decided.
    """
    number, today, signing = posted.get("item", ""), clock.today(), needs_its_own(meeting)
    found = yield from together.all_of(
        {
            "item": together.asked(lambda: together.first(live.at_number(_items(actor, meeting, signing), number))),
            "open": _open_steps(actor, meeting) if goes_on else (),
            "agencies": together.asked(lambda: Agency.objects.visible_to(actor)),
            "people": together.asked(lambda: live.people_on(actor, today)) if _names_people(posted) else (),
            "voters": _voting_steps(meeting) if _votes(meeting, policy) else None,
            "ahead": _ahead_steps(meeting) if _says(posted, "quick") else (),
        }
    )
    item, voting_here = found["item"], found["voters"]
    if item is None:
        return None
    item.meeting = meeting
    room, chair = voting_here or (None, None)
    table = live.table_of(
        found["agencies"],
        found["people"],
        next_panel=next(iter(found["ahead"]), None),
        voters=room.voters_at(item) if room else (),
        chair=chair.user.name if chair else "",
    )
    return Desk(meeting, policy, item, table, _next_open(item, found["open"]))


def of_item_steps(actor: Actor, desk: Desk, posted: QueryDict) -> together.Steps[OfItem]:
    """Read at once what the answers about this item are checked against."""
    item, thing = desk.item, desk.item.referral or desk.item.case
    protected = naming.Protected(actor, [thing.offender]) if thing is not None else None
    meeting = desk.meeting
    found = yield from together.all_of(
        {
            "present": holding_steps(item),
            "asked": _asked_steps(actor, desk, posted) if thing is not None else None,
            "look_at": together.asked(lambda: live.actions_to_look_at(actor, meeting, item))
            if _says(posted, "looked-")
            else (),
            "protected": protected.steps() if protected is not None else None,
        }
    )
    return OfItem(found["present"], found["asked"], found["look_at"], protected)


def _asked_steps(actor: Actor, desk: Desk, posted: QueryDict) -> together.Steps[Asked]:
    item, policy = desk.item, desk.policy
    referral, case = item.referral, item.case
    person = (referral or case).offender
    found = yield from together.all_of(
        {
            "score": current_score_steps(person) if referral is not None else None,
            "rating": together.asked(lambda: together.first(RagRating.objects.filter(case=case))) if case else None,
            "harm": together.asked(
                lambda: together.first(live.harm_said_before(case, item).values_list("harm", flat=True))
            )
            if case
            else None,
            "money": together.asked(live.money_asked(actor, case, item, policy))
            if case and _says(posted, "money-")
            else (),
        }
    )
    proposal = live.proposal_for(policy, referral)
    return Asked(
        person=person,
        rating=found["rating"],
        score=found["score"],
        harm_last=found["harm"] or "",
        proposal=proposal,
        proposed_agency=live.only_one(proposal, desk.table.agencies),
        money=tuple(found["money"]),
    )


def _items(actor: Actor, meeting: Meeting, signing: Meeting | None) -> AgendaItemQuerySet:
    rows = items_at(actor, meeting, signing).numbered()
    return rows.select_related("referral__offender", "case__offender", "escalation_link")


def _open_steps(actor: Actor, meeting: Meeting) -> together.Steps[list[AgendaItem]]:
    names, signing = ("meeting", "scheme", "position", "number", "state"), needs_its_own(meeting)
    return (yield lambda: items_at(actor, meeting, signing).numbered().filter(state=ItemState.OPEN).only(*names))


def _next_open(item: AgendaItem, open_items: Sequence[AgendaItem]) -> AgendaItem | None:
    """The next item of the agenda that is not decided; after the last one it begins again."""
    others = [each for each in open_items if each.pk != item.pk]
    after = [each for each in others if (each.position, each.pk) > (item.position, item.pk)]
    return next(iter(after or others), None)


def _voting_steps(meeting: Meeting) -> together.Steps[tuple[presence.Room, Membership | None]]:
    found = yield from together.all_of({"room": presence.room_steps(meeting), "chair": chair_steps(meeting)})
    return found["room"], found["chair"]


def _ahead_steps(meeting: Meeting) -> together.Steps[list[date]]:
    """The days of the meetings of the body that are still to be held, after this one."""
    day = meeting.date
    return (
        yield lambda: (
            Meeting.objects.filter(scheme=meeting.scheme_id, body=meeting.body_id, date__gt=day, status__in=TO_COME)
            .order_by("date", "starts_at", "pk")
            .values_list("date", flat=True)
        )
    )


def _says(posted: QueryDict, beginning: str) -> bool:
    """Whether something stands in an answer whose name begins so."""
    return any(name.startswith(beginning) and any(map(str.strip, posted.getlist(name))) for name in posted)


def _names_people(posted: QueryDict) -> bool:
    return any(_says(posted, name) for name in NAME_PEOPLE) or posted.get("actions", "0") not in ("", "0")


def _votes(meeting: Meeting, policy: Policy) -> bool:
    return voting.MAJORITY in voting.ways(policy.body(meeting.body.slug).decision_rule)

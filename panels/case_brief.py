"""The 60-second brief of one case (feature 312): what somebody must know before they act or speak, on one page.

From what the live meeting and the brief of the cohort know already (`panels.since`), as far as the reader may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from actionplans.models import Action, Plan
from actionplans.reading import PathwayLine, overdue_first, pathway_lines
from offenders.clocks import Calendar, coming_for
from offenders.models import Case
from offenders.rating import differs_of
from offenders.safeguarding import Flag, flags_of
from offenders.timeline import Told, last_told
from panels.models import AgendaItem, Minutes, MinutesStatus
from panels.since import Since, since_last_sitting
from referrals import hooks
from referrals.returns import Answer, latest_returns

if TYPE_CHECKING:
    from iom.access import Actor

# One page of A4 and no more.
CHANGES, ACTIONS, DATES, ANSWERS = 7, 6, 4, 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decision stands: words and address."""

    text: str
    href: str


def taken_on_at(actor: Actor, case: Case) -> Place | None:
    """The item that took the person on: in the signed minutes, else on the agenda, for those who read them."""
    if case.accepted_at_id is None:
        return None
    about = Q(case=case) | Q(referral__offender=case.offender_id)
    rows = AgendaItem.objects.visible_to(actor).filter(about, meeting=case.accepted_at_id)
    item = rows.select_related("meeting__body").order_by("pk").first()
    if item is None:
        return None
    signed = Minutes.objects.visible_to(actor).filter(meeting=item.meeting_id, status=MinutesStatus.SIGNED)
    number = signed.order_by("-number").values_list("number", flat=True).first()
    called = f"item {item.number}" if item.number else "the item"
    if number is None:
        return Place(f"{called} of the agenda", f"{item.meeting.get_absolute_url()}#item-{item.pk}")
    return Place(f"{called} of the minutes", reverse("signed_minutes", args=[item.meeting.key, number]))


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything on the page, in the order in which it stands there."""

    case: Case
    flags: tuple[Flag, ...]
    since: Since
    more_changes: int
    lines: tuple[PathwayLine, ...]
    actions: tuple[Action, ...]
    more_actions: int
    coming: tuple[object, ...]
    answers: tuple[Answer, ...]
    told: Told | None
    differs: tuple[str, ...] = ()


def brief_of(actor: Actor, case: Case, today: date) -> Brief:
    """The brief of a case that the reader opens."""
    signed = hooks.signature_of(actor)
    since = since_last_sitting(actor, case, today)
    plan = Plan.objects.visible_to(actor).filter(case=case).prefetch_related("needs").first()
    actions = list(overdue_first(Action.objects.visible_to(actor).filter(case=case).for_list()))
    to_do = [action for action in actions if action.to_do]
    assessed = [line for line in pathway_lines(case, plan, actions) if line.need is not None or line.actions]
    open_case = case.status != "closed"
    return Brief(
        case=case,
        flags=flags_of([case], actor.scheme.policy, today)[case.pk],
        since=Since(since.day, since.meeting, since.changes[:CHANGES]),
        more_changes=max(0, len(since.changes) - CHANGES),
        lines=tuple(assessed),
        actions=tuple(to_do[:ACTIONS]),
        more_actions=max(0, len(to_do) - ACTIONS),
        coming=tuple(coming_for(case, Calendar.of(case.scheme, today))[:DATES]) if open_case else (),
        answers=tuple(latest_returns(actor, case.offender, signed=signed.given and not signed.missing_at)[:ANSWERS]),
        told=last_told(actor, case),
        differs=differs_of(case, today),
    )

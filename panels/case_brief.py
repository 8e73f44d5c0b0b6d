"""The 60-second brief of one case (feature 312): what somebody must know before they act or speak, on one page.

From what the live meeting and the brief of the cohort know already (`panels.since`), as far as the reader may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from actionplans.models import Action
from actionplans.reading import PathwayLine, actions_of_steps, pathway_lines, plan_of_steps
from iom import together
from iom.together import Steps
from offenders.clocks import Calendar, coming_for
from offenders.models import Case
from offenders.rating import differs_of_steps
from offenders.safeguarding import Flag, flags_of_steps
from offenders.timeline import Told, last_told_steps
from panels.models import AgendaItem, Minutes, MinutesStatus
from panels.since import Since, answers_steps, since_last_sitting_steps
from referrals.returns import Answer

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
    return together.run(taken_on_at_steps(actor, case))


def taken_on_at_steps(actor: Actor, case: Case) -> Steps[Place | None]:
    """`taken_on_at`, read together with other rows."""
    if case.accepted_at_id is None:
        return None

    def items() -> together.First:
        about = Q(case=case) | Q(referral__offender=case.offender_id)
        rows = AgendaItem.objects.visible_to(actor).filter(about, meeting=case.accepted_at_id)
        return together.first(rows.select_related("meeting__body").order_by("pk"))

    def signed() -> together.First:
        rows = Minutes.objects.visible_to(actor).filter(meeting=case.accepted_at_id, status=MinutesStatus.SIGNED)
        return together.first(rows.order_by("-number").values_list("number", flat=True))

    item, number = yield [items, signed]
    if item is None:
        return None
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
    return together.run(brief_of_steps(actor, case, today))


def brief_of_steps(actor: Actor, case: Case, today: date) -> Steps[Brief]:
    """`brief_of`, read together with other rows."""
    found = yield from together.all_of(
        {
            "since": since_last_sitting_steps(actor, case, today),
            "plan": together.asked(together.shared(plan_of_steps, actor, case)),
            "actions": together.asked(together.shared(actions_of_steps, actor, case)),
            "flags": flags_of_steps([case], actor.scheme.policy, today),
            "calendar": Calendar.of_steps(case.scheme, today),
            "answers": answers_steps(actor, case),
            "told": last_told_steps(actor, case),
            "differs": differs_of_steps(case, today),
        }
    )
    since, plan, actions = found["since"], found["plan"], found["actions"]
    to_do = [action for action in actions if action.to_do]
    assessed = [line for line in pathway_lines(case, plan, actions) if line.need is not None or line.actions]
    open_case = case.status != "closed"
    return Brief(
        case=case,
        flags=found["flags"][case.pk],
        since=Since(since.day, since.meeting, since.changes[:CHANGES]),
        more_changes=max(0, len(since.changes) - CHANGES),
        lines=tuple(assessed),
        actions=tuple(to_do[:ACTIONS]),
        more_actions=max(0, len(to_do) - ACTIONS),
        coming=tuple(coming_for(case, found["calendar"])[:DATES]) if open_case else (),
        answers=tuple(found["answers"][:ANSWERS]),
        told=found["told"],
        differs=found["differs"],
    )

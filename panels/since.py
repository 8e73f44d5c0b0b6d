"""What changed in a case since the panel met last: rating, custody, leads, score, actions, checks, engagement.

For the brief of a live meeting, so that nobody has to ask (ux.md 5, point 3). As far as the reader may see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q

from actionplans.models import STILL_TO_DO, Action, ActionStatus
from iom import clock
from iom.jinja import colour_word, lower_first, plural
from iom.models import Meeting, MeetingStatus
from offenders.models import AssignmentRole, Case, Colour, CustodyPeriod, RagRating
from referrals.engagement import Shown
from referrals.models import Score
from referrals.research import Held
from referrals.returns import Answer

if TYPE_CHECKING:
    from iom.access import Actor

HELD = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed, with its day; `late` marks what is behind."""

    on: date
    words: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class Since:
    """What changed after a day, the newest first. `meeting` is the one that was held then; None for the acceptance."""

    day: date
    meeting: Meeting | None
    changes: tuple[Change, ...]

    @property
    def heading(self) -> str:
        return "Changed since the last panel" if self.meeting else "Changed since the case was accepted"


def since_last(
    actor: Actor,
    case: Case,
    meeting: Meeting,
    *,
    ratings: Iterable[RagRating],
    periods: Iterable[CustodyPeriod],
    returns: Iterable[Answer],
    systems: Iterable[Held],
    met: Shown | None,
) -> Since:
    """What changed since the body of this meeting met last, after the case joined, else since it joined."""
    last = (
        Meeting.objects.filter(body=meeting.body_id, status__in=HELD, date__lt=meeting.date, date__gte=case.accepted_on)
        .order_by("-date")
        .first()
    )
    day = last.date if last else case.accepted_on
    found = [
        *_ratings(ratings, day),
        *_custody(periods, day),
        *_leads(case, day),
        *_scores(case, day),
        *_actions(actor, case, day),
        *_said(returns, systems, met, day),
    ]
    return Since(day, last, tuple(sorted(found, key=lambda change: change.on, reverse=True)))


def _ratings(ratings: Iterable[RagRating], day: date) -> Iterator[Change]:
    for rating in ratings:
        if rating.starts_on > day:
            because = f": {rating.reason}" if rating.reason else ""
            word = "In custody" if rating.colour == Colour.BLUE else f"Rated {colour_word(rating.colour)}"
            yield Change(rating.starts_on, f"{word}{because}")


def _custody(periods: Iterable[CustodyPeriod], day: date) -> Iterator[Change]:
    for period in periods:
        where = f", {period.prison}" if period.prison else ""
        if period.starts_on > day:
            yield Change(period.starts_on, f"Into custody{where}")
        if period.released_on is not None and period.released_on > day:
            yield Change(period.released_on, f"Released{where}")


def _leads(case: Case, day: date) -> Iterator[Change]:
    roles = dict(AssignmentRole.choices)
    rows = case.assignments.filter(until=None, starts_on__gt=day).select_related("agency", "membership__user")
    for held in rows:
        yield Change(held.starts_on, f"{roles[held.role]}: {held.holder}")


def _scores(case: Case, day: date) -> Iterator[Change]:
    rows = list(Score.objects.filter(offender=case.offender_id).order_by("-scored_on", "-pk")[:2])
    if rows and rows[0].scored_on > day and rows[0].pct_2yr is not None:
        before = f" (was {rows[1].pct_2yr}%)" if len(rows) > 1 and rows[1].pct_2yr is not None else ""
        yield Change(rows[0].scored_on, f"Score {rows[0].pct_2yr}%{before}")


def _actions(actor: Actor, case: Case, day: date) -> Iterator[Change]:
    today = clock.today()
    rows = Action.objects.visible_to(actor).filter(case=case)
    late = Q(status__in=STILL_TO_DO, due_on__lt=today)
    for action in rows.filter(Q(finished_on__gt=day) | late).select_related("agency").order_by("due_on", "pk"):
        what = f"{action.agency.name}: {action.text}"
        if action.to_do:
            yield Change(action.due_on, f"{plural((today - action.due_on).days, 'day')} late. {what}", late=True)
        else:
            outcome = ActionStatus(action.status).label
            yield Change(action.finished_on, f"{outcome}. {what}", late=action.status == ActionStatus.NOT_DONE)


def _said(returns: Iterable[Answer], systems: Iterable[Held], met: Shown | None, day: date) -> Iterator[Change]:
    for answer in returns:
        seen = answer.last_contact
        if seen is not None and seen > day:
            yield Change(seen, f"{answer.agency.name}: last contact")
    for held in systems:
        if held.finding and held.checked_on > day:
            yield Change(held.checked_on, f"{held.system}: {lower_first(held.words)}")
    if met is not None and met.engagement.met_on is not None and met.engagement.met_on > day:
        yield Change(met.engagement.met_on, f"The team met the person: {lower_first(met.level_name)}")

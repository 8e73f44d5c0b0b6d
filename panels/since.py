"""What changed in a case since the panel met last: rating, custody, leads, score, actions, checks, engagement.

For the brief of a live meeting, so that nobody has to ask (ux.md 5, point 3). As far as the reader may see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet, Subquery

from actionplans.models import STILL_TO_DO, Action, ActionStatus
from actionplans.reading import actions_of_steps
from iom import clock, together
from iom.jinja import colour_word, lower_first, plural
from iom.models import Body, Handling, Meeting, MeetingStatus
from offenders.happened import assignments_of, ratings_of
from offenders.models import Assignment, AssignmentRole, Case, Colour, CustodyPeriod, Entry, EntryKind, RagRating
from offenders.timeline import Logged, entries_of, standing
from referrals import engagement, hooks
from referrals.engagement import Shown
from referrals.models import Score
from referrals.research import Held
from referrals.returns import Answer, latest_returns_steps

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
    """What changed since the body of this meeting met last, after the case joined, else since it joined.

    Of the timeline only what everybody on the panel may read: the screen may stand open in the room.
    """
    last = sitting_before(case, meeting.body_id, meeting.date)
    lately = together.run(lately_steps(actor, case, day_of(case, last), handling=Handling.PANEL))
    known = {"ratings": ratings, "periods": periods, "returns": returns, "systems": systems, "met": met}
    return since(case, last, lately=lately, **known)


def since_last_sitting(actor: Actor, case: Case, today: date) -> Since:
    """The same for the pages of a case, between meetings: since the body that manages the cohort met last."""
    return together.run(since_last_sitting_steps(actor, case, today))


def since_last_sitting_steps(actor: Actor, case: Case, today: date) -> together.Steps[Since]:
    """`since_last_sitting`, read together with other rows."""
    found = yield from together.all_of(
        {
            "sitting": together.asked(_sitting(case, today)),
            "rows": _rows_of_page(actor, case),
            "answers": answers_steps(actor, case),
            "ratings": together.asked(together.shared(ratings_of, case)),
            "met": engagement.latest_steps(case.offender, actor.scheme.policy),
        }
    )
    answers = found["answers"]
    last = found["sitting"] if found["sitting"] and found["sitting"].date >= case.accepted_on else None
    told = since(
        case,
        last,
        ratings=found["ratings"],
        periods=case.custody,
        returns=answers,
        systems=(),
        met=found["met"],
        lately=_after(found["rows"], day_of(case, last)),
    )
    # In a meeting the answers stand beside the brief by themselves; here that one came is news.
    changes = sorted([*told.changes, *_answered(answers, told.day)], key=lambda change: change.on, reverse=True)
    return Since(told.day, told.meeting, tuple(changes))


def answers_steps(actor: Actor, case: Case) -> together.Steps[list[Answer]]:
    """The newest answers, marked ones too for whoever has signed and owes no meeting a signature of its own."""
    signed = yield together.shared(hooks.signature_of_steps, actor)
    full = signed.given and not signed.missing_at
    return (yield together.shared(latest_returns_steps, actor, case.offender_id, full))


def _sitting(case: Case, today: date) -> together.Read:
    """The last of the body that took the case on, else of the scheme's first, until today."""
    taken_on_at, tomorrow = case.accepted_at, today + timedelta(days=1)
    if taken_on_at is not None and taken_on_at.body_id is not None:
        return lambda: together.first(sittings_before(taken_on_at.body_id, tomorrow))
    first = Body.objects.filter(scheme=case.scheme_id, position=0)
    return together.first(sittings_before(Subquery(first.values("pk")[:1]), tomorrow))


def _rows_of_page(actor: Actor, case: Case) -> together.Steps[Lately]:
    """What the other parts of a case's page read too, of any day."""
    leads, scores, actions, entries = yield [
        together.shared(assignments_of, case),
        _newest_scores(case.offender_id),
        together.shared(actions_of_steps, actor, case),
        together.shared(entries_of, actor, case),
    ]
    return Lately([each for each in leads if each.until is None], scores, actions, standing(entries))


@together.worded
def _newest_scores(offender: int) -> QuerySet[Score]:
    return Score.objects.filter(offender=offender).order_by("-scored_on", "-pk")[:2]


def _after(rows: Lately, day: date) -> Lately:
    """Of these rows what `lately_steps` would have read, in its order."""
    today = clock.today()
    ended = [each for each in rows.actions if each.overdue(today) or (each.finished_on and each.finished_on > day)]
    return Lately(
        rows.leads,
        rows.scores,
        sorted(ended, key=lambda action: (action.due_on, action.pk)),
        [entry for entry in rows.entries if entry.happened_on > day],
    )


def sitting_before(case: Case, body: int | None, day: date) -> Meeting | None:
    """The last meeting of a body that was held before a day, since the case joined."""
    return together.run(sitting_before_steps(case, body, day))


def sitting_before_steps(case: Case, body: int | None, day: date) -> together.Steps[Meeting | None]:
    last = yield together.first(sittings_before(body, day))
    return last if last is not None and last.date >= case.accepted_on else None


def sittings_before(body: Any, day: date) -> QuerySet[Meeting]:
    """The meetings of a body that were held before a day, the last one first."""
    return Meeting.objects.filter(body=body, status__in=HELD, date__lt=day).select_related("body").order_by("-date")


def day_of(case: Case, last: Meeting | None) -> date:
    """The day after which something counts as changed: of the last meeting, else of the acceptance."""
    return last.date if last else case.accepted_on


@dataclass(frozen=True, slots=True)
class Lately:
    """What is read of a case for `since`: leads that hold, the two newest scores, actions and entries after a day."""

    leads: list[Assignment]
    scores: list[Score]
    actions: list[Action]
    entries: Sequence[Entry | Logged]


def lately_steps(actor: Actor, case: Case, day: date, **narrowed: Any) -> together.Steps[Lately]:
    """`narrowed` says of which entries of the timeline, among those that the actor reads."""
    entries = Entry.objects.visible_to(actor).filter(**narrowed)
    late = Q(status__in=STILL_TO_DO, due_on__lt=clock.today())
    actions = Action.objects.visible_to(actor).filter(case=case).filter(Q(finished_on__gt=day) | late)
    return Lately(
        *(
            yield [
                together.shared(case.assignments_steps),
                Score.objects.filter(offender=case.offender_id).order_by("-scored_on", "-pk")[:2],
                actions.select_related("agency").order_by("due_on", "pk"),
                entries.standing().filter(case=case, happened_on__gt=day),
            ]
        )
    )


def since(
    case: Case,
    last: Meeting | None,
    *,
    ratings: Iterable[RagRating],
    periods: Iterable[CustodyPeriod],
    returns: Iterable[Answer],
    systems: Iterable[Held],
    met: Shown | None,
    lately: Lately,
) -> Since:
    """`since_last` from what was read already."""
    day = day_of(case, last)
    found = [
        *_ratings(ratings, day),
        *_custody(periods, day),
        *_leads(lately.leads, day),
        *_scores(lately.scores, day),
        *_actions(lately.actions),
        *_said(returns, systems, met, day),
        *_happened(lately.entries),
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


def _leads(present: Iterable[Assignment], day: date) -> Iterator[Change]:
    roles = dict(AssignmentRole.choices)
    for held in present:
        if held.starts_on > day:
            yield Change(held.starts_on, f"{roles[held.role]}: {held.holder}")


def _scores(rows: Sequence[Score], day: date) -> Iterator[Change]:
    if rows and rows[0].scored_on > day and rows[0].pct_2yr is not None:
        before = f" (was {rows[1].pct_2yr}%)" if len(rows) > 1 and rows[1].pct_2yr is not None else ""
        yield Change(rows[0].scored_on, f"Score {rows[0].pct_2yr}%{before}")


def _actions(rows: Iterable[Action]) -> Iterator[Change]:
    today = clock.today()
    for action in rows:
        what = f"{action.agency.name}: {action.text}"
        if action.to_do:
            yield Change(action.due_on, f"{plural((today - action.due_on).days, 'day')} late. {what}", late=True)
        else:
            outcome = ActionStatus(action.status).label
            yield Change(action.finished_on, f"{outcome}. {what}", late=action.status == ActionStatus.NOT_DONE)


def _answered(returns: Iterable[Answer], day: date) -> Iterator[Change]:
    for answer in returns:
        sent = clock.local(answer.sent_at).date()
        if sent > day:
            said = answer.summary or lower_first(answer.words)
            yield Change(sent, f"{answer.agency.name} answered{_only(answer.handling, answer.is_marked)}: {said}")


def _happened(entries: Iterable[Entry | Logged]) -> Iterator[Change]:
    for entry in entries:
        kind = f"{EntryKind(entry.kind).label}{_only(entry.handling, entry.is_marked)}"
        yield Change(entry.happened_on, f"{kind}: {entry.text}")


def _only(handling: str, marked: bool) -> str:
    """That not everyone on the panel reads it: said beside it wherever it stands (ux.md 2, principle 11)."""
    if not marked:
        return ""
    return " (only police and probation)" if handling == Handling.POLICE_PROBATION else " (only some agencies)"


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

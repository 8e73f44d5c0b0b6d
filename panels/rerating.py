"""Ratings that were changed between two panels, before the panel that ratifies them (ux.md 4.5).

Such a rating holds from its day. It stands on the next agenda by itself, as an item among the decisions to ratify,
until a quorate panel lets it stand or sets another. What has been overtaken, by custody or by another decision, is not
asked about any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from iom import clock, notify, together
from iom.access import actor_for
from iom.jinja import day_month
from iom.models import Meeting, MeetingStatus, Membership, Role
from iom.steps import StepRefused
from offenders import actions as cases
from offenders.models import Case, RagRating, may_open
from offenders.rated import Rated, when_rated

from . import agenda
from .models import AgendaItem, Decision, ItemState, Outcome, Section
from .transitions import NOT_HELD_YET

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.policy import Policy

# Let it stand, or set another; or hear more of it first.
OUTCOMES = (Outcome.RATIFY, Outcome.CHANGE_RATING, Outcome.DEFER)


def body_that_rates(policy: Policy, criterion: str) -> str:
    """The body that ratifies a case's rating: the one whose criteria were met, where it rates; else the first panel."""
    for criteria in policy.eligibility:
        if criteria.body and any(clause.name == criterion for clause in criteria.clauses):
            return criteria.body if "rating" in policy.powers(criteria.body) else policy.deciding_body.slug
    return policy.deciding_body.slug


def next_meeting(case: Case) -> Meeting | None:
    """The meeting that will be asked: the next of that body that is not held yet, if one is planned."""
    body = body_that_rates(case.scheme.policy, case.criterion)
    rows = Meeting.objects.filter(scheme=case.scheme_id, body__slug=body, status__in=NOT_HELD_YET)
    return rows.upcoming(clock.today()).select_related("body").first()


def put_on(meeting: Meeting, case: Case, *, by: Actor, why: str = "") -> AgendaItem | None:
    """Ask a meeting to ratify the rating. None when it stands on that agenda already. Raises StepRefused."""
    there = AgendaItem.objects.filter(meeting=meeting, case=case, section=Section.OUTSIDE, ratifies=None).first()
    if there is not None:
        if there.state == ItemState.PARKED:
            AgendaItem.objects.filter(pk=there.pk).update(state=ItemState.OPEN)
        return None
    words = why or _asked(case)
    return agenda.bring(meeting, [agenda.Wanted(Section.OUTSIDE, case=case, why=words)], by=by)[0]


def _asked(case: Case) -> str:
    rating = case.ratings.get(until=None)
    name = case.scheme.policy.rating(rating.colour).name
    return f"Rated {name} on {day_month(rating.starts_on)}, between panels"


def waiting(of: Iterable[Case] | None = None, *, scheme: int) -> list[RagRating]:
    """The ratings that wait to be ratified, oldest first."""
    rows = RagRating.objects.filter(scheme=scheme, to_ratify=True, ratified_at=None, until=None)
    rows = rows.exclude(case__status="closed")
    if of is not None:
        rows = rows.filter(case__in=of)
    return list(rows.select_related("case__scheme").order_by("starts_on", "pk"))


def bring_all(*, by: Actor) -> None:
    """Bring what waits and stands on no coming agenda to the next one. Without a next meeting it waits for its plan."""
    coming = AgendaItem.objects.filter(
        section=Section.OUTSIDE,
        state=ItemState.OPEN,
        case__isnull=False,
        meeting__status__in=[*NOT_HELD_YET, MeetingStatus.LIVE],
    )
    asked = set(coming.values_list("case", flat=True))
    for rating in waiting(scheme=by.scheme.pk):
        if rating.case_id not in asked:
            _bring(rating.case, by)


def _bring(case: Case, by: Actor) -> Meeting | None:
    meeting = next_meeting(case)
    if meeting is not None:
        put_on(meeting, case, by=by)
    return meeting


@when_rated
def ask_to_ratify(change: Rated, by: Actor) -> None:
    """A rating given between two panels goes to the next one; what a change has overtaken is asked about no more."""
    there = AgendaItem.objects.filter(
        case=change.case, section=Section.OUTSIDE, ratifies=None, state=ItemState.OPEN, meeting__status__in=NOT_HELD_YET
    )
    for item in there.select_related("meeting"):
        if not change.rating.waits:
            agenda.leave(item, by=by)
        elif item.meeting.status == MeetingStatus.DRAFT:
            AgendaItem.objects.filter(pk=item.pk).update(why=_asked(change.case))
    if not change.rating.waits:
        return
    meeting = None if there.exists() else _bring(change.case, by)
    if change.tell_now:
        _tell(change, meeting, by)


def _tell(change: Rated, meeting: Meeting | None, by: Actor) -> None:
    """The panel hears at once: whoever holds a seat on it, and the coordinators, as far as they see the case."""
    case, body = change.case, body_that_rates(change.case.scheme.policy, change.case.criterion)
    today = clock.today()
    rows = Membership.objects.filter(scheme=by.scheme).current(today).select_related("user", "agency")
    hear = rows.filter(seats_held__body__slug=body) | rows.with_role(Role.COORDINATOR)
    people = {}
    for membership in hear.distinct():
        membership.scheme = by.scheme
        if membership.user_id != getattr(by.user, "pk", None) and may_open(actor_for(membership), case):
            people[membership.user_id] = membership.user
    when = f" of {day_month(meeting.date)}" if meeting else ""
    notify.tell(
        people.values(),
        scheme=by.scheme,
        kind="rated_between",
        subject=f"rating:{change.rating.pk}:{change.rating.version}",
        text=f"{case.reference} was rated between panels",
        url=f"/cases/{case.reference}/rating/",
        email_body=f"The rating holds from now. The next panel{when} is asked to ratify it. Read why:",
    )


# --- What the panel says of it ----------------------------------------------


def rule(
    item: AgendaItem,
    outcome: str,
    colour: str,
    meeting: Meeting,
    present: Decision | None,
    *,
    reason: str,
    evidence: str,
    by: Actor,
) -> Case:
    """Make so what a quorate panel said of a rating given between panels: part of `decide`. Returns the case.

    Raises StepRefused when the case has moved on since.
    """
    before = present if present is not None and present.quorate else None
    if before is not None and (before.outcome, before.colour) != (outcome, colour):
        undo(item, before, meeting, by=by, because=reason)
    elif before is not None:
        return item.case
    if outcome == Outcome.RATIFY:
        cases.ratify_rating(item.case, meeting=meeting, by=by)
    elif outcome == Outcome.CHANGE_RATING:
        cases.rate(item.case, colour, on=meeting.date, reason=reason, evidence=evidence, meeting=meeting, by=by)
    return item.case


def undo(item: AgendaItem, ruled: Decision, meeting: Meeting, *, by: Actor, because: str = "Undone") -> None:
    """Take back what ruling on a rating did: it waits again. Raises StepRefused when the case has moved on since."""
    if ruled.outcome == Outcome.RATIFY:
        cases.unratify_rating(item.case, meeting=meeting, by=by)
    elif ruled.outcome == Outcome.CHANGE_RATING:
        rating = item.case.ratings.get(until=None)
        if rating.starts_on != meeting.date:
            raise StepRefused(["The rating has changed again since this meeting. Change it on the case."])
        before = item.case.ratings.filter(until=meeting.date).first()
        if before is not None:
            cases.rate(item.case, before.colour, on=meeting.date, reason=because, meeting=meeting, by=by)


def shown(item: AgendaItem) -> dict[str, object]:
    """What a panel reads that is asked to ratify a rating: what was rated, why, on what evidence, when and by whom."""
    return together.run(shown_steps(item))


def shown_steps(item: AgendaItem) -> together.Steps[dict[str, object]]:
    rows = item.case.ratings.filter(to_ratify=True).select_related("decided_by", "ratified_at")
    rating = yield together.first(rows)
    if rating is None:
        return {}
    before = yield together.first(item.case.ratings.filter(until=rating.starts_on))
    return {"between": rating, "between_before": before.colour if before else ""}

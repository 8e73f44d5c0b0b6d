"""Who chairs a meeting: whoever is named for it, else whoever took the chair by the body's succession (Richmond, 4.6).

Everything that belongs to the chair follows: the casting vote, the signature under the minutes, agreeing to late
items, handing over the recording. Chair and recorder are not one person (security.md Z11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from iom import audit, clock, together
from iom.bodies import vice_chair_on
from iom.models import Meeting, MeetingStatus, Membership, Seat
from iom.steps import StepRefused, locked

from .models import ActingChair, AgendaItem, Attendance, Minutes, MinutesStatus
from .succession import AtTheTable, propose

if TYPE_CHECKING:
    from iom.access import Actor

RECORDER_DOES_NOT_CHAIR = (
    "{name} records this meeting, and nobody signs minutes that they recorded. "
    "Hand the recording over first, or choose somebody else."
)
TAKEN_IN = (MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED)


def acting(meeting: Meeting) -> ActingChair | None:
    """How somebody else than the named chair came to chair; None where nobody did."""
    return together.run(acting_steps(meeting))


def acting_steps(meeting: Meeting) -> together.Steps[ActingChair | None]:
    return (yield _last_to_act(meeting.pk))


@together.worded
def _last_to_act(meeting: int) -> together.First:
    rows = ActingChair.objects.filter(meeting=meeting).select_related("membership__user", "membership__agency", "item")
    return together.first(rows.order_by("-pk"))


def chair_of(meeting: Meeting) -> Membership | None:
    """Who chairs, or chaired, a meeting: who took the chair last, else who is named for it."""
    return together.run(chair_steps(meeting))


def chair_steps(meeting: Meeting) -> together.Steps[Membership | None]:
    took = yield from acting_steps(meeting)
    return took.membership if took is not None else meeting.chair


def chair_of_steps(meeting: Meeting) -> together.Steps[Membership | None]:
    """`chair_of` with the person, read in its caller's round."""

    def asked() -> list[QuerySet]:
        took = ActingChair.objects.filter(meeting=meeting).order_by("-pk").values("membership")[:1]
        people = Membership.objects.filter(Q(pk=meeting.chair_id) | Q(pk__in=took)).select_related("user")
        return [took.values_list("membership", flat=True), people]

    last, people = yield asked
    chair = last[0] if last else meeting.chair_id
    return next((each for each in people if each.pk == chair), None)


def chair_name(meeting: Meeting) -> str:
    """Who chairs, as the minutes say it; nothing where nobody does."""
    chair = chair_of(meeting)
    return chair.user.name if chair else ""


def with_chair(meetings: QuerySet[Meeting]) -> QuerySet[Meeting]:
    """The same meetings, each with `chaired_by`: the membership number of `chair_of`."""
    last = ActingChair.objects.filter(meeting=OuterRef("pk")).order_by("-pk").values("membership")[:1]
    return meetings.annotate(chaired_by=Coalesce(Subquery(last), F("chair_id"), output_field=models.BigIntegerField()))


def chairs(meeting: Meeting, by: Actor) -> bool:
    """Whether the actor is who chairs the meeting."""
    chair = chair_of(meeting)
    return chair is not None and by.user is not None and chair.user_id == by.user.pk


@dataclass(frozen=True, slots=True)
class Succession:
    """Who can take the chair now: those proposed by the rule first, then everybody else at the table with an account.

    `away`: the named chair is not recorded as here. `nameless` are those here who have no account, so cannot sign.
    """

    away: bool
    proposed: tuple[Attendance, ...]
    others: tuple[Attendance, ...]
    nameless: tuple[Attendance, ...]
    words: str
    source: str

    @property
    def everybody(self) -> tuple[Attendance, ...]:
        return self.proposed + self.others


def succession(meeting: Meeting) -> Succession:
    """Who would chair by the body's rule if the chair is away, among those recorded as here; never the recorder."""
    chair, rows = chair_of(meeting), _seated(meeting)
    able = [row for row in rows if row.account and row.account != chair and row.account.user_id != meeting.recorder_id]
    vice = vice_chair_on(meeting.body, meeting.date)
    seats = Seat.objects.filter(body=meeting.body, holder=meeting.chair, substitute__isnull=False)
    substitutes = set(seats.values_list("substitute", flat=True)) if meeting.chair else set()
    by_rule = propose(
        meeting.body.policy.succession,
        [
            AtTheTable(
                key=row.pk,
                post=_post(row),
                agency_kind=row.agency.kind if row.agency else "",
                vice_chair=row.account == vice,
                substitute_of_chair=row.account.pk in substitutes
                or (row.substitute_id is not None and row.membership_id == meeting.chair_id),
            )
            for row in able
        ],
    )
    known = {row.pk: row for row in able}
    return Succession(
        away=chair is not None and not any(row.account == chair for row in rows),
        proposed=tuple(known[key] for key in by_rule.keys),
        others=tuple(row for row in able if row.pk not in by_rule.keys),
        nameless=tuple(row for row in rows if row.account is None),
        words=by_rule.words,
        source=by_rule.source,
    )


@transaction.atomic
def take_the_chair(
    meeting: Meeting,
    who: Membership,
    *,
    because: str,
    by: Actor,
    item: AgendaItem | None = None,
) -> ActingChair:
    """Write down that somebody takes the chair, from an item on or (None) for all of the meeting, and why.

    The named chair takes it back in the same way. Whoever the body's rule proposes is recorded with the rule's words
    and source; anybody else as chosen by the meeting.
    Raises PermissionDenied, or StepRefused: without a reason, for the recorder, for somebody who is not at the table on
    a seat or for whoever holds it, or once the minutes are with the chair.
    """
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.take_attendance", meeting):
        raise PermissionDenied
    meeting.scheme = meeting.body.scheme = by.scheme
    if problems := _obstacles(meeting, who, because):
        raise StepRefused(problems)
    before, by_rule = chair_of(meeting), succession(meeting)
    proposed = any(row.account == who for row in by_rule.proposed)
    named = meeting.chair_id == who.pk
    made = ActingChair.objects.create(
        scheme=meeting.scheme,
        meeting=meeting,
        membership=who,
        item=item,
        because=because.strip(),
        rule="The chair who was named." if named else by_rule.words if proposed else "Chosen by those present.",
        source=by_rule.source if proposed and not named else "",
        taken_at=clock.now(),
    )
    audit.record(
        "take_the_chair",
        made,
        by=by,
        before=f"membership {before.pk}" if before else "",
        after=f"membership {who.pk}",
        reason=made.because,
        meeting=meeting.key,
    )
    return made


def _post(row: Attendance) -> str:
    """What their posts say of their rank: the seat's, unless somebody stands in for its holder, and their own."""
    own = row.account.post if row.account else ""
    return own if row.how == Attendance.How.SUBSTITUTE else f"{row.post} {own}"


def _obstacles(meeting: Meeting, who: Membership, because: str) -> list[str]:
    problems = []
    if meeting.status not in TAKEN_IN or _with_the_chair(meeting):
        problems.append("Who chaired stays as it is: the minutes are with the chair or the meeting is not held yet.")
    if meeting.recorder_id == who.user_id:
        problems.append(RECORDER_DOES_NOT_CHAIR.format(name=who.user.name))
    if not any(row.account == who for row in _seated(meeting)):
        problems.append(f"{who.user.name} is not at the table. Record them as here first.")
    present = chair_of(meeting)
    if present is not None and present.pk == who.pk:
        problems.append(f"{who.user.name} chairs this meeting already.")
    if not because.strip():
        problems.append("Enter why they take the chair.")
    return problems


def _with_the_chair(meeting: Meeting) -> bool:
    newest = Minutes.objects.filter(meeting=meeting).order_by("-number").first()
    return newest is not None and newest.status != MinutesStatus.DRAFT


def _seated(meeting: Meeting) -> list[Attendance]:
    rows = Attendance.objects.filter(meeting=meeting, standing=Attendance.Standing.MEMBER)
    return [row for row in rows.select_related("membership__user", "substitute__user", "agency") if row.here]

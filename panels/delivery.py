"""Attendance and delivery, agency by agency, for the board (Merton, Substitution and Roles; Richmond, 1.5).

Of an agency: the meetings of the bodies on which it holds a permanent seat, how it came to them, the actions that were
due from it, and the checks that it was asked for. These are figures about agencies, not about people: they are told
as they are. One query, however many agencies and meetings there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet, Sum

from actionplans.models import Action, ActionStatus
from iom import clock, together
from iom.models import Agency, Body, Meeting, MeetingStatus, Seat
from iom.working_days import add_months
from offenders.models import Case
from referrals.models import CheckRequest

from .models import Attendance

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme

# A meeting has been held once its minutes are drafted; one that is live is not over.
HELD = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
MONTHS = 6
# How somebody came, the best of an agency's first: one of its people in the room is the agency in the room.
IN_PERSON, REMOTE, SUBSTITUTE, APOLOGIES, ABSENT = "present", "remote", "substitute", "apologies", "absent"
BEST_FIRST = (IN_PERSON, REMOTE, SUBSTITUTE, APOLOGIES, ABSENT)

HEADER = (
    "Agency",
    "Core",
    "Meetings held",
    "In person",
    "Remote",
    "By substitute",
    "Apologies",
    "Absent without",
    "Actions due",
    "Done on time",
    "Done late",
    "Handed back",
    "Not done",
    "Still open",
    "Times carried forward",
    "Checks due",
    "Answered on time",
    "Answered late",
    "Not answered",
)


@dataclass(slots=True)
class Line:
    """What one agency did in a period. Counts of meetings, of actions that were due in it, and of checks due in it.

    `handed_back` are actions no longer needed or possible, which is not the same as not done (MARAC practice).
    """

    agency: Agency
    core: bool
    held: int = 0
    came: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BEST_FIRST, 0))
    due: int = 0
    on_time: int = 0
    late: int = 0
    handed_back: int = 0
    not_done: int = 0
    still_open: int = 0
    carried: int = 0
    checks: int = 0
    answered: int = 0
    answered_late: int = 0

    @property
    def attended(self) -> int:
        """Meetings at which the agency was, in the room, remote or by a substitute."""
        return self.came[IN_PERSON] + self.came[REMOTE] + self.came[SUBSTITUTE]

    @property
    def unanswered(self) -> int:
        return self.checks - self.answered - self.answered_late

    @property
    def missed(self) -> int:
        """Meetings of those held at which the agency was not."""
        return self.held - self.attended

    @property
    def completion(self) -> int | None:
        """Of the actions due, without those handed back, how many in a hundred were done; None where none was due."""
        asked = self.due - self.handed_back
        return round(100 * (self.on_time + self.late) / asked) if asked else None

    @property
    def cells(self) -> tuple[str | int, ...]:
        """A row of the file, in the order of `HEADER`."""
        return (
            self.agency.name,
            "yes" if self.core else "no",
            self.held,
            *(self.came[how] for how in BEST_FIRST),
            self.due,
            self.on_time,
            self.late,
            self.handed_back,
            self.not_done,
            self.still_open,
            self.carried,
            self.checks,
            self.answered,
            self.answered_late,
            self.unanswered,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The lines of a period, core agencies first; `bodies` are those whose meetings count."""

    since: date
    until: date
    lines: tuple[Line, ...]
    bodies: tuple[Body, ...]
    meetings: int

    @property
    def core(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.core)

    @property
    def core_words(self) -> str:
        """The attendance of core agencies in one sentence's figures: "52 of 60"."""
        return f"{sum(line.attended for line in self.core)} of {sum(line.held for line in self.core)}"


def usual_period(today: date) -> tuple[date, date]:
    """Six months up to and with today. Default: the sources are silent."""
    return add_months(today, -MONTHS), today


def bodies_that_count(scheme: Scheme) -> tuple[Body, ...]:
    """The bodies whose attendance a board reviews; where the rules name none, those that decide on people."""
    return tuple(Body.objects.filter(scheme=scheme, slug__in=_slugs_that_count(scheme)).order_by("position"))


def _slugs_that_count(scheme: Scheme) -> set[str]:
    policy = scheme.policy
    reviewed = {body.slug for body in policy.bodies if body.attendance.reviewed_by}
    return reviewed or set(policy.deciding_bodies)


def report(
    actor: Actor, since: date, until: date, *, bodies: Sequence[Body] | None = None, everybody: bool = False
) -> Report:
    """What each agency did from `since` to `until`, both included, as far as the actor may know it.

    The office and who reads for the board see every agency, anybody else their own; `everybody` is for what the board
    is told, which has asked before.
    """
    return together.run(report_steps(actor, since, until, bodies=bodies, everybody=everybody))


def report_steps(
    actor: Actor, since: date, until: date, *, bodies: Sequence[Body] | None = None, everybody: bool = False
) -> together.Steps[Report]:
    """`report`, read in its caller's rounds."""
    scheme = actor.scheme
    slugs, numbers = sorted(_slugs_that_count(scheme)), None if bodies is None else [body.pk for body in bodies]
    own = not everybody and not actor.has_role("coordinator", "chair", "board_reader")
    agency = actor.agency

    def asked() -> list[QuerySet]:
        chosen = Body.objects.filter(scheme=scheme)
        chosen = chosen.filter(slug__in=slugs) if numbers is None else chosen.filter(pk__in=numbers)
        agencies = Agency.objects.filter(scheme=scheme)
        if own:
            agencies = agencies.filter(pk=agency.pk if agency else None)
        agencies = agencies.order_by("-core", "name")
        inner = agencies.order_by().values("pk")
        sat = Meeting.objects.filter(
            scheme=scheme, body__in=chosen.order_by().values("pk"), status__in=HELD, date__range=(since, until)
        )
        seats = Seat.objects.filter(body__in=chosen.order_by().values("pk"), permanent=True)
        came = Attendance.objects.filter(
            meeting__in=sat.order_by().values("pk"), standing=Attendance.Standing.MEMBER, agency__isnull=False
        )
        return [
            chosen.order_by("position"),
            agencies,
            sat.values_list("pk", "body_id"),
            seats.values_list("body_id", "agency_id").order_by().distinct(),
            came.values_list("meeting_id", "agency_id", "how"),
            _actions_due(scheme, inner, since, until),
            _checks_due(scheme, inner, since, until),
        ]

    counted, told, sat_at, expected, came, actions, checks = yield asked
    lines = {agency.pk: Line(agency, agency.core) for agency in told}
    held = dict(sat_at)
    _attendance(lines, held, {tuple(each) for each in expected}, came)
    _actions(lines, actions)
    _checks(lines, checks)
    shown = tuple(line for line in lines.values() if line.held or line.due or line.checks or line.core)
    return Report(since, until, shown, tuple(bodies) if bodies is not None else tuple(counted), len(held))


def _attendance(
    lines: dict[int, Line],
    held: dict[int, int],
    expected: set[tuple[int, int]],
    came: Iterable[tuple[int, int, str]],
) -> None:
    """An agency is looked for at each meeting of a body where it has a permanent seat; else it counts if it came."""
    best: dict[tuple[int, int], str] = {}
    for meeting, agency, how in came:
        key, known = (meeting, agency), best.get((meeting, agency), ABSENT)
        best[key] = min(how, known, key=BEST_FIRST.index)
    for meeting, body in held.items():
        for pk, line in lines.items():
            how = best.get((meeting, pk))
            if (body, pk) in expected or how in (IN_PERSON, REMOTE, SUBSTITUTE):
                line.held += 1
                line.came[how or ABSENT] += 1


def _actions_due(scheme: Scheme, agencies: QuerySet, since: date, until: date) -> QuerySet:
    """Actions that were due in the period; those of restricted cases are counted for nobody (design.md 3)."""
    rows = Action.objects.filter(scheme=scheme, agency__in=agencies, due_on__range=(since, until)).order_by()
    rows = rows.exclude(case__in=_restricted(scheme)).annotate(
        in_time=Q(finished_on=None) | Q(finished_on__lte=F("due_on"))
    )
    counted = rows.values_list("agency_id", "status", "in_time")
    return counted.annotate(count=Count("pk"), carried=Sum("carried_forward"))


def _actions(lines: dict[int, Line], rows: Iterable[tuple[int, str, bool, int, int]]) -> None:
    for agency, status, in_time, count, carried in rows:
        line = lines[agency]
        line.due += count
        line.carried += carried
        if status == ActionStatus.DONE:
            line.on_time += count if in_time else 0
            line.late += 0 if in_time else count
        elif status == ActionStatus.NO_LONGER:
            line.handed_back += count
        elif status == ActionStatus.NOT_DONE:
            line.not_done += count
        else:
            line.still_open += count


def _checks_due(scheme: Scheme, agencies: QuerySet, since: date, until: date) -> QuerySet:
    """Questions whose answer was due in the period, without those taken back, not due yet, or of a restricted case."""
    rows = CheckRequest.objects.filter(
        scheme=scheme, agency__in=agencies, due_on__range=(since, until), withdrawn_at=None
    )
    rows = rows.exclude(offender__in=_restricted(scheme).values("offender"))
    due = rows.filter(Q(due_on__lt=clock.today()) | Q(answer__sent_at__isnull=False)).order_by()
    sent = due.annotate(sent=Q(answer__sent_at__isnull=False))
    return sent.values_list("agency_id", "sent", "answer__late").annotate(count=Count("pk"))


def _checks(lines: dict[int, Line], rows: Iterable[tuple[int, bool, bool | None, int]]) -> None:
    for agency, sent, late, count in rows:
        line = lines[agency]
        line.checks += count
        if sent:
            line.answered += 0 if late else count
            line.answered_late += count if late else 0


def _restricted(scheme: Scheme) -> QuerySet[Case]:
    """Small numbers are told as they are, so a figure must not show that there is such a case."""
    return Case.objects.filter(scheme=scheme, restricted=True)

"""What agencies answer about the people of a meeting: written by each for itself, read as its handling allows.

An answer is a draft of its agency until the return is sent; it can be changed, and sent late, until the panel has
decided on the person. "Not known" is an answer (ux.md 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from iom import audit, clock, together
from iom.deadlines import END_OF_WORK, LONDON
from iom.models import POLICE_AND_PROBATION, Agency, Meeting
from iom.steps import Stale, StepRefused, locked
from iom.together import Steps
from offenders import naming
from offenders.models import Offender
from offenders.querysets import agency_names_steps
from referrals.models import AgencyReturn, CheckRequest, Handling

if TYPE_CHECKING:
    from iom.access import Actor

Known = AgencyReturn.Known
KNOWN = (Known.NOW, Known.BEFORE)
DETAILS: dict[str, Any] = {
    "last_contact": None,
    "summary": "",
    "risk_to_others": None,
    "risk_detail": "",
    "pathways": (),
    "family": "",
    "handling": "",
    "readers": (),
}


# --- Answering ---------------------------------------------------------------


def asked_of(actor: Actor, meeting: Meeting) -> QuerySet[CheckRequest]:
    """What the actor's own agency is asked for a meeting, in the order of names."""
    rows = CheckRequest.objects.visible_to(actor).filter(meeting=meeting, agency=actor.agency)
    return rows.select_related("offender", "referral", "case", "answer", "agency", "meeting__body").order_by(
        "offender__sort_name", "pk"
    )


@transaction.atomic
def save_return(
    request: CheckRequest, *, by: Actor, known: str, version: int | None = None, **details: Any
) -> AgencyReturn:
    """Keep what the actor's agency knows of a person; a draft until the return is sent.

    `details` are those of `DETAILS`, kept only where the person is or was known. An answer that was sent already stays
    sent, so it must stay whole. Raises PermissionDenied, StepRefused when the panel has decided or the answer lacks
    something, or Stale (`version` 0 means that the reader saw no answer yet).
    """
    if unknown := set(details) - set(DETAILS):
        raise TypeError(f"A return has no {', '.join(sorted(unknown))}")
    request = _locked_for(request, by)
    answer = AgencyReturn.objects.filter(request=request).first()
    kept = DETAILS | details if known in KNOWN else DETAILS
    readers = sorted(kept["readers"]) if kept["handling"] == Handling.AGENCIES else []
    values = {"known": known} | kept | {"pathways": list(kept["pathways"]), "readers": readers}
    if answer is not None and all(getattr(answer, name) == value for name, value in values.items()):
        return answer
    if version is not None and version != (answer.version if answer else 0):
        raise Stale(answer)
    if answer is None:
        answer = AgencyReturn.objects.create(scheme=by.scheme, request=request, answered_by=by.user, **values)
        _audit_answer("answer_check", request, by, values)
        return answer
    changed = {name: value for name, value in values.items() if getattr(answer, name) != value}
    for name, value in changed.items():
        setattr(answer, name, value)
    if answer.sent_at is not None and (problem := lacks(answer, request.offender)):
        raise StepRefused([problem])
    answer.answered_by = by.user
    answer.version += 1
    answer.save(update_fields=[*changed, "answered_by", "version"])
    _audit_answer("change_answer" if answer.sent_at else "answer_check", request, by, changed)
    return answer


@transaction.atomic
def mark_rest_not_known(meeting: Meeting, *, by: Actor) -> int:
    """Answer "not known" for everyone about whom the actor's agency has said nothing yet. Returns for how many.

    They are drafts like any answer. Raises PermissionDenied.
    """
    rest = list(_open(meeting, by).filter(answer=None).select_for_update(of=("self",)))
    AgencyReturn.objects.bulk_create(
        [
            AgencyReturn(scheme=by.scheme, request=request, known=Known.NOT_KNOWN, answered_by=by.user)
            for request in rest
        ],
        # A colleague may have answered for one of them since the list was read: theirs stands.
        ignore_conflicts=True,
    )
    if rest:
        _audit_round("mark_rest_not_known", meeting, by, rest)
    return len(rest)


@transaction.atomic
def send_return(meeting: Meeting, *, by: Actor) -> int:
    """Send every answer of the actor's agency that is not sent yet. Returns how many there were.

    What is sent after the checks were due is marked late. Raises PermissionDenied, and StepRefused with the people who
    are still to be answered for.
    """
    # The whole row of the request is the lock: no colleague can change an answer between the check and the sending.
    requests = list(_open(meeting, by).select_for_update(of=("self",)))
    if problems := unready(requests):
        raise StepRefused(problems)
    now = clock.now()
    waiting = [request for request in requests if request.answer.sent_at is None]
    for request in waiting:
        answer = request.answer
        answer.sent_at = now
        answer.late = is_late(request, now)
        answer.version += 1
        answer.save(update_fields=["sent_at", "late", "version"])
    for request in waiting:
        naming.tell_owners(
            request.offender,
            (request.answer.summary, request.answer.risk_detail),
            where=f"{request.agency.name}'s answer on {reference_of(request)}",
            subject=f"answer {request.pk} {request.answer.version}",
        )
    if waiting:
        _audit_round("send_return", meeting, by, waiting)
    return len(waiting)


def unready(requests: Iterable[CheckRequest]) -> list[str]:
    """What keeps a return from being sent, in words that name the people. Requests come with their answers."""
    requests = list(requests)
    silent = [request.offender for request in requests if answer_to(request) is None]
    problems = [_answer_for(silent)] if silent else []
    for request in requests:
        answer = answer_to(request)
        if answer is not None and (problem := lacks(answer, request.offender)):
            problems.append(problem)
    return problems


def _answer_for(people: list[Offender]) -> str:
    """`Answer for 3 people: Example, Sample, Test` (ux.md 7)."""
    count = "1 person" if len(people) == 1 else f"{len(people)} people"
    return f"Answer for {count}: {', '.join(person.family_name for person in people)}"


def lacks(answer: AgencyReturn, person: Offender) -> str | None:
    """What an answer lacks before others may read it: who may, chosen each time and never assumed."""
    if answer.known in KNOWN and not answer.handling:
        return f"Choose who can see what you say about {person.plain_name}"
    if answer.handling == Handling.AGENCIES and not answer.readers:
        return f"Choose the agencies that can see what you say about {person.plain_name}"
    return None


def answer_to(request: CheckRequest) -> AgencyReturn | None:
    """The answer as far as there is one, draft or sent."""
    return getattr(request, "answer", None)


def is_late(request: CheckRequest, at: datetime) -> bool:
    """Whether an answer sent at that instant comes after the checks were due (17:00 in London).

    An agency asked only after that time is not late before the meeting begins.
    """
    due = _moment(request.due_on)
    if due is None:
        return False
    if request.asked_at >= due:
        meeting = request.meeting
        due = datetime.combine(meeting.date, meeting.starts_at, LONDON)
    return at >= due


def _moment(due_on: date | None) -> datetime | None:
    return None if due_on is None else datetime.combine(due_on, END_OF_WORK, LONDON)


def _open(meeting: Meeting, by: Actor) -> QuerySet[CheckRequest]:
    if not by.holds("referrals.answer_checks") or meeting.scheme_id != by.scheme.pk or by.agency is None:
        raise PermissionDenied
    return asked_of(by, meeting).filter(closed_at=None)


def _locked_for(request: CheckRequest, by: Actor) -> CheckRequest:
    request = locked(CheckRequest, request.pk)
    if not by.can("referrals.answer_checks", request):
        raise PermissionDenied
    if request.closed_at is not None:
        raise StepRefused([f"The panel has decided on {request.offender.plain_name}. No more answers are taken."])
    return request


def reference_of(request: CheckRequest) -> str:
    """The person's reference outside pages: that of the nomination or of the case."""
    thing = request.referral or request.case
    return thing.reference if thing else ""


def _audit_answer(verb: str, request: CheckRequest, by: Actor, fields: Iterable[str]) -> None:
    subjects = [reference] if (reference := reference_of(request)) else []
    audit.record(verb, request, by=by, fields=fields, subjects=subjects, meeting=request.meeting.key)


def _audit_round(verb: str, meeting: Meeting, by: Actor, requests: list[CheckRequest]) -> None:
    subjects = [reference for request in requests if (reference := reference_of(request))]
    audit.record(verb, meeting, by=by, subjects=subjects, meeting=meeting.key, count=len(requests))


# --- Reading -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """One agency's answer about one person, as its reader may see it."""

    offender_id: int
    agency: Agency
    known: str
    words: str
    last_contact: date | None
    summary: str
    risk_to_others: bool | None
    risk_detail: str
    pathways: tuple[str, ...]
    family: str
    handling: str
    handling_words: str
    late: bool
    sent_at: datetime
    meeting_date: date

    @property
    def is_marked(self) -> bool:
        return self.handling not in ("", Handling.PANEL)


def returns_for(actor: Actor, offender: Offender, meeting: Meeting, *, signed: bool = False) -> list[Answer]:
    """What agencies said of a person for a meeting, as far as the actor may read it, by agency.

    `signed`: the actor has signed the information sharing agreement for this meeting; without it they see no marked
    answer (design.md 3). What one may not read is absent, not blanked.
    """
    return together.run(returns_for_steps(actor, offender, meeting, signed=signed))


def returns_for_steps(
    actor: Actor, offender: Offender, meeting: Meeting, *, signed: bool = False
) -> together.Steps[list[Answer]]:
    def asked() -> QuerySet:
        return _readable(actor, signed=signed).filter(request__meeting=meeting, request__offender=offender)

    return (yield from _by_offender(actor, asked)).get(offender.pk, [])


def returns_by_offender(
    actor: Actor, meeting: Meeting, *, signed: bool = False, offenders: Iterable[int] | None = None
) -> dict[int, list[Answer]]:
    """`returns_for` of everyone at a meeting (or of `offenders`), in one query."""
    return together.run(returns_by_offender_steps(actor, meeting, signed=signed, offenders=offenders))


def returns_by_offender_steps(
    actor: Actor, meeting: Meeting, *, signed: bool = False, offenders: Iterable[int] | None = None
) -> Steps[dict[int, list[Answer]]]:
    """`returns_by_offender`, read together with other rows."""
    rows = _readable(actor, signed=signed).filter(request__meeting=meeting)
    if offenders is not None:
        rows = rows.filter(request__offender__in=list(offenders))
    return (yield from _by_offender(actor, rows))


def latest_returns(actor: Actor, offender: Offender, *, signed: bool = False) -> list[Answer]:
    """The newest answer of each agency about a person, whatever the meeting, as far as the actor may read it."""
    return together.run(latest_returns_steps(actor, offender.pk, signed))


def latest_returns_steps(actor: Actor, offender: int, signed: bool) -> Steps[list[Answer]]:
    """`latest_returns` of the person of this number, read together with other rows."""
    people = [offender]

    def newest() -> QuerySet[AgencyReturn]:
        rows = _readable(actor, signed=signed).filter(request__offender__in=people)
        rows = rows.order_by("request__agency_id", "-request__meeting__date", "-pk")
        return rows.distinct("request__agency_id")

    found = yield from _by_offender(actor, newest)
    return sorted(found.get(offender, []), key=lambda answer: answer.agency.name)


def answers_about(
    actor: Actor, offender: Offender, *, signed: bool, narrowed: Q | None = None
) -> list[tuple[AgencyReturn, str]]:
    """Every answer about a person that the actor may read, whatever the meeting, each with its readers in words."""
    return together.run(answers_about_steps(actor, offender, signed=signed, narrowed=narrowed))


def answers_about_steps(
    actor: Actor, offender: Offender, *, signed: bool, narrowed: Q | None = None
) -> Steps[list[tuple[AgencyReturn, str]]]:
    """`answers_about`, read together with other rows."""
    rows = _readable(actor, signed=signed).filter(narrowed or Q(), request__offender=offender)
    found, names = yield [
        rows.select_related("request__agency", "request__meeting__body", "answered_by"),
        together.shared(agency_names_steps, actor),
    ]
    return [(row, _readers_in_words(row, names)) for row in found]


def waiting_for(meeting: Meeting, offender: Offender) -> list[Agency]:
    """The agencies that were asked about a person and have sent nothing: for whoever runs the meeting."""
    return together.run(waiting_for_steps(meeting, offender))


def waiting_for_steps(meeting: Meeting, offender: Offender) -> together.Steps[list[Agency]]:
    asked = yield _unanswered(meeting.scheme_id, meeting.pk, offender.pk)
    return [request.agency for request in asked]


@together.worded
def _unanswered(scheme: int, meeting: int, offender: int) -> QuerySet:
    rows = CheckRequest.objects.filter(scheme=scheme, meeting=meeting, offender=offender).unanswered()
    return rows.select_related("agency").order_by("agency__name")


def _readable(actor: Actor, *, signed: bool) -> QuerySet[AgencyReturn]:
    """Answers that were sent and that the actor may read."""
    asked = CheckRequest.objects.of_people_open_to(actor)
    allowed = Q(handling__in=["", Handling.PANEL])
    if signed:
        allowed |= Q(request__agency=actor.agency)
        if actor.agency is not None:
            allowed |= Q(handling=Handling.AGENCIES, readers__contains=[actor.agency.slug])
        if actor.agency is not None and actor.agency.kind in POLICE_AND_PROBATION:
            allowed |= Q(handling=Handling.POLICE_PROBATION)
    rows = AgencyReturn.objects.in_scheme_of(actor).filter(allowed, request__in=asked, sent_at__isnull=False)
    return rows.select_related("request__agency", "request__meeting").order_by("request__agency__name", "pk")


def _by_offender(actor: Actor, rows: together.Read) -> Steps[dict[int, list[Answer]]]:
    found: dict[int, list[Answer]] = {}
    answers, names = yield [rows, together.shared(agency_names_steps, actor)]
    for row in answers:
        found.setdefault(row.request.offender_id, []).append(_answer(row, names))
    return found


def _readers_in_words(row: AgencyReturn, names: Mapping[str, str]) -> str:
    return ", ".join(sorted(names.get(slug, slug) for slug in row.readers)) or row.get_handling_display()


def _answer(row: AgencyReturn, names: Mapping[str, str]) -> Answer:
    return Answer(
        offender_id=row.request.offender_id,
        agency=row.request.agency,
        known=row.known,
        words=row.get_known_display(),
        last_contact=row.last_contact,
        summary=row.summary,
        risk_to_others=row.risk_to_others,
        risk_detail=row.risk_detail,
        pathways=tuple(row.pathways),
        family=row.get_family_display(),
        handling=row.handling,
        handling_words=_readers_in_words(row, names),
        late=row.late,
        sent_at=row.sent_at,
        meeting_date=row.request.meeting.date,
    )


# --- Who has answered --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one agency stands with one person: a word, a shape beside it, and whether something is still to come."""

    words: str
    shape: str
    waiting: bool
    late: bool
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One person: a cell for each agency of the matrix, None where that agency was not asked."""

    request: CheckRequest
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One agency's total."""

    agency: Agency
    asked: int
    answered: int

    @property
    def waiting(self) -> int:
        return self.asked - self.answered


@dataclass(frozen=True, slots=True)
class Matrix:
    """People by agencies for one meeting (ux.md 4.4)."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]

    @property
    def waiting(self) -> list[Column]:
        """The agencies that still have something to answer."""
        return [column for column in self.columns if column.waiting]

    def since(self, at: datetime | None) -> list[tuple[Row, Agency, Cell]]:
        """What came after a moment, the newest first."""
        came = [each for each in self._answers() if at is not None and each[2].sent_at is not None]
        return sorted((each for each in came if each[2].sent_at > at), key=lambda each: each[2].sent_at, reverse=True)

    @property
    def cannot_say(self) -> list[tuple[Row, Agency, Cell]]:
        """Where an agency answered that it cannot say: somebody should ask it in person."""
        return [each for each in self._answers() if each[2].words == Known.CANNOT_SAY.label]

    def _answers(self) -> list[tuple[Row, Agency, Cell]]:
        return [
            (row, column.agency, cell)
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            if cell is not None
        ]


SHAPES = {
    Known.NOW: "●",
    Known.BEFORE: "◐",
    Known.NOT_KNOWN: "○",
    Known.CANNOT_SAY: "◇",
}
ANSWERED = "Answered"


def matrix(actor: Actor, meeting: Meeting) -> Matrix:
    """Who has answered for whom. Of an answer that is marked for others, only that it came. Raises PermissionDenied."""
    if not actor.holds("referrals.see_returns"):
        raise PermissionDenied
    rows = CheckRequest.objects.visible_to(actor).filter(meeting=meeting)
    requests = list(
        rows.select_related("offender", "agency", "answer", "referral", "case", "meeting").order_by(
            "offender__sort_name", "offender", "agency__name"
        )
    )
    agencies = sorted({request.agency for request in requests}, key=lambda agency: agency.name)
    now = clock.now()
    people: dict[int, dict[int, CheckRequest]] = {}
    for request in requests:
        people.setdefault(request.offender_id, {})[request.agency_id] = request
    cells = {request.pk: _cell(actor, request, now) for request in requests}
    return Matrix(
        tuple(
            Row(
                next(iter(asked.values())),
                tuple(cells[asked[agency.pk].pk] if agency.pk in asked else None for agency in agencies),
            )
            for asked in people.values()
        ),
        tuple(_column(agency, requests, cells) for agency in agencies),
    )


def _cell(actor: Actor, request: CheckRequest, now: datetime) -> Cell:
    answer = answer_to(request)
    if answer is not None and answer.sent_at is not None:
        if not _may_read(actor, request, answer):
            return Cell(ANSWERED, "✓", waiting=False, late=answer.late, sent_at=answer.sent_at)
        shape = SHAPES[Known(answer.known)]
        return Cell(answer.get_known_display(), shape, waiting=False, late=answer.late, sent_at=answer.sent_at)
    if request.withdrawn_at is not None:
        return Cell("Withdrawn", "✕", waiting=False, late=False)
    if request.closed_at is not None:
        return Cell("No answer", "✕", waiting=False, late=False)
    late = is_late(request, now)
    return Cell("Late" if late else "Waiting", "!" if late else "…", waiting=True, late=late)


def _may_read(actor: Actor, request: CheckRequest, answer: AgencyReturn) -> bool:
    if answer.handling in ("", Handling.PANEL) or request.agency == actor.agency:
        return True
    if answer.handling == Handling.AGENCIES:
        return actor.agency is not None and actor.agency.slug in answer.readers
    return actor.agency is not None and actor.agency.kind in POLICE_AND_PROBATION


def _column(agency: Agency, requests: Iterable[CheckRequest], cells: dict[int, Cell]) -> Column:
    asked = [request for request in requests if request.agency_id == agency.pk and request.withdrawn_at is None]
    mine = [cells[request.pk] for request in asked]
    return Column(agency, len(mine), sum(not cell.waiting for cell in mine))

"""What a panel cannot resolve goes to its board, and the board's answer comes back (Merton, Roles and Reporting).

draft → with the board → answered → fed back; the board may ask for more, and until it answers the panel may withdraw.
`STEPS` is the table: each step with its permission, what must be there first, and whom it tells. While the board has
an escalation it stands on the next agenda of the board by itself, oldest first; once answered it stands on the next
agenda of the panel that asked. A board outside the installation is written to, and its answer typed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from actionplans import beside
from actionplans.models import Action
from iom import audit, clock, notify, together
from iom.jinja import day_month, plural
from iom.models import Agency, Body, Counter, Meeting, MeetingStatus, Membership, Role, User
from iom.steps import Step, StepRefused, locked, take
from offenders.models import Case, Offender
from offenders.victim_names import names

from . import agenda
from .models import (
    AgendaItem,
    BoardAnswer,
    Decision,
    Escalation,
    EscalationAction,
    EscalationItem,
    EscalationStatus,
    ItemState,
    Outcome,
    Section,
)
from .transitions import NOT_HELD_YET

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme

NAMES_NOBODY = "Do not name anybody here: the board reads no names"
# An escalation takes longer to talk over than an item about nobody, an answer that is brought back does not.
MINUTES = {EscalationItem.Kind.ASKS: 10, EscalationItem.Kind.ANSWER: 5}
LONGEST_TITLE = 120
FIELDS = ("kind", "title", "stuck", "tried", "ask", "agency", "service")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an escalation can go: a board of the scheme, or (`body` None) one outside the installation."""

    key: str
    name: str
    body: Body | None
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Issue:
    """What somebody wants the board to know, as it was typed. `agency` and `service` say what it is about."""

    title: str
    stuck: str
    kind: str = Escalation.Kind.SERVICE
    tried: str = ""
    ask: str = ""
    agency: Agency | None = None
    service: str = ""


# --- The table of steps -------------------------------------------------------


def must_say_enough(escalation: Escalation) -> str | None:
    """The board is not asked to look at a heading."""
    missing = [
        words
        for words, said in (("what was tried", escalation.tried), ("what you ask of the board", escalation.ask))
        if not said.strip()
    ]
    return f"Enter {' and '.join(missing)} first." if missing else None


OPEN = (EscalationStatus.DRAFT, EscalationStatus.WITH_BOARD, EscalationStatus.MORE_NEEDED)
SEND = Step(
    "send_escalation",
    frozenset({EscalationStatus.DRAFT, EscalationStatus.MORE_NEEDED}),
    EscalationStatus.WITH_BOARD,
    "panels.raise_escalation",
    done="Sent to the board",
    guards=(must_say_enough,),
    tells="who reads for the board, and whoever raised it",
)
ASK_MORE = Step(
    "ask_more_of_escalation",
    frozenset({EscalationStatus.WITH_BOARD}),
    EscalationStatus.MORE_NEEDED,
    "panels.answer_escalation",
    done="The board asks for more",
    tells="whoever raised it, the coordinator and the chair",
)
ANSWER = Step(
    "answer_escalation",
    frozenset({EscalationStatus.WITH_BOARD, EscalationStatus.MORE_NEEDED}),
    EscalationStatus.ANSWERED,
    "panels.answer_escalation",
    done="Answer recorded",
    tells="whoever raised it, the coordinator, the chair, and the owners of linked actions",
)
REOPEN = Step(
    "reopen_escalation",
    frozenset({EscalationStatus.ANSWERED, EscalationStatus.MORE_NEEDED, EscalationStatus.FED_BACK}),
    EscalationStatus.WITH_BOARD,
    "panels.answer_escalation",
    done="With the board again",
)
FEED_BACK = Step(
    "feed_back_escalation",
    frozenset({EscalationStatus.ANSWERED}),
    EscalationStatus.FED_BACK,
    "panels.answer_escalation",
    done="The panel has heard the answer",
    tells="whoever raised it",
)
KEEP_ANSWER = Step(
    "bring_answer_again",
    frozenset({EscalationStatus.FED_BACK}),
    EscalationStatus.ANSWERED,
    "panels.answer_escalation",
    done="The answer comes back again",
)
WITHDRAW = Step(
    "withdraw_escalation",
    frozenset(OPEN),
    EscalationStatus.WITHDRAWN,
    "panels.raise_escalation",
    done="Withdrawn",
    tells="who reads for the board, if it was sent",
)
STEPS = {step.verb: step for step in (SEND, ASK_MORE, ANSWER, REOPEN, FEED_BACK, KEEP_ANSWER, WITHDRAW)}


# --- Raising it ----------------------------------------------------------------


def destinations(scheme: Scheme) -> tuple[Destination, ...]:
    """Where the scheme's rules send an issue: the board that they name, and one above it, if there is one."""
    rule = scheme.policy.escalation
    body = Body.objects.filter(scheme=scheme, slug=rule.to_body).first() if rule.to_body else None
    found = [Destination("board", rule.to_name, body, rule.words, rule.source)]
    if rule.beyond is not None:
        found.append(Destination("beyond", rule.beyond.to_name, None, rule.beyond.words, rule.beyond.source))
    return tuple(found)


def reporter(scheme: Scheme) -> str:
    """The post that brings the board's answers back (Merton, Reporting)."""
    return scheme.policy.posts.board_reporter


@transaction.atomic
def raise_issue(
    issue: Issue,
    *,
    by: Actor,
    to: str = "board",
    meeting: Meeting | None = None,
    case: Case | None = None,
    actions: Iterable[Action] = (),
) -> Escalation:
    """Write down what the board is to be asked, as a draft, with the meeting, case and actions that it came from.

    The answer will come back to the body of `meeting`, else to the scheme's first. `to` is the key of a destination.
    Raises PermissionDenied, or StepRefused when something is missing, somebody is named, or there is no such board.
    """
    if not by.holds("panels.raise_escalation"):
        raise PermissionDenied
    actions = list(actions)
    _must_be_open_to(by, case, actions)
    if problems := problems_of(issue, by, case=case, actions=actions):
        raise StepRefused(problems)
    goes = _destination(by.scheme, to)
    escalation = Escalation.objects.create(
        scheme=by.scheme,
        reference=f"IOM-E-{Counter.next(by.scheme, 'escalation'):04d}",
        **_facts(issue),
        case=case,
        meeting=meeting,
        from_body=meeting.body if meeting else Body.objects.get(scheme=by.scheme, position=0),
        to_body=goes.body,
        to_name=goes.name,
        raised_by=by.membership,
        raised_on=clock.today(),
    )
    _link(escalation, actions)
    audit.record(
        "raise_escalation",
        escalation,
        by=by,
        after=escalation.status,
        subjects=[case.reference] if case else [],
        meeting=meeting.key if meeting else None,
        actions=len(actions),
    )
    return escalation


@transaction.atomic
def change(
    escalation: Escalation,
    issue: Issue,
    *,
    by: Actor,
    to: str | None = None,
    actions: Iterable[Action] | None = None,
    version: int | None = None,
) -> Escalation:
    """Change the words of a draft, or of what the board asked more of. Raises as `raise_issue`, and Stale."""
    escalation = locked(Escalation, escalation.pk, version=version)
    if not by.can("panels.raise_escalation", escalation):
        raise PermissionDenied
    if escalation.status not in SEND.sources:
        raise StepRefused([f"This is {escalation.get_status_display().lower()}: its words stay as they are."])
    linked = list(actions) if actions is not None else _actions_of(escalation)
    if problems := problems_of(issue, by, case=escalation.case, actions=linked):
        raise StepRefused(problems)
    facts = _facts(issue)
    if to is not None and escalation.status == EscalationStatus.DRAFT:
        goes = _destination(by.scheme, to)
        facts |= {"to_body": goes.body, "to_name": goes.name}
    changed = [name for name, value in facts.items() if getattr(escalation, name) != value]
    for name in changed:
        setattr(escalation, name, facts[name])
    if actions is not None and _relink(escalation, linked, by):
        changed.append("actions")
    if changed:
        escalation.version += 1
        escalation.save()
        audit.record("change_escalation", escalation, by=by, fields=changed)
    return escalation


def problems_of(issue: Issue, by: Actor, *, case: Case | None, actions: Iterable[Action]) -> list[str]:
    """What keeps an issue from being written down: something missing, or somebody's name in it."""
    problems = []
    if not issue.title.strip():
        problems.append("Enter a title.")
    if not issue.stuck.strip():
        problems.append("Enter what is stuck.")
    if issue.agency is not None and issue.agency.scheme_id != by.scheme.pk:
        problems.append("Choose an agency of this scheme.")
    words = f"{issue.title} {issue.stuck} {issue.tried} {issue.ask} {issue.service}"
    if naming(words, by, case=case, actions=actions):
        problems.append(f"{NAMES_NOBODY}.")
    return problems


def naming(text: str, by: Actor, *, case: Case | None = None, actions: Iterable[Action] = ()) -> bool:
    """Whether a text names somebody: the person whom it came from by any part of their name, anybody whom the writer
    may read by the whole of it.
    """
    concerned = [case, *(action.case for action in actions)]
    if any(names(text, each.offender.name) for each in concerned if each is not None):
        return True
    said = f" {' '.join(text.casefold().split())} "
    known = Offender.objects.visible_to(by).values_list("given_names", "family_name")
    return any(
        each in said
        for given, family in known
        for each in (f"{given} {family}".casefold(), f"{family} {given}".casefold(), f"{family}, {given}".casefold())
    )


def _must_be_open_to(by: Actor, case: Case | None, actions: list[Action]) -> None:
    if case is not None and not Case.objects.visible_to(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    wanted = {action.pk for action in actions}
    if Action.objects.visible_to(by).filter(pk__in=wanted).count() != len(wanted):
        raise PermissionDenied


def _facts(issue: Issue) -> dict[str, object]:
    facts = {name: getattr(issue, name) for name in FIELDS}
    return {name: value.strip() if isinstance(value, str) else value for name, value in facts.items()}


def _destination(scheme: Scheme, key: str) -> Destination:
    found = next((each for each in destinations(scheme) if each.key == key), None)
    if found is None:
        raise StepRefused(["Choose where this goes."])
    return found


def _actions_of(escalation: Escalation) -> list[Action]:
    return list(Action.objects.filter(escalation_links__escalation=escalation).select_related("case__offender"))


def _link(escalation: Escalation, actions: Iterable[Action]) -> None:
    for action in {action.pk: action for action in actions}.values():
        EscalationAction.objects.create(scheme=escalation.scheme, escalation=escalation, action=action)


def _relink(escalation: Escalation, actions: list[Action], by: Actor) -> bool:
    """Link these actions. One that the actor may not read stays linked: it was not among what they could choose."""
    _must_be_open_to(by, None, actions)
    wanted = {action.pk for action in actions}
    held = set(escalation.links.values_list("action_id", flat=True))
    seen = set(Action.objects.visible_to(by).filter(pk__in=held).values_list("pk", flat=True))
    escalation.links.filter(action__in=seen - wanted).delete()
    _link(escalation, [action for action in actions if action.pk not in held])
    return bool(seen - wanted or wanted - held)


# --- On the way -----------------------------------------------------------------


@transaction.atomic
def send(escalation: Escalation, *, by: Actor, version: int | None = None) -> Escalation:
    """Send it to the board: it stands on the board's next agenda, or is written to a board outside.

    Raises PermissionDenied, StepRefused with what is missing, or Stale.
    """
    escalation = locked(Escalation, escalation.pk)
    first = escalation.sent_on is None
    sent_on = escalation.sent_on or clock.today()
    due_on = _answer_looked_for(escalation, by.scheme)
    escalation = take(SEND, escalation, by=by, version=version, sent_on=sent_on, due_on=due_on)
    bring_all(by=by)
    about = escalation.reference
    again = "" if first else ": more was asked for"
    _tell(
        escalation,
        _board_readers(by.scheme),
        kind="escalation_sent",
        text=f"Asked of the {escalation.to_name}: {about}{again}",
        body=f"An issue that the panel could not resolve is before the {escalation.to_name}. Sign in to read it:",
    )
    _tell(
        escalation,
        [escalation.raised_by.user] if escalation.raised_by.user_id != by.user.pk else [],
        kind="escalation_with_board",
        text=f"With the {escalation.to_name} now: {about}",
    )
    return escalation


@transaction.atomic
def withdraw(escalation: Escalation, *, reason: str, by: Actor, version: int | None = None) -> Escalation:
    """Take it back before the board has answered. Raises PermissionDenied, StepRefused or Stale."""
    if not reason.strip():
        raise StepRefused(["Enter why it is withdrawn."])
    was_sent = escalation.sent_on is not None
    escalation = take(
        WITHDRAW, escalation, by=by, reason=reason, version=version, withdrawn_because=reason.strip()[:300]
    )
    _off_agendas(escalation, by)
    if was_sent:
        _tell(
            escalation,
            _board_readers(by.scheme),
            kind="escalation_withdrawn",
            text=f"Withdrawn from the {escalation.to_name}: {escalation.reference}",
        )
    return escalation


# --- What the board says ---------------------------------------------------------


def offered(item: AgendaItem) -> tuple[Outcome, ...] | None:
    """What may be decided on an item that carries an escalation; None for any other item."""
    link = link_of(item)
    if link is None:
        return None
    if link.kind == EscalationItem.Kind.ASKS:
        return (Outcome.ANSWERED, Outcome.MORE_NEEDED, Outcome.DEFER)
    return (Outcome.NOTED, Outcome.DEFER)


def link_of(item: AgendaItem) -> EscalationItem | None:
    """The escalation that an item carries, and which way it goes."""
    if item.section != Section.ESCALATIONS:
        return None
    if AgendaItem.escalation_link.is_cached(item):
        return getattr(item, "escalation_link", None)
    return EscalationItem.objects.filter(item=item).select_related("escalation__scheme").first()


@transaction.atomic
def answered(item: AgendaItem, decision: Decision, *, by: Actor) -> Escalation | None:
    """Let a decision on an item that carries an escalation take effect: part of `decide`.

    The board answers, asks for more or puts it off; the panel has heard the answer, or defers. A decision that waits to
    be ratified has none yet. A correction takes back what the corrected decision did. Returns the escalation, or None
    when the item carries none. Raises StepRefused when the board's words are missing or it has moved on since.
    """
    link = link_of(item)
    if link is None:
        return None
    escalation = locked(Escalation, link.escalation_id)
    if decision.to_ratify:
        return escalation
    if link.kind == EscalationItem.Kind.ANSWER:
        return _heard(escalation, item, decision, by)
    if decision.supersedes_id is not None:
        escalation = _take_back(escalation, decision, by)
    if decision.outcome in (Outcome.ANSWERED, Outcome.MORE_NEEDED, Outcome.DEFER):
        words = decision.reason or item.note
        outcome = OUTCOMES[Outcome(decision.outcome)]
        escalation = _said(
            escalation, outcome, words, on=item.meeting.date, said_by=item.meeting.body.name, by=by, decision=decision
        )
    return escalation


OUTCOMES = {
    Outcome.ANSWERED: BoardAnswer.Outcome.ANSWERED,
    Outcome.MORE_NEEDED: BoardAnswer.Outcome.MORE_NEEDED,
    Outcome.DEFER: BoardAnswer.Outcome.DEFERRED,
}


@transaction.atomic
def answer_from_outside(
    escalation: Escalation,
    *,
    outcome: str,
    words: str,
    on: date,
    said_by: str,
    by: Actor,
    version: int | None = None,
) -> Escalation:
    """Type in what a board outside the installation answered, on which day, and who told us.

    Raises PermissionDenied, StepRefused or Stale.
    """
    escalation = locked(Escalation, escalation.pk, version=version)
    if not by.can("panels.answer_escalation", escalation):
        raise PermissionDenied
    if not escalation.is_outside:
        raise StepRefused([f"The {escalation.to_name} answers at its meeting: record its decision there."])
    if escalation.sent_on and on < escalation.sent_on:
        raise StepRefused(["It cannot have been answered before it was sent."])
    if on > clock.today():
        raise StepRefused(["The day of the answer must be today or earlier."])
    if naming(words, by, case=escalation.case, actions=_actions_of(escalation)):
        raise StepRefused([f"{NAMES_NOBODY}."])
    if not said_by.strip():
        raise StepRefused(["Enter who told you of the answer."])
    return _said(escalation, outcome, words, on=on, said_by=said_by.strip()[:120], by=by)


def _said(
    escalation: Escalation,
    outcome: str,
    words: str,
    *,
    on: date,
    said_by: str,
    by: Actor,
    decision: Decision | None = None,
) -> Escalation:
    """Keep what was said, take the step that follows from it, and tell people."""
    if outcome != BoardAnswer.Outcome.DEFERRED and not words.strip():
        raise StepRefused(["Enter what the board said."])
    if outcome == BoardAnswer.Outcome.ANSWERED:
        escalation = take(ANSWER, escalation, by=by, answered_on=on)
    elif outcome == BoardAnswer.Outcome.MORE_NEEDED:
        escalation = take(ASK_MORE, escalation, by=by)
    elif escalation.status != EscalationStatus.WITH_BOARD:
        raise StepRefused([f"This is {escalation.get_status_display().lower()}: the board has nothing to put off."])
    BoardAnswer.objects.create(
        scheme=escalation.scheme,
        escalation=escalation,
        outcome=outcome,
        words=words.strip(),
        said_on=on,
        said_by=said_by,
        decision=decision,
        written_by=by.user,
    )
    if outcome == BoardAnswer.Outcome.ANSWERED:
        _tell_answered(escalation, by)
        bring_all(by=by)
    elif outcome == BoardAnswer.Outcome.MORE_NEEDED:
        _tell(
            escalation,
            [*_office(by.scheme), escalation.raised_by.user],
            kind="escalation_more",
            text=f"Say more to the {escalation.to_name}: {escalation.reference}",
            body=f"The {escalation.to_name} asks for more before it answers. Sign in to add it and send it again:",
            due=on,
        )
    return escalation


def _take_back(escalation: Escalation, decision: Decision, by: Actor) -> Escalation:
    """Undo what the decision that this one corrects did."""
    before = BoardAnswer.objects.filter(decision=decision.supersedes_id).first()
    if before is None or before.outcome == BoardAnswer.Outcome.DEFERRED:
        return escalation
    escalation = take(
        REOPEN,
        escalation,
        by=by,
        reason=decision.correction_reason,
        answered_on=None,
        fed_back_on=None,
        fed_back_at=None,
    )
    _off_agendas(escalation, by)
    return escalation


def _heard(escalation: Escalation, item: AgendaItem, decision: Decision, by: Actor) -> Escalation:
    """The panel that asked has the answer before it."""
    if decision.outcome == Outcome.DEFER:
        if escalation.status == EscalationStatus.FED_BACK:
            return take(KEEP_ANSWER, escalation, by=by, reason=decision.reason, fed_back_on=None, fed_back_at=None)
        return escalation
    if escalation.status == EscalationStatus.FED_BACK:
        return escalation
    return feed_back(escalation, on=item.meeting.date, meeting=item.meeting, by=by)


@transaction.atomic
def feed_back(
    escalation: Escalation, *, on: date, by: Actor, meeting: Meeting | None = None, version: int | None = None
) -> Escalation:
    """Say that the panel has heard the answer, at a meeting or between two. It is closed.

    Raises PermissionDenied, StepRefused or Stale.
    """
    escalation = take(FEED_BACK, escalation, by=by, version=version, fed_back_on=on, fed_back_at=meeting)
    if meeting is None:
        _off_agendas(escalation, by)
    _tell(
        escalation,
        [escalation.raised_by.user] if escalation.raised_by.user_id != by.user.pk else [],
        kind="escalation_fed_back",
        text=f"The panel has heard the answer: {escalation.reference}",
    )
    return escalation


def answers_to(escalations: Iterable[Escalation]) -> dict[int, list[BoardAnswer]]:
    """What counts of what was said of these, oldest first, by escalation."""
    return _by_escalation(_answers(escalations))


def _answers(escalations: Iterable[Escalation]) -> QuerySet[BoardAnswer]:
    rows = BoardAnswer.objects.filter(escalation__in=list(escalations)).filter(
        Q(decision=None) | Q(decision__superseded_by=None)
    )
    return rows.select_related("decision__item__meeting__body").order_by("pk")


def _by_escalation(rows: Iterable[BoardAnswer]) -> dict[int, list[BoardAnswer]]:
    found: dict[int, list[BoardAnswer]] = {}
    for answer in rows:
        found.setdefault(answer.escalation_id, []).append(answer)
    return found


# --- On agendas, by themselves ---------------------------------------------------


def bring_all(*, by: Actor) -> None:
    """Put what the board has, and what was answered, on the next agenda of the body that is to look at it.

    Oldest first; nothing twice. Without a next meeting it waits until one is planned.
    """
    waiting = Escalation.objects.filter(scheme=by.scheme, status=EscalationStatus.WITH_BOARD).exclude(to_body=None)
    back = Escalation.objects.filter(scheme=by.scheme, status=EscalationStatus.ANSWERED)
    for kind, rows, body_of in (
        (EscalationItem.Kind.ASKS, waiting, "to_body"),
        (EscalationItem.Kind.ANSWER, back, "from_body"),
    ):
        left = rows.exclude(pk__in=_coming(kind).values("escalation")).select_related("from_body", "to_body")
        for escalation in left.order_by("sent_on", "pk"):
            if (meeting := _next_meeting(getattr(escalation, body_of))) is not None:
                _put_on(meeting, escalation, kind, by)


def _coming(kind: str) -> QuerySet[EscalationItem]:
    """Items that still lead to a decision of the meeting they are on."""
    return EscalationItem.objects.filter(
        kind=kind,
        item__state=ItemState.OPEN,
        item__meeting__status__in=[*NOT_HELD_YET, MeetingStatus.LIVE],
    )


def _next_meeting(body: Body) -> Meeting | None:
    rows = Meeting.objects.filter(scheme=body.scheme_id, body=body, status__in=NOT_HELD_YET)
    return rows.upcoming(clock.today()).select_related("body", "scheme").first()


def _put_on(meeting: Meeting, escalation: Escalation, kind: str, by: Actor) -> AgendaItem | None:
    if EscalationItem.objects.filter(item__meeting=meeting, escalation=escalation, kind=kind).exists():
        return None
    wanted = agenda.Wanted(
        Section.ESCALATIONS,
        title=_title(escalation, kind),
        why=_why(escalation, kind, meeting),
        minutes=MINUTES[EscalationItem.Kind(kind)],
    )
    item = agenda.bring(meeting, [wanted], by=by)[0]
    EscalationItem.objects.create(scheme=escalation.scheme, item=item, escalation=escalation, kind=kind)
    _oldest_first(meeting)
    return item


def _title(escalation: Escalation, kind: str) -> str:
    words = escalation.title if kind == EscalationItem.Kind.ASKS else f"Answer: {escalation.title}"
    return words[:LONGEST_TITLE]


def _why(escalation: Escalation, kind: str, meeting: Meeting) -> str:
    """Why it is there, with the days open on the day of the meeting."""
    if kind == EscalationItem.Kind.ASKS:
        days = plural(escalation.days_open(meeting.date), "day")
        return f"{escalation.reference}: open for {days} on {day_month(meeting.date)}"
    who = reporter(escalation.scheme)
    took = plural(escalation.days_open(), "day")
    said = f"{escalation.reference}: answered on {day_month(escalation.answered_on)} after {took}"
    return f"{said}. {who} brings it back"[:200]


def _oldest_first(meeting: Meeting) -> None:
    """Order the escalations of a draft by how long the board has had them; what else stands there keeps its place."""
    if meeting.status != MeetingStatus.DRAFT:
        return
    links = list(
        EscalationItem.objects.filter(item__meeting=meeting).exclude(item__state=ItemState.PARKED)
        .select_related("item", "escalation")
    )  # fmt: skip
    places = sorted(link.item.position for link in links)
    links.sort(key=lambda link: (link.kind != EscalationItem.Kind.ANSWER, link.escalation.sent_on, link.pk))
    moved = []
    for link, place in zip(links, places, strict=True):
        if link.item.position != place:
            link.item.position = place
            moved.append(link.item)
    AgendaItem.objects.bulk_update(moved, ["position"])


def _off_agendas(escalation: Escalation, by: Actor) -> None:
    """What is withdrawn or heard already is not heard again."""
    coming = EscalationItem.objects.filter(escalation=escalation, item__state=ItemState.OPEN)
    for link in coming.filter(item__meeting__status__in=NOT_HELD_YET).select_related("item__meeting"):
        agenda.leave(link.item, by=by)


def _answer_looked_for(escalation: Escalation, scheme: Scheme) -> date:
    """The day of the board's next meeting; while none is planned, or it is outside, so many days from today."""
    meeting = _next_meeting(escalation.to_body) if escalation.to_body else None
    return meeting.date if meeting else clock.today() + timedelta(days=scheme.policy.escalation.answer_days)


# --- Who hears of it --------------------------------------------------------------


def _tell(
    escalation: Escalation, people: Iterable[User], *, kind: str, text: str, body: str = "", due: date | None = None
) -> None:
    notify.tell(
        {person.pk: person for person in people}.values(),
        scheme=escalation.scheme,
        kind=kind,
        subject=f"escalation:{escalation.pk}:{escalation.version}",
        text=text,
        url=escalation.get_absolute_url(),
        email_body=body,
        due=due,
    )


def _tell_answered(escalation: Escalation, by: Actor) -> None:
    """The office and whoever raised it; and with their own action each owner of one, who may sit on no body."""
    readers = {person.pk: person for person in (*_office(by.scheme), escalation.raised_by.user)}
    _tell(
        escalation,
        readers.values(),
        kind="escalation_answered",
        text=f"Read the answer of the {escalation.to_name}: {escalation.reference}",
        body=f"The {escalation.to_name} has answered what the panel asked. Sign in to read it:",
    )
    linked = Action.objects.filter(escalation_links__escalation=escalation, owner__isnull=False)
    current = Membership.objects.filter(scheme=escalation.scheme_id).current(clock.today())
    for action in linked.filter(owner__in=current).exclude(owner__user__in=readers).select_related("owner__user"):
        notify.tell(
            [action.owner.user],
            scheme=escalation.scheme,
            kind="escalation_answered",
            subject=f"escalation:{escalation.pk}:{escalation.version}:{action.pk}",
            text=f"Read what the {escalation.to_name} says of an action of yours",
            url=reverse("action", args=[action.pk]),
        )


def _board_readers(scheme: Scheme) -> list[User]:
    return _with_role(scheme, Role.BOARD_READER)


def _office(scheme: Scheme) -> list[User]:
    return _with_role(scheme, Role.COORDINATOR, Role.CHAIR)


def _with_role(scheme: Scheme, *roles: str) -> list[User]:
    rows = Membership.objects.filter(scheme=scheme).current(clock.today()).with_role(*roles).select_related("user")
    return [membership.user for membership in rows]


def often_carried(actor: Actor) -> QuerySet[Action]:
    """Actions that the actor sees and that were carried forward so often that the board might be asked, without those
    that it is asked about already.
    """
    asked = EscalationAction.objects.exclude(escalation__status=EscalationStatus.WITHDRAWN)
    rows = Action.objects.visible_to(actor).to_do()
    often = rows.filter(carried_forward__gte=actor.scheme.policy.escalation.often_carried)
    return often.exclude(pk__in=asked.values("action"))


# --- Beside what it is about -------------------------------------------------------


@beside.beside_actions
def on_actions(actor: Actor, actions: Iterable[Action]) -> dict[int, list[beside.Note]]:
    """With the board, and for how long; what it answered; for the office, what was carried forward often and might go.

    The board's words name nobody, so that whoever has the action reads them.
    """
    listed = list(actions)
    links = EscalationAction.objects.filter(action__in=listed).select_related("escalation").order_by("pk")
    left_out = (EscalationStatus.DRAFT, EscalationStatus.WITHDRAWN)
    standing = [link for link in links if link.escalation.status not in left_out]
    about = {link.escalation_id: link.escalation for link in standing}
    said = answers_to(about.values()) if about else {}
    rows = Escalation.objects.visible_to(actor).filter(pk__in=about) if about else Escalation.objects.none()
    readable = set(rows.values_list("pk", flat=True))
    found: dict[int, list[beside.Note]] = {}
    for link in standing:
        url = link.escalation.get_absolute_url() if link.escalation_id in readable else ""
        found.setdefault(link.action_id, []).append(_note(link.escalation, said.get(link.escalation_id, []), url))
    if actor.holds("panels.raise_escalation"):
        asked = {link.action_id for link in links if link.escalation.status != EscalationStatus.WITHDRAWN}
        often = actor.scheme.policy.escalation.often_carried
        for action in listed:
            if action.to_do and action.carried_forward >= often and action.pk not in asked:
                url = f"{reverse('new_escalation')}?action={action.pk}"
                found.setdefault(action.pk, []).append(beside.Note("Send to the board", url))
    return found


def _note(escalation: Escalation, said: list[BoardAnswer], url: str) -> beside.Note:
    answer = next((each for each in reversed(said) if each.outcome == BoardAnswer.Outcome.ANSWERED), None)
    if answer is not None:
        words = (
            f"{escalation.reference}: the {escalation.to_name} answered after {plural(escalation.days_open(), 'day')}"
        )
        return beside.Note(words, url, answer.words)
    open_for = plural(escalation.days_open(), "day")
    return beside.Note(f"{escalation.reference}: with the {escalation.to_name} for {open_for}", url)


def told_on(items: Iterable[AgendaItem], on: date) -> dict[int, dict[str, Any]]:
    """What the items of a meeting on the day `on` say of escalations, by item: for the brief and the minutes."""
    wanted = [item for item in items if item.section == Section.ESCALATIONS]
    if not wanted:
        return {}
    links = list(EscalationItem.objects.filter(item__in=wanted).select_related("escalation__agency"))
    said = answers_to(link.escalation for link in links) if links else {}
    return {link.item_id: _told(link, said.get(link.escalation_id, []), on) for link in links}


def told_steps(item: AgendaItem, on: date) -> together.Steps[dict[str, Any] | None]:
    """`told_on` of one item that was read with its `escalation_link__escalation__agency`."""
    link = link_of(item)
    if link is None:
        return None
    said = _by_escalation((yield _answers([link.escalation])))
    return _told(link, said.get(link.escalation_id, []), on)


def _told(link: EscalationItem, said: list[BoardAnswer], on: date) -> dict[str, Any]:
    escalation = link.escalation
    back = link.kind == EscalationItem.Kind.ANSWER
    answer = next((each for each in reversed(said) if each.outcome == BoardAnswer.Outcome.ANSWERED), None)
    return {
        "reference": escalation.reference,
        "back": back,
        "to": escalation.to_name,
        "days": escalation.days_open(on) if back else max((on - escalation.sent_on).days, 0),
        "sent_on": escalation.sent_on.isoformat(),
        "stuck": escalation.stuck,
        "tried": escalation.tried,
        "ask": escalation.ask,
        "about": ", ".join(filter(None, (escalation.agency.name if escalation.agency else "", escalation.service))),
        "answer": answer.words if back and answer else "",
        "answered_on": escalation.answered_on.isoformat() if back and escalation.answered_on else "",
    }

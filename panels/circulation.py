"""Who has the agenda, who has read it, and who comes. Reading is said by a button; no link says it for anybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Q

from iom import audit, clock, notify
from iom.access import actor_for
from iom.jinja import clock as clock_words
from iom.jinja import day_month, longday, plural
from iom.models import Agency, Meeting, MeetingStatus, Membership, Seat, User
from iom.steps import StepRefused, locked

from .models import AgendaItem, Circulation
from .slots import Slots, slots
from .transitions import NOT_HELD_YET

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Table:
    """Who gets a meeting's papers: people with an account, and the agencies with a seat that have nobody here."""

    people: tuple[Membership, ...]
    without_account: tuple[Agency, ...]


def name_of(meeting: Meeting) -> str:
    """A meeting in a subject line: "IOM panel 12 March"; another body by its own name."""
    body = "IOM panel" if meeting.body.position == 0 and meeting.body.kind == "panel" else meeting.body.name
    return f"{body} {day_month(meeting.date)}"


def length_in_words(minutes: int) -> str:
    """120 is "2 hours", 90 is "1 hour 30 minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = [plural(hours, "hour")] if hours else []
    return " ".join([*parts, plural(rest, "minute")] if rest or not parts else parts)


def table_of(meeting: Meeting) -> Table:
    """Seat holders of the body, the coordinator's office and the chair, each once."""
    seats = list(Seat.objects.filter(body=meeting.body).select_related("agency"))
    holders = {seat.holder_id for seat in seats if seat.holder_id}
    office = Q(roles__overlap=["coordinator", "chair"]) | Q(pk__in=holders) | Q(pk=meeting.chair_id)
    people = tuple(
        Membership.objects.filter(office, scheme=meeting.scheme)
        .current(clock.today())
        .select_related("user", "agency", "scheme")
        .order_by("agency__name", "user__name")
    )
    reached = {person.agency_id for person in people}
    missing = {seat.agency_id: seat.agency for seat in seats if seat.agency_id not in reached}
    return Table(people, tuple(sorted(missing.values(), key=lambda agency: agency.name)))


@transaction.atomic
def circulate(meeting: Meeting, *, by: Actor) -> list[Circulation]:
    """Give the agenda to everybody at the table who does not have it, and tell them. Returns the new copies.

    For the people who joined after it went out this is done again. Raises PermissionDenied; StepRefused for a draft.
    """
    if not by.can("panels.build_agenda", meeting):
        raise PermissionDenied
    if meeting.status != MeetingStatus.AGENDA_SENT:
        raise StepRefused(["The agenda has not been sent yet, or the meeting is over."])
    have_it = set(Circulation.objects.filter(meeting=meeting).values_list("membership_id", flat=True))
    people = [person for person in table_of(meeting).people if person.pk not in have_it]
    now = clock.now()
    copies = Circulation.objects.bulk_create(
        [Circulation(scheme=meeting.scheme, meeting=meeting, membership=person, sent_at=now) for person in people]
    )
    made = slots(meeting)
    for person in people:
        _tell_agenda_is_ready(meeting, person, made)
    references = AgendaItem.objects.filter(meeting=meeting).values_list("referral__reference", "case__reference")
    audit.record(
        "circulate_agenda",
        meeting,
        by=by,
        subjects=[reference for pair in references for reference in pair if reference],
        meeting=meeting.key,
        people=len(people),
    )
    return copies


def _when_asked(made: Slots, person: Membership) -> str:
    """From when until when the reader's agency is asked, where cases are grouped: times alone."""
    mine = made.of(person.agency)
    if mine is not None:
        return f"Your agency is asked to be there from {clock_words(mine.starts)} to {clock_words(mine.ends)}. "
    return "No item concerns your agency, so you need not come. " if made.spares(person.agency) else ""


def _tell_agenda_is_ready(meeting: Meeting, person: Membership, made: Slots) -> None:
    # Counted for each reader: whoever is not named on a restricted case does not learn of it from a number.
    actor = actor_for(person)
    actor.scheme.policy_version = meeting.scheme.policy_version
    items = AgendaItem.objects.visible_to(actor).filter(meeting=meeting).numbered().count()
    when = _when_asked(made, person)
    notify.tell(
        [person.user],
        scheme=meeting.scheme,
        kind="agenda_ready",
        subject=f"meeting:{meeting.pk}",
        text=f"Agenda ready: {name_of(meeting)}",
        url=meeting.get_absolute_url(),
        email_body=(
            f"{plural(items, 'item')}, {length_in_words(meeting.minutes_long)}. {when}"
            "Read it and tell us if you will attend:"
        ),
    )


def copy_of(actor: Actor, meeting: Meeting) -> Circulation | None:
    """The actor's own copy, if they were sent one."""
    return Circulation.objects.filter(meeting=meeting, membership=actor.membership).first()


def mark_opened(copy: Circulation, *, by: Actor) -> None:
    """Note when a reader first had their agenda before them; it says neither that they read it nor that they come.

    Looking is in the audit already; this is for the list of copies.
    """
    if copy.opened_at is None and by.membership is not None and copy.membership_id == by.membership.pk:
        copy.opened_at = clock.now()
        Circulation.objects.filter(pk=copy.pk, opened_at=None).update(opened_at=copy.opened_at)


@transaction.atomic
def mark_read(meeting: Meeting, *, by: Actor) -> Circulation:
    """The reader says that they have read the agenda. Said twice it holds from the first time."""
    copy = _own(meeting, by)
    if copy.read_at is None:
        copy.read_at = clock.now()
        copy.version += 1
        copy.save(update_fields=["read_at", "version"])
        audit.record("read_agenda", copy, by=by, meeting=meeting.key)
    return copy


@transaction.atomic
def answer(meeting: Meeting, answer: str, *, by: Actor, substitute_name: str = "") -> Circulation:
    """Say whether one comes: yes, sending a substitute (by name, if known), or no. Can be changed until the meeting.

    Raises PermissionDenied, or StepRefused once the meeting has begun.
    """
    copy = _own(meeting, by)
    if meeting.status not in NOT_HELD_YET:
        raise StepRefused(["The meeting has begun. Tell the coordinator instead."])
    before, copy.answer = copy.answer, Circulation.Answer(answer)
    copy.substitute_name = substitute_name if answer == Circulation.Answer.SUBSTITUTE else ""
    copy.version += 1
    copy.save(update_fields=["answer", "substitute_name", "version"])
    audit.record("answer_circulation", copy, by=by, before=before, after=answer, meeting=meeting.key)
    return copy


def _own(meeting: Meeting, by: Actor) -> Circulation:
    if not by.can("panels.answer_circulation", meeting):
        raise PermissionDenied
    copy = copy_of(by, meeting)
    if copy is None:
        raise StepRefused(["This agenda was not sent to you. Ask the coordinator to send it."])
    return locked(Circulation, copy.pk)


def quiet_copies(meeting: Meeting) -> list[Circulation]:
    """Copies whose reader has not said that they read it, or not whether they come."""
    waiting = Q(read_at=None) | Q(answer="")
    rows = Circulation.objects.filter(waiting, meeting=meeting).select_related("membership__user", "membership__agency")
    return list(rows.order_by("membership__agency__name", "pk"))


@transaction.atomic
def chase(meeting: Meeting, *, by: Actor) -> int:
    """Remind everybody who has not read the agenda or not answered, at most once a day; returns how many were told.

    Whoever joined since it went out gets it now. Raises PermissionDenied or StepRefused as `circulate`.
    """
    new = {copy.membership_id for copy in circulate(meeting, by=by)}
    copies = [copy for copy in quiet_copies(meeting) if copy.membership_id not in new and not _reminded_today(copy)]
    told = _remind(meeting, [copy.membership.user for copy in copies])
    Circulation.objects.filter(pk__in=[copy.pk for copy in copies]).update(
        chased_at=clock.now(), chased=F("chased") + 1
    )
    audit.record("chase_circulation", meeting, by=by, meeting=meeting.key, people=told)
    return told + len(new)


def _reminded_today(copy: Circulation) -> bool:
    return copy.chased_at is not None and clock.local(copy.chased_at).date() == clock.today()


def _remind(meeting: Meeting, people: Iterable[User]) -> int:
    return notify.tell(
        people,
        scheme=meeting.scheme,
        kind="agenda_chase",
        subject=f"meeting:{meeting.pk}",
        due=clock.today(),
        text=f"Read the agenda and say if you will attend: {name_of(meeting)}",
        url=meeting.get_absolute_url(),
        email_body=(
            f"The agenda for {longday(meeting.date)} has been out for some days. Tell us that you have read it and "
            "whether you will attend:"
        ),
    )

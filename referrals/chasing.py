"""Asking agencies for their checks and reminding them: who hears what, in the words of ux.md 7, without personal data.

An agency hears at once when there is something to check after there was nothing. Names that join before it has answered
are in the same round: the number in the notice grows, nobody is written to again, and the reminder counts all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from iom import audit, clock, notify
from iom.jinja import WEEKDAYS, day_month, longday, plural, weekday_day
from iom.models import Agency, Meeting, Membership, Notification, OutboxMessage, User
from referrals.models import CheckContact, CheckRequest

if TYPE_CHECKING:
    from iom.access import Actor

# Told that there is something to check; reminded by somebody; reminded by the clock.
ASKED, CHASED, DUE = "checks_asked", "checks_chased", "checks_due"
ANSWERING = ("member", "researcher")


@dataclass(frozen=True, slots=True)
class Chased:
    """An agency and how many people were reminded now; `before`: reminded already, the same day."""

    agency: Agency
    people: int
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Reminded:
    """When an agency was last reminded, by whom (nobody: the clock), and what became of the e-mails."""

    at: datetime
    by_clock: bool
    people: int
    mail: str


def contacts(agency: Agency, on: date | None = None) -> list[User]:
    """Who answers for an agency: those whom the coordinator chose, else its panel members and researchers, else
    whoever of it sits at the table. Somebody chosen who has left is no contact any more.
    """
    rows = reachable(on).filter(agency=agency).select_related("user").order_by("pk")
    answering = _answering(list(rows), _chosen([agency]))
    return list({membership.user_id: membership.user for membership in answering}.values())


def reachable(on: date | None = None) -> QuerySet[Membership]:
    """Memberships whose people could answer for their agency."""
    return Membership.objects.current(on or clock.today()).with_role(*ANSWERING, "coordinator", "chair")


def contact_names(agencies: Iterable[Agency]) -> dict[int, list[str]]:
    """Who answers for each agency, by name, in one query; an agency without anybody is not there."""
    rows = reachable().filter(agency__in=list(agencies)).select_related("user").order_by("user__name")
    held: dict[int, list[Membership]] = {}
    for membership in rows:
        held.setdefault(membership.agency_id, []).append(membership)
    chosen = _chosen(agencies)
    return {pk: [membership.user.name for membership in _answering(rows, chosen)] for pk, rows in held.items()}


def _answering(rows: list[Membership], chosen: set[int]) -> list[Membership]:
    named = [membership for membership in rows if membership.pk in chosen]
    return named or [membership for membership in rows if set(membership.roles) & set(ANSWERING)] or rows


def chosen_contacts(scheme_id: int) -> set[int]:
    """The memberships that are chosen in a scheme, whatever their agency."""
    return set(CheckContact.objects.filter(scheme=scheme_id).values_list("membership", flat=True))


def _chosen(agencies: Iterable[Agency]) -> set[int]:
    rows = CheckContact.objects.filter(agency__in=list(agencies))
    return set(rows.values_list("membership", flat=True))


@transaction.atomic
def choose_contacts(agency: Agency, chosen: Iterable[Membership], *, by: Actor) -> int:
    """Say who hears of an agency's checks; nobody chosen: whoever answers for it. Returns how many are chosen.

    Raises PermissionDenied, also for somebody of another agency.
    """
    chosen = {membership.pk: membership for membership in chosen}
    if not by.holds("referrals.ask_agencies") or agency.scheme_id != by.scheme.pk:
        raise PermissionDenied
    if any(membership.agency_id != agency.pk for membership in chosen.values()):
        raise PermissionDenied
    held = set(CheckContact.objects.filter(agency=agency).values_list("membership", flat=True))
    if held == set(chosen):
        return len(chosen)
    CheckContact.objects.filter(agency=agency).exclude(membership__in=chosen).delete()
    for pk in set(chosen) - held:
        CheckContact.objects.create(scheme=by.scheme, agency=agency, membership=chosen[pk])
    audit.record("change_checks_contacts", agency, by=by, people=len(chosen))
    return len(chosen)


def called(meeting: Meeting) -> str:
    """`IOM panel`, or the body's own name where the scheme has several."""
    body = meeting.body
    return "IOM panel" if body.position == 0 and body.kind == "panel" else body.name


def the_panel(meeting: Meeting) -> str:
    """`the 12 March panel`."""
    if meeting.body.position == 0 and meeting.body.kind == "panel":
        return f"the {day_month(meeting.date)} panel"
    return f"the {day_month(meeting.date)} {meeting.body.name}"


@transaction.atomic
def tell_asked(meeting: Meeting, agency: Agency, *, new_round: bool) -> int:
    """Tell an agency's contacts that there are names to check; returns how many were told.

    Within a round nobody is told again: the notice that is still unread says the new number.
    """
    count = _asked(meeting, agency).unanswered().count()
    if not count:
        return 0
    words = _asking_words(meeting, agency, count)
    if not new_round:
        unread = Notification.objects.filter(
            scheme=meeting.scheme_id, kind=ASKED, subject__startswith=f"{_key(meeting, agency)}:", read_at=None
        )
        unread.update(text=words["text"])
        return 0
    asked = _asked(meeting, agency).count()
    return notify.tell(
        contacts(agency),
        scheme=meeting.scheme,
        kind=ASKED,
        subject=f"{_key(meeting, agency)}:{asked}",
        due=meeting.dates.checks_due.date,
        url=f"/research/{meeting.key}/",
        **words,
    )


def _asking_words(meeting: Meeting, agency: Agency, count: int) -> dict[str, str]:
    due = meeting.dates.checks_due.date
    heading = (
        f"Checks due {weekday_day(due)}" if due else f"Checks for the {called(meeting)} of {day_month(meeting.date)}"
    )
    by_when = f" by 5pm on {_day(due)}" if due else ""
    return {
        "text": f"{heading}: {plural(count, 'name')}",
        "email_body": (
            f"The {called(meeting)} meets on {_day(meeting.date)}. Please check {plural(count, 'name')} against your "
            f"records{by_when}. It takes about 2 minutes if none are known to you. You get this because you are the "
            f"contact for {agency.name}. Sign in:"
        ),
    }


def reminder_words(meeting: Meeting, agency: Agency, left: int, asked: int, on: date) -> dict[str, str]:
    """The words of a reminder on the day `on`: `Reminder: checks due tomorrow, 3 of 8 left`."""
    due = meeting.dates.checks_due.date
    return {
        "text": f"Reminder: {_due_words(meeting, due, on)}, {left} of {asked} left",
        "email_body": (
            f"The {called(meeting)} meets on {_day(meeting.date)}. {plural(left, 'name')} of {asked} "
            f"{'is' if left == 1 else 'are'} still to be checked against your records. It takes a few "
            f"seconds if none are known to you. You get this because you are the contact for {agency.name}. Sign in:"
        ),
    }


def _due_words(meeting: Meeting, due: date | None, on: date) -> str:
    if due is None:
        return f"checks for {the_panel(meeting)}"
    away = (due - on).days
    if away < 0:
        return f"checks were due {weekday_day(due)}"
    if away < 2:
        return ("checks due today", "checks due tomorrow")[away]
    return f"checks due {WEEKDAYS[due.weekday()]}" if away < 7 else f"checks due {weekday_day(due)}"


def _day(when: date) -> str:
    """`Thursday 12 March`, as in the letters of ux.md 7."""
    return " ".join(longday(when).split()[:-1])


@transaction.atomic
def remind(meeting: Meeting, agencies: Iterable[Agency], *, by: Actor) -> list[Chased]:
    """Remind agencies of what they have not answered; each at most once a day. Raises PermissionDenied.

    Agencies that owe nothing are left out of the result.
    """
    if not by.holds("referrals.ask_agencies") or meeting.scheme_id != by.scheme.pk:
        raise PermissionDenied
    chased = [_remind(meeting, agency, by) for agency in agencies if agency.scheme_id == by.scheme.pk]
    return [each for each in chased if each is not None]


def _remind(meeting: Meeting, agency: Agency, by: Actor) -> Chased | None:
    rows, today = _asked(meeting, agency), clock.today()
    left = rows.unanswered().count()
    if not left:
        return None
    asked = rows.count()
    before = last_reminded(meeting).get(agency.pk)
    people = contacts(agency)
    told = notify.tell(
        people,
        scheme=meeting.scheme,
        kind=CHASED,
        subject=_key(meeting, agency),
        # The day of the reminder: a second one on the same day finds the first.
        due=today,
        url=f"/research/{meeting.key}/",
        **reminder_words(meeting, agency, left, asked, today),
    )
    if told:
        audit.record("remind_agency", agency, by=by, meeting=meeting.key, people=told)
    return Chased(agency, told, before if people and not told else None)


def last_reminded(meeting: Meeting) -> dict[int, datetime]:
    """When each agency was last reminded by somebody of this meeting's checks, by the agency's id: in one query."""
    rows = Notification.objects.filter(
        scheme=meeting.scheme_id, kind=CHASED, subject__startswith=f"meeting:{meeting.pk}:"
    )
    found = rows.values_list("subject").annotate(at=Max("created_at"))
    return {int(subject.rsplit(":", 1)[1]): at for subject, at in found}


def reminded(meeting: Meeting) -> dict[int, Reminded]:
    """The last reminder of each agency, whoever sent it, by the agency's id: in two queries."""
    rows = Notification.objects.filter(
        scheme=meeting.scheme_id, kind__in=[CHASED, DUE], subject__startswith=f"meeting:{meeting.pk}:"
    ).order_by("created_at", "pk")
    last: dict[int, list[Notification]] = {}
    for row in rows:
        pk = int(row.subject.rsplit(":", 1)[1])
        before = last.get(pk)
        same = before and (before[0].kind, before[0].due) == (row.kind, row.due)
        last[pk] = [*before, row] if before and same else [row]
    # The payload names the notification, so that nothing here need know how the outbox makes its keys.
    ids = [row.pk for told in last.values() for row in told]
    work = OutboxMessage.objects.filter(scheme=meeting.scheme_id, kind="email", payload__notification__in=ids)
    mails = {mail.payload["notification"]: mail for mail in work}
    return {
        pk: Reminded(
            told[-1].created_at,
            told[-1].kind == DUE,
            len(told),
            _mail_words([mails[row.pk] for row in told if row.pk in mails]),
        )
        for pk, told in last.items()
    }


def _mail_words(mails: list[OutboxMessage]) -> str:
    if not mails:
        return "in the panel alone"
    if any(mail.dead for mail in mails):
        return "an e-mail could not be sent"
    return "by e-mail" if all(mail.done_at for mail in mails) else "e-mail on its way"


def open_to_all(scheme_id: int) -> QuerySet[CheckRequest]:
    """Requests about people of whom every contact may know. Who is named on a restricted case is told by its owner."""
    return CheckRequest.objects.filter(scheme=scheme_id).exclude(offender__cases__restricted=True)


def progress(rows: QuerySet[CheckRequest], on: date) -> list[dict[str, Any]]:
    """For each coming meeting and agency: of how many requests how many are left, soonest first, in one query."""
    return list(progress_rows(rows, on))


def progress_rows(rows: QuerySet[CheckRequest], on: date) -> QuerySet:
    """`progress` before it is asked."""
    left = Q(closed_at=None) & (Q(answer=None) | Q(answer__sent_at=None))
    rows = rows.filter(withdrawn_at=None, meeting__date__gte=on, meeting__status__in=["draft", "agenda_sent", "live"])
    counted = rows.values("meeting", "agency").annotate(asked=Count("pk"), left=Count("pk", filter=left))
    return counted.order_by("meeting__date", "agency__name")


def _asked(meeting: Meeting, agency: Agency) -> QuerySet[CheckRequest]:
    return open_to_all(meeting.scheme_id).filter(meeting=meeting, agency=agency, withdrawn_at=None)


def _key(meeting: Meeting, agency: Agency) -> str:
    return f"meeting:{meeting.pk}:{agency.pk}"

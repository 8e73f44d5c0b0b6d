"""Keeping the computed dates of meetings, and letting the open ones follow a change of what they are computed from.

security.md T4. A meeting's dates are stored when it is planned or moved. When the scheme's rules or its bank holidays
change (by a verb, or because a day has come from which other rules hold), `restore` counts the open ones again; what
has passed, or whose work is done, stays as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from iom import audit, clock, notify, walls
from iom.access import task_actor
from iom.deadlines import Deadline, meeting_dates
from iom.jinja import longday
from iom.models import Meeting, MeetingStatus, Membership, PolicyVersion, Role, Scheme, StoredDate, User
from iom.models.dates import forget, forget_dates, holidays_in

if TYPE_CHECKING:
    from iom.access import Actor

log = logging.getLogger(__name__)

Name = StoredDate.Name
BEFORE = frozenset({MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT})
# While a meeting is in one of these states, what a date waits for has not been done.
OPEN_WHILE = {
    Name.NOMINATIONS_CLOSE: BEFORE,
    Name.AGENDA_DUE: frozenset({MeetingStatus.DRAFT}),
    Name.CHECKS_DUE: BEFORE,
    Name.MINUTES_DUE: BEFORE | {MeetingStatus.LIVE, MeetingStatus.ADJOURNED, MeetingStatus.MINUTES_DRAFTED},
}
COUNTED = ("date", "due_at", "kind", "rule", "source", "skipped", "warnings")
BASIS = ("counted_from", "policy_version", "holidays_version", "holidays_known_to")
STATE = ("fixed_at", "moved_from", "moved_at", "version")

Hook = Callable[[Meeting], None]
_counted: list[Hook] = []


def when_counted(function: Hook) -> Hook:
    """Register what follows when the dates of a meeting were stored or moved, in the same transaction."""
    _counted.append(function)
    return function


@dataclass(frozen=True, slots=True)
class Moved:
    """A date of a meeting that is not where it was. None stands for no such date."""

    meeting: str
    name: str
    before: date | None
    after: date | None

    @property
    def words(self) -> str:
        """`Agenda due: Thursday 5 March 2026, was Wednesday 4 March 2026`."""
        return f"{Name(self.name).label}: {_day(self.after)}, was {_day(self.before)}"


def store(meeting: Meeting) -> None:
    """Count the dates of a meeting that was planned or moved, and keep them with what they were counted from."""
    forget(meeting.scheme)
    rows = _fresh(meeting, meeting.scheme.policy_version)
    held = {row.name: row for row in StoredDate.objects.filter(meeting=meeting)}
    for row in rows:
        if row.name in held:
            row.pk, row.version = held[row.name].pk, held[row.name].version + 1
    StoredDate.objects.bulk_create([row for row in rows if row.pk is None])
    StoredDate.objects.bulk_update([row for row in rows if row.pk], [*COUNTED, *BASIS, *STATE])
    _follow(meeting)


def restore(scheme: Scheme, *, by: Actor | None = None) -> list[Moved]:
    """Let the open dates of the scheme follow its rules and bank holidays as they are now. Returns what moved.

    Dates that have passed, or whose work is done, are fixed first and stay. Meetings without stored dates get theirs.
    What moved is audited for each meeting, and its coordinators are told. Run twice it moves nothing more.
    """
    with walls.within(scheme, by=by, cause="" if by else "restore_dates"):
        forget(scheme)
        by, now, moved = by or task_actor(scheme, "restore_dates"), clock.now(), []
        for meeting in _locked(scheme, _to_look_at(scheme, now)):
            meeting.scheme = meeting.body.scheme = scheme
            moved += _restore(meeting, now, by)
        return moved


def restore_all() -> int:
    """`restore` for every scheme: what moves because the day has come. Returns how many dates moved.

    Raises RestoreFailed at the end if a scheme's could not be counted; the others' have been by then.
    """
    moved, broken = 0, []
    for scheme in Scheme.objects.order_by("pk"):
        try:
            moved += len(restore(scheme))
        except Exception:
            log.exception("dates not restored", extra={"scheme_id": scheme.pk})
            broken.append(scheme.slug)
    if broken:
        raise RestoreFailed(f"{moved} dates moved. Not counted: {', '.join(broken)}")
    return moved


class RestoreFailed(Exception):
    """Schemes whose dates could not be counted again, by their slugs."""


def _to_look_at(scheme: Scheme, now: datetime) -> set[int]:
    """Meetings of which a date is to be fixed or counted again, or that have none; read without a lock."""
    rules, holidays = scheme.policy_version.pk, holidays_in(scheme).version
    waiting = StoredDate.objects.filter(scheme=scheme, fixed_at=None).select_related("meeting")
    behind = {
        row.meeting_id
        for row in waiting
        if (row.policy_version_id, row.holidays_version) != (rules, holidays) or not _is_open(row, row.meeting, now)
    }
    without = Meeting.objects.filter(scheme=scheme, stored_dates=None).values_list("pk", flat=True)
    return behind.union(without)


def _locked(scheme: Scheme, meetings: Iterable[int]) -> list[Meeting]:
    rows = Meeting.objects.select_for_update(of=("self",)).filter(scheme=scheme, pk__in=list(meetings))
    return list(rows.select_related("body").order_by("pk"))


def _restore(meeting: Meeting, now: datetime, by: Actor) -> list[Moved]:
    held = {row.name: row for row in StoredDate.objects.filter(meeting=meeting).order_by("pk")}
    if len(held) < len(Name):
        _store_late(meeting, now)
        return []
    fresh = {row.name: row for row in _fresh(meeting, meeting.scheme.policy_version)}
    changed, moved = [], []
    for name, row in held.items():
        if row.fixed_at is not None:
            continue
        if not _is_open(row, meeting, now):
            row.fixed_at = _since(row.deadline, now)
        elif _basis(row) == _basis(fresh[name]):
            continue
        else:
            if row.date != fresh[name].date:
                moved.append(Moved(meeting.key, name, row.date, fresh[name].date))
                row.moved_from, row.moved_at = row.date, now
            for field in (*COUNTED, *BASIS):
                setattr(row, field, getattr(fresh[name], field))
        row.version += 1
        changed.append(row)
    StoredDate.objects.bulk_update(changed, [*COUNTED, *BASIS, *STATE])
    forget_dates(meeting.scheme)
    if moved:
        _follow(meeting)
        _tell(meeting, moved, fresh[Name.AGENDA_DUE], by)
    return moved


def _store_late(meeting: Meeting, now: datetime) -> None:
    """For a meeting that was planned before dates were stored: by the rules of its own day if it is over."""
    over = meeting.status not in BEFORE
    rows = _fresh(meeting, meeting.scheme.policy_on(meeting.date) if over else meeting.scheme.policy_version)
    for row in rows:
        if not _is_open(row, meeting, now):
            row.fixed_at = _since(row.deadline, now)
    StoredDate.objects.bulk_create(rows, ignore_conflicts=True)
    _follow(meeting)


def _fresh(meeting: Meeting, rules: PolicyVersion) -> list[StoredDate]:
    """The dates as they come out now, not saved."""
    holidays = holidays_in(meeting.scheme)
    dates = meeting_dates(rules.policy.body(meeting.body.slug), meeting.date, holidays)
    rows = []
    for deadline in dates:
        row = StoredDate(
            scheme=meeting.scheme,
            meeting=meeting,
            name=deadline.name,
            counted_from=meeting.date,
            policy_version=rules,
            holidays_version=holidays.version,
            holidays_known_to=holidays.known_to,
            warnings=list(dates.warnings),
        )
        row.take(deadline)
        rows.append(row)
    return rows


def _is_open(row: StoredDate, meeting: Meeting, now: datetime) -> bool:
    return meeting.status in OPEN_WHILE[Name(row.name)] and not row.deadline.passed(now)


def _since(deadline: Deadline, now: datetime) -> datetime:
    return min(deadline.moment or now, now)


def _basis(row: StoredDate) -> tuple[date, int, str]:
    return row.counted_from, row.policy_version_id, row.holidays_version


def _follow(meeting: Meeting) -> None:
    forget_dates(meeting.scheme)
    for function in _counted:
        function(meeting)


def _tell(meeting: Meeting, moved: list[Moved], basis: StoredDate, by: Actor) -> None:
    """The audit says which dates moved and by what; the coordinators read from where to where."""
    rules = basis.policy_version.number
    audit.record(
        "move_dates",
        meeting,
        by=by,
        fields=[each.name for each in moved],
        meeting=meeting.key,
        rules=rules,
        holidays=basis.holidays_version,
    )
    lines = "\n".join(f"- {each.words}" for each in moved)
    notify.tell(
        _coordinators(meeting.scheme),
        scheme=meeting.scheme,
        kind="dates_moved",
        subject=f"meeting:{meeting.pk}:{rules}:{basis.holidays_version}",
        text=f"Dates changed: {meeting.called}",
        url=f"{meeting.get_absolute_url()}edit/",
        email_body=(
            f"The scheme's rules or the bank holidays changed, and with them dates of the {meeting.called}:\n\n"
            f"{lines}\n\nDates that had passed stay as they were. Sign in to see the rules:"
        ),
    )


def _coordinators(scheme: Scheme) -> list[User]:
    rows = Membership.objects.filter(scheme=scheme).current(clock.today()).with_role(Role.COORDINATOR)
    return list({row.user_id: row.user for row in rows.select_related("user")}.values())


def _day(day: date | None) -> str:
    return longday(day) if day else "no such date"

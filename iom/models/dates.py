"""Bank holidays as a table, and the dates that were computed with them (security.md T3, T4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models

from iom import together
from iom.clock import today
from iom.deadlines import Deadline, MeetingDates
from iom.working_days import Holidays, Skipped, english_holidays, holidays_of, whole_years

from .base import SchemeModel, per_scheme, same_scheme
from .people import PolicyVersion, Scheme

if TYPE_CHECKING:
    from .calendar import Meeting


class ListedDay(models.Model):
    """A row of a table of days that keeps its past: what held under each version can be read from it.

    `added_in` and `withdrawn_in` are versions of the table; a row without the second is in force.
    """

    date = models.DateField()
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=200)
    added_in = models.PositiveIntegerField(editable=False)
    withdrawn_in = models.PositiveIntegerField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name}, {self.date.isoformat()}"


class BankHoliday(ListedDay):
    """A bank holiday of England and Wales, the same for every scheme. Only `iom.holidays.publish` writes here."""

    class Meta:
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(
                fields=["date"], condition=models.Q(withdrawn_in=None), name="iom_bankholiday_day_once"
            ),
        ]


class SchemeHoliday(SchemeModel, ListedDay):
    """What one scheme says of a day: its own day without work, or (`closed` is false) a bank holiday it works on."""

    closed = models.BooleanField(default=True)

    class Meta:
        ordering = ["date"]
        constraints = [
            per_scheme(),
            models.UniqueConstraint(
                fields=["scheme", "date"], condition=models.Q(withdrawn_in=None), name="iom_schemeholiday_day_once"
            ),
        ]


class StoredDate(SchemeModel):
    """One date of a meeting as it was computed, with everything it was computed from (security.md T4).

    Written by `iom.stored_dates` alone. Once `fixed_at` is set no change of rules or holidays moves it; `moved_from` is
    where it stood before the last change that did.
    """

    class Name(models.TextChoices):
        NOMINATIONS_CLOSE = "nominations_close", "Nominations close"
        AGENDA_DUE = "agenda_due", "Agenda due"
        CHECKS_DUE = "checks_due", "Checks due"
        MINUTES_DUE = "minutes_due", "Minutes due"

    meeting = models.ForeignKey("iom.Meeting", on_delete=models.CASCADE, related_name="stored_dates")
    name = models.CharField(max_length=20, choices=Name.choices)
    date = models.DateField(null=True, help_text="Empty where the body has no such date")
    due_at = models.TimeField(null=True, help_text="London time; empty means the end of the day")
    kind = models.CharField(max_length=10, blank=True)
    rule = models.CharField(max_length=200)
    source = models.CharField(max_length=120)
    skipped = models.JSONField(default=list, help_text="Days stepped over, each with the reason")
    warnings = models.JSONField(default=list, help_text="What was said of the meeting's dates when they were counted")
    counted_from = models.DateField(help_text="The day of the meeting")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    holidays_version = models.CharField(max_length=20)
    holidays_known_to = models.DateField()
    fixed_at = models.DateTimeField(null=True)
    moved_from = models.DateField(null=True)
    moved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "policy_version"),
            models.UniqueConstraint(fields=["scheme", "meeting", "name"], name="iom_storeddate_name_once"),
        ]
        indexes = [models.Index(fields=["scheme"], name="iom_storeddate_open", condition=models.Q(fixed_at=None))]

    def __str__(self) -> str:
        return f"{self.name} {self.date}"

    @property
    def deadline(self) -> Deadline:
        """The date as the rules give it."""
        return Deadline(
            name=self.name,
            date=self.date,
            due_at=self.due_at,
            source=self.source,
            kind=self.kind or None,
            rule=self.rule,
            skipped=tuple(Skipped(date.fromisoformat(day), why) for day, why in self.skipped),
            moved_from=self.moved_from,
        )

    def take(self, deadline: Deadline) -> None:
        """Copy what was computed; who calls it says with which versions."""
        self.date, self.due_at, self.kind = deadline.date, deadline.due_at, deadline.kind or ""
        self.rule, self.source = deadline.rule, deadline.source
        self.skipped = [[skipped.date.isoformat(), skipped.why] for skipped in deadline.skipped]


# What the rows of a scheme say is read once for each Scheme object, that is once a request: a page that lists meetings
# gives them all the actor's scheme, and pays one query for the dates of all of them. Of meetings held longer ago than
# this the dates are read one by one: no page lists those.
_LATELY = timedelta(days=200)
_DATES, _SOME_DATES, _HOLIDAYS = "_dates_in_mind", "_some_dates_in_mind", "_holidays_in_mind"


def dates_of(meeting: Meeting) -> MeetingDates | None:
    """The stored dates of a meeting, if they were counted from its day."""
    some = meeting.scheme.__dict__.get(_SOME_DATES, {})
    if meeting.pk in some:
        stored = some[meeting.pk]
        return stored if stored and stored.meeting == meeting.date else None
    since = today() - _LATELY
    known = _once(meeting.scheme, _DATES, lambda scheme: _read_dates(scheme, counted_from__gte=since))
    if meeting.date < since and meeting.pk not in known:
        known |= _read_dates(meeting.scheme, meeting=meeting) or {meeting.pk: None}
    stored = known.get(meeting.pk)
    return stored if stored and stored.meeting == meeting.date else None


def dates_steps(scheme: Scheme) -> together.Steps[None]:
    """Read at once with other rows what `dates_of` asks for."""
    if _DATES not in scheme.__dict__:
        since = today() - _LATELY
        rows = yield lambda: stored_dates(scheme).filter(counted_from__gte=since)
        scheme.__dict__[_DATES] = _by_meeting(rows)


def holidays_in(scheme: Scheme) -> Holidays:
    """The bank holidays with what the scheme says of its own days, and the days that its rules name."""
    if _HOLIDAYS not in scheme.__dict__:
        together.run(holidays_steps(scheme))
    return holidays_of(scheme.policy, scheme.__dict__[_HOLIDAYS])


def keep_dates(scheme: Scheme, meetings: Iterable[Meeting], rows: Iterable[StoredDate]) -> None:
    """Let the scheme know the dates of these meetings: all `stored_dates` of them, read elsewhere."""
    found = _by_meeting(rows)
    scheme.__dict__.setdefault(_SOME_DATES, {}).update({meeting.pk: found.get(meeting.pk) for meeting in meetings})


def stored_dates(scheme: Scheme) -> models.QuerySet[StoredDate]:
    """The rows that `keep_dates` takes, to be narrowed."""
    return StoredDate.objects.filter(scheme=scheme).annotate(rules=models.F("policy_version__number"))


def holidays_steps(scheme: Scheme) -> together.Steps[Holidays]:
    """`holidays_in`, read in its caller's round."""
    if _HOLIDAYS not in scheme.__dict__:
        national, own = yield lambda: [
            BankHoliday.objects.values_list(*_LISTED, named=True),
            SchemeHoliday.objects.filter(scheme=scheme).values_list(*_LISTED, "closed", named=True),
        ]
        scheme.__dict__[_HOLIDAYS] = _table(national, own)
    return holidays_in(scheme)


def forget_dates(scheme: Scheme) -> None:
    """Read dates anew when they are next asked for: called by whatever writes them."""
    scheme.__dict__.pop(_DATES, None)
    scheme.__dict__.pop(_SOME_DATES, None)


def forget(scheme: Scheme) -> None:
    """Read dates, holidays and the rules anew when they are next asked for: called by whatever counts with them."""
    for name in (_DATES, _SOME_DATES, _HOLIDAYS, "policy_version"):
        scheme.__dict__.pop(name, None)


def _once(scheme: Scheme, name: str, read: Callable[[Scheme], Any]) -> Any:
    if name not in scheme.__dict__:
        scheme.__dict__[name] = read(scheme)
    return scheme.__dict__[name]


def _read_dates(scheme: Scheme, **which: Any) -> dict[int, MeetingDates | None]:
    return dict(_by_meeting(stored_dates(scheme).filter(**which)))


def _by_meeting(rows: Iterable[StoredDate]) -> dict[int, MeetingDates]:
    found: dict[int, dict[str, StoredDate]] = {}
    for row in rows:
        found.setdefault(row.meeting_id, {})[row.name] = row
    return {meeting: _together(by_name) for meeting, by_name in found.items() if len(by_name) == len(StoredDate.Name)}


def _together(rows: dict[str, StoredDate]) -> MeetingDates:
    # Of dates that were fixed at different times, the last to be counted knows most.
    last = max(rows.values(), key=lambda row: row.rules)
    return MeetingDates(
        meeting=last.counted_from,
        **{name: row.deadline for name, row in rows.items()},
        holidays_known_to=last.holidays_known_to,
        warnings=tuple(last.warnings),
        rules=last.rules,
        holidays=last.holidays_version,
    )


_LISTED = ("date", "name", "added_in", "withdrawn_in")


def _table(national: list[Any], own: list[Any]) -> Holidays:
    version = f"{version_of(national)}.{version_of(own)}"
    # A database without the table's rows must not make Christmas a working day.
    listed = {row.date: row.name for row in national if row.withdrawn_in is None} or english_holidays().days
    held = [row for row in own if row.withdrawn_in is None]
    table = whole_years(listed, extra={row.date: row.name for row in held if row.closed}, version=version)
    worked = {row.date for row in held if not row.closed}
    return replace(table, days={day: name for day, name in listed.items() if day not in worked})


def version_of(rows: Iterable[Any]) -> int:
    """The number of the last change to a table, of which these are all rows, past ones too; 0 before the first."""
    return max((max(row.added_in, row.withdrawn_in or 0) for row in rows), default=0)

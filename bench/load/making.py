"""Fills an empty database: schemes by the product's verbs, the mass by COPY, then verbs for what has to agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from auditlog.context import disable_auditlog
from django.contrib.auth.models import Permission

from iom import clock, stored_dates, walls
from iom.access import actor_for
from iom.models import Meeting, MeetingStatus, Membership, Scheme, User
from offenders.models import Entry
from offenders.restricted import OPENS
from panels.canonical import fingerprint
from panels.demonstration.people import domain
from panels.demonstration.year import numbered_from
from panels.models import Minutes, MinutesStatus
from panels.record import record_of
from referrals import scoring
from referrals.models import Referral

from . import chain, indexes, timelines
from .cases import Known, Writer
from .copying import Rows, Tables
from .made import Made
from .sittings import AT_ITEM, Marks, Secretary, at
from .sizes import Size, shares
from .towns import Town, found

SEED = 2026
# From so many events on it is quicker to make the indexes afterwards.
LARGE = 300_000

Say = Callable[[str], None]


class NotEmpty(Exception):
    """The database holds something already; a load is only ever made into an empty one."""


@dataclass(slots=True)
class _Filled:
    """A scheme that was filled."""

    town: Town
    known: list[Known]
    marks: Marks
    name: str


def fill(name: str, size: Size, superuser: psycopg.Connection[Any], say: Say = lambda words: None) -> Made:
    """Make a load in the empty database to which `superuser` (autocommit) and Django are connected.

    Raises NotEmpty. The same size gives the same people; days are counted from today.
    """
    if Scheme.objects.exists() or User.objects.exists():
        raise NotEmpty("The database holds something already: a load is only made in an empty one.")
    large = size.events >= LARGE
    watch = _Watch(say)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("SET synchronous_commit = off")
    superuser.execute("SET client_min_messages = error")
    with (
        indexes.in_a_hurry(superuser) if large else nullcontext(),
        disable_auditlog(),
        chain.held_back(superuser),
    ):
        with watch("schemes"):
            towns = [found(share, clock.today(), SEED) for share in shares(size)]
        tables, entries = Tables(superuser), timelines.entries(superuser)
        filled = _copy(towns, size, tables, entries, superuser, watch, large=large)
        with watch("what has to agree"):
            for one in filled:
                _agree(one)
        with watch("audit"), indexes.taken_away(superuser, ["audit.event"] if large else []):
            audited = sum(chain.write(one.town, one.known, superuser) for one in filled)
    chain.write_rest(superuser)
    with watch("statistics"):
        superuser.execute("VACUUM (ANALYZE)" if large else "ANALYZE")
    counts = {rows.table: rows.written for rows in (*tables.all.values(), entries)} | {"audit.event": audited}
    return _made(name, filled, counts, watch.seconds)


def _copy(
    towns: list[Town],
    size: Size,
    tables: Tables,
    entries: Rows,
    superuser: psycopg.Connection[Any],
    watch: _Watch,
    *,
    large: bool,
) -> list[_Filled]:
    permission = Permission.objects.get(codename=OPENS, content_type__app_label="offenders").pk
    names = [model._meta.db_table for model in _filled_tables()] if large else []
    with indexes.taken_away(superuser, names):
        filled = []
        for town in towns:
            with watch("cases"):
                writer = Writer(town, tables, permission)
                secretary = Secretary(town, tables, writer)
                known = writer.everybody(secretary.plan_past())
                marks = secretary.hold(known)
                name = _somebody(tables, known)
                tables.flush()
            with watch("timelines"):
                longest = size.measured[2] if town is towns[0] else 0
                timelines.write(town, known, longest, entries, superuser)
            filled.append(_Filled(town, known, marks, name))
        tables.settle_numbers()
        superuser.execute(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [entries.table, max(entries.next - 1, 1)]
        )
        began = time.monotonic()
    watch.add("indexes", time.monotonic() - began)
    with watch("statistics"):
        superuser.execute("ANALYZE")
    return filled


def _filled_tables() -> list[Any]:
    from actionplans.models import Action, PathwayNeed, Plan
    from offenders.models import Alias, Assignment, Case, Offender, RagRating
    from referrals.models import AgencyReturn, CheckRequest, Referral, Score

    return [
        *(Entry, Offender, Alias, Case, RagRating, Assignment),
        *(Plan, PathwayNeed, Action, Score, Referral, CheckRequest, AgencyReturn),
    ]


def _somebody(tables: Tables, known: list[Known]) -> str:
    """The family name of an open case's person, to look for: read from the line that waits for its COPY."""
    from offenders.models import Offender

    rows = tables[Offender]
    first = int(rows.lines[0].split("\t", 1)[0])
    columns = rows.lines[known[min(3, len(known) - 1)].offender - first].split("\t")
    return columns[rows.columns.index("family_name")]


def _agree(one: _Filled) -> None:
    """What has to agree with the rest, by the product itself: numbers given out, dates of meetings, scores and findings
    of the nominations on an agenda, and the signed records of past meetings.
    """
    town = one.town
    with walls.within(town.scheme, cause="bench_load"):
        for kind, last in town.references.items():
            numbered_from(town.scheme, kind, last)
        by = actor_for(Membership.objects.select_related("user", "scheme", "agency").get(pk=town.coordinator.pk))
        for referral in Referral.objects.filter(pk__in=one.marks.to_score).select_related("offender"):
            try:
                scoring.score_ogrs3(referral, by=by)
            except Exception:  # noqa: BLE001 -- somebody whose made-up facts give no score
                scoring.assess(referral, by=by)
    stored_dates.restore(town.scheme)
    with walls.within(town.scheme, cause="bench_load"):
        for minutes in Minutes.objects.filter(meeting__in=one.marks.to_sign).select_related("meeting"):
            record = record_of(minutes)
            Minutes.objects.filter(pk=minutes.pk).update(
                status=MinutesStatus.SIGNED,
                record=record,
                record_sha256=fingerprint(record),
                signed_by=town.chair.user_id,
                signed_name=town.chair.user.name,
                signed_at=at(minutes.meeting.date, 17),
            )
        Meeting.objects.filter(pk__in=one.marks.to_sign).update(status=MeetingStatus.SIGNED)


def _made(name: str, filled: list[_Filled], counts: dict[str, int], seconds: dict[str, float]) -> Made:
    first = filled[0]
    biggest = max(filled, key=lambda one: one.town.share.open)
    ordinary = next((one for one in first.known[6:] if one.ended_on is None and not one.restricted), first.known[-1])
    return Made(
        size=name,
        schemes=tuple(one.town.share.slug for one in filled),
        measured=first.town.share.slug,
        biggest=biggest.town.share.slug,
        domain=domain(first.town.scheme),
        biggest_domain=domain(biggest.town.scheme),
        case=ordinary.reference,
        case_long=first.known[0].reference,
        agenda=first.marks.agenda,
        live=first.marks.live,
        live_item=str(AT_ITEM),
        returns=first.marks.agenda,
        returns_user=f"police@{domain(first.town.scheme)}",
        triage=first.marks.triage,
        pdf_meeting=first.marks.minutes,
        name=first.name,
        biggest_name=biggest.name,
        counts=counts,
        seconds={what: round(took, 1) for what, took in seconds.items()},
        made_on=clock.today().isoformat(),
    )


class _Watch:
    """How long each part took, all schemes together."""

    def __init__(self, say: Say) -> None:
        self.seconds: dict[str, float] = {}
        self.say = say

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        if what not in self.seconds:
            self.say(what)
        began = time.monotonic()
        yield
        self.add(what, time.monotonic() - began)

    def add(self, what: str, took: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0.0) + took

"""The mass of the timelines: entries of every case of a scheme, in the order of their days, as ready lines for COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import psycopg

from offenders.models import Entry

from .cases import Known
from .copying import NULL, Rows, array, statement, text
from .sizes import ENTRIES_OF_CLOSED, ENTRIES_OF_OPEN
from .towns import Town

SAID = {
    "contact": (
        ("housing", "Came to the office about the arrears and agreed to pay weekly."),
        ("health", "Rang to move the appointment. Kept the new one."),
        ("substance_misuse", "Collected the script and gave a clear test."),
        ("probation", "Reported as told. Talked about work and the next review."),
        ("probation", "Did not report. A text was sent and answered an hour later."),
        ("employment", "Applied for two jobs with the work coach."),
    ),
    "note": (
        ("council", "The neighbourhood team has heard of nothing this fortnight."),
        ("probation", "The plan was gone through; two actions are done and one is late."),
        ("advice", "Debt plan agreed with three creditors."),
    ),
    "home_visit": (
        ("probation", "At home, sober, paperwork for the training in order."),
        ("police", "Nobody in. A card was left and the visit is to be repeated."),
    ),
    "compliance_visit": (("police", "Not at home at 21:30. A neighbour said that they had moved out on Sunday."),),
    "prison_visit": (("probation", "Seen in prison. Takes part in the course and asks for a release address."),),
    "court_attendance": (("police", "Attended with a support worker. Adjourned for reports."),),
    "intelligence": (("police", "Said to store tools for others at an address in the town."),),
    "arrest": (("police", "Arrested on suspicion of theft from a vehicle. Released under investigation."),),
    "charge": (("police", "Charged with one offence of burglary of a shed."),),
    "breach": (("probation", "Breach proceedings begun after two missed appointments."),),
    "told": (("probation", "The team explained what support is on offer and what follows if it is not kept to."),),
    "success": (("education", "Passed the forklift test at the first go."),),
    "out_of_hours": (("police", "Seen near the shops after midnight, alone, went home when asked."),),
}
OFTEN = {"contact": 10, "note": 6, "home_visit": 3, "intelligence": 2}
TAILS = 600
LINES_AT_ONCE = 4_000
FIXED = ("id", "scheme_id", "case_id", "happened_on", "created_at")


def write(town: Town, known: Sequence[Known], longest: int, rows: Rows, connection: psycopg.Connection[Any]) -> int:
    """COPY the entries of a scheme; the first case gets the longest timeline. Returns how many were written."""
    rest = [column for column in rows.columns if column not in FIXED]
    tails = _tails(town, rows, rest)
    dice = Random(f"timelines {town.share.slug}")  # noqa: S311 -- made-up people, no secret
    counts = _counts(known, longest, town.share.entries, dice)
    with connection.transaction(), connection.cursor().copy(statement(rows.table, [*FIXED, *rest])) as copy:
        lines: list[str] = []
        for case, day in _in_order(town, known, counts, dice):
            lines.append(f"{rows.next}\t{town.scheme.pk}\t{case}\t{day}\t{day} 16:00:00+00\t{dice.choice(tails)}")
            rows.next += 1
            if len(lines) == LINES_AT_ONCE:
                copy.write("\n".join(lines) + "\n")
                lines.clear()
        if lines:
            copy.write("\n".join(lines) + "\n")
    rows.written += sum(counts)
    return sum(counts)


def _counts(known: Sequence[Known], longest: int, total: int, dice: Random) -> list[int]:
    """How many entries each case has: more while it is open, some far more than others; `total` in all."""
    usual = [(ENTRIES_OF_CLOSED if one.ended_on else ENTRIES_OF_OPEN) * dice.uniform(0.3, 1.7) for one in known]
    if longest:
        usual[0] = 0.0
    scale = (total - longest) / (sum(usual) or 1)
    counts = [max(int(each * scale), 1) for each in usual]
    if longest:
        counts[0] = longest
    place = 1 if len(counts) > 1 else 0
    while (left := total - sum(counts)) > 0:
        for _ in range(min(left, len(counts))):
            counts[place] += 1
            place = place + 1 if place + 1 < len(counts) else min(1, len(counts) - 1)
    return counts


def _in_order(town: Town, known: Sequence[Known], counts: Sequence[int], dice: Random) -> Iterator[tuple[int, str]]:
    """Case and day of each entry, the oldest first: as a scheme would have written them, case beside case."""
    first = town.today - timedelta(days=1_500)
    names = [(first + timedelta(days=number)).isoformat() for number in range(1_502)]
    found: list[tuple[int, int]] = []
    for one, count in zip(known, counts, strict=True):
        start = (one.accepted_on - first).days
        end = ((one.ended_on or town.today) - first).days
        span = max(end - start, 1)
        found += [(start + int(span * dice.random()), one.pk) for _ in range(count)]
    found.sort()
    for day, case in found:
        yield case, names[day]


def _tails(town: Town, rows: Rows, columns: Sequence[str]) -> list[str]:
    """What stands after the fixed columns, ready: kinds, words, agencies, writers and handling in realistic shares."""
    dice = Random(f"tails {town.share.slug}")  # noqa: S311
    weights = [OFTEN.get(kind, 1) for kind in SAID]
    tails = []
    for _ in range(TAILS):
        kind = dice.choices(list(SAID), weights)[0]
        agency_kind, words = dice.choice(SAID[kind])
        people = [one for one in town.members if one.agency.kind == agency_kind] or [town.coordinator]
        writer = dice.choice(people)
        roll = dice.random()
        handling, readers = "panel", ()
        if kind == "intelligence" or roll < 0.03:
            handling = "police_probation"
        elif roll < 0.05:
            handling, readers = "agencies", ("police", writer.agency.slug)
        values = rows.defaults | {
            "kind": kind,
            "text": text(words),
            "agency_id": str(writer.agency_id),
            "source": "Case record" if dice.random() < 0.4 else "",
            "handling": handling,
            "readers": array(readers),
            "made_by_id": str(writer.user_id) if dice.random() < 0.9 else NULL,
        }
        tails.append("\t".join(values[column] for column in columns))
    return tails


def entries(connection: psycopg.Connection[Any]) -> Rows:
    """The table of the entries, whose lines are written here and not row by row."""
    return Rows(Entry, connection)

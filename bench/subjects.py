"""Whom and what the pages are asked about: found in the loaded database, so that every load can be measured alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.load.made import Made
from bench.stack import owner

# What somebody is in a scheme, for whom the home page differs: role, and kind of agency where several share it.
POSTS = {
    "coordinator": ("coordinator", ""),
    "chair": ("chair", ""),
    "police": ("member", "police"),
    "probation": ("member", "probation"),
    "housing": ("member", "housing"),
    "health": ("member", "health"),
    "board": ("board_reader", ""),
    "admin": ("scheme_admin", ""),
}


@dataclass
class Subject:
    """One scheme: its people by post (e-mail addresses), and what stands in it."""

    scheme: int
    slug: str
    people: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    case: str = ""
    case_long: str = ""
    agenda: str = ""
    agenda_id: int = 0
    live: str = ""
    items: list[str] = field(default_factory=list)
    returns: str = ""
    referral: str = ""
    # The middle of a family name that several people have.
    part: str = ""
    agency: tuple[str, int] = ("", 0)


def subjects(home: Path, made: Made | None = None) -> dict[str, Subject]:
    """The scheme that is the same at every size, and the largest one: by `made`, or else the first of all.

    Raises RuntimeError for a database without a scheme.
    """
    with owner(home) as connection:
        connection.row_factory = dict_row  # type: ignore[assignment]
        schemes = connection.execute("SELECT id, slug FROM iom_scheme ORDER BY id").fetchall()
        if not schemes:
            raise RuntimeError(f"Nothing is loaded in {home}.")
        counted = {row["slug"]: _counts(connection, row["id"]) for row in schemes}
        numbers = {row["slug"]: row["id"] for row in schemes}
        measured = made.measured if made else schemes[0]["slug"]
        largest = made.biggest if made else max(counted, key=lambda slug: sum(counted[slug].values()))
        found = {
            role: _subject(connection, numbers[slug], slug, counted[slug])
            for role, slug in {"measured": measured, "largest": largest}.items()
        }
    if made is not None:
        subject = found["measured"]
        subject.case, subject.case_long, subject.returns = made.case, made.case_long, made.returns
        subject.agenda, subject.live, subject.referral = made.agenda, made.live, made.triage
        subject.people["police"] = made.returns_user
        subject.part, found["largest"].part = inside(made.name), inside(made.biggest_name)
    return found


def inside(name: str) -> str:
    """A part of a name as somebody types it who remembers no more: neither its beginning nor its end."""
    word = max(name.lower().split(), key=len)
    return word[1:5] if len(word) > 5 else word[1:]


def totals(home: Path) -> dict[str, int]:
    """Rows of the whole load."""
    with owner(home) as connection:
        connection.row_factory = dict_row  # type: ignore[assignment]
        sums: dict[str, int] = {"schemes": 0, "entries": 0, "open": 0, "closed": 0}
        for row in connection.execute("SELECT id FROM iom_scheme").fetchall():
            sums["schemes"] += 1
            for name, count in _counts(connection, row["id"]).items():
                sums[name] += count
            entries = connection.execute("SELECT count(*) AS n FROM offenders_entry").fetchone()
            sums["entries"] += entries["n"] if entries else 0
        return sums


def _counts(connection: psycopg.Connection, scheme: int) -> dict[str, int]:
    connection.execute("SELECT set_config('iom.scheme', %s, true)", [str(scheme)])
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE status <> 'closed') AS open, "
        "count(*) FILTER (WHERE status = 'closed') AS closed FROM offenders_case"
    ).fetchone()
    return dict(row or {})


def _subject(connection: psycopg.Connection, scheme: int, slug: str, counts: dict[str, int]) -> Subject:
    connection.execute("SELECT set_config('iom.scheme', %s, true)", [str(scheme)])
    found = Subject(scheme, slug, counts=counts)
    people = connection.execute(PEOPLE, [scheme]).fetchall()
    for post, (role, kind) in POSTS.items():
        email = next((each["email"] for each in people if role in each["roles"] and kind in ("", each["kind"])), "")
        if email:
            found.people[post] = email

    def first(sql: str) -> Mapping[str, Any]:
        return connection.execute(sql).fetchone() or {}

    found.case = found.case_long = first(LONGEST).get("reference", "")
    meeting = first(AGENDA)
    found.agenda, found.agenda_id = str(meeting.get("key", "")), meeting.get("id", 0)
    found.returns = found.agenda
    live = first(LIVE)
    found.live = str(live.get("key", ""))
    if live:
        rows = connection.execute(ITEMS, [live["id"]]).fetchall()
        found.items = [row["number"] for row in rows]
    found.referral = first(REFERRAL).get("reference", "")
    found.part = first(PART).get("part", "")
    agency = first(AGENCY)
    found.agency = (agency.get("slug", ""), agency.get("id", 0))
    return found


PEOPLE = """
    SELECT u.email, m.roles, a.kind FROM iom_membership m JOIN iom_user u ON u.id = m.user_id
    JOIN iom_agency a ON a.id = m.agency_id
    WHERE m.scheme_id = %s AND m.until IS NULL AND u.is_active AND u.password LIKE 'argon2%%' ORDER BY m.id
"""
LONGEST = """
    SELECT c.reference, count(*) FROM offenders_entry e JOIN offenders_case c ON c.id = e.case_id
    WHERE c.status = 'open' AND NOT c.restricted GROUP BY c.id ORDER BY 2 DESC LIMIT 1
"""
# The key as `iom.models.Meeting.key` writes it.
AGENDA = """
    SELECT m.id, m.date::text || CASE WHEN b.position = 0 THEN '' ELSE '-' || b.slug END AS key
    FROM iom_meeting m JOIN iom_body b ON b.id = m.body_id
    WHERE m.status IN ('draft', 'agenda_sent') AND EXISTS (SELECT FROM panels_agendaitem i WHERE i.meeting_id = m.id)
    ORDER BY b.position, m.status DESC, m.date LIMIT 1
"""
LIVE = """
    SELECT m.id, m.date::text || CASE WHEN b.position = 0 THEN '' ELSE '-' || b.slug END AS key
    FROM iom_meeting m JOIN iom_body b ON b.id = m.body_id WHERE m.status = 'live' ORDER BY b.position LIMIT 1
"""
ITEMS = """
    SELECT number FROM panels_agendaitem
    WHERE meeting_id = %s AND state = 'open' AND number <> '' AND case_id IS NOT NULL AND section = 'reviews'
    ORDER BY position
"""
REFERRAL = """
    SELECT reference FROM referrals_referral WHERE status IN ('with_coordinator', 'sent')
    ORDER BY status DESC, id LIMIT 1
"""
PART = """
    SELECT lower(substr(family_name, 2, 4)) AS part, count(*) FROM offenders_offender WHERE length(family_name) > 6
    GROUP BY 1 ORDER BY abs(count(*) - 12), 1 LIMIT 1
"""
AGENCY = """
    SELECT a.slug, a.id, count(*) FROM offenders_assignment s JOIN iom_agency a ON a.id = s.agency_id
    JOIN offenders_case c ON c.id = s.case_id AND c.status <> 'closed'
    WHERE s.role = 'lead_agency' AND s.until IS NULL GROUP BY a.id ORDER BY 3 DESC LIMIT 1
"""

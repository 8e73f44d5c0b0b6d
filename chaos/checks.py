"""What must be true once everything is quiet: read from the database as its superuser, past every rule of ours."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from iom.embedded import paths
from iom.embedded.postgres import SUPERUSER, Postgres

from .ledger import Ledger, Write

NOTICES = {"returned": "referral_returned", "sent": "referral_sent"}


@dataclass(slots=True)
class Check:
    """One thing that was looked at: how much of it there was, and what was not as it must be."""

    name: str
    looked_at: int = 0
    breaches: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Before:
    """What stood there before the writers began."""

    notices: dict[tuple[str, str, str], int]


def rows(home: Path, question: str, *given: Any) -> list[tuple[Any, ...]]:
    """What the database answers to its superuser."""
    with psycopg.connect(Postgres(home).url(SUPERUSER, paths.DATABASE), autocommit=True) as connection:
        return connection.execute(question.encode(), given or None).fetchall()


def before(home: Path) -> Before:
    return Before(_notices(home))


def _notices(home: Path) -> dict[tuple[str, str, str], int]:
    """How often people were told of a nomination: by scheme, kind and reference."""
    found = rows(
        home,
        "SELECT s.slug, n.kind, split_part(n.subject, ' ', 1), count(*) FROM iom_notification n "
        "JOIN iom_scheme s ON s.id = n.scheme_id WHERE n.kind LIKE 'referral_%%' GROUP BY 1, 2, 3",
    )
    return {(scheme, kind, reference): count for scheme, kind, reference, count in found}


def wait_until_quiet(home: Path, *, patience: float) -> tuple[float, int]:
    """Wait until the outbox has nothing left to do. Seconds that took, and how much is left undone or dead."""
    began = time.monotonic()
    left = -1
    while time.monotonic() - began < patience:
        with suppress(psycopg.Error):
            [(left, working)] = rows(
                home,
                "SELECT count(*) FILTER (WHERE done_at IS NULL), count(*) FILTER (WHERE done_at IS NULL AND NOT dead) "
                "FROM iom_outboxmessage",
            )
            if not working:
                break
        time.sleep(1)
    return time.monotonic() - began, left


def look(home: Path, ledger: Ledger, stood: Before) -> list[Check]:
    """Everything that `make chaos` promises."""
    return [
        actions(home, ledger),
        notes(home, ledger),
        nominations(home, ledger),
        *(told(home, ledger, stood, kind) for kind in NOTICES),
        notices_once(home),
        work_done(home),
        emails(home),
        audit_chain(home),
    ]


# --- Writes -------------------------------------------------------------------


def judge(write: Write, found: int) -> str | None:
    """What is wrong with a write that left so many traces; None if nothing is.

    One that nobody answered may be there or not, but not twice.
    """
    said = "nothing" if not write.answered else f"{write.status}"
    allowed = {1} if write.done else {0} if write.answered else {0, 1}
    if found in allowed:
        return None
    return f"{' '.join(write.effect)}: answered {said} after {write.tries} tries, there {found} times"


def _each(check: Check, writes: Iterable[Write], found: Counter[str]) -> Check:
    for write in writes:
        check.looked_at += 1
        if words := judge(write, found[write.effect[-1]]):
            check.breaches.append(words)
    return check


def actions(home: Path, ledger: Ledger) -> Check:
    found = Counter(text for (text,) in rows(home, "SELECT text FROM actionplans_action WHERE text LIKE 'Chaos %'"))
    return _each(Check("actions added, each once"), ledger.of("action"), found)


def nominations(home: Path, ledger: Ledger) -> Check:
    check = Check("nominations begun, each once, under one number")
    people = rows(
        home,
        "SELECT o.family_name, count(DISTINCT o.id), count(r.id) FROM offenders_offender o "
        "LEFT JOIN referrals_referral r ON r.offender_id = o.id WHERE o.family_name LIKE 'Chaos-%' GROUP BY 1",
    )
    _each(check, ledger.of("nomination"), Counter({name: persons for name, persons, _ in people}))
    check.breaches += [f"{name}: {count} nominations" for name, _, count in people if count != 1]
    twice = rows(home, "SELECT scheme_id, reference FROM referrals_referral GROUP BY 1, 2 HAVING count(*) > 1")
    check.breaches += [f"{reference} was given twice in scheme {scheme}" for scheme, reference in twice]
    return check


def notes(home: Path, ledger: Ledger) -> Check:
    """Each change of an action counts its version up by one, and the last answered words stand there."""
    check = Check("actions changed: every answered change counted, the last one stands")
    held = {
        str(number): (version, note)
        for number, version, note in rows(home, "SELECT id, version, note FROM actionplans_action")
    }
    by_action: dict[str, list[Write]] = {}
    for write in ledger.of("note"):
        by_action.setdefault(write.effect[1], []).append(write)
        check.looked_at += 1
    for number, writes in by_action.items():
        version, note = held.get(number, (0, "gone"))
        done = sum(write.done for write in writes)
        open_ones = [write.effect[2] for write in writes if not write.answered]
        if not 1 + done <= version <= 1 + done + len(open_ones):
            check.breaches.append(f"action {number}: {done} changes answered, version {version}")
        last = [write.effect[2] for write in writes if write.done][-1:]
        if last and note not in [*last, *open_ones]:
            check.breaches.append(f"action {number}: {last[0]!r} was answered last, {note!r} stands there")
        check.breaches += [
            f"action {number}: {write.effect[2]} was refused with {write.status}"
            for write in writes
            if write.answered and not write.done
        ]
    return check


# --- Who was told -------------------------------------------------------------


def told(home: Path, ledger: Ledger, stood: Before, kind: str) -> Check:
    """Each step of a nomination told those whom it concerns: one notice each, no more and no fewer."""
    check = Check(
        {"returned": "nominations returned: referrer told once", "sent": "sent again: office told once"}[kind]
    )
    now = _notices(home)
    office = dict(
        rows(
            home,
            "SELECT s.slug, count(DISTINCT m.user_id) FROM iom_membership m JOIN iom_scheme s ON s.id = m.scheme_id "
            "JOIN iom_user u ON u.id = m.user_id WHERE 'coordinator' = ANY(m.roles) AND u.is_active "
            "AND m.starts_on <= current_date AND (m.until IS NULL OR m.until > current_date) GROUP BY 1",
        )
    )
    for (scheme, reference), writes in _by_nomination(ledger.of(kind)).items():
        readers = office[scheme] if kind == "sent" else 1
        key = (scheme, NOTICES[kind], reference)
        came = now.get(key, 0) - stood.notices.get(key, 0)
        done = sum(write.done for write in writes)
        unanswered = sum(not write.answered for write in writes)
        check.looked_at += len(writes)
        if not done * readers <= came <= (done + unanswered) * readers:
            check.breaches.append(f"{scheme} {reference}: {done} answered, {came} notices for {readers} readers")
    return check


def _by_nomination(writes: list[Write]) -> dict[tuple[str, str], list[Write]]:
    found: dict[tuple[str, str], list[Write]] = {}
    for write in writes:
        found.setdefault((write.effect[1], write.effect[2]), []).append(write)
    return found


def notices_once(home: Path) -> Check:
    """One notice for each person and event, whatever index says so."""
    check = Check("notices in the application: none twice")
    [(check.looked_at,)] = rows(home, "SELECT count(*) FROM iom_notification")
    twice = rows(
        home,
        "SELECT kind, subject, count(*) FROM iom_notification "
        "GROUP BY scheme_id, kind, subject, due, recipient_id HAVING count(*) > 1",
    )
    check.breaches = [f"{kind} {subject}: {count} times" for kind, subject, count in twice]
    return check


# --- Work outside the request -------------------------------------------------


def work_done(home: Path) -> Check:
    check = Check("work in the outbox: all done, none dead")
    [(check.looked_at,)] = rows(home, "SELECT count(*) FROM iom_outboxmessage")
    left = rows(home, "SELECT kind, attempts, dead, last_error FROM iom_outboxmessage WHERE done_at IS NULL")
    check.breaches = [
        f"{kind}: {'dead' if dead else 'not done'} after {attempts} failures ({error or 'no error'})"
        for kind, attempts, dead, error in left
    ]
    return check


def emails(home: Path) -> Check:
    """One message for each piece of work, under its own Message-ID; none for nothing.

    A message that was sent again replaced the first in its file, because its Message-ID is the same.
    """
    check = Check("e-mails: one Message-ID for each notice, none without one")
    wanted = {
        str(number): (to, subject)
        for number, to, subject in rows(
            home,
            "SELECT m.id, u.email, n.text FROM iom_outboxmessage m "
            "JOIN iom_notification n ON n.id = (m.payload ->> 'notification')::bigint "
            "JOIN iom_user u ON u.id = n.recipient_id "
            "WHERE m.kind = 'email' AND m.done_at IS NOT NULL AND m.outcome = 'done'",
        )
    }
    others = {str(number) for (number,) in rows(home, "SELECT id FROM iom_outboxmessage")}
    found: Counter[str] = Counter()
    for path in sorted((home / "mail").glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        number = str(message["Message-ID"]).strip("<>").partition("@")[0]
        check.looked_at += 1
        found[number] += 1
        if number not in others:
            check.breaches.append(f"{path.name} belongs to no work")
        elif number in wanted and (message["To"], _plain(message["Subject"])) != (
            wanted[number][0],
            _plain(wanted[number][1]),
        ):
            check.breaches.append(f"{path.name} says something else than its notice")
    check.breaches += [f"no e-mail for {number}" for number in wanted.keys() - found.keys()]
    check.breaches += [f"{number} stands in {count} messages" for number, count in found.items() if count > 1]
    return check


def _plain(words: str) -> str:
    return re.sub(r"\s+", " ", words or "").strip()


def audit_chain(home: Path) -> Check:
    """`audit_verify`, as anyone would run it."""
    check = Check("audit: whole (audit_verify)")
    ran = subprocess.run(
        [sys.executable, str(paths.CHECKOUT / "manage.py"), "audit_verify"],
        cwd=paths.CHECKOUT,
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    check.looked_at = 1
    if ran.returncode != 0:
        said = (ran.stdout + ran.stderr).strip().splitlines()
        check.breaches.append(f"audit_verify ended with {ran.returncode}: {said[-1] if said else 'nothing was said'}")
    return check


def _environment(home: Path) -> dict[str, str]:
    import os

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"IOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "iom.settings.embedded"}

"""The audit of the load: a real chain for each scheme, hashed as `iom/embedded/audit.sql` does it.

While a load is made, what the product's verbs record waits in `audit.pending`. Here the scheme's past is written first,
with its own times, and what waited after it: sequence, time, and SHA-256 over the hash before and the canonical text,
which is that of jsonb: shorter keys first, keys of one length by their letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

import psycopg

from iom import clock

from .cases import Known
from .copying import statement, text
from .towns import BEGAN, Town

COLUMNS = ["scheme_id", "sequence", "hash", "body"]
LINES_AT_ONCE = 2_000
PAGES = ("case", "case", "case_timeline", "plan", "case_custody")
VERBS = (
    ("note", "offenders.entry"),
    ("rate", "offenders.case"),
    ("assign", "offenders.case"),
    ("update_action", "actionplans.action"),
    ("save_return", "referrals.checkrequest"),
    ("decide", "panels.decision"),
)
TABLES = (
    "offenders_entry",
    "offenders_entry",
    "offenders_ragrating",
    "offenders_assignment",
    "actionplans_action",
    "panels_agendaitem",
    "referrals_agencyreturn",
)
# So many cases stand on a page that lists some.
LISTED = 20
READS, ROWS, ACCOUNTS, LISTS = 0.45, 0.78, 0.8, 0.07


class Link(NamedTuple):
    """Where a chain stands: what its head row says."""

    sequence: int
    hash: bytes
    at: int


@contextmanager
def held_back(superuser: psycopg.Connection[Any]) -> Iterator[None]:
    """Let events wait in `audit.pending` beyond the end of their transaction, until `write` chains them."""
    superuser.execute("ALTER TABLE audit.pending DISABLE TRIGGER chain_at_the_end")
    try:
        yield
    finally:
        superuser.execute("ALTER TABLE audit.pending ENABLE ALWAYS TRIGGER chain_at_the_end")


def write(town: Town, known: Sequence[Known], superuser: psycopg.Connection[Any]) -> int:
    """The whole chain of a scheme: its past, then what waits. Returns the number of its events."""
    scheme = town.scheme.pk
    end = int(clock.now().timestamp() * 1_000_000)
    with superuser.transaction():
        with superuser.cursor().copy(statement("audit.event", COLUMNS)) as copy:
            head = _past(town, known, copy, end)
        waiting = superuser.execute(
            "SELECT (body || jsonb_build_object('scheme', scheme_id, 'sequence', %s + row_number() OVER (ORDER BY id), "
            "'at', %s::bigint))::text FROM audit.pending WHERE scheme_id = %s ORDER BY id",
            [head.sequence, max(end, head.at), scheme],
        ).fetchall()
        head = _chain(superuser, scheme, [row[0] for row in waiting], head, max(end, head.at))
        superuser.execute("DELETE FROM audit.pending WHERE scheme_id = %s", [scheme])
        superuser.execute(
            "INSERT INTO audit.head (scheme_id, sequence, hash, at) VALUES (%s, %s, %s, %s)", [scheme, *head]
        )
    return head.sequence


def write_rest(superuser: psycopg.Connection[Any]) -> None:
    """What waits for the installation's own chain, as the product would have chained it."""
    with superuser.transaction():
        superuser.execute("CREATE TEMP TABLE waited ON COMMIT DROP AS SELECT scheme_id, id, body FROM audit.pending")
        superuser.execute("DELETE FROM audit.pending")
        superuser.execute("INSERT INTO audit.pending (scheme_id, body) SELECT scheme_id, body FROM waited ORDER BY id")


def _chain(superuser: psycopg.Connection[Any], scheme: int, bodies: Sequence[str], head: Link, end: int) -> Link:
    before, sequence = head.hash, head.sequence
    with superuser.cursor().copy(statement("audit.event", COLUMNS)) as copy:
        for body in bodies:
            sequence += 1
            before = sha256(before + body.encode()).digest()
            copy.write(f"{scheme}\t{sequence}\t\\\\x{before.hex()}\t{text(body)}\n")
    return Link(sequence, before, end if bodies else head.at)


def _past(town: Town, known: Sequence[Known], copy: psycopg.Copy, end: int) -> Link:
    """What people saw and did since the scheme began, evenly over its days: reads, rows, verbs, sign-ins."""
    many, scheme = town.share.audited, town.scheme.pk
    dice = Random(f"audit {town.share.slug}")  # noqa: S311 -- made-up events, no secret
    random, choice = dice.random, dice.choice
    start = end - int(BEGAN.total_seconds() * 1_000_000)
    step = (end - start) // (many + 1)
    actors = _actors(town)
    # Open cases are looked at more than those that ended.
    cases = [one for one in known if not one.restricted]
    seen = [one for one in cases if one.ended_on is None] or cases
    before, lines = b"", []
    at = start
    for sequence in range(1, many + 1):
        at += 1 + int(2 * step * random()) if at + 2 * step < end else 1
        case = choice(seen) if random() < 0.7 else choice(cases)
        user, roles, agency = choice(actors)
        request = f"{sequence * 2654435761 % 281474976710656:012x}"
        roll = random()
        if roll < READS:
            if random() < LISTS:
                place = int(random() * max(len(cases) - LISTED, 1))
                listed = cases[place : place + LISTED]
                subjects = '", "'.join(sorted(word for one in listed for word in (f"P{one.offender}", one.reference)))
                context = '{"page": "cases", "method": "GET"}'
            else:
                subjects = f'{case.reference}", "P{case.offender}'
                context = f'{{"of": "{case.reference}", "page": "{choice(PAGES)}", "method": "GET"}}'
            body = (
                f'{{"at": {at}, "kind": "read", "role": "iom_app", "verb": "read", "actor": "user:{user}", '
                f'"cause": "", "roles": "{roles}", "agency": "{agency}", "scheme": {scheme}, "address": "127.0.0.1", '
                f'"context": {context}, "request": "{request}", "sequence": {sequence}, "subjects": ["{subjects}"]}}'
            )
        elif roll < ROWS:
            row = 1 + int(random() * 900_000)
            body = (
                f'{{"at": {at}, "ref": "{row}", "kind": "rows", "role": "iom_app", "rows": [{{"id": {row}, '
                f'"digest": "{request}{request}"}}], "verb": "insert", "actor": "user:{user}", "cause": "", '
                f'"count": 1, "roles": "{roles}", "agency": "{agency}", "object": "{choice(TABLES)}", '
                f'"scheme": {scheme}, "address": "127.0.0.1", "request": "{request}", "sequence": {sequence}, '
                f'"subjects": ["C{case.pk}"]}}'
            )
        elif roll < ACCOUNTS:
            body = (
                f'{{"at": {at}, "ref": "{user}", "kind": "account", "role": "iom_app", "verb": "sign_in", '
                f'"actor": "user:{user}", "object": "iom.user", "scheme": {scheme}, "request": "{request}", '
                f'"sequence": {sequence}}}'
            )
        else:
            verb, thing = choice(VERBS)
            body = (
                f'{{"at": {at}, "ref": "{case.reference}", "kind": "verb", "role": "iom_app", "verb": "{verb}", '
                f'"actor": "user:{user}", "cause": "", "roles": "{roles}", "agency": "{agency}", "object": "{thing}", '
                f'"scheme": {scheme}, "address": "127.0.0.1", "request": "{request}", "sequence": {sequence}, '
                f'"subjects": ["{case.reference}"]}}'
            )
        before = sha256(before + body.encode()).digest()
        lines.append(f"{scheme}\t{sequence}\t\\\\x{before.hex()}\t{body}")
        if len(lines) == LINES_AT_ONCE:
            copy.write("\n".join(lines) + "\n")
            lines.clear()
    if lines:
        copy.write("\n".join(lines) + "\n")
    return Link(many, before, at)


def _actors(town: Town) -> list[tuple[int, str, int]]:
    people = [*town.named.values(), *town.members]
    return [(one.user_id, ",".join(sorted(one.roles)), one.agency_id) for one in people]

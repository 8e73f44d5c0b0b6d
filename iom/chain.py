"""Recompute the chains of the audit and say what is wrong with them (security.md U6, U9).

The database makes each hash as SHA-256 over the hash before and the event's own text. Nothing is asked of it here but
that text, the stored hash and the stored sequence; what it says of itself is compared with heads that left it before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

BATCH = 5_000

# What the database gives of an event: sequence, hash, the text of its body.
Link = tuple[int, bytes, str]


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a chain ends, as the database says."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """What came out for one chain. `first_bad` is the first sequence that is not as it was, None if it is whole."""

    scheme: int
    events: int
    first_bad: int | None = None
    what: str = ""
    heads_outside: int = 0

    @property
    def whole(self) -> bool:
        return self.first_bad is None


def check(
    scheme: int, links: Iterable[Link], *, tip: Tip | None, outside: Mapping[int, frozenset[bytes]] | None = None
) -> Found:
    """Go through one chain from its first event and stop at the first that is wrong.

    `links` in the order of their sequence; `tip` as the database keeps it, None if it keeps none; `outside` the hashes
    that left the database before, by sequence. Somebody who may write everything in the database can make a chain that
    agrees with itself: only `outside` tells then, and `what` says between which events it was rewritten.
    """
    outside = outside or {}
    previous, expected, at, kept = b"", 1, 0, 0

    def bad(sequence: int, what: str) -> Found:
        return Found(scheme, expected - 1, sequence, what, len(outside))

    for sequence, stored, text in links:
        if sequence != expected:
            return bad(expected, f"event {expected} is missing")
        hashed = hashlib.sha256(previous + text.encode()).digest()
        if hashed != bytes(stored):
            return bad(sequence, "its hash is not that of its text and the event before")
        said = json.loads(text)
        if (said.get("scheme"), said.get("sequence")) != (scheme, sequence):
            return bad(sequence, "it says that it is another event")
        if not isinstance(said.get("at"), int) or said["at"] < at:
            return bad(sequence, "its time is before that of the event before")
        if sequence in outside:
            if outside[sequence] != {hashed}:
                since = f"after event {kept}" if kept else "from the first event on"
                return bad(sequence, f"it is not what left the database before: rewritten {since}")
            kept = sequence
        previous, at, expected = hashed, said["at"], expected + 1

    last = expected - 1
    missing = sorted(sequence for sequence in outside if sequence > last)
    if missing:
        return bad(expected, f"the end is cut off: {missing[-1]} events were there before")
    if tip is None:
        return bad(1, "the chain is missing") if not last else bad(last, "the head is missing")
    if tip.sequence != last:
        which = "the end is cut off" if tip.sequence > last else "there are events after the head"
        return bad(min(tip.sequence, last) + 1, f"{which}: the head says {tip.sequence} events")
    if bytes(tip.hash) != previous:
        return bad(last, "the head is not that of the last event")
    return Found(scheme, last, heads_outside=len(outside))


def links(batch: int = BATCH) -> Iterator[Link]:
    """The events of the scheme that the transaction is in, by a cursor on the server: memory stays small."""
    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT sequence, hash, body::text FROM audit.trail ORDER BY sequence")
        while rows := cursor.fetchmany(batch):
            yield from rows


def tips() -> dict[int, Tip]:
    """Where each chain ends, as the database says, by the number of the scheme."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scheme_id, sequence, hash FROM audit.heads")
        return {scheme: Tip(sequence, bytes(stored)) for scheme, sequence, stored in cursor.fetchall()}


def one_moment() -> None:
    """Let all that this transaction reads be of one moment, while others go on writing. Its first statement."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def as_json(found: Found, name: str) -> dict[str, Any]:
    """One chain's answer for machines."""
    return {
        "scheme": name,
        "number": found.scheme,
        "whole": found.whole,
        "events": found.events,
        "first_bad": found.first_bad,
        "what": found.what,
        "heads_outside": found.heads_outside,
    }

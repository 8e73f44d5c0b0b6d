"""The heads of the audit's chains, signed, and sent to places that the panel and its database cannot rewrite.

security.md U8.
A chain that was rewritten from some event on agrees with itself. Only a head that left before tells: it says how many
events there were, and which hash the last one had. Heads hold numbers and hashes, and nothing of anybody.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.db import connection

from iom import clock, walls
from iom.models import HeadDelivery, Scheme
from iom.starting import before_start, weak

log = logging.getLogger(__name__)

SMALLEST_ANSWER, FIRST_ERROR_STATUS = 200, 300


class BadHead(ValueError):
    """A line that is no head."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one chain at an instant: its last sequence and hash, and how many events there were."""

    scheme: int
    sequence: int
    hash: str
    count: int
    time: str
    signature: str = ""

    def signed_text(self) -> bytes:
        """What the signature is over: JSON without spaces, keys in order."""
        said = {name: value for name, value in asdict(self).items() if name != "signature"}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    def line(self) -> str:
        """As it stands in a file and in an e-mail."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def of_line(cls, line: str) -> Head:
        """The head that a line says. Raises BadHead."""
        try:
            head = cls(**json.loads(line))
            bytes.fromhex(head.hash)
        except (TypeError, ValueError) as error:
            raise BadHead from error
        kinds = (int, int, str, int, str, str)
        if any(type(value) is not kind for value, kind in zip(asdict(head).values(), kinds, strict=True)):
            raise BadHead
        return head


# --- Signing ---------------------------------------------------------------------------------


def _private_key(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"heads {text}".encode()).digest())


def public_keys() -> list[str]:
    """The public halves of HEADS_KEYS in base64, the one that signs now first: whoever keeps heads keeps these too."""
    return [
        base64.b64encode(_private_key(text).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
        for text in settings.HEADS_KEYS
    ]


def sign(head: Head) -> Head:
    """The head with our signature, made with the newest key."""
    signature = _private_key(settings.HEADS_KEYS[0]).sign(head.signed_text())
    return Head(head.scheme, head.sequence, head.hash, head.count, head.time, base64.b64encode(signature).decode())


def is_ours(head: Head, keys: Sequence[str]) -> bool:
    """Whether one of the public `keys` (base64) made the signature. Raises ValueError for what is no key."""
    for key in keys:
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
            public.verify(base64.b64decode(head.signature, validate=True), head.signed_text())
        except InvalidSignature:
            continue
        return True
    return False


def take() -> list[Head]:
    """The present end of each chain, the installation's own included, signed."""
    taken = clock.now().astimezone(UTC).isoformat()
    found = []
    for number in [walls.INSTALLATION, *Scheme.objects.order_by("pk").values_list("pk", flat=True)]:
        with walls.within(number, cause="send_heads"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT sequence, encode(hash, 'hex'), (SELECT count(*) FROM audit.trail) FROM audit.heads "
                "WHERE scheme_id = %s",
                [number],
            )
            for sequence, stored, count in cursor.fetchall():
                found.append(sign(Head(number, sequence, stored, count, taken)))
    return found


# --- Places ----------------------------------------------------------------------------------


class Place(Protocol):
    """Somewhere outside. `send` raises OSError or its like when the heads were not taken."""

    kind: str

    def send(self, heads: Sequence[Head]) -> None: ...


@dataclass(frozen=True)
class FilePlace:
    """A file that is only appended to, on a mount where the panel's account may do no more than that."""

    path: Path
    kind: str = "file"

    def send(self, heads: Sequence[Head]) -> None:
        """One write, on the disk before it returns: lines of two that write at once do not mix."""
        text = "".join(f"{head.line()}\n" for head in heads).encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, text) != len(text):
                raise OSError("the disk took a part of the heads alone")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> list[str]:
        """The lines that stand there. Raises OSError."""
        return self.path.read_text(encoding="utf-8").splitlines()


@dataclass(frozen=True)
class MailPlace:
    """A mailbox of somebody who does not run the panel."""

    address: str
    kind: str = "mailto"

    def send(self, heads: Sequence[Head]) -> None:
        lines = "\n".join(head.line() for head in heads)
        EmailMessage(
            subject="Heads of the audit",
            body=f"Keep this message: it proves later that the audit was not rewritten (docs/audit.md).\n\n{lines}\n",
            to=[self.address],
            headers={"Auto-Submitted": "auto-generated"},
        ).send()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@dataclass(frozen=True)
class WebPlace:
    """An address that takes JSON by POST, over TLS with a certificate that holds."""

    url: str
    kind: str = "https"

    def send(self, heads: Sequence[Head]) -> None:
        request = urllib.request.Request(  # noqa: S310 -- `places` takes https alone
            self.url,
            data=json.dumps({"heads": [asdict(head) for head in heads]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(request, timeout=settings.HEADS_TIMEOUT_SECONDS) as answer:
            if not SMALLEST_ANSWER <= answer.status < FIRST_ERROR_STATUS:
                raise OSError("the heads were not taken")


def place(text: str) -> Place:
    """The place that one entry of AUDIT_HEADS names. Raises ImproperlyConfigured."""
    parts = urlsplit(text)
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return FilePlace(Path(unquote(parts.path)))
    if parts.scheme == "mailto" and parts.path.count("@") == 1 and not parts.query:
        return MailPlace(unquote(parts.path))
    if parts.scheme == "https" and parts.hostname:
        return WebPlace(text)
    raise ImproperlyConfigured(
        "AUDIT_HEADS: each place is file:/…, mailto:… or https://…, and they are parted by a space."
    )


def places() -> dict[str, Place]:
    """Each place of AUDIT_HEADS, by the digest under which its deliveries are noted."""
    return {hashlib.sha256(text.encode()).hexdigest(): place(text) for text in settings.AUDIT_HEADS}


@before_start
def heads_have_a_place() -> Iterable[str]:
    """security.md L5: no place for heads, no start; a key of their own."""
    if not settings.AUDIT_HEADS:
        yield "AUDIT_HEADS is empty: name a place outside for the heads of the audit, as docs/audit.md says."
    try:
        places()
    except ImproperlyConfigured as error:
        yield str(error)
    keys = settings.HEADS_KEYS
    if not keys or any(weak(key) for key in keys):
        yield "HEADS_KEYS is empty, a default or too short: each key needs 50 characters or more."
    elif settings.SECRET_KEY in keys:
        yield "HEADS_KEYS is the same as SECRET_KEY: make one of its own."


# --- Sending ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """What became of one place: `error` is empty when it took the heads."""

    place: str
    kind: str
    heads: int
    error: str


def send() -> list[Delivery]:
    """Send the heads to each place and note what became of it. One that fails keeps no other from them."""
    heads = take()
    done = []
    for key, where in places().items():
        error = ""
        try:
            where.send(heads)
        except Exception as failure:  # noqa: BLE001 -- a mail server or disk fails in many ways; all mean the same
            error = type(failure).__name__
            log.error("heads of the audit were not taken", extra={"kind": where.kind, "verb": error})  # noqa: TRY400
        _note(key, where.kind, error)
        done.append(Delivery(key, where.kind, len(heads), error))
    return done


def _note(key: str, kind: str, error: str) -> None:
    now = clock.now()
    said: dict[str, Any] = {"kind": kind, "tried_at": now, "error": error[:60]}
    if not error:
        said["delivered_at"] = now
    HeadDelivery.objects.update_or_create(place=key, defaults=said)


def send_when_due() -> None:
    """For the clock: send when a place has taken none for `HEADS_EVERY_SECONDS`; raise the alarm when one is late."""
    since = clock.now() - timedelta(seconds=settings.HEADS_EVERY_SECONDS)
    taken = HeadDelivery.objects.filter(place__in=places(), delivered_at__gt=since).count()
    if taken < len(places()):
        send()
    if late():
        log.error("heads of the audit have not left for too long")


def late() -> bool:
    """Whether a place has taken none for `HEADS_LATE_SECONDS`; one that never did is late when events are older."""
    limit = clock.now() - timedelta(seconds=settings.HEADS_LATE_SECONDS)
    keys = places()
    delivered = dict(HeadDelivery.objects.filter(place__in=keys).values_list("place", "delivered_at"))
    if any(moment and moment < limit for moment in delivered.values()):
        return True
    never = [key for key in keys if delivered.get(key) is None]
    return bool(never) and _events_since_before(limit)


def _events_since_before(limit: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM audit.heads WHERE at < %s)", [int(limit.timestamp() * 1_000_000)])
        return bool(cursor.fetchone()[0])


# --- Reading what left -----------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """The heads of one place, and what is wrong with that place itself; by chain and sequence the hashes."""

    name: str
    heads: dict[int, dict[int, frozenset[bytes]]]
    count: int = 0
    problem: str = ""
    # Whether `problem` is proof of tampering, or only that this place cannot be asked from here.
    broken: bool = False


def outside(lines: Iterable[str], name: str, keys: Sequence[str]) -> Outside:
    """The heads that `lines` say, each signed by one of `keys`; what is not is a problem of the place."""
    seen: dict[int, dict[int, set[bytes]]] = {}
    known: set[tuple[int, int, str]] = set()
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            head = Head.of_line(line)
        except BadHead:
            return Outside(name, _frozen(seen), count, f"line {number} is not a head", broken=True)
        count += 1
        same = (head.scheme, head.sequence, head.hash)
        if same in known:
            continue
        try:
            ours = is_ours(head, keys)
        except ValueError:
            ours = False
        if not ours:
            words = f"line {number} is not signed by the panel"
            return Outside(name, _frozen(seen), count, words, broken=True)
        known.add(same)
        if head.sequence:
            seen.setdefault(head.scheme, {}).setdefault(head.sequence, set()).add(bytes.fromhex(head.hash))
    return Outside(name, _frozen(seen), count)


def _frozen(seen: dict[int, dict[int, set[bytes]]]) -> dict[int, dict[int, frozenset[bytes]]]:
    return {scheme: {at: frozenset(hashes) for at, hashes in heads.items()} for scheme, heads in seen.items()}


def kept_outside() -> Iterator[Outside]:
    """What stands in each place now. E-mails and addresses are not read back: their keeper gives a file to compare."""
    delivered = set(HeadDelivery.objects.exclude(delivered_at=None).values_list("place", flat=True))
    for key, where in places().items():
        if not isinstance(where, FilePlace):
            yield Outside(where.kind, {}, problem="kept by somebody else: compare with --heads FILE")
            continue
        try:
            lines = where.read()
        except FileNotFoundError:
            gone = key in delivered
            yield Outside("file", {}, problem="the file is gone" if gone else "nothing was sent yet", broken=gone)
        except (OSError, UnicodeError):
            yield Outside("file", {}, problem="may not be read from here: compare with --heads FILE")
        else:
            yield outside(lines, "file", public_keys())

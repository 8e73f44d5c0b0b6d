"""A virus scanner that speaks clamd's protocol, over TCP or a socket of the machine (security.md F3).

`settings.CLAMD` says where: `tcp://host:3310` or `unix:///run/clamav/clamd.ctl`; blank where there is none. A file goes
over the connection itself (INSTREAM), so the scanner need not reach our folders.

clamd answers OK for what it skipped because of its limits, unless it is told to say so. So before it is believed it has
to find the harmless test virus behind as much as the largest file that is taken may hold.
"""

from __future__ import annotations

import socket
import struct
import zipfile
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from urllib.parse import urlsplit

from iom.files.judging import MOST_BYTES
from iom.files.office import MOST_ENTRIES, MOST_UNPACKED

PORT = 3310
SECONDS_TO_CONNECT = 5
SECONDS_TO_SCAN = 120
_PIECE = 256 * 1024
_LONGEST_ANSWER = 4096

# The harmless file by which every scanner shows that it works, in two halves so that this one is none.
_TEST_VIRUS = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Away(Exception):
    """The scanner does not answer, or not in a way that can be understood; it may be asked again."""


class Broken(Exception):
    """The scanner could not scan this file, and says so: too large for it, or an error of its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the scanner says of a file: the name of what it found, or nothing."""

    found: str = ""

    @property
    def is_limit(self) -> bool:
        """It did not look at all of it: what it does not look into counts as not clean."""
        return self.found.startswith(("Heuristics.Limits.Exceeded", "Heuristics.Encrypted"))


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner at an address."""

    address: str

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return self._ask(b"zPING\0") == "PONG"
        except Away:
            return False

    def scan(self, content: bytes) -> Answer:
        """Have `content` scanned. Raises `Away`, or `Broken` with the scanner's words."""
        said = self._ask(b"zINSTREAM\0", content)
        words = said.removeprefix("stream: ")
        if words == "OK":
            return Answer()
        if words.endswith(" FOUND"):
            return Answer(words.removesuffix(" FOUND")[:120])
        if words.endswith("ERROR"):
            raise Broken(words[:120])
        raise Away("an answer that is none")

    def looks_deep_enough(self) -> bool:
        """Whether it knows the test virus, and finds it behind as many parts and bytes as a file may have.

        Raises `Away`.
        """
        try:
            return all(self._knows(probe) for probe in (_TEST_VIRUS.encode(), deep_probe(), long_probe()))
        except Broken:
            return False

    def _knows(self, probe: bytes) -> bool:
        answer = self.scan(probe)
        return bool(answer.found) and not answer.is_limit

    def _ask(self, command: bytes, content: bytes | None = None) -> str:
        try:
            with self._connected() as line:
                line.sendall(command)
                if content is not None:
                    _send(line, content)
                return _answer(line)
        except (OSError, ValueError) as error:
            raise Away(type(error).__name__) from error

    def _connected(self) -> socket.socket:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                line.settimeout(SECONDS_TO_CONNECT)
                line.connect(parts.path)
            except OSError:
                line.close()
                raise
        elif parts.scheme == "tcp" and parts.hostname:
            line = socket.create_connection((parts.hostname, parts.port or PORT), timeout=SECONDS_TO_CONNECT)
        else:
            raise Away("an address that is none")
        line.settimeout(SECONDS_TO_SCAN)
        return line


def _send(line: socket.socket, content: bytes) -> None:
    try:
        for at in range(0, len(content), _PIECE):
            piece = content[at : at + _PIECE]
            line.sendall(struct.pack("!L", len(piece)))
            line.sendall(piece)
        line.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        # It had enough and says why, before it hangs up: the answer may still be read.
        return


def _answer(line: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < _LONGEST_ANSWER:
        try:
            more = line.recv(_LONGEST_ANSWER)
        except ConnectionResetError:
            break
        if not more:
            break
        said += more
    words = said.rstrip(b"\0\n").decode("utf-8", "replace").strip()
    if not words:
        raise Away("no answer")
    return words


@cache
def deep_probe() -> bytes:
    """An archive with as many parts and bytes as one may have, the test virus last."""
    small = MOST_ENTRIES - 2
    return _archive(MOST_UNPACKED - small - len(_TEST_VIRUS), small)


def long_probe() -> bytes:
    """An archive as long as a file may be, the test virus last: the connection takes that much."""
    return _archive(MOST_BYTES - len(_archive(0, packed=False)), packed=False)


def _archive(filling: int, small: int = 0, *, packed: bool = True) -> bytes:
    """An archive of so many bytes of nothing, so many small parts, and the test virus."""
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        with archive.open("filling.bin", "w") as part:
            for at in range(0, filling, _PIECE):
                part.write(b"\0" * min(_PIECE, filling - at))
        for number in range(small):
            archive.writestr(f"{number}.txt", b"-")
        archive.writestr("last.com", _TEST_VIRUS.encode())
    return kept.getvalue()

"""Word and Excel files: archives of XML, opened with care (security.md F1).

Sizes are counted while the parts are unpacked, whatever the archive says of itself; where it says something else than
it holds, two programs would read two different things, and it is refused.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from posixpath import splitext
from typing import Any

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

from iom.files.refusing import Refused

MOST_UNPACKED = 100 * 1024 * 1024
MOST_ENTRIES = 1000
# Parts that are read whole: lists of what the file is made of.
_LONGEST_LIST = 5 * 1024 * 1024
_PIECE = 64 * 1024
_LOCAL = struct.Struct("<4s5H3L2H")

_MAIN = {
    "docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        "Word document",
    ),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "Excel workbook",
    ),
}
_TYPES = "[Content_Types].xml"
# By what they begin with: archives, former Office files (embedded objects), programs.
_FILES_INSIDE = (
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"\xd0\xcf\x11\xe0", b"MZ", b"\x7fELF", b"%PDF-", b"MSCF", b"LZIP", b"\x28\xb5\x2f\xfd", b"ITSF", b"{\\rt",
)  # fmt: skip
_MACRO_PARTS = re.compile(r"(?i)(^|/)(vbaproject[^/]*\.bin|vbadata\.xml|macrosheets/.*|dialogsheets/.*|activex/.*)$")
_MACRO_TYPES = ("macroenabled", "vbaproject", "vba", "macrosheet", "activex", "dialogsheet")
_FOREIGN_PARTS = re.compile(r"(?i)(^|/)(externallinks/.*|connections\.xml|querytables/.*|customdata/.*|model/item.*)$")
_ARCHIVE_NAMES = frozenset({".zip", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".cab", ".iso", ".jar"})
# Fields that fetch from or start something else when the document is opened.
_FETCHING_FIELD = re.compile(rb"(?i)\b(DDEAUTO|DDE|INCLUDETEXT|INCLUDEPICTURE)\b")
_INSTRUCTION = re.compile(rb"<(?:\w+:)?instrText[^>]*>([^<]*)<|\binstr\s*=\s*[\"']([^\"']*)")
_REMEDY = "Save it as PDF and choose that"


def check(content: bytes, kind: str) -> None:
    """Raise `Refused` for an archive that is not a plain Word ("docx") or Excel ("xlsx") file."""
    try:
        _check(content, kind)
    except Refused:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, ParseError, DefusedXmlException, ValueError, LookupError,
            NotImplementedError, EOFError, OSError, RuntimeError, OverflowError) as error:  # fmt: skip
        raise Refused(
            f"is damaged. Open it, save it again and choose that, or {_REMEDY[0].lower()}{_REMEDY[1:]}"
        ) from error


def _check(content: bytes, kind: str) -> None:
    _must_not_announce_too_much(content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Refused(f"is made of more than {MOST_ENTRIES:,} parts. {_REMEDY}")
    _check_names(entries)
    _check_places(entries, content)
    lists = {}
    unpacked = 0
    for entry in entries:
        part = _Part(entry, content)
        for piece in part.pieces():
            unpacked += len(piece)
            if unpacked > MOST_UNPACKED:
                raise Refused(f"is more than 100 MB when it is unpacked. {_REMEDY}")
        _check_beginning(entry.filename, part.beginning)
        if entry.filename == _TYPES or entry.filename.endswith(".rels"):
            lists[entry.filename] = part.whole()
        elif kind == "docx" and part.is_text_of_document:
            _check_fields(part.whole(MOST_UNPACKED))
    _check_content_types(lists.get(_TYPES, b""), kind, {f"/{entry.filename}".lower() for entry in entries})
    for name, listed in lists.items():
        if name.endswith(".rels"):
            _check_relations(listed)


def _must_not_announce_too_much(content: bytes) -> None:
    """Refuse by the count at the end, before a list of many thousand parts is read."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    if at < 0 or at + 22 > len(content):
        raise zipfile.BadZipFile("no end")
    count = int.from_bytes(content[at + 10 : at + 12], "little")
    if count > MOST_ENTRIES:
        raise Refused(f"is made of more than {MOST_ENTRIES:,} parts. {_REMEDY}")


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen = set()
    for entry in entries:
        name = entry.filename
        if entry.flag_bits & 0x41:
            raise Refused("is protected by a password. Save it without one and choose that")
        parts = name.rstrip("/").split("/")
        if (
            entry.orig_filename != name
            or name.lower() in seen
            or "\\" in name
            or ":" in name
            or any(part in ("", ".", "..") for part in parts)
            or any(ord(each) < 32 for each in name)
            or stat.S_ISLNK(entry.external_attr >> 16)
        ):
            raise Refused(f"has parts with names that lead elsewhere. {_REMEDY}")
        seen.add(name.lower())
        if _MACRO_PARTS.search(name):
            raise Refused(f"has macros. {_REMEDY}")
        if _FOREIGN_PARTS.search(name):
            raise Refused(f"brings in data from another file or place. {_REMEDY}")
        if splitext(name.lower())[1] in _ARCHIVE_NAMES:
            raise Refused(f"has another file inside. {_REMEDY}")


def _check_places(entries: list[zipfile.ZipInfo], content: bytes) -> None:
    """Each part lies behind the one before it, from the very beginning: none twice, none inside another."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end or (end == 0 and entry.header_offset != 0):
            raise zipfile.BadZipFile("overlapping parts")
        end = _Part(entry, content).end
    if end > len(content):
        raise zipfile.BadZipFile("cut off")


class _Part:
    """One part of an archive, unpacked from its own bytes in pieces, and counted."""

    def __init__(self, entry: zipfile.ZipInfo, content: bytes) -> None:
        self.entry, self.content = entry, content
        mark, _, flags, method, *_, names, extra = _LOCAL.unpack_from(content, entry.header_offset)
        start = entry.header_offset + _LOCAL.size
        named = content[start : start + names]
        plain = entry.filename.encode("utf-8" if flags & 0x800 else "cp437")
        if mark != b"PK\x03\x04" or named != plain or method != entry.compress_type:
            raise zipfile.BadZipFile("two lists that differ")
        self.start = start + names + extra
        self.end = self.start + entry.compress_size
        self.beginning = b""

    @property
    def is_text_of_document(self) -> bool:
        return self.entry.filename.startswith("word/") and self.entry.filename.endswith(".xml")

    def pieces(self) -> Iterator[bytes]:
        """What it holds, piece by piece. Raises BadZipFile where that is not what the archive says of it."""
        size, checksum = 0, 0
        for piece in self._unpacked():
            if not size:
                self.beginning = piece[:16]
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if size != self.entry.file_size or checksum != self.entry.CRC:
            raise zipfile.BadZipFile("not what it says")

    def whole(self, most: int = _LONGEST_LIST) -> bytes:
        """All of it, once `pieces` has shown its size. Raises BadZipFile for a list longer than any real one."""
        if self.entry.file_size > most:
            raise zipfile.BadZipFile("too long a list")
        return b"".join(self._unpacked())

    def _unpacked(self) -> Iterator[bytes]:
        raw = memoryview(self.content)[self.start : self.end]
        if self.entry.compress_type == zipfile.ZIP_STORED:
            for at in range(0, len(raw), _PIECE):
                yield bytes(raw[at : at + _PIECE])
        elif self.entry.compress_type == zipfile.ZIP_DEFLATED:
            yield from _inflated(raw)
        else:
            raise zipfile.BadZipFile("packed in an unusual way")


def _inflated(raw: memoryview) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-15)
    for at in range(0, len(raw), _PIECE):
        waiting: bytes | memoryview = raw[at : at + _PIECE]
        while waiting:
            if piece := unpacker.decompress(waiting, _PIECE):
                yield piece
            waiting = unpacker.unconsumed_tail
    while piece := unpacker.decompress(b"", _PIECE):
        yield piece
    if not unpacker.eof or unpacker.unused_data:
        raise zipfile.BadZipFile("cut off")


def _check_beginning(name: str, beginning: bytes) -> None:
    if beginning.startswith(_FILES_INSIDE):
        raise Refused(f"has another file inside. {_REMEDY}")
    if name.lower().endswith((".xml", ".rels", ".vml")) and b"\0" in beginning[2:]:
        # XML in UTF-16 or UTF-32, which no Office program writes: words in it would pass unread.
        raise zipfile.BadZipFile("an unusual encoding")


def _check_fields(text: bytes) -> None:
    said = [plain or simple for plain, simple in _INSTRUCTION.findall(text)]
    # One instruction may be written in several pieces, and several stand in one document.
    if _FETCHING_FIELD.search(b"".join(said)) or _FETCHING_FIELD.search(b" ".join(said)):
        raise Refused(f"brings in data from another file or place. {_REMEDY}")


def _check_content_types(listed: bytes, kind: str, parts: set[str]) -> None:
    wanted, words = _MAIN[kind]
    types = fromstring(listed, forbid_dtd=True) if listed else []
    found: dict[str, str] = {}
    for each in types:
        content_type = each.get("ContentType", "").lower()
        if any(macro in content_type for macro in _MACRO_TYPES):
            raise Refused(f"has macros. {_REMEDY}")
        if each.get("PartName"):
            found[each.get("PartName").lower()] = content_type
    if not any(content_type == wanted and name in parts for name, content_type in found.items()):
        raise Refused(f"ends in .{kind} but is no {words} inside. Choose the right file, or save it again")


def _check_relations(listed: bytes) -> None:
    """Links in the text may lead outside; whatever is fetched when the document is opened may not."""
    for each in fromstring(listed, forbid_dtd=True):
        what = each.get("Type", "").rpartition("/")[2].lower()
        if what in ("oleobject", "package", "control", "vbaproject", "attachedtoolbars"):
            raise Refused(f"has another file or a program inside. {_REMEDY}")
        if _is_outside(each) and what != "hyperlink":
            words = (
                "is made from a template of another place"
                if "template" in what
                else "brings in data from another file or place"
            )
            raise Refused(f"{words}. {_REMEDY}")


def _is_outside(relation: Any) -> bool:
    target = relation.get("Target", "").strip()
    return relation.get("TargetMode", "").strip().lower() == "external" or bool(
        re.match(r"(?i)[a-z][a-z0-9+.-]*:|//|\\\\", target)
    )

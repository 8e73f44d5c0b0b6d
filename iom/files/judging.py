"""What is taken of what people send in: kind, size, and that name, content and structure agree (security.md F1).

Pure: bytes in, bytes out. Nothing of a file is run, and nothing outside it is opened. Each refusal names the file and
the rule, and says what to do instead.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from iom.files import images, names, office, pdfs
from iom.files.refusing import Refused

MOST_BYTES = 20 * 1024 * 1024
TAKEN = "PDF, Word (.docx), Excel (.xlsx), JPG, PNG or text (.txt)"


class Kind(StrEnum):
    """What a file is."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    JPG = "jpg"
    PNG = "png"
    TXT = "txt"


CONTENT_TYPES = {
    Kind.PDF: "application/pdf",
    Kind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.JPG: "image/jpeg",
    Kind.PNG: "image/png",
    Kind.TXT: "text/plain; charset=utf-8",
}
WORDS = {
    Kind.PDF: "PDF",
    Kind.DOCX: "Word document",
    Kind.XLSX: "Excel workbook",
    Kind.JPG: "JPG picture",
    Kind.PNG: "PNG picture",
    Kind.TXT: "text",
}
_BY_EXTENSION = {**{kind.value: kind for kind in Kind}, "jpeg": Kind.JPG}
# Former formats and such that hold macros: for these there is better advice than the list of what is taken.
_OLD = {"doc": ".docx", "dot": ".docx", "xls": ".xlsx", "xlt": ".xlsx", "rtf": ".docx", "odt": ".docx", "ods": ".xlsx"}
_WITH_MACROS = {"docm": ".docx", "dotm": ".docx", "xlsm": ".xlsx", "xltm": ".xlsx", "xlsb": ".xlsx", "xlam": ".xlsx"}
_BEGINNINGS = {
    b"%PDF-": "pdf",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xff\xd8\xff": "jpg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole",
    b"{\\rtf": "rtf",
}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that is taken: `content` is what is kept, which for pictures and texts is written anew."""

    name: str
    kind: Kind
    content: bytes

    @property
    def sha256(self) -> str:
        """The fingerprint of what is kept."""
        return hashlib.sha256(self.content).hexdigest()


def judge(given_name: str, content: bytes) -> Judged:
    """Take a file or raise `Refused`, whose words name the file and the rule.

    `given_name` is what the sender's machine calls it: it is cleaned, and its ending must say what the content is.
    """
    name = names.cleaned(given_name)
    try:
        return _judged(name, content)
    except Refused as refused:
        raise Refused(f"“{name}” {refused}") from None


def _judged(name: str, content: bytes) -> Judged:
    kind = _kind(name)
    if not content:
        raise Refused("is empty. Choose another file")
    if len(content) > MOST_BYTES:
        raise Refused(f"is {_megabytes(len(content))}. A file may have 20 MB at most")
    _must_begin_as(kind, content)
    kept = _checked(kind, content)
    if len(kept) > MOST_BYTES:
        raise Refused("is more than 20 MB when it is written anew without what the camera added. Make it smaller")
    return Judged(name, kind, kept)


def _kind(name: str) -> Kind:
    ending = names.extension(name)
    if kind := _BY_EXTENSION.get(ending):
        return kind
    if wanted := _WITH_MACROS.get(ending):
        raise Refused(f"can hold macros, and such files are not taken. Save it as {wanted} or PDF and choose that")
    if wanted := _OLD.get(ending):
        raise Refused(f"is in a format that is not taken. Save it as {wanted} or PDF and choose that")
    raise Refused(f"is not of a kind that is taken. Choose a {TAKEN} file")


def _must_begin_as(kind: Kind, content: bytes) -> None:
    found = next((what for beginning, what in _BEGINNINGS.items() if content.startswith(beginning)), "")
    wanted = {Kind.DOCX: "zip", Kind.XLSX: "zip", Kind.TXT: ""}.get(kind, kind.value)
    if found == wanted:
        return
    if wanted == "zip" and found == "ole":
        raise Refused("is protected by a password, or in an old format. Save it without a password and choose that")
    raise Refused(f"ends in .{kind} but is no {WORDS[kind]} inside. Choose the right file, or save it again")


def _checked(kind: Kind, content: bytes) -> bytes:
    match kind:
        case Kind.PDF:
            pdfs.check(content)
            return content
        case Kind.DOCX | Kind.XLSX:
            office.check(content, kind.value)
            return content
        case Kind.JPG | Kind.PNG:
            return images.redrawn(content, kind.value)
        case Kind.TXT:
            return _text(content)


def _text(content: bytes) -> bytes:
    """The same words in UTF-8. Text comes in UTF-8, with a mark in UTF-16, or as older Windows writes it."""
    text = _decoded(content)
    if _CONTROLS.search(text):
        raise Refused("ends in .txt but has characters that no text has. Save it as plain text and choose that")
    return text.encode()


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("ends in .txt but is no text inside. Save it as plain text and choose that")


def _megabytes(size: int) -> str:
    # Never rounded down to the limit itself.
    return f"{max(size / 1024 / 1024, 20.1):.1f} MB"

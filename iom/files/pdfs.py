"""PDFs: opened far enough to tell that one is whole, open to read, and does nothing by itself (security.md F1)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from iom.files.refusing import Refused

MOST_OBJECTS = 50_000  # Each is looked at; this takes two seconds.
MOST_PAGES = 2_000
_DEEPEST = 100

# What a dictionary of the document may not have, and what an action in it may not do.
_FORBIDDEN_KEYS = {
    "/JS": "has a script inside",
    "/JavaScript": "has a script inside",
    "/XFA": "is a form with scripts inside",
    "/EmbeddedFiles": "has another file inside",
    "/EF": "has another file inside",
    "/RichMedia": "has a film or a program inside",
}
_FORBIDDEN_ACTIONS = {
    "/JavaScript": "has a script inside",
    "/Launch": "starts another program when it is opened",
    "/GoToE": "has another file inside",
    "/ImportData": "fetches data from elsewhere",
    "/SubmitForm": "sends data elsewhere",
    "/RichMediaExecute": "has a film or a program inside",
    "/Rendition": "has a film or a program inside",
}
_FORBIDDEN_TYPES = {"/EmbeddedFile": "has another file inside"}
_REMEDY = "Print it to a new PDF and choose that"


def check(content: bytes) -> None:
    """Raise `Refused` for a PDF that is damaged, encrypted, or has scripts, other files or actions of its own."""
    with _quietly():
        try:
            _check(content)
        except Refused:
            raise
        except RecursionError as error:
            raise Refused(f"is built in too many layers. {_REMEDY}") from error
        except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, ArithmeticError,
                AssertionError, NotImplementedError, MemoryError) as error:  # fmt: skip
            # What damaged documents make of their reader.
            raise Refused(f"cannot be opened as a PDF. {_REMEDY}") from error


def _check(content: bytes) -> None:
    if is_zip_too(content):
        raise Refused(f"is a PDF and an archive at once. {_REMEDY}")
    reader = PdfReader(BytesIO(content), strict=False)
    if reader.is_encrypted:
        raise Refused("is protected by a password. Save it without one and choose that")
    numbers = _numbers(reader)
    if len(numbers) > MOST_OBJECTS:
        raise Refused(f"has too many parts. {_REMEDY}")
    _check_value(reader.trailer, 0)
    for number, generation in numbers:
        _check_value(reader.get_object(IndirectObject(number, generation, reader)), 0)
    if not 1 <= len(reader.pages) <= MOST_PAGES:
        raise Refused(f"must have 1 to {MOST_PAGES:,} pages")


def _numbers(reader: PdfReader) -> list[tuple[int, int]]:
    """Every object of the document, whichever way it is kept: each is looked at, whether or not a page leads to it."""
    plain = [(number, generation) for generation, held in reader.xref.items() for number in held if number]
    return plain + [(number, 0) for number in reader.xref_objStm]


def _check_value(value: Any, depth: int) -> None:
    """What stands in an object itself: others that it refers to are looked at on their own."""
    if depth > _DEEPEST:
        raise Refused(f"is built in too many layers. {_REMEDY}")
    if isinstance(value, DictionaryObject):
        _check_dictionary(value)
        for each in value.values():
            _check_value(each, depth + 1)
    elif isinstance(value, ArrayObject):
        for each in value:
            _check_value(each, depth + 1)


def _check_dictionary(found: DictionaryObject) -> None:
    for key, words in _FORBIDDEN_KEYS.items():
        if key in found:
            raise Refused(f"{words}. {_REMEDY}")
    for key, forbidden in (("/S", _FORBIDDEN_ACTIONS), ("/Type", _FORBIDDEN_TYPES)):
        what = forbidden.get(str(found[key])) if key in found else None
        if what is not None:
            raise Refused(f"{what}. {_REMEDY}")


def is_zip_too(content: bytes) -> bool:
    """Whether an archive ends where the document does: then two programs would read two different things."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    return (
        at >= 0
        and at + 22 <= len(content)
        and at + 22 + int.from_bytes(content[at + 20 : at + 22], "little") == len(content)
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """What the reader says of a damaged document is ours to judge, and may hold its words: nothing of it is logged."""
    log = logging.getLogger("pypdf")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before

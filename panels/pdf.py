"""What the panel prints: minutes as drafts, signed, and as copies. Everything else it prints with `render` as it is.

The same record and signature give the same pages, so that a file can be told by its bytes (security.md E3, E4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from iom import clock
from iom.jinja import moment
from iom.printing import Variant, render
from iom.typeset import Attached

from .record import Record, actions_in, canonical, decisions_in, fingerprint

if TYPE_CHECKING:
    from .models import Minutes

# Stands in each of our PDFs at several places: it says whose minutes a file claims to be, even after a change.
MARK = "iom-panel-minutes"
COPY_MARK = "iom-panel-copy"
DRAFT_MARK = "iom-panel-draft"
_MARKED = re.compile(rb"iom-panel-minutes:([0-9a-f]{64})")
_MARKED_COPY = re.compile(rb"iom-panel-copy:([0-9a-f]{64})")

UNSEALED = (
    "The record that was signed is attached to this file as record.json. Whether this file is the signed one, "
    "unaltered, can be checked on the page “Check minutes” of this service."
)
NOT_THE_SIGNED_ONE = "This copy is not the signed file, and may show less. Ask the coordinator for the signed one."
ACCESSIBLE = "Accessible copy of what was signed, the same record. The signed file is the PDF/A copy beside it."


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, as it is printed, and the fingerprint of the record that they signed."""

    name: str
    at: datetime
    fingerprint: str


def signature_of(minutes: Minutes) -> Signature:
    """What the signature block of signed minutes says."""
    return Signature(minutes.signed_name, minutes.signed_at, minutes.record_sha256)


def render_minutes(
    record: Record,
    *,
    variant: Variant = "pdf/a-3a",
    draft: bool = False,
    copy_for: str = "",
    signature: Signature | None = None,
    proof: Sequence[str] = (UNSEALED,),
) -> bytes:
    """Minutes as a PDF: a draft, the signed copy (`signature`), or a copy for somebody (`copy_for` in words).

    A copy may show less than was signed; then `signature` is that of the whole. PDF/A has the record that is printed
    attached as record.json. `proof` is said under the signature. Without `copy_for` and `draft`, the same record and
    signature give the same bytes. Raises as `render` does, and ValueError when the signature is not of this record.
    """
    if signature and not copy_for and fingerprint(record) != signature.fingerprint:
        raise ValueError("The record is not the one that was signed")
    of = signature.fingerprint if signature else fingerprint(record)
    is_signed = bool(signature) and not copy_for and variant == "pdf/a-3a"
    mark = f"{MARK if is_signed else COPY_MARK if signature else DRAFT_MARK}:{of}"
    made_at = signature.at if signature and not copy_for else clock.now()
    title = f"{record['reference']} version {record['version']}"
    attached = Attached(
        canonical(record),
        "record.json",
        "The record that was signed" if is_signed else "The record as it is printed here",
        made_at,
    )
    return render(
        "panels/pdf/minutes.html",
        {
            **page_context(record, signature),
            "classification": record["classification"],
            "reference": f"{record['reference']} · version {record['version']}",
            "printed": _printed(signature, copy_for=copy_for, draft=draft, of=of, made_at=made_at),
            "author": record["scheme"]["name"],
            "made_at": made_at,
            "draft": draft,
            "standing": _standing(signature, copy_for=copy_for, draft=draft),
            "parts": parts_of(record),
            "proof": proof
            if is_signed
            else [ACCESSIBLE]
            if not copy_for
            else [f"{copy_for}. It is not the signed file."],
            "mark": mark,
        },
        title=f"{'Draft minutes' if draft else 'Minutes'} {title}",
        variant=variant,
        identifier=mark,
        attached=[attached] if variant == "pdf/a-3a" else [],
    )


def render_addendum(
    record: Record,
    signature: Signature,
    *,
    scheme: str,
    variant: Variant = "pdf/a-3a",
    proof: Sequence[str] = (UNSEALED,),
) -> bytes:
    """A signed addendum as a PDF of its own, by the same rules as signed minutes. `scheme` is the scheme's name.

    Raises as `render` does, and ValueError when the signature is not of this record.
    """
    if fingerprint(record) != signature.fingerprint:
        raise ValueError("The record is not the one that was signed")
    is_signed = variant == "pdf/a-3a"
    mark = f"{MARK if is_signed else COPY_MARK}:{signature.fingerprint}"
    which = f"{record['reference']} version {record['version']} addendum {record['number']}"
    attached = Attached(canonical(record), "record.json", "The record that was signed", signature.at)
    return render(
        "panels/pdf/addendum.html",
        {
            "record": record,
            "signature": signature,
            "classification": record["classification"],
            "reference": f"{record['reference']} · version {record['version']} · addendum {record['number']}",
            "printed": _printed(signature, copy_for="", draft=False, of=signature.fingerprint, made_at=signature.at),
            "author": scheme,
            "made_at": signature.at,
            "proof": proof if is_signed else [ACCESSIBLE],
            "mark": mark,
        },
        title=f"Minutes {which}",
        variant=variant,
        identifier=mark,
        attached=[attached] if is_signed else [],
    )


def _printed(signature: Signature | None, *, copy_for: str, draft: bool, of: str, made_at: datetime) -> str:
    """The foot of each page: who signed or where it stands, when, and of which record."""
    if draft or signature is None:
        words = f"Draft of {moment(made_at)}, not signed." if draft else f"Printed {moment(made_at)}, not signed."
    else:
        words = f"Signed by {signature.name}, {moment(signature.at)}."
    if copy_for:
        words = f"{copy_for}, {moment(made_at)}. {words}"
    return f"{words} Record {of[:16]}…"


def _standing(signature: Signature | None, *, copy_for: str, draft: bool) -> str:
    """The line under the title: what this is, if it is not simply the signed minutes."""
    if draft:
        return "Draft: these minutes are not signed and may change."
    if copy_for:
        return f"{copy_for}. This is a copy and not the signed file."
    return "" if signature else "These minutes are not signed."


@dataclass(frozen=True, slots=True)
class Part:
    """Items that follow one another in a section; those about nobody stand alone, without a heading above them."""

    heading: str
    entries: list[dict[str, Any]]


def parts_of(record: Record) -> list[Part]:
    """The items of a record in their order, as headings and bookmarks group them."""
    runs = groupby(record["items"], key=lambda item: item["section_title"] if item["reference"] else "")
    return [Part(heading, list(entries)) for heading, entries in runs]


def page_context(record: Record, signature: Signature | None) -> dict[str, Any]:
    """What the signed page and the PDF both show, from the record alone."""
    return {
        "record": record,
        "signature": signature,
        "agencies_here": sorted({row["agency"] for row in record["attendance"] if row["counts"]}),
        "decisions": decisions_in(record),
        "actions": actions_in(record),
        "to_ratify": [item for item in decisions_in(record) if item["decision"]["to_ratify"]],
        "carried": [item for item in record["items"] if item["goes_to"]],
        "as_date": date.fromisoformat,
        "as_instant": datetime.fromisoformat,
    }


def claimed_fingerprints(content: bytes) -> set[str]:
    """Fingerprints of the records that a file claims to be the minutes of, read from its metadata as it stands."""
    return {found.decode() for found in _MARKED.findall(content)}


def claimed_copies(content: bytes) -> set[str]:
    """Fingerprints of the signed records that a file claims to be a copy of."""
    return {found.decode() for found in _MARKED_COPY.findall(content)}


def looks_like_pdf(content: bytes) -> bool:
    """Whether a file begins as a PDF does; a few stray bytes before it are allowed, as readers do."""
    return b"%PDF-" in content[:1024]

"""Signed minutes as a PDF: from the frozen record to the same bytes each time (security.md E3, E4).

PDF/A-3a with the canonical record attached. Our fonts are the only things it may fetch, by name; whatever an address in
somebody's text says, nothing else is opened.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string

from iom import audit
from iom.embedded import pango
from iom.models import Document

from .record import Record, actions_in, canonical, decisions_in, fingerprint, reference_of

if TYPE_CHECKING:
    from iom.access import Actor

    from .models import Minutes

ASSETS = "iom-asset:"
STYLE = "panels/pdf/minutes.css"  # not a static file: it names our fonts by an address of our own
_FONT = re.compile(r"source-sans-3-latin(-ext)?-(400|700)-(normal|italic)\.woff2")
# Stands in each of our PDFs at several places: it says whose minutes a file claims to be, even after a change.
MARK = "iom-panel-minutes"
_MARKED = re.compile(rb"iom-panel-minutes:([0-9a-f]{64})")


class PdfUnavailable(RuntimeError):
    """The machine lacks the libraries that PDFs need; the words say what to install."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, as it is printed."""

    name: str
    at: datetime
    fingerprint: str


def signature_of(minutes: Minutes) -> Signature:
    """What the signature block of signed minutes says."""
    return Signature(minutes.signed_name, minutes.signed_at, minutes.record_sha256)


def render(record: Record, signature: Signature) -> bytes:
    """The PDF of a signed record. The same record and signature give the same bytes.

    Raises PdfUnavailable without the system libraries, ValueError when the signature is not of this record.
    """
    if fingerprint(record) != signature.fingerprint:
        raise ValueError("The record is not the one that was signed")
    load()
    from weasyprint import Attachment

    html = render_to_string("panels/pdf/minutes.html", page_context(record, signature) | {"mark": MARK})
    attached = Attachment(
        string=canonical(record),
        name="record.json",
        description="The record that was signed",
        created=signature.at,
        modified=signature.at,
        relationship="Source",
    )
    return written(
        html,
        attachments=[attached],
        pdf_variant="pdf/a-3a",
        pdf_identifier=f"{MARK}:{signature.fingerprint}".encode(),
    )


def load() -> None:
    """Find the libraries that PDFs need. Raises PdfUnavailable with what to install."""
    if not pango.load():
        raise PdfUnavailable(pango.REMEDY)


def written(html: str, **options: Any) -> bytes:
    """A page of ours as PDF, in the style and the fonts of the minutes; nothing else is fetched (security.md E3).

    `options` are those of WeasyPrint's `write_pdf`. Raises PdfUnavailable.
    """
    load()
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fetcher, fonts = _fetcher(), FontConfiguration()
    style = CSS(string=_style_sheet(), base_url=ASSETS, url_fetcher=fetcher, font_config=fonts)
    with warnings.catch_warnings():
        # WeasyPrint leaves the colour profile's file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return HTML(string=html, base_url=ASSETS, url_fetcher=fetcher).write_pdf(
            stylesheets=[style], font_config=fonts, finisher=_finish, **options
        )


def keep(minutes: Minutes, *, by: Actor) -> Document:
    """Render signed minutes and keep the bytes beside them, for ever the same. In the caller's transaction.

    Raises PdfUnavailable.
    """
    content = render(minutes.record, signature_of(minutes))
    reference = f"{minutes.meeting.key}-v{minutes.number}"
    document = Document.objects.create(
        scheme=minutes.scheme,
        kind="minutes",
        reference=reference,
        name=f"minutes-{reference_of(minutes.meeting).lower()}-v{minutes.number}.pdf",
        content=content,
        sha256=sha256(content),
    )
    # Not through `save`: of a signed row the database lets nothing else pass, and there is nothing else to write.
    type(minutes).objects.filter(pk=minutes.pk).update(document=document)
    audit.record("make_minutes_pdf", minutes, by=by, after=document.name, meeting=minutes.meeting.key)
    return document


def _finish(document: Any, pdf: Any) -> None:
    """Keep the metadata uncompressed, so that the mark is found in a damaged file too; let go of the colour profile."""
    document.color_profiles.clear()
    for thing in pdf.objects:
        if getattr(thing, "extra", {}).get("Type") == "/Metadata":
            thing.compress = False


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
        "isoinstant": isoinstant,
    }


def isoinstant(moment: datetime) -> str:
    """An instant as the metadata of a document has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(content: bytes) -> str:
    """The fingerprint of a file."""
    return hashlib.sha256(content).hexdigest()


def claimed_fingerprints(content: bytes) -> set[str]:
    """Fingerprints of the records that a file claims to be the minutes of, read from its metadata as it stands."""
    return {found.decode() for found in _MARKED.findall(content)}


def looks_like_pdf(content: bytes) -> bool:
    """Whether a file begins as a PDF does; a few stray bytes before it are allowed, as readers do."""
    return b"%PDF-" in content[:1024]


@cache
def _style_sheet() -> str:
    return (Path(settings.BASE_DIR) / "templates" / STYLE).read_text(encoding="utf-8")


def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class NamedAssets(URLFetcher):
        """Serves our fonts by name and refuses every other address, without opening it."""

        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            name = url.removeprefix(ASSETS)
            if not url.startswith(ASSETS) or not _FONT.fullmatch(name):
                raise ValueError("Not one of our own assets")
            path = Path(settings.PDF_FONTS) / name
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})

    return NamedAssets()

"""Papers of ours as PDF: one layout, one style, our own fonts, whichever app prints them (security.md E3, E4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.template.loader import render_to_string

from iom import clock, typeset
from iom.typeset import Attached

CLASSIFICATION = "OFFICIAL-SENSITIVE"
STYLE = "panels/pdf/layout.css"  # not a static file: it names our fonts by an address of our own
Variant = Literal["pdf/a-3a", "pdf/ua-1"]


def render(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    variant: Variant = "pdf/ua-1",
    identifier: str = "",
    attached: Sequence[Attached] = (),
) -> bytes:
    """The PDF of a template that extends `panels/pdf/layout.html`: tagged, with a bookmark for each heading.

    `title` is a reference and holds no names. `context` may say, for the head and foot of each page: `classification`,
    `reference`, `printed` (by whom and when); and `author` (an organisation), `made_at`, `draft`. `identifier` marks
    the file as ours. Raises `typeset.PdfUnavailable` without the system libraries, `typeset.PdfTooLarge` beyond the
    limits of security.md E3, and `typeset.PdfFailed`.
    """
    standard = {
        "title": title,
        "classification": CLASSIFICATION,
        "reference": title,
        "printed": "",
        "author": "",
        "made_at": clock.now(),
        "draft": False,
        "isoinstant": isoinstant,
        "as_date": date.fromisoformat,
        "as_instant": datetime.fromisoformat,
    }
    return typeset.pdf_of(
        render_to_string(template, standard | dict(context)),
        style=_style_sheet(),
        fonts=Path(settings.PDF_FONTS),
        variant=variant,
        identifier=identifier,
        attached=tuple(attached),
        limits=typeset.Limits(**settings.PDF_LIMITS),
    )


def isoinstant(when: datetime) -> str:
    """An instant as the metadata of a document has it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(content: bytes) -> str:
    """The fingerprint of a file."""
    return hashlib.sha256(content).hexdigest()


@cache
def _style_sheet() -> str:
    return (Path(settings.BASE_DIR) / "templates" / STYLE).read_text(encoding="utf-8")

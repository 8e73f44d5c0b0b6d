"""Whether a PDF is one of our signed minutes, byte for byte (design.md 3, security.md E4): for command and page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet

from . import pdf
from .models import Minutes, MinutesStatus


class Verdict(StrEnum):
    UNALTERED = "unaltered"
    ALTERED = "altered"
    NOT_KNOWN = "not known here"
    UNREADABLE = "unreadable"


# What the command exits with.
EXIT = {Verdict.UNALTERED: 0, Verdict.ALTERED: 1, Verdict.NOT_KNOWN: 1, Verdict.UNREADABLE: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict, and the minutes that the file is, or claims to be."""

    verdict: Verdict
    file_sha256: str
    minutes: Minutes | None = None


def verify(content: bytes, among: QuerySet[Minutes]) -> Finding:
    """Compare a file with the signed minutes `among`: all that there are, or those that the reader may see."""
    digest = pdf.sha256(content)
    signed = among.filter(status=MinutesStatus.SIGNED).select_related("meeting__body", "meeting__scheme", "signed_by")
    if same := signed.filter(document__sha256=digest).first():
        return Finding(Verdict.UNALTERED, digest, same)
    # A damaged file may not begin as a PDF any more, so what it claims to be is asked first.
    if claimed := signed.filter(record_sha256__in=pdf.claimed_fingerprints(content)).first():
        return Finding(Verdict.ALTERED, digest, claimed)
    return Finding(Verdict.NOT_KNOWN if pdf.looks_like_pdf(content) else Verdict.UNREADABLE, digest)

"""Whether a PDF is one of our signed minutes, byte for byte (design.md 3, security.md E4): for command and page.

Only the bytes of the signed copy are "unaltered". Copies made beside it are told apart from it: the accessible one, an
agency's, and the one without names. What a file says of itself stands in its metadata, and is only a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet

from iom import signing
from iom.models import Document
from iom.printing import sha256

from . import pdf
from .models import Addendum, Minutes, MinutesCopy, MinutesStatus
from .signed_files import ADDENDUM_ACCESSIBLE


class Verdict(StrEnum):
    UNALTERED = "unaltered"
    COPY = "copy"
    ALTERED = "altered"
    NOT_KNOWN = "not known here"
    UNREADABLE = "unreadable"


# What the command exits with: 0 for the signed file alone.
EXIT = {
    Verdict.UNALTERED: 0,
    Verdict.COPY: 1,
    Verdict.ALTERED: 1,
    Verdict.NOT_KNOWN: 1,
    Verdict.UNREADABLE: 2,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict, and the minutes that the file is, is a copy of, or claims to be.

    `addendum`: the one to these minutes that the file is about. `copy`: which copy it is, in words. `seal`: the digital
    signature in the file, if there is one. `newer`: the number of the last signed version, if it is not this one.
    """

    verdict: Verdict
    file_sha256: str
    minutes: Minutes | None = None
    seal: signing.Seal | None = None
    newer: int | None = None
    copy: str = ""
    addendum: Addendum | None = None

    @property
    def called(self) -> str:
        """What of the minutes the file is about: blank, or which addendum."""
        return f"addendum {self.addendum.number} to " if self.addendum else ""

    @property
    def signed(self) -> Minutes | Addendum | None:
        """What the signature stands under."""
        return self.addendum or self.minutes

    @property
    def about_signature(self) -> str:
        """What the digital signature in the file tells, in words; blank without one."""
        if self.seal is None:
            return ""
        if self.verdict == Verdict.UNALTERED and self.seal.is_self_made:
            return (
                "Its digital signature holds. The certificate was made by the service itself: "
                "it proves that the file is the same as the one signed here, not who signed."
            )
        if not self.seal.holds:
            return "Its digital signature does not hold: the content is not the one that was signed."
        if not self.seal.covers_all:
            return "Its digital signature holds for a part of the file only: something was added after it."
        return f"Its digital signature holds: {self.seal.name}{', with a time stamp' if self.seal.is_stamped else ''}."


def verify(content: bytes, among: QuerySet[Minutes]) -> Finding:
    """Compare a file with the signed minutes `among`: all that there are, or those that the reader may see."""
    digest = sha256(content)
    signed = among.filter(status=MinutesStatus.SIGNED).select_related("meeting__body", "meeting__scheme", "signed_by")
    signed = signed.defer("document__content", "accessible__content")
    added = Addendum.objects.filter(minutes__in=signed).exclude(signed_at=None).defer("document__content")
    if same := signed.filter(document__sha256=digest).first():
        return _about(Verdict.UNALTERED, digest, same, content)
    if more := added.filter(document__sha256=digest).first():
        return _about(Verdict.UNALTERED, digest, _of(more, signed), content, addendum=more)
    if copy := _copy(digest, signed, added, content):
        return copy
    # A damaged file may not begin as a PDF any more, so what it claims to be is asked first.
    claims = pdf.claimed_fingerprints(content) | pdf.claimed_copies(content)
    if claimed := signed.filter(record_sha256__in=claims).first():
        return _about(Verdict.ALTERED, digest, claimed, content)
    if more := added.filter(record_sha256__in=claims).first():
        return _about(Verdict.ALTERED, digest, _of(more, signed), content, addendum=more)
    return Finding(Verdict.NOT_KNOWN if pdf.looks_like_pdf(content) else Verdict.UNREADABLE, digest)


def _copy(digest: str, signed: QuerySet[Minutes], added: QuerySet[Addendum], content: bytes) -> Finding | None:
    """The copy made here that has these bytes: the accessible one, an agency's, or the one without names."""
    if same := signed.filter(accessible__sha256=digest).first():
        return _about(Verdict.COPY, digest, same, content, copy="the accessible copy")
    same_bytes = Document.objects.filter(kind=ADDENDUM_ACCESSIBLE, sha256=digest)
    if more := added.filter(document__reference__in=same_bytes.values("reference")).first():
        return _about(Verdict.COPY, digest, _of(more, signed), content, copy="the accessible copy", addendum=more)
    given = MinutesCopy.objects.filter(minutes__in=signed, document__sha256=digest).select_related("agency").first()
    if given is None:
        return None
    whose = f"the copy for {given.agency.name}" if given.agency else "the copy without names"
    return _about(Verdict.COPY, digest, signed.get(pk=given.minutes_id), content, copy=whose)


def _of(addendum: Addendum, signed: QuerySet[Minutes]) -> Minutes:
    return signed.get(pk=addendum.minutes_id)


def _about(
    verdict: Verdict,
    digest: str,
    minutes: Minutes,
    content: bytes,
    *,
    copy: str = "",
    addendum: Addendum | None = None,
) -> Finding:
    versions = Minutes.objects.filter(meeting=minutes.meeting_id, status=MinutesStatus.SIGNED)
    newer = versions.filter(number__gt=minutes.number).order_by("-number").values_list("number", flat=True).first()
    return Finding(verdict, digest, minutes, signing.seal_in(content), newer, copy, addendum)

"""A notice to a referrer as a PDF: made once, by the worker, and kept byte for byte (security.md E3, E4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iom import audit
from iom.jinja import colour_word, longday, moment
from iom.models import Document
from iom.printing import sha256

from . import pdf, ratifying
from .models import Notice, Outcome
from .words import OUTCOME_WORDS

if TYPE_CHECKING:
    from iom.access import Actor

    from .models import Decision, OutsideDecision

TITLES = {Notice.Kind.RECEIPT: "Acknowledgement of a nomination", Notice.Kind.DECISION: "Decision on a nomination"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the form that stands above the letter."""

    label: str
    words: str


def facts_of(notice: Notice) -> list[Fact]:
    """Who nominated whom and when, and what became of it: the acknowledgement form of Richmond, 4.13."""
    referral = notice.referral
    facts = [
        Fact("Nomination", referral.reference),
        Fact("Person", referral.offender.name),
        Fact("Nominated by", f"{referral.referrer.user.name}, {referral.agency.name}"),
        Fact("Received", longday(referral.sent_at)),
    ]
    if notice.meeting is not None:
        facts.append(Fact("Panel", f"{notice.meeting.body.name}, {longday(notice.meeting.date)}"))
    made = notice.decision or notice.outside
    if made is not None:
        facts.append(Fact("Decision", _decision(made)))
    if notice.outside is not None:
        facts.append(Fact("Decided on", f"{longday(notice.outside.decided_on)}, outside the meeting; to be ratified"))
    return facts


def _decision(made: Decision | OutsideDecision) -> str:
    said = ratifying.in_effect(made)
    words = OUTCOME_WORDS[Outcome(said.outcome)]
    return f"{words}, rated {colour_word(said.colour)}" if said.colour else words


def sender_of(notice: Notice) -> str:
    """Who sent it: the person, or for what goes by itself the post that receives nominations."""
    return notice.sent_by.name if notice.sent_by else notice.scheme.policy.posts.nominations


def render(notice: Notice) -> bytes:
    """The PDF of a notice that was sent. Raises as `pdf.render` does."""
    heading, sender, recipient = TITLES[Notice.Kind(notice.kind)], sender_of(notice), notice.recipient
    return pdf.render(
        "panels/pdf/notice.html",
        {
            "notice": notice,
            "scheme": notice.scheme,
            "heading": heading,
            "facts": facts_of(notice),
            "sender": sender,
            "paragraphs": [part for part in notice.text.split("\n\n") if part.strip()],
            "reference": f"{notice.referral.reference} · notice {notice.number}",
            "printed": f"Sent by {sender}, {moment(notice.sent_at)}, to {recipient.user.name}, {recipient.agency.name}",
            "author": notice.scheme.name,
            "made_at": notice.sent_at,
        },
        title=f"{heading} {notice.referral.reference}",
        identifier=f"iom-panel-notice:{reference_of(notice)}",
    )


def reference_of(notice: Notice) -> str:
    """How a notice is called outside its page: `IOM-R-0212-2`."""
    return f"{notice.referral.reference}-{notice.number}"


def keep(notice: Notice, *, by: Actor) -> Document:
    """Render a notice and keep the bytes beside it, for ever the same. In the caller's transaction.

    Raises as `pdf.render` does.
    """
    content = render(notice)
    document = Document.objects.create(
        scheme=notice.scheme,
        kind="notice",
        reference=reference_of(notice),
        name=f"notice-{reference_of(notice).lower()}.pdf",
        content=content,
        sha256=sha256(content),
    )
    notice.document = document
    notice.save(update_fields=["document"])
    audit.record("make_notice_pdf", notice, by=by, after=document.name, subjects=[notice.referral.reference])
    return document

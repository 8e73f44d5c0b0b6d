"""What is known of a person already, for the sections of a nomination: nobody types twice what the panel has read.

Everything comes from something that the writer may open: earlier nominations, cases, and what agencies answered for the
whole panel. Each says where it comes from, and stays a suggestion until the section is saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from iom.jinja import day
from offenders.models import Case, Transfer
from offenders.transfers import received
from referrals import returns
from referrals.models import Referral, Supervision
from referrals.returns import Answer
from referrals.sections import Section

if TYPE_CHECKING:
    from iom.access import Actor

# What an earlier nomination settles again, as far as nothing newer does. Evidence is written anew each time.
SAME_AS_BEFORE = {
    "address": ("supervision",),
    "offending": ("main_driver",),
    "score-facts": ("offence_code", "convicted_on", "follow_up_from", "sanctions", "first_sanction_age"),
}
DATES = ("convicted_on", "follow_up_from")
# What another scheme tells in words that belong beside the question about offending.
TOLD_OF_OFFENDING = ("why", "evidence", "benefit", "told")
# What an earlier nomination said in words, to read beside the question.
TEXTS_BEFORE = {
    "offending": (("evidence", "What had happened"), ("benefit", "How working together would help")),
    "harm": (("harm", "The risk, and to whom"), ("safeguarding", "Safeguarding checks")),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A value that somebody gave before, and where."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is held in words: what it is about, the words, and where they come from."""

    about: str
    words: str
    source: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What the actor may read of a person from before a nomination."""

    referrals: tuple[Referral, ...]
    case: Case | None
    answers: tuple[Answer, ...]
    transfers: tuple[Transfer, ...] = ()

    @property
    def anything(self) -> bool:
        return bool(self.referrals or self.case or self.answers or self.transfers)


def before(referral: Referral, actor: Actor) -> Before:
    """Earlier nominations that were sent, the newest case, and the newest answer of each agency for the whole panel."""
    person = referral.offender
    earlier = Referral.objects.visible_to(actor).filter(offender=person, sent_at__isnull=False).exclude(pk=referral.pk)
    cases = Case.objects.visible_to(actor).filter(offender=person).order_by("-accepted_on", "-pk")
    return Before(
        tuple(earlier.select_related("agency")),
        cases.first(),
        tuple(each for each in returns.latest_returns(actor, person) if each.known in returns.KNOWN),
        tuple(Transfer.objects.visible_to(actor).filter(offender=person).prefetch_related("shares")),
    )


def known(section: Section, found: Before) -> dict[str, Known]:
    """What can be filled in, by the names of the section; a need by `need_` and its pathway."""
    if not found.anything:
        return {}
    values = _from_other_schemes(section, found.transfers)
    values |= _from_nominations(SAME_AS_BEFORE.get(section.slug, ()), found.referrals)
    if section.slug == "address":
        values |= _from_case(found.case)
    if section.slug == "offending":
        values |= _facts(found.referrals)
    if section.slug == "needs":
        values |= _needs(found)
    return values


def _from_nominations(names: Iterable[str], referrals: Iterable[Referral]) -> dict[str, Known]:
    """The newest answer to each question that was answered."""
    values: dict[str, Known] = {}
    for referral in referrals:
        for name in names:
            value = getattr(referral, name)
            if name not in values and value not in (None, "", Supervision.NOT_KNOWN):
                values[name] = Known(value, nominated(referral))
    return values


def _from_other_schemes(section: Section, transfers: Iterable[Transfer]) -> dict[str, Known]:
    """What another area's scheme shared; anything known here is newer."""
    values: dict[str, Known] = {}
    for transfer in transfers:
        held, source = received(transfer), f"{transfer.other_name}, transfer {transfer.reference}"
        for name in SAME_AS_BEFORE.get(section.slug, ()):
            if held.get(name):
                value = date.fromisoformat(held[name]) if name in DATES else held[name]
                values.setdefault(name, Known(value, source))
        needs = held.get("needs") if section.slug == "needs" else None
        for slug, words in (needs or {}).items():
            values.setdefault(f"need_{slug}", Known(words, source))
    return values


def _from_case(case: Case | None) -> dict[str, Known]:
    """Whether the person is in custody, as long as the case is not closed, and under supervision."""
    if case is None or case.status == "closed":
        return {}
    source = f"case {case.reference}"
    values = {}
    if case.statutory is not None:
        values["supervision"] = Known(Supervision.YES if case.statutory else Supervision.NO, source)
    if (inside := case.inside) is not None:
        values["in_custody"] = Known(True, source)
        values["prison"] = Known(inside.prison, source)
        if inside.release_expected_on is not None:
            values["release_expected_on"] = Known(inside.release_expected_on, source)
    return values


def _facts(referrals: Iterable[Referral]) -> dict[str, Known]:
    """Yes-or-no facts that the rules ask for, the newest answer to each."""
    values: dict[str, Known] = {}
    for referral in referrals:
        for fact, value in referral.facts.items():
            if isinstance(value, bool):
                values.setdefault(f"fact_{fact}", Known(value, nominated(referral)))
    return values


def _needs(found: Before) -> dict[str, Known]:
    """Per pathway the newest nomination's words; where there are none, what an agency told the whole panel."""
    values: dict[str, Known] = {}
    for referral in found.referrals:
        for slug, words in referral.needs.items():
            values.setdefault(f"need_{slug}", Known(words, nominated(referral)))
    for answer in found.answers:
        for slug in answer.pathways if answer.summary and not answer.is_marked else ():
            values.setdefault(f"need_{slug}", Known(answer.summary, answered(answer)))
    return values


def held(section: Section, found: Before) -> list[Held]:
    """What is known in words about the questions of a section, the newest nomination first, then agency by agency."""
    rows = [
        Held(about, getattr(referral, name), nominated(referral), referral.get_absolute_url())
        for referral in found.referrals[:1]
        for name, about in TEXTS_BEFORE.get(section.slug, ())
        if getattr(referral, name)
    ]
    for transfer in found.transfers if section.slug == "offending" else ():
        rows += [
            Held(f"{transfer.other_name}: {fact['label'].lower()}", fact["words"], f"transfer {transfer.reference}")
            for share in transfer.shares.all()
            for fact in share.facts
            if not share.outgoing and fact["key"] in TOLD_OF_OFFENDING
        ]
    if section.slug == "offending":
        rows += [Held("Why on the cohort", found.case.why, f"case {found.case.reference}")] if found.case else []
        rows += [Held(f"{a.agency.name} knows", a.summary, answered(a)) for a in found.answers if a.summary]
    if section.slug == "harm":
        rows += [
            Held(f"Risk, says {a.agency.name}", a.risk_detail, answered(a)) for a in found.answers if a.risk_detail
        ]
    return [row for row in rows if row.words]


def nominated(referral: Referral) -> str:
    """`nomination IOM-R-0012 by Housing, 3 Feb 2026`."""
    return f"nomination {referral.reference} by {referral.agency.name}, {day(referral.sent_at)}"


def answered(answer: Answer) -> str:
    """`checks by Housing, 9 Mar 2026`."""
    return f"checks by {answer.agency.name}, {day(answer.sent_at)}"

"""What a court is told of one offer of help, as a neutral sentence made from what is stored. Pure.

London, Criminal Justice: what was offered and how the person answered. Nothing is judged: whether somebody is trying
or not is for the court to see from what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# What became of it; "{}" is the day of the answer. Waiting is the service's time, and is said as such.
ANSWERS: Mapping[str, str] = {
    "waiting": "A place is being waited for.",
    "taken_up": "It was taken up on {}.",
    "completed": "It was completed on {}.",
    "refused": "It was refused on {}.",
    "did_not_attend": "The appointment on {} was not kept.",
    "stopped": "It was stopped on {}.",
}


@dataclass(frozen=True, slots=True)
class OfferFact:
    """What is stored of one offer: its number, pathway (by name), what, by whom, when, and the answer."""

    key: int
    pathway: str
    text: str
    agency: str
    offered_on: date
    answer: str
    answered_on: date | None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What a statement says of one offer: made from the facts (`drafted`), as edited (`text`), if it stands in it."""

    key: int
    pathway: str
    drafted: str
    text: str
    kept: bool = True

    @property
    def edited(self) -> bool:
        return self.text != self.drafted


@dataclass(frozen=True, slots=True)
class Changes:
    """What the facts say now that they did not say when a statement was drafted."""

    new: tuple[OfferFact, ...] = ()
    changed: tuple[tuple[Line, OfferFact], ...] = ()
    gone: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def sentence(fact: OfferFact) -> str:
    """One or two sentences on an offer: what help was offered by whom, and what became of it, each with its day."""
    pathway = f"{fact.pathway[:1].lower()}{fact.pathway[1:]}"
    what = fact.text.rstrip(" .")
    if fact.service and fact.service.casefold() not in what.casefold():
        what = f"{what} ({fact.service})"
    offered = f"On {_day(fact.offered_on)} {fact.agency} offered help with {pathway}: {what}."
    answer = ANSWERS[fact.answer]
    if "{}" not in answer:
        return f"{offered} {answer}"
    return f"{offered} {answer.format(_day(fact.answered_on) if fact.answered_on else 'a day not recorded')}"


def drafted(facts: Sequence[OfferFact], before: Iterable[Line] = ()) -> list[Line]:
    """The lines for these facts. What an earlier version said of the same facts, in its own words, is kept."""
    earlier = {line.key: line for line in before}
    return [_line(fact, earlier.get(fact.key)) for fact in facts]


def changes(facts: Sequence[OfferFact], lines: Sequence[Line]) -> Changes:
    """What has changed since these lines were drafted."""
    known = {line.key: line for line in lines}
    now = {fact.key for fact in facts}
    return Changes(
        new=tuple(fact for fact in facts if fact.key not in known),
        changed=tuple(
            (known[fact.key], fact)
            for fact in facts
            if fact.key in known
            and (sentence(fact), fact.pathway) != (known[fact.key].drafted, known[fact.key].pathway)
        ),
        gone=tuple(line for line in lines if line.key not in now),
    )


def brought_in(facts: Sequence[OfferFact], lines: Sequence[Line]) -> list[Line]:
    """The lines with what has changed: new facts stand, what is gone does not, and words that somebody wrote about a
    fact that has changed make place for what the fact says now.
    """
    return drafted(facts, lines)


def counted(facts: Sequence[OfferFact]) -> str:
    """How many offers on how many pathways, and what became of them, in a line."""
    pathways = len({fact.pathway for fact in facts})
    groups = (
        ("taken up or completed", ("taken_up", "completed")),
        ("refused or not kept", ("refused", "did_not_attend")),
        ("stopped", ("stopped",)),
        ("waiting for a place", ("waiting",)),
    )
    told = [
        f"{number} {words}" for words, answers in groups if (number := sum(fact.answer in answers for fact in facts))
    ]
    if not told:
        return "No offer of help is recorded"
    return f"{_plural(len(facts), 'offer')} on {_plural(pathways, 'pathway')}: {', '.join(told)}"


def _line(fact: OfferFact, earlier: Line | None) -> Line:
    said = sentence(fact)
    if earlier is None or earlier.drafted != said:
        return Line(fact.key, fact.pathway, said, said, kept=earlier.kept if earlier else True)
    return Line(fact.key, fact.pathway, said, earlier.text, kept=earlier.kept)


def _plural(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def _day(when: date) -> str:
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"

"""What the score page draws: the scale with the scheme's marks, and the facts with what each does to the score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iom.jinja import day
from iom.policy.joining import Scores
from referrals import ovp_scoring, scoring
from referrals.models import Score

# The drawing in its own units: a track of 600 from 20 to 620.
LEFT, PER_POINT = 20, 6
BY_PERSON = ("gender", "date_of_birth")
# Facts without an effect of their own: they set the two ages that the model works with.
AGE_FACTS = (
    ("date_of_current_conviction", "Date of the current conviction", "Sets the age at conviction"),
    ("date_at_start_of_followup", "Start of follow-up", "Sets the age at follow-up"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on the scale, at `x`."""

    x: int
    percent: int
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A drawing of a percentage between 0 and 100 with the scheme's marks; `words` say the same."""

    left: int
    x: int
    right: int
    marks: tuple[Mark, ...]
    words: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact that was used: its value, where it comes from, and by how many points it moves the two-year score."""

    label: str
    value: str
    source: str
    points: float | None
    effect: str


def scale(scores: Scores, percent: int, model: str = "ogrs3") -> Scale:
    """The scale for a two-year percentage."""
    marks = tuple(Mark(_x(at), at, label) for at, label in scoring.marks(scores, model))
    return Scale(
        _x(0), _x(percent), _x(100), marks, f"{percent} on a scale of 0 to 100. {marks_in_words(scores, model)}"
    )


def marks_in_words(scores: Scores, model: str = "ogrs3") -> str:
    """`Marks here: 75% (qualifies).`, or that there are none."""
    marks = scoring.marks(scores, model)
    if not marks:
        return "This scheme sets no mark for the score."
    return f"Marks here: {', '.join(f'{percent}% ({label})' for percent, label in marks)}."


def _x(percent: int) -> int:
    return LEFT + PER_POINT * percent


def fact_rows(score: Score) -> list[FactRow]:
    """The facts of a score that we worked out, those that move it most first; none for a score that was typed in."""
    rows = [
        FactRow(
            each["label"],
            each["value"],
            _source(score, each["fact"]),
            each["points"],
            _effect(each["points"], each["reference"]),
        )
        for each in score.effects
    ]
    rows += [
        FactRow(label, day(date.fromisoformat(score.inputs[fact])), _source(score, fact), None, effect)
        for fact, label, effect in AGE_FACTS
        if fact in score.inputs
    ]
    return rows


def _source(score: Score, fact: str) -> str:
    if fact in BY_PERSON:
        return "Personal details"
    if fact in ovp_scoring.ASSESSED:
        return "Assessment (OASys), typed in"
    return f"Nomination {score.referral.reference}" if score.referral else "Nomination"


def _effect(points: float, reference: str) -> str:
    """`Up 12.3 points`, against the value that the model takes as its zero."""
    if points == 0:
        return "No effect"
    return f"{'Up' if points > 0 else 'Down'} {abs(points):g} points, against {reference}"

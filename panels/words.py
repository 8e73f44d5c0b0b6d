"""How decisions are called, on screen, in the minutes and in the notice alike: written once."""

from __future__ import annotations

from collections.abc import Iterable

from . import voting
from .models import Decision, Harm, How, Outcome, Section, Side

# What the recorder chooses from.
CHOICE_WORDS = {
    Outcome.ACCEPT: "Accept",
    Outcome.NOT_ACCEPT: "Not accept",
    Outcome.DEFER: "Defer to the next meeting",
    Outcome.ELSEWHERE: "Refer elsewhere",
    Outcome.NO_CHANGE: "No change",
    Outcome.CHANGE_RATING: "Change rating",
    Outcome.REMOVE: "Remove from the scheme",
    Outcome.NOTED: "Noted",
    Outcome.RATIFY: "Ratify",
    Outcome.NOT_RATIFY: "Do not ratify",
    Outcome.RECOMMEND: "Recommend",
    Outcome.NOT_RECOMMEND: "Do not recommend",
    Outcome.AGREED: "Agreed",
    Outcome.ANSWERED: "Answered",
    Outcome.MORE_NEEDED: "Ask for more before answering",
    Outcome.SUPPORT: "Lend support",
    Outcome.TO_IOM: "Recommend IOM",
    Outcome.TO_MAPPA: "Recommend MAPPA",
    Outcome.NO_POLICE: "Police management not needed",
    Outcome.TRUE_RECORD: "Agreed as a true record",
    Outcome.CORRECTIONS: "Agreed with corrections",
}
# What the minutes say was decided.
OUTCOME_WORDS = {
    Outcome.ACCEPT: "Accepted onto the scheme",
    Outcome.NOT_ACCEPT: "Not accepted",
    Outcome.DEFER: "Deferred",
    Outcome.ELSEWHERE: "Referred elsewhere",
    Outcome.NO_CHANGE: "No change",
    Outcome.CHANGE_RATING: "Rating changed",
    Outcome.REMOVE: "To leave the scheme",
    Outcome.NOTED: "Noted",
    Outcome.RATIFY: "Ratified",
    Outcome.NOT_RATIFY: "Not ratified",
    Outcome.RECOMMEND: "Recommended to the body that decides",
    Outcome.NOT_RECOMMEND: "Not recommended",
    Outcome.AGREED: "Agreed",
    Outcome.ANSWERED: "Answered",
    Outcome.MORE_NEEDED: "More asked for",
    Outcome.SUPPORT: "Support lent",
    Outcome.TO_IOM: "Recommended: managed on by IOM",
    Outcome.TO_MAPPA: "Recommended: managed on under MAPPA",
    Outcome.NO_POLICE: "Police management need not go on",
    Outcome.TRUE_RECORD: "Agreed as a true record",
    Outcome.CORRECTIONS: "Agreed with corrections",
}
HOW_WORDS = {
    How.AGREED: "Agreed without a vote",
    How.MAJORITY: "Decided by majority",
    How.CASTING: "Decided by casting vote",
    How.CHAIR_FINAL: "Decided by the chair, who has the final say",
    How.CONSENSUS: "Stated by the chair, with dissent",
}
# What the recorder chooses from; a vote that ties becomes the casting vote by itself.
HOW_CHOICES = {
    How.AGREED: "Agreed without a vote",
    How.MAJORITY: "Vote",
    How.CHAIR_FINAL: "Chair's final say",
    How.CONSENSUS: "With dissent",
}
SIDE_WORDS = {Side.FOR: "For", Side.AGAINST: "Against", Side.ABSTAIN: "Abstain"}
HARM_WORDS = {Harm.NONE: "No new concern about harm", Harm.CONCERN: "Concern about harm"}

# One tap each; the rest of the reason is a line of one's own (ux.md 5, point 4).
REASON_CHIPS = {
    Section.REFERRALS: ("Meets the criteria", "Recent offending", "High risk of harm", "Needs several agencies"),
    Section.RELEASES: ("Release planned", "Engaging in custody", "Not engaging", "No plan for release yet"),
    Section.REVIEWS: ("Engaging", "Not engaging", "New offences", "No new offences", "Breach or recall"),
    Section.EXITS: ("No offending of concern", "Support in place", "No longer needs several agencies"),
}
# Why somebody on the agenda was not dealt with; it stands in the minutes and on the next agenda.
NOT_REACHED_WORDS = ("Out of time", "Whoever presents it was not here", "Information is missing")


def how_words(decision: Decision) -> str:
    """How a decision came about, with whoever chaired where it was theirs to say: "Decided by casting vote"."""
    words = HOW_WORDS[How(decision.how)]
    return f"{words}: {decision.chaired_by}" if decision.chaired_by else words


def vote_words(motion: str, outcome: str, votes: Iterable[str], casting: str) -> str:
    """The count, and what it was on where that is not the decision."""
    cast = voting.count(votes, casting)
    words = [cast.words]
    if casting:
        words.append(f"casting vote {SIDE_WORDS[Side(casting)].lower()}")
    if motion and motion != outcome:
        words.append(f"on “{CHOICE_WORDS[Outcome(motion)]}”, which was lost")
    return ", ".join(words)


def section_words(section: str) -> str:
    """The heading of a part of the agenda."""
    return Section(section).label

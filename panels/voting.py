"""Votes by organisation, and the ways of deciding that a body's rule leaves open (Richmond, 1.12, 2.10 and 4.10).

Pure. One vote for each organisation, of the votes cast more for than against carries the motion, and a tie, with nobody
voting too, goes to whoever chairs: over and above their own organisation's vote, where the rule knows a casting vote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iom.policy.bodies import DecisionRule

FOR, AGAINST, ABSTAIN = "for", "against", "abstain"
AGREED, MAJORITY, CASTING, CHAIR_FINAL, CONSENSUS = "agreed", "majority", "casting", "chair_final", "consensus"

# What the recorder may choose, by the kind of rule. What nobody disputes needs no vote anywhere.
WAYS: dict[str, tuple[str, ...]] = {
    "majority": (AGREED, MAJORITY),
    "chair_final": (AGREED, CHAIR_FINAL),
    "consensus": (AGREED, CONSENSUS),
    "collaborative": (AGREED, CONSENSUS),
}


@dataclass(frozen=True, slots=True)
class Count:
    """A vote as it was cast: numbers of organisations, and the casting vote of whoever chairs, if one was needed."""

    in_favour: int
    against: int
    abstained: int
    casting: str = ""

    @property
    def tied(self) -> bool:
        """As many for as against, 0 to 0 too."""
        return self.in_favour == self.against

    @property
    def carried(self) -> bool:
        """Whether the motion is carried. A tie without a casting vote carries nothing."""
        if self.tied:
            return self.casting == FOR
        return self.in_favour > self.against

    @property
    def words(self) -> str:
        """The count as the minutes say it: "3 for, 2 against, 1 abstained"."""
        words = f"{self.in_favour} for, {self.against} against"
        if self.abstained:
            words += f", {self.abstained} abstained"
        return words


def count(votes: Iterable[str], casting: str = "") -> Count:
    """Count the organisations' votes: `for`, `against`, anything else is an abstention."""
    cast = list(votes)
    return Count(cast.count(FOR), cast.count(AGAINST), len(cast) - cast.count(FOR) - cast.count(AGAINST), casting)


def ways(rule: DecisionRule) -> tuple[str, ...]:
    """How the body may decide, as the recorder chooses; the first is what nobody disputes."""
    return WAYS[rule.kind]


def casting_needed(rule: DecisionRule, cast: Count) -> bool:
    """Whether whoever chairs must say how the tie goes."""
    return rule.casting_vote and cast.tied


def how_decided(cast: Count) -> str:
    """`majority`, or `casting` where whoever chairs broke a tie."""
    return CASTING if cast.tied and cast.casting else MAJORITY


def problems(rule: DecisionRule, cast: Count, *, motion: str, outcome: str) -> list[str]:
    """What is wrong with a vote and the outcome recorded from it, in words; nothing when one follows from the other.

    `motion` is what was voted on. Carried, it is the outcome; lost, something else is.
    """
    if MAJORITY not in ways(rule):
        return ["This body does not decide by vote."]
    if casting_needed(rule, cast) and cast.casting not in (FOR, AGAINST):
        return [f"The vote is tied, {cast.words}. Say how whoever chairs casts the casting vote."]
    if cast.casting and not cast.tied:
        return [f"There is no tie, {cast.words}, so there is no casting vote."]
    if cast.carried and motion != outcome:
        return [f"The motion was carried, {cast.words}, so what was voted on is the decision."]
    if not cast.carried and motion == outcome:
        lost = f"The vote was lost, {cast.words}, so this is not decided."
        return [f"{lost} Choose what is decided instead, and say what was voted on."]
    return []

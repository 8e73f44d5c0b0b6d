"""Whether a text names somebody: whole words, whatever the case and the accents. Pure.

The whole name counts, in either order, and so does one part of it alone, unless the part is a word that people write
all the time ("will", "grace", "amber") or stands in the name of the person whom the text is about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Parts of names that are words of the trade or of every day: alone they say nothing.
ORDINARY = frozenset(
    """
    amber april art august baker bill bishop black blue brown church cook dawn day faith field frank french grace gray
    green grey hall hope hunt jack joy june king lane law long love major mark may mill moss north park pat penny price
    prior read red rice rich rob rose ruby rush sage short small south stone street sue summer violet wall ward west
    white will winter wood young
    """.split()  # noqa: SIM905 -- a list of ninety lines says no more
)
SHORTEST = 3
APOSTROPHES = "'\u2019"

_WORD = re.compile(rf"[^\W\d_]+(?:[{APOSTROPHES}-][^\W\d_]+)*")
_POSSESSIVE = re.compile(rf"[{APOSTROPHES}]s$")


def words_of(text: str) -> list[str]:
    """The words of a text without case and accents; possessives lose their ending."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return [_POSSESSIVE.sub("", word.casefold()) for word in _WORD.findall(plain)]


def names(text: str, name: str, not_these: Iterable[str] = ()) -> bool:
    """Whether `text` names whoever is called `name`; `not_these` are names of the person whom the text is about."""
    said, parts = words_of(text), words_of(name)
    if not parts:
        return False
    theirs = {word for other in not_these for word in words_of(other)}
    if len(parts) > 1 and any(_stands(said, order) for order in (parts, parts[::-1])):
        return True
    telling = {part for part in parts if len(part) >= SHORTEST and part not in theirs and part not in ORDINARY}
    return not telling.isdisjoint(said)


def names_in_full(text: str, name: str) -> bool:
    """Whether the whole name stands in a text, in either order: for people of whom a part alone says too little."""
    parts = words_of(name)
    return len(parts) > 1 and any(_stands(words_of(text), order) for order in (parts, parts[::-1]))


def _stands(said: list[str], order: list[str]) -> bool:
    length = len(order)
    return any(said[place : place + length] == order for place in range(len(said) - length + 1))

"""Whether two people may be one: how sure that is, and why, in words.

Names come in many spellings: accents, hyphens, short forms, family name first, a name that somebody only goes by. Dates
of birth are misheard and mistyped. A number of a police, prison or probation record is one person's alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

# What has no accent to take off.
LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i", "ħ": "h"}
)
# Straight, curly both ways, grave, acute, and the letter apostrophe.
APOSTROPHES = re.compile("['`\u2019\u2018\u00b4\u02bc]")
NOT_A_WORD = re.compile(r"[\W_]+")
# Short forms that stand for one name and look unlike it, and names that are spelt in several ways.
FORMS = {
    "andrew": "andy",
    "anthony": "tony antony",
    "charles": "charlie chuck",
    "edward": "ted teddy ed eddie ned",
    "elizabeth": "liz lizzie beth betty elisabeth",
    "hussain": "hussein husain husayn",
    "james": "jim jimmy",
    "john": "johnny jonny jon",
    "katherine": "catherine kathryn katharine kate katie kathy cathy",
    "lawrence": "laurence larry",
    "margaret": "maggie peggy meg",
    "michael": "mike mick mickey micky",
    "mohammed": "mohamed muhammad mohammad muhammed mohamad mohd md",
    "patrick": "paddy",
    "philip": "phillip phil",
    "richard": "dick rick ricky richie",
    "robert": "bob bobby rob robbie",
    "stephen": "steven steve",
    "william": "bill billy will willie",
}
WHOLE = {short: whole for whole, forms in FORMS.items() for short in forms.split()}
NUMBERS = {
    "pnc_number": "PNC number",
    "cro_number": "CRO number",
    "prison_number": "prison number",
    "probation_number": "probation number",
}
# Under which name each is kept for comparing.
KEYS = {number: number.replace("_number", "_key") for number in NUMBERS}
# Two digits or four of the year, the serial number with or without leading zeros, the check letter.
PNC = re.compile(r"(?:\d\d)?(\d\d)/?0*(\d{1,7})([A-Z])")


class Certainty(IntEnum):
    """How sure it is that the two are one person."""

    POSSIBLE = 1
    LIKELY = 2
    SURE = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which similarity on, 0 to 1, two whole names and two single words count as spellings of one."""

    name: float = 0.7
    word: float = 0.5


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of somebody: names with the proper one first and aliases after it, and numbers by `NUMBERS`."""

    names: tuple[str, ...]
    born: date | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that agrees: which field of the person who is held, its text there, and what is said of it."""

    field: str
    held: str
    words: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How sure and why; `against` says in words what speaks against it."""

    certainty: Certainty
    reasons: tuple[Reason, ...]
    against: tuple[str, ...] = ()
    # The similarity of the names, to put the likest first.
    name: float = 0

    @property
    def words(self) -> str:
        """In words: "same date of birth, similar name (alias); another PNC number"."""
        agree = ", ".join(reason.words for reason in self.reasons)
        return "; ".join([agree, *self.against]) if self.against else agree

    def agrees(self, name: str) -> bool:
        """Whether a field of the person who is held agrees, for the page that shows both side by side."""
        return any(reason.field == name for reason in self.reasons)


# --- Names ------------------------------------------------------------------


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name without what spellings differ in: case, accents, apostrophes, hyphens, more than one space."""
    if name.isascii():
        return NOT_A_WORD.sub(" ", APOSTROPHES.sub("", name.lower())).strip()
    bare = unicodedata.normalize("NFKD", name.casefold()).translate(LETTERS)
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return NOT_A_WORD.sub(" ", APOSTROPHES.sub("", bare)).strip()


def indexed(name: str) -> str:
    """The form of a name that the database compares by trigrams: short forms in full, and letters that it knows.

    Its locale takes letters beyond ASCII for gaps between words, so those stand as their numbers.
    """
    whole = " ".join(_words(name))
    return "".join(letter if letter.isascii() else f"x{ord(letter):x}" for letter in whole)


def similarity(one: str, other: str) -> float:
    """The share of trigrams that two plain names have in common, 0 to 1, as the database counts it (pg_trgm)."""
    here, there = _trigrams(one), _trigrams(other)
    return len(here & there) / len(here | there) if here and there else 0.0


def name_likeness(one: str, other: str, thresholds: Thresholds) -> float:
    """How alike two names are, 0 to 1, in whichever order their words stand; 1 is the same name."""
    here, there = plain(one).split(), plain(other).split()
    if not here or not there:
        return 0.0
    if sorted(here) == sorted(there) or "".join(here) == "".join(there):
        return 1.0
    mine, theirs = _words(one), _words(other)
    # Short of the same name, however alike.
    return min(0.99, max(similarity(" ".join(mine), " ".join(theirs)), _by_words(mine, theirs, thresholds)))


@lru_cache(maxsize=1024)
def _words(name: str) -> tuple[str, ...]:
    return tuple(WHOLE.get(word, word) for word in plain(name).split())


@lru_cache(maxsize=1024)
def _trigrams(name: str) -> frozenset[str]:
    return frozenset(
        padded[i : i + 3] for word in name.split() for padded in [f"  {word} "] for i in range(len(word) + 1)
    )


def _by_words(here: Sequence[str], there: Sequence[str], thresholds: Thresholds) -> float:
    """The mean likeness of the words of the shorter name to theirs in the longer one; a name alone says little."""
    short, long = sorted((here, there), key=len)
    left, total = list(long), 0.0
    for word in short:
        best = max(left, key=lambda other: _word(word, other))
        found = _word(word, best)
        if found >= thresholds.word:
            left.remove(best)
            total += found
    if len(short) < 2:
        return 0.0
    return total / len(short) * (1 - 0.05 * (len(long) - len(short)))


@lru_cache(maxsize=16384)
def _word(one: str, other: str) -> float:
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.9
    if len(short) == 1:
        return 0.8 if long.startswith(short) else 0.0
    # A slip changes two letters at most: of words that differ in more, none need be counted.
    if len(long) >= 4 and len(set(one) ^ set(other)) <= (2 if len(long) < 7 else 4):
        slips = _slips(one, other)
        if _is_one_word(slips, len(long)):
            return 0.95 - 0.1 * slips
    return similarity(one, other) * 0.8


def _is_one_word(slips: int, length: int) -> bool:
    return (slips == 1 and length >= 4) or (slips == 2 and length >= 7)


# What sounds the same, in the order in which it is put into one spelling.
SOUNDS = tuple(
    (re.compile(written), heard)
    for written, heard in (
        (r"^kn", "n"),
        (r"^wr", "r"),
        (r"ph", "f"),
        (r"ck|q", "k"),
        (r"c(?=[eiy])", "s"),
        (r"c(?!h)", "k"),
        (r"z", "s"),
        (r"y|ee|ea|ie", "i"),
        (r"(?<=[^c])h", ""),
        (r"(.)\1+", r"\1"),
        (r"e$", ""),
    )
)


def sounded(word: str) -> str:
    """A plain word as it sounds, roughly: "philipps" and "fillips" are one."""
    for written, heard in SOUNDS:
        word = written.sub(heard, word)
    return word


def spelt_alike(typed: Iterable[str], names: Iterable[str]) -> bool:
    """Whether each plain word that somebody typed is one slip, one sound or one short form away from a word of `names`.

    Words of fewer than three letters stand for nothing: they would be like half of all names.
    """
    held = {word for name in names for word in (*plain(name).split(), *_words(name))}
    return all(len(word) >= 3 and any(_may_mean(WHOLE.get(word, word), other) for other in held) for word in typed)


def _may_mean(typed: str, held: str) -> bool:
    if typed == held or held.startswith(typed) or sounded(typed) == sounded(held):
        return True
    return len(held) >= 3 and _is_one_word(_slips(typed, held), max(len(typed), len(held)))


def _slips(one: str, other: str) -> int:
    """Letters left out, added, mistaken, or two side by side swapped, to make one word of the other."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _one_in_common(one: str, other: str) -> bool:
    shared = set(_words(one)) & set(_words(other))
    return any(len(word) >= 2 for word in shared)


# --- Dates of birth ---------------------------------------------------------

SAME, SWAPPED, A_YEAR, A_DIGIT = (
    "same date of birth",
    "date of birth with day and month swapped",
    "date of birth a year apart",
    "date of birth with one digit different",
)
UNKNOWN, DIFFERENT = "date of birth not known", "another date of birth"
EARLIEST, LATEST = 1900, 2100


def compare_births(one: date | None, other: date | None) -> str:
    """What two dates of birth have to do with each other: one of the six constants above."""
    if one is None or other is None:
        return UNKNOWN
    if one == other:
        return SAME
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return SWAPPED
    if (one.month, one.day) == (other.month, other.day) and abs(one.year - other.year) == 1:
        return A_YEAR
    if sum(a != b for a, b in zip(one.isoformat(), other.isoformat(), strict=True)) == 1:
        return A_DIGIT
    return DIFFERENT


def near_births(born: date) -> list[date]:
    """The dates that `compare_births` takes for the same one, well or badly written."""
    text = born.isoformat()
    written = {text, f"{born.year}-{born.day:02}-{born.month:02}"}
    written |= {f"{born.year + step}-{text[5:]}" for step in (-1, 1)}
    for place, digit in enumerate(text):
        if digit.isdigit():
            written |= {f"{text[:place]}{other}{text[place + 1 :]}" for other in "0123456789"}
    return sorted(set(_real(written)))


def _real(written: Iterable[str]) -> Iterator[date]:
    for text in written:
        with suppress(ValueError):
            real = date.fromisoformat(text)
            if EARLIEST <= real.year <= LATEST:
                yield real


# --- Numbers ----------------------------------------------------------------


def number_key(kind: str, number: str) -> str:
    """A record's number without what people write differently: case, spaces, strokes, the century of a PNC number."""
    bare = re.sub(r"\s", "", number).upper()
    if kind == "pnc_number" and (match := PNC.fullmatch(bare)):
        return "/".join(match.groups())
    return re.sub(r"[^A-Z0-9]", "", bare)


# --- The judgement ----------------------------------------------------------


def judge(entered: Person, held: Person, thresholds: Thresholds) -> Likeness | None:
    """Whether `entered` may be `held`, how sure that is and why; None when nothing speaks for it.

    A number in common makes it sure. Otherwise the name and the date of birth decide together: the same of both is
    sure; the same or a similar name with a date that is the same, nearly so or unknown is likely or possible; the same
    name with another date, or the same date with one name of two, is possible. Another number makes it less sure.
    """
    likeness, reason, partly = _compare_names(entered, held, thresholds)
    born = compare_births(entered.born, held.born)
    by_number, against = _compare_numbers(entered, held)
    certainty = _by_name_and_birth(likeness, partly=partly is not None, born=born, thresholds=thresholds)
    if by_number:
        certainty = Certainty.SURE
    if certainty is None:
        return None
    if against and not by_number:
        certainty = Certainty(max(Certainty.POSSIBLE, certainty - 1))
    reasons = list(by_number)
    if born not in (UNKNOWN, DIFFERENT) and held.born is not None:
        reasons.append(Reason("date_of_birth", held.born.isoformat(), born))
    if likeness >= thresholds.name and reason:
        reasons.append(reason)
    elif partly:
        reasons.append(partly)
    return Likeness(certainty, tuple(reasons), (*against, *([born] if born in (UNKNOWN, DIFFERENT) else [])), likeness)


def _by_name_and_birth(likeness: float, *, partly: bool, born: str, thresholds: Thresholds) -> Certainty | None:
    near = born in (SWAPPED, A_YEAR, A_DIGIT)
    if likeness == 1:
        if born == SAME:
            return Certainty.SURE
        return Certainty.LIKELY if near or born == UNKNOWN else Certainty.POSSIBLE
    if likeness >= thresholds.name:
        if born == SAME:
            return Certainty.LIKELY
        return Certainty.POSSIBLE if near or born == UNKNOWN else None
    return Certainty.POSSIBLE if partly and born == SAME else None


def _compare_names(entered: Person, held: Person, thresholds: Thresholds) -> tuple[float, Reason | None, Reason | None]:
    """The best likeness between any two of their names, what to say of it, and what one name in common says."""
    best, reason, partly = 0.0, None, None
    for place, name in enumerate(held.names):
        for other_place, other in enumerate(entered.names):
            found = name_likeness(other, name, thresholds)
            kind, alias = ("alias", " (alias)") if place or other_place else ("name", "")
            if found > best:
                best, reason = found, Reason(kind, name, f"{_grade(found, other, name)}{alias}")
            if partly is None and _one_in_common(other, name):
                partly = Reason(kind, name, f"one of the names{alias}")
    return best, reason, partly


def _grade(likeness: float, entered: str, held: str) -> str:
    if likeness < 1:
        return "similar name"
    here, there = plain(entered).split(), plain(held).split()
    swapped = "".join(here) != "".join(there)
    return "same name, in another order" if swapped else "same name"


def _compare_numbers(entered: Person, held: Person) -> tuple[list[Reason], tuple[str, ...]]:
    agree, against = [], []
    for kind, words in NUMBERS.items():
        here, there = (number_key(kind, person.numbers.get(kind, "")) for person in (entered, held))
        if here and there:
            if here == there:
                agree.append(Reason(kind, held.numbers[kind], f"same {words}"))
            else:
                against.append(f"another {words}")
    return agree, tuple(against)


# --- Many at once -----------------------------------------------------------


class Pool:
    """Many people who are held, in memory, for comparing a whole sheet with them.

    `like` finds the same as the database does for one person: by names, date of birth and numbers. Two people with
    dates of birth that have nothing in common can only be one under the same name, so trigrams are asked only where a
    date is missing. Of people whose dates are near, those whose letters rule out a likeness are passed by before they
    are judged: the time for a sheet grows with its rows, not with how many share a family name or a birthday.
    """

    SHARED = 0.3  # The database's own limit of `%`, from which on two names are worth a judgement.

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self._people: list[tuple[object, Person]] = []
        self._outlines: list[tuple[_Outline, ...]] = []
        self._words: dict[str, _Word] = {}
        # Places by a number that stands for what agrees; of two things that come to one number both are judged.
        self._by_key: dict[int, int | list[int]] = {}
        self._by_birth: dict[int, int | list[int]] = {}
        self._unborn = _Trigrams()
        self._all: _Trigrams | None = None

    def add(self, mark: object, person: Person) -> None:
        """Take somebody in; `mark` comes back with every likeness to them."""
        place = len(self._people)
        self._people.append((mark, person))
        self._outlines.append(self._outlined(person))
        for key in _keys(person):
            _put(self._by_key, key, place)
        if person.born:
            _put(self._by_birth, _written(person.born), place)
        else:
            self._unborn.add(place, person)
        if self._all is not None:
            self._all.add(place, person)

    def like(self, person: Person) -> list[tuple[object, Likeness]]:
        """Who of them `person` may be, the surest first."""
        found = []
        for place in self._candidates(person):
            mark, held = self._people[place]
            if likeness := judge(person, held, self.thresholds):
                found.append((mark, likeness))
        return sorted(found, key=lambda each: surest_first(each[1]))

    def _candidates(self, person: Person) -> list[int]:
        places: set[int] = set()
        for key in _keys(person):
            places.update(_under(self._by_key, key))
        if person.born:
            places.update(self._unborn.like(person, self.SHARED))
            places.update(self._born_near(person, person.born))
        else:
            if self._all is None:
                self._all = _Trigrams()
                for place, (_, held) in enumerate(self._people):
                    self._all.add(place, held)
            places.update(self._all.like(person, self.SHARED))
        return sorted(places)

    def _born_near(self, person: Person, on: date) -> Iterator[int]:
        """Those whose date of birth is near and whose names may be alike."""
        own = self._outlined(person)
        born, least = _written(on), self.thresholds.name
        for written in _near(born):
            held = self._by_birth.get(written)
            if held is not None:
                for place in held if isinstance(held, list) else (held,):
                    if _may_be(own, self._outlines[place], least, same_day=written == born):
                        yield place

    def _outlined(self, person: Person) -> tuple[_Outline, ...]:
        return tuple(self._outline(name) for name in person.names)

    def _outline(self, name: str) -> _Outline:
        words, letters, room = [], 0, 0.0
        for text in _words(name):
            word = self._words.get(text)
            if word is None:
                word = self._words[text] = _Word(
                    text,
                    text[0],
                    _letters(text),
                    (len(text) >= 4) + (len(text) >= 7),
                    _room(len(text) + 1, self.thresholds.word / 0.8),
                )
            words.append(word)
            letters |= word.letters
            room += _room(len(text) + 1, self.thresholds.name)
        return _Outline(tuple(words), letters, room)


class _Word(NamedTuple):
    """A word by what tells quickly that two cannot be alike: its letters as bits, and `_room`."""

    text: str
    first: str
    letters: int
    # How many are forgiven in a word as long as this.
    slips: int
    room: float


class _Outline(NamedTuple):
    """The same of a name."""

    words: tuple[_Word, ...]
    letters: int
    room: float


def _letters(text: str) -> int:
    found = 0
    for letter in text:
        found |= 1 << (ord(letter) & 63)
    return found


def _room(trigrams: int, share: float) -> float:
    """How many trigrams may differ, for each of two that have this share in common.

    Of T that both have together D differ and no more than (T - D) / 2 are shared, so D is at most T (1 - share) /
    (1 + share). Letters that only one has stand in as many trigrams as they are, and one more.
    """
    return trigrams * max(0.0, 1 - share) / (1 + share)


def _may_be(here: Sequence[_Outline], there: Sequence[_Outline], least: float, *, same_day: bool) -> bool:
    """False only where `judge` would find no likeness of `least` between the names, and of people born on the same day
    no name in common. What it lets through is judged.
    """
    for one in here:
        for other in there:
            differ = (one.letters ^ other.letters).bit_count()
            if differ < one.room + other.room:
                both = (one.letters & ~other.letters > 0) + (other.letters & ~one.letters > 0)
                if differ + both <= one.room + other.room:
                    return True
            short, long = (one.words, other.words) if len(one.words) <= len(other.words) else (other.words, one.words)
            if same_day:
                for word in short:
                    if len(word.text) > 1 and word in long:
                        return True
            unlike = len(short) * (1 - least) if len(short) > 1 else -1.0
            for word in short:
                if unlike < 0:
                    break
                if not _may_be_among(word, long):
                    unlike -= 1
            if unlike >= 0:
                return True
    return False


def _may_be_among(word: _Word, others: Iterable[_Word]) -> bool:
    _, first, letters, slips, room = word
    for other in others:
        if word is other:
            return True
        differ = (letters ^ other.letters).bit_count()
        # A slip changes two letters at most.
        if differ <= 2 * max(slips, other.slips) or differ < room + other.room:
            return True
        if first == other.first and letters & other.letters in (letters, other.letters):
            return True
    return False


class _Trigrams:
    """Places of people by the trigrams of their names."""

    def __init__(self) -> None:
        self._names: list[tuple[int, int]] = []
        self._by_trigram: dict[str, list[int]] = {}

    def add(self, place: int, person: Person) -> None:
        for name in person.names:
            found, at = _trigrams(indexed(name)), len(self._names)
            for trigram in found:
                self._by_trigram.setdefault(trigram, []).append(at)
            self._names.append((place, len(found)))

    def like(self, person: Person, share: float) -> Iterator[int]:
        """The places of people with a name that has this share of trigrams in common with one of `person`'s."""
        if not self._names:
            return
        for name in person.names:
            wanted = _trigrams(indexed(name))
            shared: dict[int, int] = {}
            for trigram in wanted:
                for held in self._by_trigram.get(trigram, ()):
                    shared[held] = shared.get(held, 0) + 1
            for held, count in shared.items():
                place, size = self._names[held]
                if count >= share * (len(wanted) + size - count):
                    yield place


def _put(index: dict[int, int | list[int]], key: int, place: int) -> None:
    held = index.get(key)
    if held is None:
        index[key] = place
    elif isinstance(held, list):
        held.append(place)
    else:
        index[key] = [held, place]


def _under(index: dict[int, int | list[int]], key: int) -> Iterable[int]:
    held = index.get(key)
    if held is None:
        return ()
    return held if isinstance(held, list) else (held,)


def _written(born: date) -> int:
    """A date as the number that its eight digits make: 19940204."""
    return born.year * 10000 + born.month * 100 + born.day


def _near(number: int) -> Iterator[int]:
    """As `near_births`, as numbers; some of them are no days at all, and nobody was born on those."""
    year, month, day = number // 10000, number // 100 % 100, number % 100
    found = {number, year * 10000 + day * 100 + month, number - 10000, number + 10000}
    place = 1
    for _ in range(8):
        without = number - number // place % 10 * place
        found.update(range(without, without + 10 * place, place))
        place *= 10
    return iter(found)


def _keys(person: Person) -> Iterator[int]:
    """What makes two people worth a judgement where it is the same: a number, the words of a name, its letters."""
    for kind, number in person.numbers.items():
        if key := number_key(kind, number):
            yield hash((kind, key))
    for name in person.names:
        if words := plain(name).split():
            yield hash(("words", *sorted(words)))
            yield hash(("letters", "".join(words)))


def surest_first(likeness: Likeness) -> tuple[int, float]:
    """The order in which several are shown."""
    return -likeness.certainty, -likeness.name

"""Reading the daily file of IDIOM: a CSV of our own, one row a person, with the seven facts (London, Intelligence).

From bytes to facts; whose rows they are is `offenders.idiom`'s question. `docs/idiom.md` describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError

from iom import clock
from iom.forms import UnreadDateError, clean_text, read_date

from .cohort_files import Line, Problem, UnreadSheet, read_table, unread

# Our name of a column, what people are told it is called, and how else it may be called.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "pnc": ("PNC", "PNC number", "PNC ID", "PNC no"),
    "reference": ("Reference", "Our reference", "IOM reference"),
    "as_of": ("As of", "As at", "Extracted at"),
    "history": ("Offending history", "History"),
    "arrests": ("Arrests", "New arrests"),
    "pending": ("Pending cases", "Cases pending"),
    "bail": ("Police bail date", "Police bail", "Bail return date"),
    "court": ("Court dates", "Court appearance dates", "Court date"),
    "wanted": ("Wanted", "Wanted status", "Wanted since"),
    "in_prison": ("In prison", "In prison (Y/N)"),
    "prison": ("Prison", "Establishment"),
    "custody_kind": ("Remand or sentence", "Custody status"),
    "in_prison_since": ("In prison since",),
    "release_on": ("Prison release date", "Release date"),
}
# The seven facts: a file without one of these columns says nothing of it.
SEVEN = ("history", "pending", "bail", "court", "wanted", "in_prison", "release_on")
YES, NO = frozenset({"y", "yes", "true", "1"}), frozenset({"n", "no", "none", "false", "0", "-"})
KINDS = {"remand": "remand", "onremand": "remand", "sentence": "sentence", "sentenced": "sentence"}
KINDS |= {"undersentence": "sentence", "recall": "sentence"}
LONGEST_TEXT, LONGEST_PLACE = 600, 120
MOST_DATES = 20

_DATED = re.compile(
    r"(?P<on>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4}|\d{1,2} [A-Za-z]{3,9} \d{4})[\s,:]*(?P<words>.*)",
    re.DOTALL,
)
_MOMENT = re.compile(
    r"(?P<on>.+?)[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Dated:
    """Something on a day, with what is said of it."""

    on: date
    words: str = ""

    def __str__(self) -> str:
        return f"{self.on:%-d %B %Y}{f', {self.words}' if self.words else ''}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What IDIOM says of a person at a time. `has` names the columns that the file has: of the others it is silent."""

    as_of: datetime
    has: tuple[str, ...] = ()
    history: str = ""
    arrests: tuple[Dated, ...] = ()
    pending: tuple[Dated, ...] = ()
    bail: Dated | None = None
    court: tuple[Dated, ...] = ()
    wanted: Dated | None = None
    in_prison: bool | None = None
    prison: str = ""
    custody_kind: str = ""
    in_prison_since: date | None = None
    release_on: date | None = None

    def kept(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Facts:
        """Back from what `kept` gave."""
        given = dict(kept)
        given["as_of"] = datetime.fromisoformat(given["as_of"])
        given["has"] = tuple(given["has"])
        for name in ("arrests", "pending", "court"):
            given[name] = tuple(_dated(each) for each in given[name])
        for name in ("bail", "wanted"):
            given[name] = _dated(given[name]) if given[name] else None
        for name in ("in_prison_since", "release_on"):
            given[name] = date.fromisoformat(given[name]) if given[name] else None
        return cls(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _dated(kept: Mapping[str, Any]) -> Dated:
    return Dated(date.fromisoformat(kept["on"]), kept["words"])


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row by our names, before anybody asks what its cells mean."""

    number: int
    cells: Mapping[str, str]
    stray: str = ""


@dataclass(frozen=True, slots=True)
class IdiomSheet:
    """The rows of a file, which of our columns it has, and notes on how it was read."""

    rows: tuple[RawRow, ...]
    has: tuple[str, ...]
    notes: tuple[Problem, ...] = ()
    heading_row: int = 1


def label(name: str) -> str:
    """What a column of ours is called in messages."""
    return COLUMNS[name][0]


def read_sheet(content: bytes) -> IdiomSheet:
    """The rows of a CSV file. Raises UnreadSheet with what is wrong and what to do."""
    if content.startswith((b"PK", b"\xd0\xcf")):
        raise unread("This is a workbook, not a CSV file.", "Save it as “CSV UTF-8” and upload that.")
    table = read_table(content, lambda heading: bool(_means(heading)))
    names = [_means(heading) for heading in table.headings]
    problems = [
        Problem(table.heading_row, label(name), "Two columns mean this.", "Keep one of them.")
        for name in COLUMNS
        if names.count(name) > 1
    ]
    if "as_of" not in names:
        problems.append(Problem(table.heading_row, label("as_of"), "This column is missing.", "Add it."))
    if not {"pnc", "reference"} & set(names):
        problems.append(
            Problem(table.heading_row, label("pnc"), "This column is missing.", "Add it, or Reference with ours.")
        )
    if problems:
        raise UnreadSheet(problems)
    notes = [
        *table.notes,
        *(
            Problem(table.heading_row, label(name), "This column is missing.", "Nothing is taken or taken back of it.")
            for name in SEVEN
            if name not in names
        ),
        *(
            Problem(table.heading_row, heading, "This column is not known here.", "It was left out.")
            for heading, name in zip(table.headings, names, strict=True)
            if heading and not name
        ),
    ]
    rows = tuple(_row(line, names) for line in table.lines)
    return IdiomSheet(rows, tuple(name for name in names if name), tuple(notes), table.heading_row)


def _row(line: Line, names: list[str]) -> RawRow:
    cells = {name: line.cells[place] for place, name in enumerate(names) if name and place < len(line.cells)}
    stray = next((cell for cell in line.cells[len(names) :] if cell), "")
    return RawRow(line.number, cells, stray)


def understand(row: RawRow, has: Iterable[str], now: datetime) -> tuple[Facts | None, list[Problem]]:
    """What a row says, or None and what is wrong with it: row, column, and what to do."""
    reader = _Reader(row, now)
    facts = reader.facts(tuple(has))
    return (None if reader.problems else facts), reader.problems


class _Reader:
    def __init__(self, row: RawRow, now: datetime) -> None:
        self.row, self.now = row, now
        self.problems: list[Problem] = []

    def facts(self, has: tuple[str, ...]) -> Facts | None:
        if self.row.stray:
            self._error("", "Something stands where there is no heading.", "Put texts with commas in quotation marks.")
        as_of = self._as_of()
        facts = Facts(
            as_of=as_of or self.now,
            has=tuple(sorted(has)),
            history=self._text("history", LONGEST_TEXT),
            arrests=tuple(self._several("arrests", past=True)),
            pending=tuple(self._several("pending", past=True)),
            bail=self._one("bail"),
            court=tuple(self._several("court")),
            wanted=self._wanted(as_of or self.now),
            in_prison=self._yes_or_no("in_prison"),
            prison=self._text("prison", LONGEST_PLACE),
            custody_kind=self._kind(),
            in_prison_since=self._day("in_prison_since", past=True),
            release_on=self._day("release_on"),
        )
        if facts.in_prison is False:
            facts = replace(facts, prison="", custody_kind="", in_prison_since=None, release_on=None)
        if facts.release_on and facts.in_prison_since and facts.release_on < facts.in_prison_since:
            self._error("release_on", "The release is before the prison began.", "Correct one of the two dates.")
        return facts

    def _cell(self, name: str) -> str:
        return self.row.cells.get(name, "")

    def _error(self, name: str, problem: str, remedy: str, found: str = "") -> None:
        self.problems.append(Problem(self.row.number, label(name) if name else "", problem, remedy, found))

    def _text(self, name: str, longest: int) -> str:
        try:
            text = " ".join(clean_text(self._cell(name), multiline=True).split())
        except ValidationError:
            self._error(name, "There is a character that cannot be stored.", "Type the cell again.")
            return ""
        if text.casefold() in NO:
            return ""
        if (over := len(text) - longest) > 0:
            self._error(name, f"The text is {over} characters too long.", f"Shorten it to {longest} characters.")
        return text

    def _date(self, name: str, text: str, *, past: bool = False) -> date | None:
        try:
            found = read_date(text)
        except UnreadDateError as unread_date:
            self._error(name, f"“{text}” {unread_date}.", "Write it as 2026-03-12 or 12/03/2026.", text)
            return None
        if past and found > clock.local(self.now).date():
            self._error(name, f"“{text}” is in the future.", "Give a date of today or earlier.", text)
            return None
        return found

    def _day(self, name: str, *, past: bool = False) -> date | None:
        text = self._text(name, 40)
        return self._date(name, text, past=past) if text else None

    def _as_of(self) -> datetime | None:
        """The time at which the facts held. A date alone is its first minute: what was seen later that day is newer."""
        text = " ".join(self._cell("as_of").split())
        if not text:
            self._error("as_of", "There is nothing in this cell.", "Give date and time, such as 2026-03-12 06:00.")
            return None
        match = _MOMENT.fullmatch(text)
        day = self._date("as_of", match["on"] if match else text)
        if day is None:
            return None
        moment = self._moment(day, match) if match else clock.at(day, time())
        if moment is not None and moment > self.now:
            self._error("as_of", f"“{text}” is in the future.", "Give the time at which the file was made.", text)
            return None
        return moment

    def _moment(self, day: date, match: re.Match[str]) -> datetime | None:
        try:
            wall = time(int(match["hour"]), int(match["minute"]))
        except ValueError:
            self._error("as_of", f"“{match[0]}” has no real time.", "Write it as 2026-03-12 06:00.", match[0])
            return None
        if zone := match["zone"]:
            offset = "+00:00" if zone == "Z" else zone
            return datetime.fromisoformat(f"{day}T{wall:%H:%M}{offset}").astimezone(UTC)
        return clock.at(day, wall)

    def _several(self, name: str, *, past: bool = False) -> Iterator[Dated]:
        text = self._cell(name)
        parts = [part for part in (" ".join(each.split()) for each in re.split(r"[;\n]", text)) if part]
        if len(parts) > MOST_DATES:
            self._error(name, f"There are {len(parts)} dates.", f"Give the latest {MOST_DATES}.")
            return
        for part in parts:
            if part.casefold() not in NO and (found := self._part(name, part, past=past)):
                yield found

    def _part(self, name: str, text: str, *, past: bool = False) -> Dated | None:
        try:
            text = clean_text(text, multiline=False)
        except ValidationError:
            self._error(name, "There is a character that cannot be stored.", "Type the cell again.")
            return None
        match = _DATED.fullmatch(text)
        if match is None:
            self._error(name, f"“{text}” does not begin with a date.", "Write 2026-03-12 and then the words.", text)
            return None
        day = self._date(name, match["on"], past=past)
        if (over := len(match["words"]) - LONGEST_PLACE) > 0:
            self._error(name, f"The words are {over} characters too long.", f"Shorten them to {LONGEST_PLACE}.")
        return Dated(day, match["words"].strip()) if day else None

    def _one(self, name: str) -> Dated | None:
        found = list(self._several(name))
        if len(found) > 1:
            self._error(name, "There are several dates.", "Give the next one.")
        return found[0] if found else None

    def _wanted(self, as_of: datetime) -> Dated | None:
        word = " ".join(self._cell("wanted").split())
        if not word or word.casefold() in NO:
            return None
        if word.casefold() in YES or word.casefold() == "wanted":
            return Dated(clock.local(as_of).date())
        return self._part("wanted", word, past=True)

    def _yes_or_no(self, name: str) -> bool | None:
        word = self._cell(name)
        if word.casefold() in YES | NO:
            return word.casefold() in YES
        if word:
            self._error(name, f"“{word}” is neither yes nor no.", "Write Y or N, or leave it empty.", word)
        return None

    def _kind(self) -> str:
        word = self._cell("custody_kind")
        kind = KINDS.get(re.sub(r"[^a-z]", "", word.casefold()), "")
        if word and not kind and word.casefold() not in NO:
            self._error("custody_kind", f"“{word}” is not known here.", "Write Remand or Sentence.", word)
        return kind


def _folded(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


def _means(heading: str) -> str:
    return _NAMES.get(_folded(heading), "")


_NAMES = {_folded(word): name for name, words in COLUMNS.items() for word in words}

"""What the columns of a scheme's own sheet of its cohort mean: from a table to rows under names of ours.

Names that are known are matched; one that only looks like a known name is suggested and never taken by itself. Nothing
here asks the database; what the cells mean is `offenders.cohort_import`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from .cohort_files import Fault, Line, Problem, Table, UnreadSheet, read_table

# Our name of a column, the name that people are told, and how sheets call it. Compared without case, blanks and marks.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "family_name": ("Family name", "Surname", "Last name"),
    "given_names": ("Given names", "Given name", "Forename", "Forenames", "First name", "First names"),
    "date_of_birth": ("Date of birth", "DOB", "D.O.B.", "Birth date", "Born"),
    "gender": ("Gender", "Sex"),
    "aliases": ("Aliases", "Alias", "Alias(es)", "AKA", "Also known as", "Other names"),
    "pnc_number": ("PNC", "PNC number", "PNC no", "PNC ID"),
    "cro_number": ("CRO", "CRO number", "CRO no"),
    "prison_number": ("Prison no", "Prison number", "NOMIS", "NOMIS number"),
    "probation_number": ("CRN", "Probation number", "Case reference number", "Delius CRN"),
    "address": ("Address", "Home address"),
    "area": ("Area", "Ward", "Ward/Area", "Neighbourhood"),
    "rating": ("RAG", "Rating", "RAG rating", "RAG status", "Colour"),
    "rated_on": ("RAG since", "Rated on", "Rating since", "RAG date", "Date of rating"),
    "accepted_on": ("Accepted on", "Accepted", "Date accepted", "Date adopted", "On cohort since", "Start date"),
    "lead_agency": ("Lead agency", "Agency"),
    "lead_professional": ("Lead professional", "Offender manager", "Case holder", "Lead officer", "OM"),
    "police_officer": ("Police officer", "Police lead", "Second contact"),
    "statutory": ("Statutory", "Statutory (Y/N)", "Statutory Y/N", "On licence or order"),
    "score": ("OGRS", "Score", "OGRS score", "OGRS3", "OGRS 2 year", "OGRS%"),
    "score_on": ("OGRS date", "Score date", "Scored on"),
    "why": ("Why on cohort", "Why on the cohort", "Reason", "Reason for inclusion"),
    "in_custody": ("In custody", "Custody", "In prison", "In custody (Y/N)"),
    "custody_kind": ("Custody status", "Remand or sentence"),
    "custody_since": ("Custody since", "In custody since", "Date into custody"),
    "prison": ("Prison", "Establishment", "HMP"),
    "release_on": ("Release date", "Release", "Expected release", "Release expected on"),
}
REQUIRED = ("family_name", "given_names", "rating")
# How much of two names must agree for one to be suggested for the other (difflib's ratio: 1 is the same).
NEAR = 0.75


@dataclass(frozen=True, slots=True)
class Row:
    """A row by our names, and its number as a spreadsheet counts it."""

    number: int
    cells: Mapping[str, str]
    faults: Mapping[str, Fault] = field(default_factory=dict)
    # A cell in a place that has no heading: a comma that divides a text, most likely.
    stray: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines of a table by our names, made as they are asked for."""

    lines: Sequence[Line]
    places: Mapping[str, int]
    width: int

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Row]:
        for line in self.lines:
            yield _row(line.number, line.cells, line.faults, self.places, self.width)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows, the headings that mean nothing to us, and how the file was read."""

    rows: Rows
    ignored: tuple[str, ...]
    notes: tuple[Problem, ...] = ()
    heading_row: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what it was matched to, or what it may be; empty where nothing is near."""

    place: int
    heading: str
    name: str = ""
    suggestion: str = ""


def label(name: str) -> str:
    """What a column of ours is called in messages."""
    return COLUMNS[name][0]


def means(heading: str) -> str:
    """Our name for a heading, empty where it is not known."""
    return _NAMES.get(_folded(heading), "")


def near(heading: str) -> str:
    """Our name for what a heading looks like, empty where nothing is near."""
    folded = _folded(heading)
    if len(folded) < 3:
        return ""
    found = get_close_matches(folded, _NAMES, n=1, cutoff=NEAR)
    return _NAMES[found[0]] if found else ""


def read_file(content: bytes, sheet: str = "") -> Table:
    """The table in a file, its headings found by the names that are known here. Raises UnreadSheet."""
    return read_table(content, lambda heading: bool(means(heading)), sheet)


def columns_of(table: Table) -> list[Column]:
    """Each column that has a heading or cells, matched by name; what is near is suggested where it is not taken."""
    filled = {place for line in table.lines for place, cell in enumerate(line.cells) if cell}
    taken = {means(heading) for heading in table.headings}
    columns = []
    for place, heading in enumerate(table.headings):
        if not heading and place not in filled:
            continue
        suggestion = near(heading) if not means(heading) else ""
        columns.append(
            Column(place, heading or _letter(place), means(heading), "" if suggestion in taken else suggestion)
        )
    return columns


def match_problems(columns: Iterable[Column], heading_row: int = 1) -> list[Problem]:
    """What keeps columns from being used as they are matched: one of ours twice, or a needed one missing."""
    problems, first = [], {}
    columns = list(columns)
    for column in columns:
        if column.name in first:
            twice = f"The columns “{first[column.name].heading}” and “{column.heading}” both mean {label(column.name)}."
            problems.append(Problem(heading_row, label(column.name), twice, "Keep one of them."))
        elif column.name:
            first[column.name] = column
    suggested = {column.suggestion: column.heading for column in columns if column.suggestion}
    for name in REQUIRED:
        if name not in first:
            remedy = f"Add it; it may also be called {_or(COLUMNS[name][1:])}."
            if name in suggested:
                remedy = f"Is it “{suggested[name]}”? Then call it {label(name)}."
            problems.append(Problem(heading_row, label(name), "This column is missing.", remedy))
    return problems


def lay_out(table: Table, columns: Sequence[Column]) -> Sheet:
    """The rows of a table by our names, as the columns were matched."""
    places = {column.name: column.place for column in columns if column.name}
    ignored = tuple(column.heading for column in columns if not column.name)
    return Sheet(Rows(table.lines, places, len(table.headings)), ignored, table.notes, table.heading_row)


def _row(number: int, cells: Sequence[str], faults: Mapping[int, Fault], places: Mapping[str, int], width: int) -> Row:
    stray = next((cell for cell in cells[width:] if cell), "") if len(cells) > width else ""
    return Row(
        number,
        {name: cells[place] for name, place in places.items() if place < len(cells)},
        {name: faults[place] for name, place in places.items() if place in faults} if faults else {},
        stray,
    )


def read_sheet(content: bytes, sheet: str = "", leave_out: Iterable[str] = ()) -> Sheet:
    """The rows of a file whose columns are matched by name alone: nobody is there to be asked.

    A column that only looks like a known one stops the import until it is renamed, or named in `leave_out`. Raises
    UnreadSheet with what is wrong and what to do.
    """
    table = read_file(content, sheet)
    columns = columns_of(table)
    left_out = {_folded(heading) for heading in leave_out}
    problems = match_problems(columns, table.heading_row)
    problems += [
        Problem(
            table.heading_row,
            column.heading,
            f"This column is not known here; it looks like {label(column.suggestion)}.",
            f"Call it “{label(column.suggestion)}”, or say that it is left out.",
        )
        for column in columns
        if column.suggestion and column.suggestion not in REQUIRED and _folded(column.heading) not in left_out
    ]
    if problems:
        raise UnreadSheet(problems)
    return lay_out(table, columns)


def _letter(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"Column {letters}"


def _folded(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


_NAMES = {_folded(word): name for name, words in COLUMNS.items() for word in (name, *words)}


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"

"""Reading the sheet that a scheme keeps of its cohort: from bytes to rows of plain text under names of ours.

Nothing here asks the database; what the cells mean is `offenders.cohort_import`'s.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    "lead_professional": ("Lead professional", "Offender manager", "Case holder", "OM"),
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
SPREADSHEET = b"PK\x03\x04"
OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what to do. Row 1 is the heading; row 0 is the file as a whole."""

    row: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.field) if part)
        return f"{place}: {self.problem} {self.remedy}".removeprefix(": ").strip()


class UnreadSheet(Exception):
    """The file as a whole cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row by our names, and its number as a spreadsheet counts it."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows, and the headings that mean nothing to us."""

    rows: tuple[Row, ...]
    ignored: tuple[str, ...]


def label(name: str) -> str:
    """What a column of ours is called in messages."""
    return COLUMNS[name][0]


def read_sheet(content: bytes) -> Sheet:
    """A CSV file in UTF-8, with or without byte order mark, cells divided by comma, semicolon or tab.

    Raises UnreadSheet with what is wrong and what to do.
    """
    text = _decode(content)
    delimiter = max(DELIMITERS, key=_first_line(text).count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadSheet(
            [Problem(0, "", f"The file is not a CSV that can be read ({error}).", "Save it as CSV once more.")]
        ) from error
    numbered = [(number, cells) for number, cells in enumerate(lines, 1) if any(cell.strip() for cell in cells)]
    if not numbered:
        raise _unread("The file is empty.", "Put a row of headings first, then one row for each person.")
    (_, headings), *body = numbered
    columns, ignored = _columns(headings)
    if not body:
        raise _unread("The file has headings and no people.", "Put one row for each person under them.")
    return Sheet(tuple(_row(number, cells, columns) for number, cells in body), ignored)


def _unread(problem: str, remedy: str) -> UnreadSheet:
    return UnreadSheet([Problem(0, "", problem, remedy)])


def _decode(content: bytes) -> str:
    if content.startswith((SPREADSHEET, OLD_SPREADSHEET)):
        raise _unread("This is a spreadsheet, not a CSV file.", "Open it and save it as “CSV UTF-8”, then import that.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise UnreadSheet(
            [Problem(row, "", "There is a character that is not UTF-8.", "Save the file as “CSV UTF-8”.")]
        ) from error
    if "\0" in text:
        raise _unread("The file holds zero bytes, so it is not plain text.", "Save it as “CSV UTF-8”.")
    return text


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _folded(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


_NAMES = {_folded(word): name for name, words in COLUMNS.items() for word in (name, *words)}


def _columns(headings: list[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Which column of the file is which of ours, and the headings that are none."""
    columns: dict[str, int] = {}
    ignored, problems = [], []
    for place, heading in enumerate(headings):
        name = _NAMES.get(_folded(heading))
        if name is None:
            if heading.strip():
                ignored.append(heading.strip())
        elif name in columns:
            twice = f"The columns “{headings[columns[name]].strip()}” and “{heading.strip()}” both mean {label(name)}."
            problems.append(Problem(1, label(name), twice, "Keep one of them."))
        else:
            columns[name] = place
    problems += [
        Problem(1, label(name), "This column is missing.", f"Add it; it may also be called {_or(COLUMNS[name][1:])}.")
        for name in REQUIRED
        if name not in columns
    ]
    if problems:
        raise UnreadSheet(problems)
    return columns, tuple(ignored)


def _row(number: int, cells: list[str], columns: Mapping[str, int]) -> Row:
    return Row(number, {name: cells[place].strip() for name, place in columns.items() if place < len(cells)})


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"

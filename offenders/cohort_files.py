"""From the bytes of a file to a table of plain text: CSV of many makes, and XLSX (design.md 6; security.md F1).

Nothing here knows what a column means, and nothing in a file is run: of formulas only what they came to is read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zipfile
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any, overload

MOST_BYTES = 20 * 1024 * 1024
MOST_BYTES_UNPACKED = 100 * 1024 * 1024
MOST_ENTRIES = 1000
MOST_ROWS = 25_000
MOST_COLUMNS = 100
# Sheets may be formatted far below their last person; so many rows are looked at, and so many cells.
MOST_ROWS_WITH_BLANKS = 200_000
MOST_CELLS = 1_500_000
# A title may stand above the headings.
HEADINGS_WITHIN = 20

SPREADSHEET = b"PK\x03\x04"
OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".xlsx", ".docx")

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]+[0-9]+:[A-Z]+[0-9]+)[\"']")
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")
_NUMBER = re.compile(rb"\br=[\"']([0-9]+)[\"']")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what to do. Row 1 is the first of the sheet; row 0 is the file as a whole.

    `found` is what stands in the cell, where `problem` quotes it.
    """

    row: int
    field: str
    problem: str
    remedy: str
    found: str = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.field) if part)
        return f"{place}: {self.problem} {self.remedy}".removeprefix(": ").strip()

    @property
    def plain(self) -> str:
        """The problem without what stands in the cell, which may name somebody."""
        return self.problem.replace(f"“{self.found}”", "This", 1) if self.found else self.problem


class UnreadSheet(Exception):
    """The file as a whole cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell before anybody asks what it means."""

    problem: str
    remedy: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of a row from the left, trimmed, its number as a spreadsheet counts it, and faults by place."""

    number: int
    cells: tuple[str, ...]
    faults: Mapping[int, Fault] = field(default_factory=dict)


class Lines(Sequence[Line]):
    """Many lines in little memory: the cells of each as one text, apart again whenever it is looked at.

    A cell never holds a zero byte, which no database stores: it stands between them.
    """

    __slots__ = ("_cells", "_faults", "_numbers")

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._numbers = array("L")
        self._cells: list[bytes] = []
        self._faults: dict[int, Mapping[int, Fault]] = {}
        for line in lines:
            self.append(line)

    def append(self, line: Line) -> None:
        if line.faults:
            self._faults[len(self._cells)] = line.faults
        self._numbers.append(line.number)
        # Half a surrogate pair is kept as it is: that it cannot be stored is said of its cell.
        self._cells.append("\0".join(line.cells).encode("utf-8", "surrogatepass"))

    def _at(self, place: int) -> Line:
        cells = tuple(self._cells[place].decode("utf-8", "surrogatepass").split("\0"))
        return Line(self._numbers[place], cells, self._faults.get(place, _NONE))

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, place: int) -> Line: ...

    @overload
    def __getitem__(self, place: slice) -> Lines: ...

    def __getitem__(self, place: int | slice) -> Line | Lines:
        if isinstance(place, slice):
            return Lines(self._at(at) for at in range(*place.indices(len(self))))
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[Line]:
        return map(self._at, range(len(self)))


_NONE: Mapping[int, Fault] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and the rows under them; rows without anything are left away. `notes` say how the file was read."""

    headings: tuple[str, ...]
    lines: Sequence[Line]
    heading_row: int = 1
    notes: tuple[Problem, ...] = ()


KnowsHeading = Callable[[str], bool]


def read_table(content: bytes, known: KnowsHeading, sheet: str = "") -> Table:
    """The table in a CSV or XLSX file. `known` says whether a heading means something to the caller.

    `sheet` names one of several in an XLSX file. Raises UnreadSheet with what is wrong and what to do.
    """
    if len(content) > MOST_BYTES:
        raise unread("The file is larger than 20 MB.", "Remove pictures and sheets that are not the list of people.")
    if content.startswith(OLD_SPREADSHEET):
        raise _old_or_locked(content)
    if content.startswith(b"PK"):
        return _read_workbook(content, known, sheet)
    if sheet:
        raise unread("A CSV file has no sheets with names.", "Leave the name of the sheet away.")
    return _read_csv(content, known)


def unread(problem: str, remedy: str, row: int = 0) -> UnreadSheet:
    """A file that cannot be used, for one reason."""
    return UnreadSheet([Problem(row, "", problem, remedy)])


def _table(lines: Iterable[Line], known: KnowsHeading, notes: Iterable[Problem]) -> Table:
    """Headings and rows apart: the headings are the first row that holds two which are known, else the first."""
    full = (line for line in lines if any(line.cells) or line.faults)
    first = list(islice(full, HEADINGS_WITHIN))
    if not first:
        raise unread("The file is empty.", "Put a row of headings first, then one row for each person.")
    place = next((at for at, line in enumerate(first) if sum(map(known, line.cells)) > 1), 0)
    headings, body = first[place], Lines(first[place + 1 :])
    for line in full:
        body.append(line)
    if not body:
        raise unread("The file has headings and no people.", "Put one row for each person under them.")
    if len(body) > MOST_ROWS:
        raise unread(f"There are more than {MOST_ROWS:,} rows of people.", "Divide the file and import the parts.")
    if len(headings.cells) > MOST_COLUMNS:
        raise _too_wide()
    return Table(headings.cells, body, headings.number, tuple(notes))


def _too_wide() -> UnreadSheet:
    return unread(f"There are more than {MOST_COLUMNS} columns.", "Remove the columns that are not about the people.")


# --- CSV ----------------------------------------------------------------------


def _read_csv(content: bytes, known: KnowsHeading) -> Table:
    encoding, notes = _encoding(content)
    delimiter = _delimiter(content, encoding, known)
    try:
        return _table(_csv_lines(content, encoding, delimiter), known, notes)
    except csv.Error as error:
        raise unread(f"The file is not a CSV that can be read ({error}).", "Save it as CSV once more.") from error


def _text_of(content: bytes, encoding: str) -> Iterator[str]:
    """The lines as they stand, read as they are asked for."""
    # A zero byte cannot be stored, even to be shown as wrong; another mark that nobody types stands for it.
    with io.TextIOWrapper(io.BytesIO(content), encoding, newline="") as text:
        for line in text:
            yield line.replace("\0", "\x01") if "\0" in line else line


def _csv_lines(content: bytes, encoding: str, delimiter: str) -> Iterator[Line]:
    rows = csv.reader(_text_of(content, encoding), delimiter=delimiter, strict=True)
    for number, cells in enumerate(islice(rows, MOST_ROWS_WITH_BLANKS + 1), 1):
        yield Line(number, tuple(map(str.strip, cells)))


def _encoding(content: bytes) -> tuple[str, list[Problem]]:
    """UTF-8 or UTF-16; what is neither is taken for the encoding that Windows used before, and that is said."""
    if content.startswith(_UTF_16) or _looks_like_utf_16(content):
        return _of_utf_16(content), []
    if b"\0" in content:
        raise unread("The file holds zero bytes, so it is not plain text.", "Save it as “CSV UTF-8”.")
    if (wrong := _first_unread(content, "utf-8")) is None:
        return "utf-8-sig", []
    row = content[:wrong].count(b"\n") + 1
    if (wrong := _first_unread(content, "cp1252")) is not None:
        at = content[:wrong].count(b"\n") + 1
        raise unread("There is a character that cannot be read.", "Save the file as “CSV UTF-8”.", at)
    note = "This row has a letter that is not UTF-8. The file was read as Windows text."
    return "cp1252", [Problem(row, "", note, "Look whether names with accents are right, or save it as “CSV UTF-8”.")]


def _first_unread(content: bytes, encoding: str) -> int | None:
    """Where the first byte stands that is not of this encoding; None where all are."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _looks_like_utf_16(content: bytes) -> bool:
    """Every second byte of English in UTF-16 is zero."""
    start = content[:400]
    zeros = max(start[::2].count(0), start[1::2].count(0))
    return len(start) > 3 and len(content) % 2 == 0 and zeros > len(start) // 3


def _of_utf_16(content: bytes) -> str:
    encoding = "utf-16"
    if not content.startswith(_UTF_16):
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
    if _first_unread(content, encoding) is not None:
        raise unread("The file breaks off within a character.", "Save it as “CSV UTF-8” once more.")
    return encoding


def _delimiter(content: bytes, encoding: str, known: KnowsHeading) -> str:
    """What divides the cells: that with which the most headings are known, and among equals the most cells."""
    start = "".join(islice(_text_of(content, encoding), HEADINGS_WITHIN * 2))
    first = [line for line in start.splitlines()[: HEADINGS_WITHIN * 2] if line.strip()][:HEADINGS_WITHIN]

    def fits(delimiter: str) -> tuple[int, int]:
        rows = [[cell.strip(' "') for cell in line.split(delimiter)] for line in first]
        return max((sum(map(known, row)) for row in rows), default=0), max(map(len, rows), default=0)

    return max(DELIMITERS, key=fits)


# --- XLSX ---------------------------------------------------------------------


def _old_or_locked(content: bytes) -> UnreadSheet:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return unread("The spreadsheet is locked with a password.", "Save it without a password, then import that.")
    return unread("This is a spreadsheet of the old kind (.xls).", "Open it and save it as “Excel workbook (.xlsx)”.")


def _read_workbook(content: bytes, known: KnowsHeading, sheet: str) -> Table:
    _must_be_safe(content)
    with warnings.catch_warnings():
        # The reader warns of drop-down lists and colours that it does not keep.
        warnings.simplefilter("ignore")
        try:
            return _Workbook(content).table(known, sheet)
        except UnreadSheet:
            raise
        except Exception as error:  # a file that was tampered with breaks the reader in any way it likes
            raise unread(
                "The spreadsheet cannot be read.", "Open it, save it as .xlsx once more, and try again."
            ) from error


def _must_be_safe(content: bytes) -> None:
    """Raises UnreadSheet for what security.md F1 keeps out; what a part unpacks to is never more than it says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile as error:
        raise unread("The file is damaged.", "Save it once more, then import that.") from error
    names = {part.filename.lower() for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise unread("The file is locked with a password.", "Save it without a password, then import that.")
    if len(parts) > MOST_ENTRIES or sum(part.file_size for part in parts) > MOST_BYTES_UNPACKED:
        raise unread("The spreadsheet is too large to be unpacked.", "Copy the list into a new workbook by itself.")
    if any("vbaproject" in name or "macrosheet" in name for name in names):
        raise unread("The spreadsheet holds macros.", "Save it as “Excel workbook (.xlsx)”, which has none.")
    if any(name.endswith(_ARCHIVES) for name in names):
        raise unread("The spreadsheet holds another file.", "Copy the list into a new workbook by itself.")
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise unread("This is not a spreadsheet or a CSV file.", "Save the list as .xlsx or as “CSV UTF-8”.")
    if any(name.endswith("workbook.bin") for name in names):
        raise unread("This is a binary spreadsheet (.xlsb).", "Save it as “Excel workbook (.xlsx)”.")


class _Workbook:
    """A workbook read row by row: once as it was typed, and once more for what its formulas came to."""

    def __init__(self, content: bytes) -> None:
        # Read when a workbook comes: it brings 20 MB with it.
        from openpyxl import load_workbook

        self.content = content
        self.typed = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)

    def table(self, known: KnowsHeading, sheet: str) -> Table:
        """The sheet of that name, else the first in sight whose headings are known, else the first in sight."""
        titles = [each.title for each in self.typed.worksheets]
        if not titles:
            raise unread("The spreadsheet cannot be read: it holds no sheet.", "Save it as .xlsx once more.")
        hidden = [each.title for each in self.typed.worksheets if each.sheet_state != "visible"]
        if sheet:
            chosen = next((title for title in titles if title.casefold() == sheet.strip().casefold()), None)
            if chosen is None:
                raise unread(f"There is no sheet “{sheet}”.", f"Use one of: {', '.join(titles)}.")
            return self._read(chosen, known, [])
        seen = [title for title in titles if title not in hidden]
        if not seen:
            raise unread("There is no sheet in sight.", "Unhide the sheet with the list of people.")
        chosen = next((title for title in seen if self._fits(title, known)), seen[0])
        notes = []
        if others := [title for title in titles if title != chosen]:
            unread_ones = ", ".join(f"{title} (hidden)" if title in hidden else title for title in others)
            notes.append(Problem(0, "", f"The sheet “{chosen}” was read, and not: {unread_ones}.", ""))
        return self._read(chosen, known, notes)

    def _fits(self, title: str, known: KnowsHeading) -> bool:
        rows = self._rows(self.typed, title)
        first = (row for row in rows if any(cell.value is not None for cell in row))
        return any(
            sum(known(_text(cell)) for cell in row) > 1 for row, _ in zip(first, range(HEADINGS_WITHIN), strict=False)
        )

    def _rows(self, book: Any, title: str) -> Iterator[Sequence[Any]]:
        page = book[title]
        # What a sheet says of its own size may be wrong.
        page.reset_dimensions()
        cells = 0
        for number, row in enumerate(page.iter_rows(), 1):
            cells += len(row)
            if len(row) > MOST_COLUMNS and any(cell.value is not None for cell in row[MOST_COLUMNS:]):
                raise _too_wide()
            if number > MOST_ROWS_WITH_BLANKS or cells > MOST_CELLS:
                raise unread("The sheet goes on far below the list.", "Delete the empty rows under the last person.")
            yield row[:MOST_COLUMNS]

    def _read(self, title: str, known: KnowsHeading, notes: list[Problem]) -> Table:
        lines = Lines()
        formulas: dict[int, list[int]] = {}
        for number, row in enumerate(self._rows(self.typed, title), 1):
            cells = tuple("" if cell.data_type in ("f", "e") else _text(cell) for cell in row)
            faults = {place: _is_an_error(cell) for place, cell in enumerate(row) if cell.data_type == "e"}
            if worked_out := [place for place, cell in enumerate(row) if cell.data_type == "f"]:
                formulas[number] = worked_out
            if any(cells) or faults or worked_out:
                lines.append(Line(number, cells, faults))
        if formulas:
            lines = self._worked_out(title, lines, formulas)
        merged, hidden = self._merged_and_hidden(title)
        if merged:
            lines = _with_merged(lines, merged)
        widest = max((len(line.cells) for line in lines), default=0)
        padded = (Line(line.number, line.cells + ("",) * (widest - len(line.cells)), line.faults) for line in lines)
        table = _table(padded, known, notes)
        return Table(table.headings, table.lines, table.heading_row, (*notes, *_hidden_rows(hidden, table)))

    def _merged_and_hidden(self, title: str) -> tuple[list[str], set[int]]:
        """Which cells were joined over several rows, and which rows are hidden: what the reader leaves out."""
        from openpyxl.utils.cell import range_boundaries

        merged, hidden = [], set()
        for tags in _whole_tags(self.typed._archive, self.typed[title]._worksheet_path):
            merged += [found.decode() for found in _MERGED.findall(tags)]
            hidden |= {
                int(number[1])
                for attributes in _ROW.findall(tags)
                if _HIDDEN.search(attributes) and (number := _NUMBER.search(attributes))
            }
        # Cells joined within one row are headings or remarks and harm nobody.
        return [each for each in merged if range_boundaries(each)[1] != range_boundaries(each)[3]], hidden

    def _worked_out(self, title: str, lines: Lines, formulas: Mapping[int, list[int]]) -> Lines:
        """The lines with what the spreadsheet last worked out in place of each formula."""
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(self.content), read_only=True, data_only=True, keep_links=False)
        waiting = iter(lines)
        found = Lines()
        for number, row in enumerate(self._rows(book, title), 1):
            if number not in formulas:
                continue
            for line in waiting:
                if line.number == number:
                    found.append(_with_results(line, row, formulas[number]))
                    break
                found.append(line)
        for line in waiting:
            found.append(line)
        return found


def _with_results(line: Line, row: Sequence[Any], formulas: Iterable[int]) -> Line:
    cells, faults = list(line.cells), dict(line.faults)
    for place in formulas:
        cell = row[place]
        if cell.data_type == "e":
            faults[place] = _is_an_error(cell)
        elif cell.value is None and cell.data_type == "n":
            faults[place] = Fault(
                "There is a formula whose result is not in the file.",
                "Open the file in the spreadsheet and save it, or type the value.",
            )
        else:
            cells[place] = _text(cell)
    return Line(line.number, tuple(cells), faults)


def _whole_tags(archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    """A part of the file in pieces, each of which ends where a tag ends."""
    rest = b""
    with archive.open(path) as part:
        while piece := part.read(1 << 16):
            whole, end, rest = (rest + piece).rpartition(b">")
            yield whole + end


def _is_an_error(cell: Any) -> Fault:
    text = str(cell.value)
    return Fault(f"“{text}” is an error of the spreadsheet.", "Correct the formula, or type the value.", text)


def _text(cell: Any) -> str:
    """What a cell says: days as 1994-02-04, whole numbers without a point, per cent as per cent."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return _number(value, cell.number_format or "")
    return str(value).replace("\0", "\x01").strip()


def _number(value: float, shown_as: str) -> str:
    if "%" in shown_as:
        return f"{round(value * 100, 6):g}%"
    return str(int(value)) if float(value).is_integer() else repr(value)


def _with_merged(lines: Lines, merged: Iterable[str]) -> Lines:
    """A cell that was joined with others stands in the first alone: the rest would seem empty, so they are faults."""
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.cell import range_boundaries

    held = {line.number: line for line in lines}
    for found in merged:
        first_column, first_row, last_column, last_row = range_boundaries(found)
        value = held[first_row].cells[first_column - 1 : first_column] if first_row in held else ()
        fault = Fault(
            f"The cells {get_column_letter(first_column)}{first_row} to "
            f"{get_column_letter(last_column)}{last_row} are merged.",
            "Unmerge them and fill in each row.",
        )
        for number in range(first_row, min(last_row, first_row + MOST_ROWS) + 1):
            if number in held and any(value):
                line = held[number]
                places = range(first_column - 1, min(last_column, MOST_COLUMNS))
                held[number] = Line(number, line.cells, {**line.faults, **dict.fromkeys(places, fault)})
    return Lines(held[line.number] for line in lines)


def _hidden_rows(hidden: Collection[int], table: Table) -> list[Problem]:
    if not hidden or not (among := sorted(line.number for line in table.lines if line.number in hidden)):
        return []
    words = "One row is hidden" if len(among) == 1 else f"{len(among)} rows are hidden"
    return [Problem(among[0], "", f"{words} in the spreadsheet.", "They were read like the others.")]

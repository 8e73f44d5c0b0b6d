"""Scoring a whole CSV file at once: what `score_ogrs` and `score_ovp` do (section 8 of `docs/scores.md`).

Pure but for the two files. A cell that cannot be read is a missing fact, a row that cannot be scored says why
in `error_types`, and nothing in one row touches another.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from referrals import ogrs, ovp

NEW_COLUMNS = ("prob_1yr", "prob_2yr", "pct_1yr", "pct_2yr", "band", "points", "error_types")

Row = Mapping[str, str]
Choice = TypeVar("Choice", bound=StrEnum)


class FileProblem(Exception):
    """The file as a whole cannot be read or written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Model:
    """How a model takes part in a file: the columns it reads, and a row's new cells."""

    name: str
    inputs: tuple[str, ...]
    cells: Callable[[Row], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file: rows written, how many of them refused, input columns that it does not have."""

    rows: int
    refused: int
    absent: tuple[str, ...]


def read_date(cell: str) -> date | None:
    """A date as YYYY-MM-DD, else None."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None


def read_whole_number(cell: str) -> int | None:
    """A whole number, also as spreadsheets write it (12.0), within the service's 32 bits; else None."""
    match = re.fullmatch(r"([+-]?[0-9]{1,10})(\.0*)?", cell)
    if match is None:
        return None
    number = int(match[1])
    return number if -(2**31) <= number < 2**31 else None


def read_yes_or_no(cell: str) -> bool | None:
    """True or false in any case, else None: yes and 1 are left to people to translate."""
    return {"true": True, "false": False}.get(cell.lower())


def read_choice(choices: type[Choice], cell: str) -> Choice | None:
    """One of the words of `choices` in any case, else None."""
    return next((choice for choice in choices if choice.value == cell.upper()), None)


def _ogrs_cells(row: Row) -> tuple[str, ...]:
    facts = ogrs.Facts(
        gender=read_choice(ogrs.Gender, row["gender"]),
        date_of_birth=read_date(row["date_of_birth"]),
        date_of_current_conviction=read_date(row["date_of_current_conviction"]),
        date_at_start_of_followup=read_date(row["date_at_start_of_followup"]),
        total_number_of_sanctions=read_whole_number(row["total_number_of_sanctions"]),
        age_at_first_sanction=read_whole_number(row["age_at_first_sanction"]),
        current_offence_code=row["current_offence_code"] or None,
    )
    scored = ogrs.score(facts)
    if isinstance(scored, ogrs.Refusal):
        return _refused(scored)
    probabilities = (f"{scored.prob_1yr:.5f}", f"{scored.prob_2yr:.5f}")
    return (*probabilities, str(scored.pct_1yr), str(scored.pct_2yr), scored.band.value, "", "")


def _ovp_cells(row: Row) -> tuple[str, ...]:
    facts = ovp.Facts(
        gender=read_choice(ovp.Gender, row["gender"]),
        date_of_birth=read_date(row["date_of_birth"]),
        date_at_start_of_followup=read_date(row["date_at_start_of_followup"]),
        total_number_of_sanctions=read_whole_number(row["total_number_of_sanctions"]),
        total_number_of_violent_sanctions=read_whole_number(row["total_number_of_violent_sanctions"]),
        recognises_impact_on_others=read_yes_or_no(row["recognises_impact_on_others"]),
        no_fixed_abode_or_transient=read_yes_or_no(row["no_fixed_abode_or_transient"]),
        unemployed=read_yes_or_no(row["unemployed"]),
        current_alcohol_use_problems=read_choice(ovp.Level, row["current_alcohol_use_problems"]),
        excessive_alcohol_use=read_choice(ovp.Level, row["excessive_alcohol_use"]),
        current_psychiatric_treatment=read_yes_or_no(row["current_psychiatric_treatment"]),
        temper_control=read_choice(ovp.Level, row["temper_control"]),
        pro_criminal_attitudes=read_choice(ovp.Level, row["pro_criminal_attitudes"]),
    )
    scored = ovp.score(facts)
    if isinstance(scored, ovp.Refusal):
        return _refused(scored)
    probabilities = (repr(scored.prob_1yr), repr(scored.prob_2yr))
    percentages = (str(scored.pct_1yr), str(scored.pct_2yr))
    return (*probabilities, *percentages, scored.band.value, str(scored.points), "")


def _refused(refusal: ogrs.Refusal) -> tuple[str, ...]:
    blank = ("",) * (len(NEW_COLUMNS) - 1)
    return (*blank, ";".join(refusal.types))


OGRS = Model("OGRS3", ogrs.INPUTS, _ogrs_cells)
OVP = Model("OVP", ovp.INPUTS, _ovp_cells)


def score_file(source: Path, target: Path, model: Model) -> Summary:
    """Copy `source` to `target` with a score, or the reasons why there is none, at the end of each row.

    Raises `FileProblem` when `source` cannot be read or has no header, or `target` cannot be written.
    """
    records = _records(_text(source))
    header = next(records, None)
    if header is None:
        raise FileProblem(f"{source} is empty. Its first line must name the columns.")
    if _same_file(source, target):
        raise FileProblem(f"{target} is the file to read. Give another name for the result.")
    try:
        with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as result:
            return _write(csv.writer(result, lineterminator="\n").writerow, header, records, model)
    except OSError as problem:
        raise FileProblem(f"Cannot write {target}: {problem.strerror or problem}.") from problem


def _write(
    write: Callable[[list[str]], object], header: list[str], records: Iterator[list[str]], model: Model
) -> Summary:
    names = [name.strip().lower() for name in header]
    # A file that was scored before gets its new columns afresh instead of two of each.
    kept = [place for place, name in enumerate(names) if name not in NEW_COLUMNS]
    write([*(header[place] for place in kept), *NEW_COLUMNS])
    rows = refused = 0
    for record in records:
        padded = record + [""] * (len(header) - len(record))
        cells = model.cells(_inputs(names, padded, model))
        write([*(padded[place] for place in kept), *cells])
        rows += 1
        refused += cells[-1] != ""
    return Summary(rows, refused, tuple(name for name in model.inputs if name not in names))


def _inputs(names: list[str], record: list[str], model: Model) -> dict[str, str]:
    """The model's cells of a row by name, spaces around them cut. Two columns that disagree say nothing."""
    found: dict[str, str] = dict.fromkeys(model.inputs, "")
    said: dict[str, set[str]] = {}
    for name, cell in zip(names, record, strict=False):
        if name in found:
            said.setdefault(name, set()).add(cell.strip())
    return found | {name: cells.pop() for name, cells in said.items() if len(cells) == 1}


def _text(source: Path) -> str:
    """The file's text. Bytes that are not UTF-8 pass through unchanged: one odd name cannot stop the rest."""
    try:
        content = source.read_bytes()
    except OSError as problem:
        raise FileProblem(f"Cannot read {source}: {problem.strerror or problem}.") from problem
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileProblem(f"{source} is in UTF-16. Save it again as CSV UTF-8.")
    return content.decode("utf-8-sig", errors="surrogateescape")


def _records(text: str) -> Iterator[list[str]]:
    """The rows of a CSV text, blank lines left out. A row with broken quotes costs itself and no other."""
    # A long note is a cell like any other; the library would stop at 131,072 characters.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    lines = io.StringIO(text, newline="")
    while True:
        start = lines.tell()
        try:
            record = next(csv.reader(lines, strict=True), None)
        except csv.Error:
            lines.seek(start)
            record = _broken_record(lines.readline())
        if record is None:
            return
        if len(record) > 1 or any(cell.strip() for cell in record):
            yield record


def _broken_record(line: str) -> list[str]:
    """One line cut at its commas: what is left when its quotes cannot be matched."""
    return [cell.strip('"') for cell in line.rstrip("\r\n").split(",")]


def _same_file(source: Path, target: Path) -> bool:
    return target.exists() and source.samefile(target)

"""A sheet between upload and import: kept for its maker, matched, judged, answered, entered, forgotten.

One verb for each thing that the page does. What was judged is stored, so that looking at it costs little; before it is
entered everything is judged once more, with no other import under way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify, sweeps
from iom.access import Actor
from iom.models import Scheme, User
from iom.steps import StepRefused, locked

from . import cohort_duplicates, cohort_entry
from .alike import Certainty
from .cohort_duplicates import Sighting
from .cohort_files import Fault, Line, Problem, Table
from .cohort_import import Checked, Entries, check
from .cohort_sheet import Column, columns_of, label, lay_out, match_problems, read_file
from .models import Case, Offender, Restriction, RowToImport, SheetToImport

KEPT = timedelta(hours=24)
AT_ONCE = 1000
Status, Answer = SheetToImport.Status, RowToImport.Answer


# --- In -----------------------------------------------------------------------


@transaction.atomic
def take_in(content: bytes, *, by: Actor, sheet: str = "") -> SheetToImport:
    """Keep what an uploaded file says, for its maker. Raises PermissionDenied or UnreadSheet."""
    if not by.holds("offenders.import_cohort"):
        raise PermissionDenied
    table = read_file(content, sheet)
    kept = SheetToImport.objects.create(
        scheme=by.scheme,
        made_by=by.user,
        heading_row=table.heading_row,
        headings=list(table.headings),
        notes=[asdict(note) for note in table.notes],
        matched=[],
    )
    _keep_rows(
        kept,
        [
            RowToImport(
                number=line.number,
                cells=list(line.cells),
                faults={str(place): asdict(fault) for place, fault in line.faults.items()},
            )
            for line in table.lines
        ],
    )
    audit.record("upload_cohort", kept, by=by, count=len(table.lines))
    return kept


def _keep_rows(sheet: SheetToImport, rows: Sequence[RowToImport]) -> None:
    for row in rows:
        row.scheme_id, row.sheet = sheet.scheme_id, sheet
    RowToImport.objects.bulk_create(rows, batch_size=AT_ONCE)


def table_of(sheet: SheetToImport) -> Table:
    """The table that was uploaded."""
    lines = [
        Line(
            row.number,
            tuple(row.cells),
            {int(place): Fault(**fault) for place, fault in row.faults.items()},
        )
        for row in sheet.rows.all()
    ]
    notes = tuple(Problem(**note) for note in sheet.notes)
    return Table(tuple(sheet.headings), tuple(lines), sheet.heading_row, notes)


def columns(sheet: SheetToImport, table: Table) -> list[Column]:
    """The columns as they were matched by hand, else as their names say."""
    found = columns_of(table)
    if not sheet.matched:
        return found
    return [Column(each.place, each.heading, sheet.matched[each.place], "") for each in found]


# --- Matching and judging -----------------------------------------------------


@transaction.atomic
def match(sheet: SheetToImport, names: Mapping[int, str], *, by: Actor, version: int) -> SheetToImport:
    """Say which column is which, by its place, and judge every row. Columns that are not in `names` are left out.

    Raises PermissionDenied, Stale, or StepRefused when one of ours is meant twice or a needed one is missing.
    """
    held = _held(sheet, by, version)
    table = table_of(held)
    held.matched = [names.get(place, "") for place in range(len(held.headings))]
    if problems := match_problems(columns(held, table), held.heading_row):
        raise StepRefused([f"{each.problem} {each.remedy}" for each in problems])
    _judge(held, table, by)
    held.status = Status.CHECKED
    held.version += 1
    held.save()
    audit.record("match_columns", held, by=by)
    return held


def _held(sheet: SheetToImport, by: Actor, version: int | None = None) -> SheetToImport:
    held = locked(SheetToImport, sheet.pk, version=version)
    if not by.can("offenders.import_cohort", held):
        raise PermissionDenied
    if held.status == Status.IMPORTED:
        raise StepRefused(["This sheet was imported already."])
    return held


@dataclass(slots=True)
class Judged:
    """What came of every row, and whom of the scheme it may be, by row."""

    checked: Checked
    seen: dict[int, list[Sighting]]


def _judge(sheet: SheetToImport, table: Table, by: Actor) -> Judged:
    """Judge every row and store that with it. What was answered stays answered, if it is about the same people."""
    checked = check(lay_out(table, columns(sheet, table)), sheet.scheme, clock.today())
    seen = cohort_duplicates.known(checked.entries, sheet.scheme, but=unseen_by(by))
    errors, warnings = _by_row(checked.errors), _by_row(checked.warnings)
    rows = list(sheet.rows.all())
    for row in rows:
        row.errors = [asdict(each) for each in errors.get(row.number, [])]
        row.warnings = [asdict(each) for each in warnings.get(row.number, [])]
        people = [each.kept() for each in seen.get(row.number, [])]
        if [each["id"] for each in people] != row.people:
            row.answer, row.same_as = "", None
            _answer_for(row, seen.get(row.number, []))
        row.alike = people
        row.pk = None
    held = {row.number for row in rows}
    sheet.notes = [asdict(each) for each in checked.warnings if each.row not in held]
    sheet.rows.all().delete()
    _keep_rows(sheet, rows)
    return Judged(checked, seen)


def _answer_for(row: RowToImport, seen: Sequence[Sighting]) -> None:
    """Of somebody who is surely on the cohort there is nothing to ask, though the answer may be changed."""
    if seen and seen[0].sure and seen[0].open_case is not None:
        row.answer, row.same_as = Answer.SAME, seen[0].offender


def _by_row(problems: Iterable[Problem]) -> dict[int, list[Problem]]:
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.row, []).append(problem)
    return found


def unseen_by(by: Actor) -> Collection[int]:
    """The people with a restricted case that the actor may not open: as if there were nobody (security.md Z4)."""
    return set(Case.objects.closed_to(by).values_list("offender", flat=True))


# --- Answers ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a row: the same person (whose number), a different one, or left out."""

    answer: str
    same_as: int | None = None


@transaction.atomic
def answer(sheet: SheetToImport, said: Mapping[int, Said], *, by: Actor, version: int) -> SheetToImport:
    """Keep what was said of rows, by number. Raises PermissionDenied, Stale or StepRefused."""
    held = _held(sheet, by, version)
    rows = list(held.rows.filter(number__in=said))
    unseen = unseen_by(by)
    for row in rows:
        given = said[row.number]
        if given.answer == Answer.SAME and (given.same_as not in row.people or given.same_as in unseen):
            raise StepRefused(["Choose one of the people who are shown."])
        row.answer = given.answer
        row.same_as_id = given.same_as if given.answer == Answer.SAME else None
    RowToImport.objects.bulk_update(rows, ["answer", "same_as"])
    held.version += 1
    held.save(update_fields=["version"])
    audit.record("answer_duplicates", held, by=by, count=len(rows))
    return held


@transaction.atomic
def rest_are_new(sheet: SheetToImport, *, by: Actor, version: int) -> SheetToImport:
    """Say of every row that waits for an answer that it is a different person. Raises as `answer`."""
    waiting = sheet.rows.filter(answer="").exclude(alike=[])
    return answer(
        sheet, dict.fromkeys(waiting.values_list("number", flat=True), Said(Answer.NEW)), by=by, version=version
    )


# --- Out ----------------------------------------------------------------------


@transaction.atomic
def enter(sheet: SheetToImport, *, by: Actor, version: int) -> bool:
    """Enter everybody of the sheet who is to be entered, in one go; the rows are removed.

    False when somebody was entered elsewhere since it was judged, or a row no longer fits: then nothing is entered, and
    the sheet shows what there is to answer. Raises PermissionDenied, Stale, or StepRefused while answers are missing.
    """
    held = _held(sheet, by, version)
    if held.status != Status.CHECKED:
        raise StepRefused(["Check the columns first."])
    cohort_entry.lock(by)
    judged = _judge(held, table_of(held), by)
    rows = {row.number: row for row in held.rows.select_related("same_as")}
    if judged.checked.errors or any(row.alike and not row.answer for row in rows.values()):
        held.version += 1
        held.save()
        return False
    entries = Entries(
        each for each in judged.checked.entries if _goes_in(rows[each.row], judged.seen.get(each.row, []))
    )
    if not entries:
        raise StepRefused(["There is nobody to import: everybody is on the cohort already, or left out."])
    same = {each.row: rows[each.row].same_as for each in entries if rows[each.row].answer == Answer.SAME}
    hidden = _hidden(entries, by)
    entered = cohort_entry.enter(entries, by=by, same=same)
    for each in entered:
        for person in hidden.get(each.row, []):
            _tell_owner(person, each.reference, by.scheme)
    held.rows.all().delete()
    held.status, held.entered = Status.IMPORTED, [each.reference for each in entered]
    held.headings, held.matched, held.notes = [], [], []
    held.version += 1
    held.save()
    return True


def _goes_in(row: RowToImport, seen: Sequence[Sighting]) -> bool:
    if row.answer == Answer.OUT:
        return False
    same = next((each for each in seen if each.offender.pk == row.same_as_id), None)
    return row.answer != Answer.SAME or (same is not None and same.open_case is None)


def _hidden(entries: Entries, by: Actor) -> dict[int, list[Offender]]:
    """People whom the actor may not meet and who are likely the person of a row: whoever answers for them hears."""
    unseen = unseen_by(by)
    if not unseen:
        return {}
    found = cohort_duplicates.known(entries, by.scheme)
    return {
        row: people
        for row, seen in found.items()
        if (
            people := [
                each.offender for each in seen if each.offender.pk in unseen and each.certainty >= Certainty.LIKELY
            ]
        )
    }


def _tell_owner(person: Offender, reference: str, scheme: Scheme) -> None:
    for restriction in Restriction.objects.filter(case__offender=person, lifted_at=None).select_related("case"):
        notify.tell(
            User.objects.filter(pk=restriction.owner.user_id),
            scheme=scheme,
            kind="import_alike",
            subject=f"{restriction.case.reference} {reference}",
            text=f"{reference} was imported and may be the person of {restriction.case.reference}",
            url=reverse("case", args=[restriction.case.reference]),
        )


@transaction.atomic
def throw_away(sheet: SheetToImport, *, by: Actor) -> None:
    """Remove a sheet without importing it. Raises PermissionDenied."""
    held = locked(SheetToImport, sheet.pk)
    if not by.can("offenders.import_cohort", held):
        raise PermissionDenied
    audit.record("throw_sheet_away", held, by=by)
    held.delete()


@sweeps.tidies
def forget_sheets(scheme: Scheme, today: date, by: Actor) -> None:
    """Remove what was uploaded more than 24 hours ago."""
    old = SheetToImport.objects.filter(scheme=scheme, created_at__lt=clock.now() - KEPT)
    for sheet in old:
        audit.record("throw_sheet_away", sheet, by=by)
        sheet.delete()


# --- What the page shows ------------------------------------------------------


def problems(sheet: SheetToImport, kind: str) -> list[Problem]:
    """Every error or warning ("errors", "warnings"), in the order of the rows; notes on the file come first."""
    of_rows = sheet.rows.exclude(**{kind: []}).values_list(kind, flat=True)
    notes = sheet.notes if kind == "warnings" else []
    return [Problem(**each) for each in (*notes, *(each for found in of_rows for each in found))]


def named(sheet: SheetToImport, row: RowToImport) -> dict[str, str]:
    """The cells of a row that say who somebody is, under our words for them."""
    shown = ("family_name", "given_names", "aliases", "date_of_birth", "pnc_number", "cro_number")
    shown += ("prison_number", "probation_number", "address", "area", "rating")
    places = {name: place for place, name in enumerate(sheet.matched) if name}
    cells = {name: row.cells[places[name]] for name in shown if name in places and places[name] < len(row.cells)}
    return {label(name): text for name, text in cells.items() if text}

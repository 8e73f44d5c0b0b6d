"""Sheets as schemes keep them: every make of CSV and XLSX becomes the same table of text, or one clear line says why not."""

import io
import zipfile
from datetime import date, datetime, time

import pytest
from openpyxl import DEFUSEDXML, Workbook

from offenders import cohort_files
from offenders.cohort_files import UnreadSheet, read_table
from offenders.cohort_sheet import columns_of, match_problems, means, near, read_file

HEADINGS = ("Surname", "Forename", "DOB", "RAG", "PNC", "OGRS")
ONE = ("Example", "Sam", datetime(1994, 2, 4), "Red", "94/1A", 82)  # noqa: DTZ001 -- spreadsheets know no zones


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def workbook(*rows, title="Cohort") -> Workbook:
    book = Workbook()
    book.active.title = title
    for row in rows or (HEADINGS, ONE):
        book.active.append(list(row))
    return book


def with_part(content: bytes, change) -> bytes:
    """The same archive with parts changed: `change(name, bytes) -> bytes | None`; None leaves it out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)
    return stream.getvalue()


def more_parts(content: bytes, **parts: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def said(content: bytes, sheet: str = "") -> str:
    with pytest.raises(UnreadSheet) as refused:
        read_file(content, sheet)
    return str(refused.value)


# --- What cells say ---


def test_workbook_becomes_headings_and_rows_of_text():
    table = read_file(saved(workbook()))

    assert table.headings == HEADINGS
    assert [(line.number, line.cells) for line in table.lines] == [
        (2, ("Example", "Sam", "1994-02-04", "Red", "94/1A", "82"))
    ]


@pytest.mark.parametrize(
    ("value", "shown_as", "text"),
    [
        pytest.param(datetime(1994, 2, 4), None, "1994-02-04", id="day"),  # noqa: DTZ001
        pytest.param(date(1994, 2, 4), None, "1994-02-04", id="date"),
        pytest.param(datetime(1994, 2, 4, 10, 30), None, "1994-02-04 10:30", id="moment"),  # noqa: DTZ001
        pytest.param(time(10, 30), None, "10:30:00", id="time"),
        pytest.param("04/02/1994", None, "04/02/1994", id="date typed as text"),
        pytest.param(34369, "General", "34369", id="day shown as a number"),
        pytest.param(94112233, None, "94112233", id="number that is an id"),
        pytest.param(12.0, None, "12", id="whole number with a point"),
        pytest.param(0.5, None, "0.5", id="half"),
        pytest.param(0.82, "0%", "82%", id="per cent"),
        pytest.param(0.825, "0.0%", "82.5%", id="per cent with a half"),
        pytest.param(True, None, "Yes", id="true"),
        pytest.param(False, None, "No", id="false"),
        pytest.param("  Sam \n", None, "Sam", id="blanks"),
        pytest.param("'=1+1", None, "'=1+1", id="text that looks like a formula"),
    ],
)
def test_cell_is_read_as_a_person_reads_it(value, shown_as, text):
    book = workbook(HEADINGS, ("Example", "Sam", value, "Red"))
    if shown_as:
        book.active["C2"].number_format = shown_as

    assert read_file(saved(book)).lines[0].cells[2] == text


def test_formula_counts_as_what_it_came_to():
    book = workbook(HEADINGS, ("Example", "Sam", "=DATE(1994,2,4)", "Red"))
    worked_out = b"<f>DATE(1994,2,4)</f><v>34369</v>"
    book.active["C2"].number_format = "dd/mm/yyyy"

    content = with_part(
        saved(book),
        lambda name, data: data.replace(b"<f>DATE(1994,2,4)</f><v />", worked_out).replace(
            b"<f>DATE(1994,2,4)</f><v></v>", worked_out
        ),
    )

    line = read_file(content).lines[0]
    assert (line.cells[2], dict(line.faults)) == ("1994-02-04", {})


def test_formula_that_nobody_worked_out_is_a_fault_of_its_cell():
    line = read_file(saved(workbook(HEADINGS, ("Example", "Sam", "=DATE(1994,2,4)", "Red")))).lines[0]

    assert (line.cells[2], list(line.faults)) == ("", [2])
    assert "a formula whose result is not in the file" in line.faults[2].problem
    assert "type the value" in line.faults[2].remedy


def test_error_of_the_spreadsheet_is_a_fault_of_its_cell():
    line = read_file(saved(workbook(HEADINGS, ("Example", "Sam", None, "#REF!")))).lines[0]

    assert (list(line.faults), line.faults[3].found) == ([3], "#REF!")


def test_cells_merged_over_rows_are_faults_in_each():
    book = workbook(HEADINGS, ONE, ("Sample", "Lee", None, "Red"), ("Test", "Jo", None, "Red"))
    book.active.merge_cells("D2:D3")
    book.active.merge_cells("A4:B4")

    lines = read_file(saved(book)).lines

    assert [list(line.faults) for line in lines] == [[3], [3], []]
    assert lines[0].faults[3].problem == "The cells D2 to D3 are merged."


# --- Which sheet, which rows ---


def test_first_sheet_whose_headings_are_known_is_read_and_the_others_named():
    book = workbook(("Notes",), ("Ring Sam",), title="Notes")
    for title, hidden in (("Old list", True), ("Cohort", False), ("Archive", False)):
        page = book.create_sheet(title)
        page.append(HEADINGS)
        page.append(ONE)
        page.sheet_state = "hidden" if hidden else "visible"

    table = read_file(saved(book))

    assert table.headings == HEADINGS
    assert table.notes[0].problem == "The sheet “Cohort” was read, and not: Notes, Old list (hidden), Archive."


def test_sheet_is_read_by_its_name_whatever_its_case():
    book = workbook()
    page = book.create_sheet("Second list")
    page.append(HEADINGS)
    page.append(("Sample", *ONE[1:]))

    assert read_file(saved(book), "second LIST").lines[0].cells[0] == "Sample"
    assert "There is no sheet “Third”. Use one of: Cohort, Second list." in said(saved(book), "Third")
    assert "has no sheets" in said(b"Surname,RAG\nExample,Red", "Third")


def test_title_and_blank_rows_are_passed_over_and_numbers_are_the_spreadsheets():
    table = read_file(saved(workbook(("Our cohort in March",), (), HEADINGS, (), ONE, (None, " "), ONE)))

    assert (table.heading_row, [line.number for line in table.lines]) == (3, [5, 7])


def test_hidden_rows_are_read_and_said():
    book = workbook(HEADINGS, ONE, ONE, ONE)
    book.active.row_dimensions[3].hidden = True

    table = read_file(saved(book))

    assert [line.number for line in table.lines] == [2, 3, 4]
    assert "One row is hidden in the spreadsheet." in table.notes[0].problem


def test_column_without_heading_is_listed_by_its_letter():
    table = read_file(saved(workbook(HEADINGS, (*ONE, None, "by hand"))))

    assert [column.heading for column in columns_of(table)][-1] == "Column H"


def test_size_that_the_sheet_gives_of_itself_is_not_believed():
    content = with_part(
        saved(workbook(HEADINGS, ONE, ONE)), lambda name, data: data.replace(b'ref="A1:F3"', b'ref="A1:A1"')
    )

    assert [len(line.cells) for line in read_file(content).lines] == [6, 6]


# --- What is kept out (security.md F1) ---


def test_limits_are_those_of_the_rules():
    assert (cohort_files.MOST_BYTES, cohort_files.MOST_BYTES_UNPACKED) == (20 * 2**20, 100 * 2**20)
    assert (cohort_files.MOST_ROWS, cohort_files.MOST_ENTRIES) == (25_000, 1000)


def test_rows_up_to_the_limit_are_read_and_one_more_is_refused(monkeypatch):
    monkeypatch.setattr(cohort_files, "MOST_ROWS", 3)
    assert len(read_file(saved(workbook(HEADINGS, *[ONE] * 3))).lines) == 3

    assert "more than 3 rows of people" in said(saved(workbook(HEADINGS, *[ONE] * 4)))
    assert "more than 3 rows of people" in said(b"Surname,RAG\n" + b"Example,Red\n" * 4)


def test_columns_up_to_the_limit_are_read_and_one_more_is_refused():
    wide = [*HEADINGS, *(f"More {n}" for n in range(94))]
    assert len(read_file(saved(workbook(wide, ONE))).headings) == 100

    assert "more than 100 columns" in said(saved(workbook([*wide, "One more"], ONE)))
    assert "more than 100 columns" in said((",".join([*wide, "One more"]) + "\nExample,Sam").encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"x" * (20 * 2**20 + 1), "larger than 20 MB", id="too large"),
        pytest.param(b"\xd0\xcf\x11\xe0" + b"\0" * 600, "of the old kind (.xls)", id="old kind"),
        pytest.param(
            b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "locked with a password", id="locked"
        ),
        pytest.param(b"PK\x03\x04rest", "The file is damaged", id="damaged"),
    ],
)
def test_file_that_is_no_workbook_gets_one_clear_line(content, words):
    assert words in said(content)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"xl/vbaProject.bin": b"x"}, "holds macros", id="macros"),
        pytest.param({"xl/embeddings/inner.zip": b"x"}, "holds another file", id="archive inside"),
        pytest.param({"xl/workbook.bin": b"x"}, "binary spreadsheet", id="xlsb"),
        pytest.param({"xl/media/zeros": b"\0" * (100 * 2**20)}, "too large to be unpacked", id="bomb"),
        pytest.param({f"xl/media/{n}": b"" for n in range(1000)}, "too large to be unpacked", id="many parts"),
    ],
)
def test_workbook_with_what_does_not_belong_is_refused(parts, words):
    assert words in said(more_parts(saved(workbook()), **parts))


def test_document_of_another_kind_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")

    assert "not a spreadsheet or a CSV file" in said(stream.getvalue())


def test_entities_are_not_expanded():
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    content = with_part(saved(workbook()), lambda name, data: bomb if "sheet1" in name else data)

    assert DEFUSEDXML
    assert "cannot be read" in said(content)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
def test_workbook_with_a_part_missing_or_cut_off_is_refused(part):
    content = saved(workbook())

    assert "cannot be read" in said(with_part(content, lambda name, data: None if name == part else data))
    assert "cannot be read" in said(with_part(content, lambda name, data: data[:40] if name == part else data))


def test_far_cell_costs_nothing_and_is_told(monkeypatch):
    book = workbook()
    book.active["A300000"] = "Sample"

    assert "goes on far below the list" in said(saved(book))


# --- Names of columns ---


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Surname", "family_name"), ("FAMILY NAME", "family_name"), ("D.O.B.", "date_of_birth"), ("dob", "date_of_birth"),
        ("RAG", "rating"), ("Lead Officer", "lead_professional"), ("OM", "lead_professional"), ("PNC no.", "pnc_number"),
    ],
)  # fmt: skip
def test_heading_is_known_without_case_blanks_and_marks(heading, name):
    assert means(heading) == name


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Surname", "family_name"), ("Surnmae", "family_name"), ("Date of brith", "date_of_birth"),
        ("Ofender manager", "lead_professional"), ("Shoe size", ""), ("Notes", ""), ("X", ""), ("", ""),
    ],
)  # fmt: skip
def test_spelling_that_is_near_is_suggested(heading, name):
    assert near(heading) == name


def test_near_spelling_is_not_taken_and_not_suggested_where_its_column_is_there():
    table = read_table(b"Surname,Forename,RAG,Surnmae,Pirson,Shoe size\nA,B,Red,C,D,44", lambda name: bool(means(name)))

    found = {column.heading: (column.name, column.suggestion) for column in columns_of(table)}

    assert found["Surnmae"] == ("", "")
    assert found["Pirson"] == ("", "prison")
    assert found["Shoe size"] == ("", "")
    assert match_problems(columns_of(table)) == []

"""A cohort of 2,000: with 40 planted faults nobody is entered and all 40 are named; clean, all 2,000 are."""

from __future__ import annotations

import json
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom.models import AuditEvent, LogEntry
from offenders.models import Assignment, Case, CustodyPeriod, Offender
from tests import factories
from tests.factories import sheets

COUNT = 2000
# Row 2 is the first person. Field, what is put there, and words of the problem and the remedy.
FAULTS = [
    ("Surname", "", "Family name", "nothing in this cell", "Fill it in"),
    ("Forename", "", "Given names", "nothing in this cell", "Fill it in"),
    ("RAG", "", "RAG", "nothing in this cell", "Fill it in"),
    ("Surname", "Ex\x07ample", "Family name", "cannot be stored", "Type the cell again"),
    ("Surname", "E" * 81, "Family name", "1 characters too long", "Shorten it to 80"),
    ("Forename", "F" * 121, "Given names", "1 characters too long", "Shorten it to 120"),
    ("DOB", "31/02/1994", "Date of birth", "must be a real date", "Write it as 04/02/1994"),
    ("DOB", "02/14/1994", "Date of birth", "must be a real date", "Write it as 04/02/1994"),
    ("DOB", "04/02/94", "Date of birth", "year with 4 figures", "Write it as 04/02/1994"),
    ("DOB", "34369", "Date of birth", "must be a real date", "format the column as a date"),
    ("DOB", "04/02/1894", "Date of birth", "between 1900 and 2100", "Write it as 04/02/1994"),
    ("DOB", "04/02/2094", "Date of birth", "in the future", "today or earlier"),
    ("DOB", "4 Feb", "Date of birth", "must include a year", "Write it as 04/02/1994"),
    ("DOB", "unknown", "Date of birth", "must be a real date", "Write it as 04/02/1994"),
    ("Sex", "Q", "Gender", "“Q” is not known here", "Write Male or Female"),
    ("Alias(es)", "A" * 161, "Aliases", "longer than 160", "Divide aliases by semicolons"),
    ("Alias(es)", "A" * 1001, "Aliases", "1 characters too long", "Shorten it to 1000"),
    ("PNC", "123456789012345678901", "PNC", "1 characters too long", "Shorten it to 20"),
    ("CRN", "X12345678901234567890", "CRN", "1 characters too long", "Shorten it to 20"),
    ("Address", "A" * 501, "Address", "1 characters too long", "Shorten it to 500"),
    ("Ward", "W" * 81, "Area", "1 characters too long", "Shorten it to 80"),
    ("RAG", "Purple", "RAG", "“Purple” is not a rating", "Use Red, Amber, Green or Blue"),
    ("RAG since", "01/01/2023", "RAG since", "older than acceptance", "Correct one of the two"),
    ("RAG since", "29/02/2025", "RAG since", "must be a real date", "Write it as"),
    ("Accepted on", "13/03/2026", "Accepted on", "in the future", "today or earlier"),
    ("Accepted on", "soon", "Accepted on", "“soon” must be a real date", "Write it as"),
    ("Lead agency", "Fire", "Lead agency", "“Fire” is not an agency", "Use "),
    ("Lead professional", "L" * 121, "Lead professional", "1 characters too long", "Shorten it to 120"),
    ("Police officer", "P" * 121, "Police officer", "1 characters too long", "Shorten it to 120"),
    ("Statutory (Y/N)", "maybe", "Statutory", "neither yes nor no", "Write Y or N"),
    ("OGRS", "182", "OGRS", "not a percentage", "whole number, 0 to 100"),
    ("OGRS", "0.82", "OGRS", "not a percentage", "whole number, 0 to 100"),
    ("Why on cohort", "W" * 4001, "Why on cohort", "1 characters too long", "Shorten it to 4000"),
    ("In custody", "perhaps", "In custody", "neither yes nor no", "Write Y or N"),
    ("Custody status", "tagged", "Custody status", "“tagged” is not known", "Write Remand or Sentence"),
    ("Prison", "H" * 121, "Prison", "1 characters too long", "Shorten it to 120"),
    ("Release date", "01/01/2023", "Release date", "before the custody began", "Correct or empty"),
    ("In custody", "N", "In custody", "says in custody, this cell says not", "Correct one of the two"),
]  # fmt: skip
# Faults about custody are planted on people who are inside: every tenth.
INSIDE = {"Custody status", "Prison", "Release date", "In custody"}


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00", tick=True)


def planted() -> tuple[list[dict], dict[int, tuple[str, str, str]]]:
    """2,000 people with 40 faults, each in a row of its own, and what is to be said of each row."""
    rows, expected = sheets.people(COUNT), {}
    for number, (column, value, field, problem, remedy) in enumerate(FAULTS):
        place = 30 + number * 50 + (0 if column in INSIDE else 1)
        if value == "perhaps":
            rows[place]["RAG"] = "Red"
        rows[place][column] = value
        expected[place + 2] = (field, problem, remedy)
    # The same person twice, and the same PNC number twice.
    rows[1990] = rows[1990] | {name: rows[3][name] for name in ("Surname", "Forename", "DOB", "PNC")}
    rows[1995] = rows[1995] | {"PNC": rows[4]["PNC"]}
    expected[1992] = ("", "This is the person of row 5: same PNC number, same date of birth, same name", "Keep one")
    expected[1997] = ("", "This is the person of row 6: same PNC number", "Keep one of the rows")
    return rows, expected


@pytest.fixture
def run(merton, tmp_path, capsys):
    for kind in ("police", "probation"):
        factories.member(merton, "member", agency_kind=kind)

    def run(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        try:
            call_command("import_cohort", str(path), scheme="merton", json=True)
        except CommandError as error:
            return error.returncode, json.loads(capsys.readouterr().out)
        return 0, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_forty_faults_enter_nobody_and_each_is_named_with_row_field_and_remedy(run, kind):
    rows, expected = planted()
    if kind == "xlsx":
        # A workbook cannot hold a control character at all.
        rows[181]["Surname"], expected[183] = (
            "#REF!",
            ("Family name", "an error of the spreadsheet", "Correct the formula"),
        )
    assert len(expected) == 40

    code, answer = run(f"cohort.{kind}", getattr(sheets, f"as_{kind}")(rows))

    said = {each["row"]: each for each in answer["errors"]}
    assert (code, answer["entered"], len(answer["errors"])) == (1, 0, 40)
    assert said.keys() == expected.keys()
    for row, (field, problem, remedy) in expected.items():
        assert said[row]["field"] == field
        assert problem in said[row]["problem"], (row, said[row])
        assert remedy in said[row]["remedy"], (row, said[row])
    assert (Offender.objects.count(), Case.objects.count()) == (0, 0)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_clean_sheet_enters_all(run, kind):
    content = getattr(sheets, f"as_{kind}")(sheets.people(COUNT))
    began = time.perf_counter()

    with CaptureQueriesContext(connection) as queries:
        code, answer = run(f"cohort.{kind}", content)

    print(f"{kind}: {time.perf_counter() - began:.1f} s, {len(queries)} queries")
    assert (code, answer["errors"], answer["entered"]) == (0, [], COUNT)
    assert len(queries) < 150
    assert (Offender.objects.count(), Case.objects.count()) == (COUNT, COUNT)
    assert answer["rows"][-1] == {"row": COUNT + 1, "reference": "IOM-2000", "rating": "AMBER"}
    assert CustodyPeriod.objects.filter(released_on=None).count() == COUNT // 10
    assert Assignment.objects.filter(until=None).count() == COUNT * 3
    assert AuditEvent.objects.filter(verb="accept").count() == COUNT
    assert LogEntry.objects.get_for_objects(Case.objects.all()).count() == COUNT

"""`score_ogrs` and `score_ovp` as someone runs them: files in, files out (docs/scores.md, section 8)."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from referrals.score_files import (
    NEW_COLUMNS,
    OGRS,
    OVP,
    FileProblem,
    read_choice,
    read_date,
    read_whole_number,
    read_yes_or_no,
    score_file,
)
from referrals.predictors import Gender
from tests.referrals.vectors import FOLDER, vectors

ROOT = Path(__file__).parent.parent.parent
HEADER = ",".join(["id", *OGRS.inputs])
GOOD = "MALE,1975-04-29,2009-02-19,2020-01-14,22,17,09230"
SCORED = ("0.34554", "0.52010", "35", "52", "MEDIUM", "", "")


def run(command, *arguments):
    """The command in a process of its own, with every server address pointing at nothing."""
    nowhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DATABASE_OWNER_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DJANGO_SETTINGS_MODULE": "iom.settings.embedded",
    }
    return subprocess.run(
        [sys.executable, "manage.py", command, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def scored_text(tmp_path, text, model=OGRS):
    """What `score_file` makes of a file with this text (or these bytes)."""
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    score_file(source, target, model)
    return target


def new_cells(row):
    return tuple(row[name] for name in NEW_COLUMNS)


@pytest.mark.feature(98)
@pytest.mark.parametrize("name", ["ogrs3-service-real", "ogrs3-service-derived"])
def test_score_ogrs_gives_the_vectors(tmp_path, name):
    source, target = FOLDER / f"vectors-{name}.csv", tmp_path / "out.csv"

    finished = run("score_ogrs", source, target)

    assert (finished.returncode, finished.stderr) == (0, "")
    expected, actual = vectors(name), rows_of(target)
    assert [row["id"] for row in actual] == [row["id"] for row in expected]
    assert list(actual[0]) == [*expected[0], *NEW_COLUMNS]
    for vector, row in zip(expected, actual, strict=True):
        if not vector["current_offence_code"]:
            assert new_cells(row) == ("", "", "", "", "", "", "MISSING_MANDATORY_INPUT")
            continue
        assert {key: row[key] for key in vector} == vector
        assert (row["points"], row["error_types"]) == ("", "")
        for column in ("pct_1yr", "pct_2yr", "band"):
            assert vector[f"expected_{column}"] in {"", row[column]}
        for column in ("prob_1yr", "prob_2yr"):
            assert len(row[column]) == len("0.12345")
            assert not vector[f"expected_{column}"] or float(row[column]) == float(vector[f"expected_{column}"])


@pytest.mark.feature(104)
@pytest.mark.parametrize("name", ["ovp-service-real", "ovp-service-derived"])
def test_score_ovp_gives_the_vectors(tmp_path, name):
    source, target = FOLDER / f"vectors-{name}.csv", tmp_path / "out.csv"

    finished = run("score_ovp", source, target)

    assert (finished.returncode, finished.stderr) == (0, "")
    for vector, row in zip(vectors(name), rows_of(target), strict=True):
        assert row["error_types"] == ""
        assert vector["expected_point_score"] in {"", row["points"]}
        assert (row["pct_1yr"], row["pct_2yr"], row["band"]) == (
            vector["expected_pct_1yr"],
            vector["expected_pct_2yr"],
            vector["expected_band"],
        )
        for column in ("prob_1yr", "prob_2yr"):
            assert vector[f"expected_{column}"] in {"", f"{float(row[column]):.10f}"}


@pytest.mark.parametrize(("command", "model"), [("score_ogrs", "OGRS3"), ("score_ovp", "OVP")])
def test_score_commands_give_the_errors_in_order(tmp_path, command, model):
    target = tmp_path / "out.csv"

    finished = run(command, FOLDER / "vectors-errors.csv", target)

    assert (finished.returncode, finished.stderr) == (0, "")
    mine = [row for row in rows_of(target) if row["model"] == model]
    assert [row["error_types"] for row in mine] == [row["expected_error_types"] for row in mine]
    assert {new_cells(row)[:-1] for row in mine} == {("",) * 6}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ("id,gender\n1,MALE\n".encode("utf-16"), "is in UTF-16"),
        (None, "Cannot read"),
    ],
    ids=["empty", "blank-lines", "utf-16", "absent"],
)
def test_score_ogrs_unusable_file_exits_2_with_one_line(tmp_path, content, words):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    if content is not None:
        source.write_bytes(content)

    finished = run("score_ogrs", source, target)

    assert (finished.returncode, finished.stdout, target.exists()) == (2, "", False)
    assert words in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_score_ogrs_says_how_many_and_which_columns_lack(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"id,{HEADER.removeprefix('id,gender,')}\n1,{GOOD.removeprefix('MALE,')}\n")

    finished = run("score_ogrs", source, target)

    assert finished.returncode == 0
    assert finished.stdout == f"OGRS3: 0 of 1 rows scored, written to {target}.\n"
    assert finished.stderr == f"{source} has no column gender: it is missing in every row.\n"


def test_score_file_unwritable_target_is_refused(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(f"{HEADER}\n1,{GOOD}\n")

    with pytest.raises(FileProblem, match="Cannot write"):
        score_file(source, tmp_path / "no-such-folder" / "out.csv", OGRS)


def test_score_file_onto_itself_is_refused(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(f"{HEADER}\n1,{GOOD}\n")

    with pytest.raises(FileProblem, match="Give another name"):
        score_file(source, source, OGRS)

    assert source.read_text() == f"{HEADER}\n1,{GOOD}\n"


ACCEPTED = {
    "byte-order-mark": "\ufeff" + f"{HEADER}\n1,{GOOD}\n",
    "crlf": f"{HEADER}\r\n1,{GOOD}\r\n",
    "cr-only": f"{HEADER}\r1,{GOOD}\r",
    "no-last-newline": f"{HEADER}\n1,{GOOD}",
    "blank-lines": f"\n{HEADER}\n\n1,{GOOD}\n  \n",
    "spaces": f"id, {HEADER.removeprefix('id,').replace(',', ' , ')}\n1, {GOOD.replace(',', ' , ')} \n",
    "capital-header": f"{HEADER.upper()}\n1,{GOOD}\n",
    "quoted": HEADER + '\n1,"' + GOOD.replace(",", '","') + '"\n',
    "lower-case": f"{HEADER}\n1,{GOOD.lower()}\n",
    "spreadsheet-integers": f"{HEADER}\n1,{GOOD.replace(',22,17,', ',22.0,17.0,')}\n",
    "long-row": f"{HEADER}\n1,{GOOD},surplus,cells\n",
    "same-column-twice": f"{HEADER},gender\n1,{GOOD},MALE\n",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_score_file_reads_ordinary_variety(tmp_path, text):
    (row,) = rows_of(scored_text(tmp_path, text))

    assert new_cells(row) == SCORED


MISSING = {
    "short-row": f"{HEADER}\n1,MALE\n",
    "no-cells": f"{HEADER}\n{',' * 7}\n",
    "no-input-columns": "id,note\n1,hello\n",
    "semicolons": f"{HEADER.replace(',', ';')}\n1;{GOOD.replace(',', ';')}\n",
    "british-date": f"{HEADER}\n1,{GOOD.replace('1975-04-29', '29/04/1975')}\n",
    "impossible-date": f"{HEADER}\n1,{GOOD.replace('1975-04-29', '1975-02-29')}\n",
    "compact-date": f"{HEADER}\n1,{GOOD.replace('1975-04-29', '19750429')}\n",
    "unknown-gender": f"{HEADER}\n1,{GOOD.replace('MALE', 'M')}\n",
    "fraction": f"{HEADER}\n1,{GOOD.replace(',22,', ',22.5,')}\n",
    "words-for-number": f"{HEADER}\n1,{GOOD.replace(',22,', ',many,')}\n",
    "beyond-32-bits": f"{HEADER}\n1,{GOOD.replace(',22,', ',2147483648,')}\n",
    "columns-disagree": f"{HEADER},gender\n1,{GOOD},FEMALE\n",
}


@pytest.mark.parametrize("text", MISSING.values(), ids=MISSING)
def test_score_file_unreadable_cell_is_missing(tmp_path, text):
    (row,) = rows_of(scored_text(tmp_path, text))

    assert new_cells(row) == ("", "", "", "", "", "", "MISSING_MANDATORY_INPUT")


def test_score_file_header_alone_gives_header_alone(tmp_path):
    target = scored_text(tmp_path, f"{HEADER}\n")

    assert target.read_text() == f"{HEADER},{','.join(NEW_COLUMNS)}\n"


BAD_ROWS = {
    "quote-never-closed": b'2,"MALE,1975',
    "quote-inside": b'2,"say "hello", all",x',
    "not-utf-8": b"2,\xff\xfe\xa3",
    "nul": b"2,MA\0LE",
    "long-quote-never-closed": b'2,"' + b" ," * 70_000,
    "thousands-of-digits": b"2,MALE,1975-04-29,2009-02-19,2020-01-14," + b"9" * 5000 + b",17,09230",
}


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
def test_score_file_bad_row_costs_only_itself(tmp_path, bad):
    text = f"{HEADER}\n1,{GOOD}\n".encode() + bad + f"\n3,{GOOD}\n".encode()

    target = scored_text(tmp_path, text)

    rows = list(csv.DictReader(io.StringIO(target.read_bytes().decode("latin-1"), newline="")))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert [row["error_types"] for row in rows] == ["", "MISSING_MANDATORY_INPUT", ""]
    assert [new_cells(rows[place]) for place in (0, 2)] == [SCORED, SCORED]


def test_score_file_keeps_other_columns_as_they_were(tmp_path):
    note = 'said "no", then\nleft'
    text = f'note,{HEADER},note\n"said ""no"", then\nleft",1,{GOOD},  £ spaced \n'

    target = scored_text(tmp_path, text)

    header, cells = csv.reader(io.StringIO(target.read_text(encoding="utf-8"), newline=""))
    assert header == ["note", *HEADER.split(","), "note", *NEW_COLUMNS]
    assert cells == [note, "1", *GOOD.split(","), "  £ spaced ", *SCORED]


def test_score_file_keeps_bytes_that_are_not_utf_8(tmp_path):
    target = scored_text(tmp_path, f"{HEADER},name\n1,{GOOD},S".encode() + b"\xe9" + b"amas\n")

    assert (
        target.read_bytes().splitlines()[1] == f"1,{GOOD},S".encode() + b"\xe9" + b"amas," + ",".join(SCORED).encode()
    )


def test_score_file_scored_before_gets_its_columns_afresh(tmp_path):
    once = scored_text(tmp_path, f"{HEADER}\n1,{GOOD}\n").read_text()

    stale = once.replace("MEDIUM", "HIGH").replace(",52,", ",99,")

    assert scored_text(tmp_path, stale).read_text() == once


def test_score_file_long_note_is_a_cell_like_another(tmp_path):
    note = "x, " * 60_000

    (row,) = rows_of(scored_text(tmp_path, f'note,{HEADER}\n"{note}",1,{GOOD}\n'))

    assert (row["note"], new_cells(row)) == (note, SCORED)


def test_score_file_same_id_twice_gives_both(tmp_path):
    rows = rows_of(scored_text(tmp_path, f"{HEADER}\n1,{GOOD}\n1,{GOOD.replace('MALE', 'FEMALE')}\n"))

    assert [(row["id"], row["pct_2yr"]) for row in rows] == [("1", "52"), ("1", "51")]


def test_score_file_ovp_writes_unrounded_probabilities(tmp_path):
    header = ",".join(["id", *OVP.inputs])
    cells = "1,male,2000-10-15,2019-12-12,31,17,FALSE,True,true,some_problems,NO_PROBLEMS,false,Significant_Problems,SOME_PROBLEMS"

    (row,) = rows_of(scored_text(tmp_path, f"{header}\n{cells}\n", OVP))

    assert new_cells(row)[2:] == ("80", "89", "VERY_HIGH", "82", "")
    assert len(row["prob_1yr"]) > 12
    assert float(row["prob_1yr"]) == pytest.approx(0.80208, abs=1e-4)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12),
        ("012", 12),
        ("-3", -3),
        ("+3", 3),
        ("12.0", 12),
        ("12.", 12),
        ("-2147483648", -(2**31)),
        ("2147483647", 2**31 - 1),
        ("", None),
        ("1_000", None),
        ("1,000", None),
        ("1e2", None),
        ("12.5", None),
        ("١٢", None),
        ("2147483648", None),
    ],
)
def test_read_whole_number(cell, number):
    assert read_whole_number(cell) == number


@pytest.mark.parametrize(("cell", "answer"), [("true", True), ("FALSE", False), ("yes", None), ("1", None), ("", None)])
def test_read_yes_or_no(cell, answer):
    assert read_yes_or_no(cell) is answer


@pytest.mark.parametrize("cell", ["2024-W01-1", "2024-1-1", "20240101", "2023-02-29", "2024-01-01T00:00", "0000-01-01"])
def test_read_date_refuses_other_shapes(cell):
    assert read_date(cell) is None


def test_read_choice_in_any_case():
    assert (read_choice(Gender, "Female"), read_choice(Gender, "F")) == (Gender.FEMALE, None)

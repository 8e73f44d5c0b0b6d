"""Files made on request (security.md E1, E2)."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
import time_machine

from iom import clock, exports, sweeps
from iom.models import AuditEvent, Export
from iom.steps import StepRefused

pytestmark = pytest.mark.django_db


def make(by, rows, **more):
    given = {"reason": "The board asked.", "recipient": "The board", "chosen": {}, "subjects": ()}
    return exports.make(by=by, kind="try", name="try", header=("A", "B"), rows=rows, **given | more)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_text_that_a_spreadsheet_takes_for_a_formula_is_escaped(start):
    content = exports.csv_bytes(("A",), [(f"{start}1+1",)]).decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(content, newline="")))[1] == [f"'{start}1+1"]


def test_numbers_dates_quotes_and_lines_stay_what_they_are():
    content = exports.csv_bytes(("A", "B"), [(-5, date(2026, 3, 12)), ('say "so",\nthen', None)]).decode("utf-8-sig")

    assert content.startswith("A,B\r\n-5,2026-03-12\r\n")
    assert list(csv.reader(io.StringIO(content, newline="")))[2] == ['say "so",\nthen', ""]


def test_file_is_made_with_one_event_and_ends_after_a_day(as_coordinator):
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        made = make(as_coordinator, [("1", "2")], chosen={"criteria": "standard"})
        event = AuditEvent.objects.get(verb="export")
        assert (event.context["rows"], event.context["by_criteria"]) == (1, "standard")
        assert made.ends_at - made.made_at == timedelta(hours=24)
        assert Export.objects.visible_to(as_coordinator).get() == made


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param({"reason": " "}, "why you need", id="no reason"),
        pytest.param({"recipient": ""}, "who will receive", id="no recipient"),
    ],
)
def test_file_needs_reason_and_recipient(as_coordinator, more, words):
    with pytest.raises(StepRefused, match=words):
        make(as_coordinator, [], **more)
    assert not Export.objects.exists()


def test_over_ten_thousand_rows_nothing_is_made(as_coordinator):
    with pytest.raises(StepRefused, match="Narrow"):
        make(as_coordinator, [("1", "2")] * 10_001)
    assert not Export.objects.exists()
    assert make(as_coordinator, [("1", "2")] * 10_000).rows == 10_000


def test_nobody_else_finds_it(as_coordinator, as_chair):
    make(as_coordinator, [])

    assert not Export.objects.visible_to(as_chair).exists()
    assert not Export.objects.visible_to(None).exists()


def test_clock_ends_files(as_coordinator):
    make(as_coordinator, [])
    kept = make(as_coordinator, [])
    Export.objects.exclude(pk=kept.pk).update(ends_at=clock.now())

    assert sweeps.tidy(clock.today()) == []

    assert Export.objects.get() == kept

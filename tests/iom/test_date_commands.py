"""`panel_dates` and `workdays` as a user runs them, without a database."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import iom

ROOT = Path(iom.__file__).parents[1]


def answer(*arguments):
    """What the command prints, which must be one JSON object."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return json.loads(out.getvalue())


def refusal(*arguments):
    with pytest.raises(CommandError) as caught:
        call_command(*arguments)
    return caught.value


@pytest.mark.feature(303)
@pytest.mark.feature(58)
@pytest.mark.feature(63)
def test_panel_dates_gives_four_dates_with_their_sources():
    assert answer("panel_dates", "--scheme", "merton", "--meeting", "2026-12-15") == {
        "nominations_close": "2026-12-05",
        "agenda_due": "2026-12-08",
        "checks_due": "2026-12-10",
        "minutes_due": "2026-12-22",
        "sources": {
            "nominations_close": "Merton, step 1",
            "agenda_due": "Merton, step 2",
            "checks_due": "default",
            "minutes_due": "default",
        },
        "warnings": [],
    }


@pytest.mark.feature(59)
@pytest.mark.feature(85)
def test_panel_dates_counts_working_days_where_the_scheme_says_so():
    dates = answer("panel_dates", "--scheme", "richmond", "--meeting", "2026-12-22", "--body", "asb")

    assert dates["nominations_close"] == "2026-12-08"
    assert dates["minutes_due"] == "2026-12-31"
    assert dates["sources"]["nominations_close"] == "Richmond, 2.6"


def test_panel_dates_takes_the_first_body_when_none_is_named():
    first = answer("panel_dates", "--scheme", "richmond", "--meeting", "2026-12-22")

    assert first == answer("panel_dates", "--scheme", "richmond", "--meeting", "2026-12-22", "--body", "iom")


def test_panel_dates_of_a_daily_meeting_are_null():
    dates = answer("panel_dates", "--scheme", "london", "--meeting", "2026-12-15", "--body", "daily")

    names = ("nominations_close", "agenda_due", "checks_due", "minutes_due")
    assert [dates[name] for name in names] == [None] * 4
    assert set(dates["sources"].values()) == {"default"}


def test_panel_dates_of_a_board_are_agenda_and_minutes_only():
    dates = answer("panel_dates", "--scheme", "merton", "--meeting", "2026-12-15", "--body", "board")

    assert (dates["nominations_close"], dates["checks_due"]) == (None, None)
    assert (dates["agenda_due"], dates["minutes_due"]) == ("2026-12-08", "2026-12-22")


def test_panel_dates_on_a_holiday_is_computed_with_a_warning():
    dates = answer("panel_dates", "--scheme", "merton", "--meeting", "2026-12-28")

    assert dates["nominations_close"] == "2026-12-18"
    assert dates["warnings"] == ["The meeting on 2026-12-28 falls on a day without work: bank holiday (Boxing Day)."]


@pytest.mark.parametrize(
    ("scheme", "meeting", "body", "words"),
    [
        ("camden", "2026-12-15", "panel", "no scheme 'camden'; choose from: hampshire"),
        ("merton", "2026-12-15", "dyo", "merton has no body 'dyo'; choose from: panel, board"),
        ("merton", "15/12/2026", "panel", "'15/12/2026' is not a date; write it as 2026-12-15"),
        ("merton", "20261215", "panel", "'20261215' is not a date; write it as 2026-12-15"),
        ("merton", "2026-02-30", "panel", "'2026-02-30' is not a date"),
        ("merton", "0001-01-02", "panel", "too near the end of the calendar"),
    ],
    ids=["scheme", "body", "date-in-words", "date-without-dashes", "no-such-day", "calendar-ends"],
)
def test_panel_dates_refuses_wrong_arguments_with_exit_code_2(scheme, meeting, body, words):
    error = refusal("panel_dates", "--scheme", scheme, "--meeting", meeting, "--body", body)

    assert words in str(error)
    assert error.returncode == 2


@pytest.mark.feature(59)
def test_workdays_gives_the_day_and_every_day_skipped():
    assert answer("workdays", "2026-12-24", "1", "working", "after") == {
        "date": "2026-12-29",
        "skipped": [
            {"date": "2026-12-25", "why": "bank holiday (Christmas Day)"},
            {"date": "2026-12-26", "why": "weekend (Saturday)"},
            {"date": "2026-12-27", "why": "weekend (Sunday)"},
            {"date": "2026-12-28", "why": "bank holiday (Boxing Day)"},
        ],
        "holidays_known_to": "2028-12-31",
    }


@pytest.mark.parametrize("unit", ["calendar", "working"])
@pytest.mark.parametrize("relation", ["before", "after"])
def test_workdays_of_count_0_is_the_date(unit, relation):
    assert answer("workdays", "2026-12-26", "0", unit, relation)["date"] == "2026-12-26"


def test_workdays_past_the_table_says_so():
    found = answer("workdays", "2029-01-02", "1", "working", "after")

    assert found["date"] == "2029-01-03"
    assert found["warnings"][0].startswith("Bank holidays not yet known for 2029-01-03")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2026-12-24", "366", "working", "after"), "0 to 365 days, not 366"),
        (("2026-12-24", "-1", "working", "after"), "0 to 365 days, not -1"),
        (("24/12/2026", "1", "working", "after"), "'24/12/2026' is not a date"),
        (("9999-12-31", "1", "calendar", "after"), "too near the end of the calendar"),
    ],
    ids=["count-above", "count-below", "date", "calendar-ends"],
)
def test_workdays_refuses_wrong_arguments_with_exit_code_2(arguments, words):
    error = refusal("workdays", *arguments)

    assert words in str(error)
    assert error.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("workdays", "2026-12-24", "some", "working", "after"),
        ("workdays", "2026-12-24", "1", "lunar", "after"),
        ("panel_dates", "--scheme", "merton"),
        ("panel_dates", "--scheme", "camden", "--meeting", "2026-12-15"),
    ],
    ids=["count-no-number", "unit", "meeting-missing", "scheme"],
)
def test_command_line_that_is_wrong_is_answered_in_one_line(arguments):
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_commands_run_with_no_database_to_be_reached():
    done = run("panel_dates", "--scheme", "merton", "--meeting", "2026-12-15")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agenda_due"] == "2026-12-08"


def run(*arguments):
    """The command in a process of its own, with servers named that do not exist."""
    nowhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "IOM_HOME": "/nonexistent/iom",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **nowhere, "DJANGO_SETTINGS_MODULE": "iom.settings.embedded"},
        capture_output=True,
        text=True,
        check=False,
    )

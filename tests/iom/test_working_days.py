"""Counting days: every boundary that a deadline can meet."""

import csv
from datetime import date, timedelta
from pathlib import Path

import holidays as holidays_library
import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays
from hypothesis import given
from hypothesis import strategies as st

import iom
from iom.policy import load_preset
from iom.working_days import add_months, english_holidays, holidays_of, step

TABLE = Path(iom.__file__).parent / "data" / "bank_holidays.csv"


def d(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "count", "unit", "relation", "end"),
    [
        pytest.param("2026-12-15", 10, "calendar", "before", "2026-12-05", id="calendar-lands-on-saturday"),
        pytest.param("2026-12-25", 10, "calendar", "before", "2026-12-15", id="25th-less-10-is-the-15th"),
        pytest.param("2026-12-15", 7, "calendar", "before", "2026-12-08", id="a-week-before"),
        pytest.param("2026-03-02", 2, "calendar", "before", "2026-02-28", id="over-the-end-of-february"),
        pytest.param("2028-03-01", 1, "calendar", "before", "2028-02-29", id="leap-day"),
        pytest.param("2026-12-15", 0, "working", "before", "2026-12-15", id="count-0-is-the-day"),
        pytest.param("2026-12-26", 0, "working", "after", "2026-12-26", id="count-0-on-a-saturday"),
        pytest.param("2026-12-15", 5, "working", "after", "2026-12-22", id="five-over-a-weekend"),
        pytest.param("2026-12-22", 5, "working", "after", "2026-12-31", id="over-christmas-and-boxing-day"),
        pytest.param("2026-12-18", 1, "working", "after", "2026-12-21", id="friday-to-monday"),
        pytest.param("2026-12-21", 1, "working", "before", "2026-12-18", id="monday-to-friday"),
        pytest.param("2026-12-19", 1, "working", "after", "2026-12-21", id="from-a-saturday"),
        pytest.param("2026-12-25", 1, "working", "after", "2026-12-29", id="from-a-bank-holiday"),
        pytest.param("2026-01-02", 1, "working", "before", "2025-12-31", id="over-new-year"),
        pytest.param("2027-01-05", 3, "working", "before", "2026-12-30", id="over-the-year-end"),
        pytest.param("2026-04-09", 3, "working", "before", "2026-04-02", id="over-easter"),
        pytest.param("2023-05-09", 1, "working", "before", "2023-05-05", id="coronation-8-may-2023"),
        pytest.param("2022-09-16", 1, "working", "after", "2022-09-20", id="state-funeral-19-sep-2022"),
        pytest.param("2022-06-01", 1, "working", "after", "2022-06-06", id="two-days-of-jubilee"),
    ],
)
def test_step_ends_on_the_day(start, count, unit, relation, end):
    assert step(d(start), count, unit, relation, english_holidays()).date == d(end)


def test_step_names_every_skipped_day_in_order_of_stepping():
    computed = step(d("2026-12-24"), 1, "working", "after", english_holidays())

    assert [(skipped.date.isoformat(), skipped.why) for skipped in computed.skipped] == [
        ("2026-12-25", "bank holiday (Christmas Day)"),
        ("2026-12-26", "weekend (Saturday)"),
        ("2026-12-27", "weekend (Sunday)"),
        ("2026-12-28", "bank holiday (Boxing Day)"),
    ]
    assert computed.date == d("2026-12-29")


def test_step_of_calendar_days_skips_nothing():
    assert step(d("2026-12-31"), 10, "calendar", "before", english_holidays()).skipped == ()


@pytest.mark.parametrize("count", [-1, 366], ids=["below", "above"])
def test_step_refuses_counts_outside_0_to_365(count):
    with pytest.raises(ValueError, match="0 to 365"):
        step(d("2026-12-15"), count, "working", "before", english_holidays())


@pytest.mark.parametrize("count", [0, 365])
def test_step_takes_the_outermost_counts(count):
    assert step(d("2026-12-15"), count, "calendar", "before", english_holidays()).date == d("2026-12-15") - timedelta(
        days=count
    )


@pytest.mark.parametrize(
    ("start", "relation", "warned"),
    [
        ("2028-12-29", "after", True),
        ("2028-12-28", "after", False),
        ("2012-01-02", "before", True),
        ("2012-01-04", "before", False),
    ],
    ids=["past-the-last-year", "last-known-day", "before-the-first-year", "first-known-day"],
)
def test_step_warns_where_holidays_are_not_known(start, relation, warned):
    computed = step(d(start), 1, "working", relation, english_holidays())

    assert bool(computed.warnings) is warned
    assert all("not yet known" in warning for warning in computed.warnings)
    assert computed.holidays_known_to == d("2028-12-31")


@pytest.mark.parametrize(
    ("start", "count", "unit", "warned"),
    [
        ("2028-12-31", 1, "calendar", True),
        ("2028-12-30", 1, "calendar", False),
        ("2029-01-02", 0, "calendar", True),
        ("2029-01-02", 0, "working", True),
        ("2028-12-31", 0, "working", False),
    ],
)
def test_every_result_past_the_last_year_says_so(start, count, unit, warned):
    warnings = step(d(start), count, unit, "after", english_holidays()).warnings

    assert [warning.startswith("Bank holidays not yet known for 2029-01-0") for warning in warnings] == [True] * warned


def test_step_from_an_unknown_day_into_known_ones_has_no_warning():
    assert step(d("2029-01-01"), 2, "working", "before", english_holidays()).warnings == ()


def test_step_past_the_known_years_still_skips_weekends():
    assert step(d("2031-05-02"), 1, "working", "after", english_holidays()).date == d("2031-05-05")


def test_step_at_the_end_of_the_calendar_overflows():
    with pytest.raises(OverflowError):
        step(date.max, 1, "working", "after", english_holidays())


@given(st.dates(d("2013-06-01"), d("2027-06-01")), st.integers(0, 30), st.sampled_from(["before", "after"]))
def test_step_by_working_days_agrees_with_counting_the_days_between(start, count, relation):
    computed = step(start, count, "working", relation, english_holidays())

    low, high = sorted([start, computed.date])
    between = [low + timedelta(days=n) for n in range((high - low).days + 1)]
    worked = [day for day in between if day != start and not english_holidays().why_closed(day)]
    assert len(worked) == count
    assert count == 0 or english_holidays().why_closed(computed.date) is None


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        pytest.param("2026-08-31", 6, "2027-02-28", id="31-august-and-6"),
        pytest.param("2027-08-31", 6, "2028-02-29", id="31-august-and-6-in-a-leap-year"),
        pytest.param("2026-01-31", 1, "2026-02-28", id="31-january-and-1"),
        pytest.param("2026-01-28", 1, "2026-02-28", id="same-day-number"),
        pytest.param("2026-12-15", 1, "2027-01-15", id="over-the-year-end"),
        pytest.param("2028-02-29", -12, "2027-02-28", id="12-before-29-february"),
        pytest.param("2027-02-28", -12, "2026-02-28", id="12-before-28-february"),
        pytest.param("2029-02-28", -12, "2028-02-28", id="12-before-28-february-into-a-leap-year"),
        pytest.param("2024-02-29", 48, "2028-02-29", id="leap-to-leap"),
        pytest.param("2026-05-31", 0, "2026-05-31", id="no-months"),
    ],
)
def test_add_months_keeps_the_day_or_takes_the_months_last(day, months, end):
    assert add_months(d(day), months) == d(end)


def test_add_months_past_the_calendar_overflows():
    with pytest.raises(OverflowError):
        add_months(d("9999-12-01"), 1)


def test_scheme_days_are_skipped_too_and_do_not_lengthen_what_is_known():
    policy = load_preset("merton")
    extra = {"day": "2026-12-24", "name": "Office closed", "source": "default"}
    closed = type(policy).model_validate({**policy.model_dump(mode="json"), "extra_days": [extra]})

    computed = step(d("2026-12-23"), 1, "working", "after", holidays_of(closed))

    assert computed.date == d("2026-12-29")
    assert computed.skipped[0].why == "scheme's own day (Office closed)"
    assert computed.holidays_known_to == english_holidays().known_to


def test_table_agrees_with_two_libraries_on_every_weekday():
    shipped = english_holidays()
    years = range(shipped.known_from.year, shipped.known_to.year + 1)

    library = {day for day in holidays_library.UK(subdiv="ENG", years=years) if day.weekday() < 5}
    gov = BankHolidays(locale="en", use_cached_holidays=True).get_holidays(division="england-and-wales")
    government = {entry["date"] for entry in gov if entry["date"].year in years}

    assert set(shipped.days) == library == government


def test_table_gives_a_source_for_every_row():
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))

    assert all(row["name"] and row["source"] for row in rows)
    assert len({row["date"] for row in rows}) == len(rows)
    assert {"2023-05-08", "2022-09-19"} <= {row["date"] for row in rows}

"""`bank_holidays` as whoever runs the installation uses it (security.md T3, T4)."""

import json
from datetime import date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from iom.clock import LONDON
from iom.models import BankHoliday
from iom.working_days import shipped
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def sheet(tmp_path):
    def write(*lines, head="date,name,source"):
        path = tmp_path / "holidays.csv"
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return str(path)

    return write


def answer(path):
    out = StringIO()
    call_command("bank_holidays", path, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_new_list_answers_with_what_changed_and_what_moved(merton, sheet):
    factories.meeting(merton, date(2026, 3, 12))
    year = [f"{row.date},{row.name},{row.source}" for row in shipped() if row.date.year == 2026]

    assert answer(sheet(*year, "2026-03-10,A day for all,Proclamation")) == {
        "version": 2,
        "added": ["2026-03-10"],
        "withdrawn": [],
        "moved": {
            "merton": [
                {"meeting": "2026-03-12", "date": "checks_due", "before": "2026-03-09", "after": "2026-03-06"},
            ]
        },
    }


def test_the_file_that_ships_changes_nothing(sheet):
    rows = [f'{row.date},"{row.name}",{row.source}' for row in shipped()]

    assert answer(sheet(*rows)) == {"version": 1, "added": [], "withdrawn": [], "moved": {}}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "must name whole years"),
        (["2029-01-01,New Year's Day,GOV.UK", "2029-01-01,Again,GOV.UK"], "stands in the list twice"),
        (["2031-01-01,New Year's Day,GOV.UK"], "leave none out"),
        (["1/1/2029,New Year's Day,GOV.UK"], "is not a date"),
        (["2029-01-01,,GOV.UK"], "Line 2: each row needs"),
        (["2029-01-01,New Year's Day"], "Line 2: each row needs"),
        ([f"2029-01-01,{'x' * 121},GOV.UK"], "at most 120 characters"),
        (["2101-01-01,New Year's Day,GOV.UK"], "between 1900 and 2100"),
    ],
)
def test_list_that_is_wrong_changes_nothing_and_ends_with_2(sheet, lines, words):
    with pytest.raises(CommandError, match=words) as refused:
        answer(sheet(*lines))

    assert refused.value.returncode == 2
    assert set(BankHoliday.objects.values_list("added_in", "withdrawn_in")) == {(1, None)}


def test_file_that_is_not_there_ends_with_2(tmp_path):
    with pytest.raises(CommandError, match="Cannot read nowhere.csv") as refused:
        answer(str(tmp_path / "nowhere.csv"))

    assert refused.value.returncode == 2

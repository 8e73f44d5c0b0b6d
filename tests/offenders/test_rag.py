"""The Green clock: months, the run, and the panel that looks at leaving."""

from datetime import date

import pytest

from iom.policy.managing import ExitRule
from offenders.rag import Inside, exit_meeting, green_clock, green_due, green_since


def rule(force="expected_at", months=6):
    return ExitRule(
        force=force, green_months=months, needs_exit_strategy=True, words="After months of Green.", source="here"
    )


@pytest.mark.parametrize(
    ("since", "due"),
    [
        pytest.param(date(2025, 8, 31), date(2026, 2, 28), id="no 31 February"),
        pytest.param(date(2027, 8, 31), date(2028, 2, 29), id="leap year"),
        pytest.param(date(2025, 10, 4), date(2026, 4, 4), id="same day number"),
    ],
)
def test_green_due_counts_calendar_months(since, due):
    assert green_due(since, 6) == due


MEETINGS = [date(2026, 3, 12), date(2026, 4, 9), date(2026, 5, 14)]


@pytest.mark.parametrize(
    ("force", "due", "meeting"),
    [
        pytest.param("expected_at", date(2026, 4, 4), date(2026, 4, 9), id="expected at: the first after"),
        pytest.param("expected_at", date(2026, 4, 9), date(2026, 4, 9), id="expected at: on the day"),
        pytest.param("expected_at", date(2026, 5, 15), None, id="expected at: none planned"),
        pytest.param("up_to", date(2026, 4, 8), date(2026, 3, 12), id="up to: the last before"),
        pytest.param("up_to", date(2026, 4, 9), date(2026, 4, 9), id="up to: on the day"),
        pytest.param("up_to", date(2026, 3, 11), date(2026, 3, 12), id="up to: missed, so the next"),
        pytest.param("agreed_period", date(2026, 4, 4), date(2026, 4, 9), id="agreed: the first after"),
        pytest.param("end_of_supervision", date(2026, 4, 4), None, id="no panel is needed"),
    ],
)
def test_exit_meeting_follows_the_force_of_the_rule(force, due, meeting):
    assert exit_meeting(rule(force), due, MEETINGS) == meeting


@pytest.mark.parametrize(
    ("inside", "since"),
    [
        pytest.param([], date(2026, 1, 1), id="never inside"),
        pytest.param([Inside(date(2025, 5, 1), date(2025, 6, 1))], date(2026, 1, 1), id="inside before it began"),
        pytest.param([Inside(date(2026, 2, 1), date(2026, 2, 20))], date(2026, 2, 21), id="inside during it"),
        pytest.param([Inside(date(2025, 12, 1), date(2026, 1, 1))], date(2026, 1, 2), id="out on its first day"),
        pytest.param([Inside(date(2026, 2, 1), None)], None, id="still inside"),
        pytest.param(
            [Inside(date(2026, 3, 1), date(2026, 3, 5)), Inside(date(2026, 2, 1), date(2026, 2, 20))],
            date(2026, 3, 6),
            id="inside twice, in any order",
        ),
    ],
)
def test_green_run_starts_again_the_day_after_release(inside, since):
    assert green_since(date(2026, 1, 1), inside) == since


def test_green_clock_says_since_when_until_when_and_at_which_panel():
    clock = green_clock(rule(), rated_green_on=date(2025, 10, 4), meetings=MEETINGS)

    assert (clock.since, clock.due, clock.meeting) == (date(2025, 10, 4), date(2026, 4, 4), date(2026, 4, 9))
    assert not clock.expired(date(2026, 4, 3))
    assert clock.expired(date(2026, 4, 4))


def test_green_clock_is_absent_where_the_scheme_counts_no_months():
    assert green_clock(rule("agreed_period", None), rated_green_on=date(2025, 10, 4), meetings=MEETINGS) is None


def test_green_clock_is_absent_while_inside():
    inside = [Inside(date(2026, 1, 1), None)]

    assert green_clock(rule(), rated_green_on=date(2025, 10, 4), meetings=MEETINGS, inside=inside) is None

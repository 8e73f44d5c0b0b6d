"""What is suggested for an agenda, and why. Days are worked out by hand from Merton's rules."""

from datetime import date

import pytest

from iom.policy import load_preset
from panels.suggesting import following
from panels.suggestions import Calendar, Standing, suggest

MERTON = load_preset("merton")
PANEL = MERTON.body("panel")
CALENDAR = Calendar(
    meeting=date(2026, 3, 12),
    all_days=(date(2026, 1, 15), date(2026, 2, 12), date(2026, 3, 12), date(2026, 4, 9)),
    next_one=date(2026, 4, 9),
)


def standing(**facts):
    plain = {
        "pk": 1,
        "reference": "IOM-0001",
        "colour": "AMBER",
        "since": date(2025, 6, 1),
        "accepted_on": date(2025, 6, 1),
    }
    return Standing(**plain | facts)


def first(**facts):
    return suggest(MERTON, PANEL, [standing(**facts)], CALENDAR, room=20)[0]


@pytest.mark.parametrize(
    ("facts", "section", "reason"),
    [
        pytest.param({}, "reviews", "Every case is reviewed", id="merton_reviews_every_case"),
        pytest.param(
            {"colour": "GREEN", "since": date(2025, 9, 12)},
            "exits",
            "Green for 6 months on 12 March",
            id="green_six_months_on_the_day",
        ),
        pytest.param(
            {"colour": "GREEN", "since": date(2025, 9, 13)},
            "reviews",
            "Every case is reviewed",
            id="green_six_months_the_day_after_is_for_the_next_panel",
        ),
        pytest.param(
            {"colour": "GREEN", "since": date(2025, 6, 1)},
            "exits",
            "Green for 6 months on 1 December",
            id="green_six_months_long_ago",
        ),
        pytest.param(
            {"colour": "BLUE", "inside_since": date(2025, 11, 3), "release_expected_on": date(2026, 4, 8)},
            "releases",
            "Release expected on 8 April, rating to agree before it",
            id="out_the_day_before_the_next_panel",
        ),
        pytest.param(
            {"colour": "BLUE", "inside_since": date(2025, 11, 3), "release_expected_on": date(2026, 4, 9)},
            "reviews",
            "Every case is reviewed",
            id="out_on_the_day_of_the_next_panel",
        ),
        pytest.param(
            {"colour": "BLUE", "released_on": date(2026, 3, 3)},
            "releases",
            "Released on 3 March and still rated in custody",
            id="out_and_not_rated_again",
        ),
        pytest.param(
            {"colour": "BLUE", "since": date(2026, 2, 20), "rated_by_meeting": False},
            "releases",
            "In custody since 20 February, to be noted",
            id="came_into_custody_between_panels",
        ),
        pytest.param(
            {"accepted_on": date(2026, 2, 12)},
            "reviews",
            "1-month review: accepted on 12 February",
            id="one_month_after_acceptance",
        ),
        pytest.param(
            {"accepted_on": date(2026, 1, 15)},
            "reviews",
            "Every case is reviewed",
            id="one_month_was_up_at_the_panel_before",
        ),
        pytest.param(
            {"carried_forward": 3}, "reviews", "An action was carried forward 3 times", id="carried_three_times"
        ),
        pytest.param({"carried_forward": 2}, "reviews", "Every case is reviewed", id="carried_twice"),
    ],
)
def test_case_is_suggested_in_its_section_with_the_reason(facts, section, reason):
    suggestion = first(**facts)

    assert (suggestion.section, suggestion.why) == (section, reason)
    assert suggestion.routine is (reason == "Every case is reviewed")


@pytest.mark.parametrize(
    ("accepted_on", "why"),
    [
        pytest.param(date(2025, 12, 12), "1-month review: accepted on 12 December", id="two_months_overdue"),
        pytest.param(date(2025, 12, 11), "Every case is reviewed", id="left_to_the_ordinary_reviews"),
    ],
)
def test_first_review_of_a_cohort_from_elsewhere_lapses(accepted_on, why):
    only_meeting = Calendar(date(2026, 3, 12), (date(2026, 3, 12),), date(2026, 4, 12))

    (one,) = suggest(MERTON, PANEL, [standing(accepted_on=accepted_on)], only_meeting, room=20)

    assert one.why == why


def test_case_comes_once_with_all_its_reasons():
    suggestion = first(colour="GREEN", since=date(2025, 9, 1), accepted_on=date(2025, 2, 1), carried_forward=4)

    assert suggestion.section == "exits"
    assert suggestion.reasons == ("Green for 6 months on 1 March", "An action was carried forward 4 times")


def test_suggestions_stand_releases_first_then_exits_then_reviews_red_first():
    cases = [
        standing(pk=1, reference="IOM-0001", colour="GREEN"),
        standing(pk=2, reference="IOM-0002", colour="AMBER"),
        standing(pk=3, reference="IOM-0003", colour="RED"),
        standing(pk=4, reference="IOM-0004", colour="BLUE", released_on=date(2026, 3, 1)),
        standing(pk=5, reference="IOM-0005", colour="AMBER", carried_forward=3),
    ]

    found = suggest(MERTON, PANEL, cases, CALENDAR, room=20)

    assert [one.case for one in found] == [4, 1, 5, 3, 2]


def test_board_is_offered_no_cases():
    board = MERTON.body("board")

    assert suggest(MERTON, board, [standing(carried_forward=5)], CALENDAR, room=20) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("by_exception", [], id="nothing_to_decide"),
        pytest.param("focus", [1], id="red_first"),
        pytest.param("rota", [2, 3], id="longest_unseen_as_many_as_fit"),
    ],
)
def test_agenda_rule_decides_which_reviews_are_routine(kind, expected):
    body = PANEL.model_copy(
        update={"agenda_rule": PANEL.agenda_rule.model_copy(update={"kind": kind, "focus": ("RED",)})}
    )
    cases = [
        standing(pk=1, reference="IOM-0001", colour="RED", last_seen=date(2026, 2, 12)),
        standing(pk=2, reference="IOM-0002"),
        standing(pk=3, reference="IOM-0003", last_seen=date(2026, 1, 15)),
    ]

    found = suggest(MERTON, body, cases, CALENDAR, room=2)

    assert sorted(one.case for one in found) == expected


@pytest.mark.parametrize(
    ("day", "every", "unit", "expected"),
    [
        pytest.param(date(2026, 3, 12), 1, "month", date(2026, 4, 9), id="second_thursday"),
        pytest.param(date(2026, 1, 29), 1, "month", date(2026, 2, 26), id="no_fifth_thursday_in_february"),
        pytest.param(date(2026, 11, 2), 3, "month", date(2027, 2, 1), id="first_monday_each_quarter"),
        pytest.param(date(2026, 3, 12), 2, "week", date(2026, 3, 26), id="fortnightly"),
        pytest.param(date(2026, 3, 12), 1, "day", date(2026, 3, 13), id="daily"),
    ],
)
def test_following_meeting_keeps_the_weekday(day, every, unit, expected):
    cadence = PANEL.cadence.model_copy(update={"every": every, "unit": unit})

    assert following(day, cadence) == expected

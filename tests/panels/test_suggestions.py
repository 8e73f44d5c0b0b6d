"""What is suggested for an agenda, and why. Days are worked out by hand from Merton's rules."""

from datetime import date, timedelta

import pytest

from iom.policy import load_preset
from offenders.asks import Ask
from panels.suggesting import following
from panels.suggestions import Calendar, Standing, rota_words, suggest

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
        pytest.param("rota", [1], id="the_rating_of_the_week"),
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


def test_rota_without_ratings_takes_those_unseen_for_longest():
    rule = PANEL.agenda_rule.model_copy(update={"kind": "rota", "focus": ()})
    body = PANEL.model_copy(update={"agenda_rule": rule})
    cases = [
        standing(pk=1, reference="IOM-0001", colour="RED", last_seen=date(2026, 2, 12)),
        standing(pk=2, reference="IOM-0002"),
        standing(pk=3, reference="IOM-0003", last_seen=date(2026, 1, 15)),
    ]

    assert sorted(one.case for one in suggest(MERTON, body, cases, CALENDAR, room=2)) == [2, 3]


@pytest.mark.parametrize(
    ("week", "words", "case"),
    [
        pytest.param(0, "Week 1 of 4: Red", "RED", id="first"),
        pytest.param(1, "Week 2 of 4: Amber", "AMBER", id="second"),
        pytest.param(4, "Week 1 of 4: Red", "RED", id="round_again"),
    ],
)
def test_casework_takes_another_rating_each_week_by_itself_and_says_which(week, words, case):
    policy = load_preset("waltham_forest")
    body = policy.body("casework")
    days = tuple(date(2026, 3, 2) + timedelta(weeks=number) for number in range(6))
    calendar = Calendar(days[week], days, days[week] + timedelta(weeks=1))
    colours = ("RED", "AMBER", "GREEN", "BLUE")
    cases = [standing(pk=pk, reference=f"IOM-000{pk}", colour=colour) for pk, colour in enumerate(colours)]

    found = suggest(policy, body, cases, calendar, room=1)

    assert [(one.colour, one.why, one.sources) for one in found] == [(case, words, ("Waltham Forest, 3.2",))]
    assert rota_words(policy, body, calendar) == words


def test_each_reason_says_which_paragraph_it_follows():
    assert first(colour="GREEN", since=date(2025, 9, 12)).sources == ("Merton, Roles",)
    assert first(carried_forward=3).sources == (), "ours: no document says it"


BIRTHDAY = date(2008, 9, 1)


@pytest.mark.parametrize(
    ("meeting", "why"),
    [
        pytest.param(date(2026, 2, 2), "17 years and 6 months on 1 March: the transfer begins", id="begins"),
        pytest.param(
            date(2026, 5, 4), "17 years and 9 months on 1 June: the liaison with probation begins", id="liaison"
        ),
        pytest.param(date(2026, 8, 3), "18 years on 1 September: probation takes over", id="takes_over"),
        pytest.param(date(2026, 11, 2), "18 years on 1 September: probation takes over", id="taken_over_since"),
        pytest.param(date(2027, 2, 1), None, id="no_longer_young"),
    ],
)
def test_transfer_panel_is_offered_the_young_at_the_ages_of_the_policy(meeting, why):
    policy = load_preset("hampshire")
    body = policy.body("transfer")
    days = tuple(date(2025, 11, 3) if n == 0 else first_monday(n) for n in range(8))
    after = min(day for day in days if day > meeting)
    calendar = Calendar(meeting, days, after)

    found = suggest(policy, body, [standing(born=BIRTHDAY), standing(pk=2, born=date(1990, 1, 1))], calendar, room=20)

    assert [one.why for one in found] == ([why] if why else [])


def first_monday(quarter):
    """The panel's days: 2 February, 4 May, 3 August, 2 November 2026, 1 February 2027 …"""
    return [
        date(2026, 2, 2), date(2026, 5, 4), date(2026, 8, 3), date(2026, 11, 2),
        date(2027, 2, 1), date(2027, 5, 3), date(2027, 8, 2),
    ][quarter - 1]  # fmt: skip


def test_end_of_supervision_is_put_to_the_panel_before_it_where_people_leave_with_it():
    policy = load_preset("hampshire")
    body = policy.body("macc")

    def why(ends):
        found = suggest(policy, body, [standing(supervision_ends_on=ends)], CALENDAR, room=20)
        return [(one.section, one.why, one.sources) for one in found]

    ending = ("exits", "Supervision ends on 8 April, transition plan to agree", ("Hampshire, When IOM Ends",))
    assert why(date(2026, 4, 8)) == [ending]
    assert why(date(2026, 4, 9)) == [], "the next panel comes in time"
    assert first(supervision_ends_on=date(2026, 4, 8)).why == "Supervision ends on 8 April"


def test_case_left_without_a_decision_and_one_that_no_panel_saw_come_by_exception():
    policy = load_preset("london")
    body = policy.body("panel")
    held = (date(2026, 1, 15), date(2026, 2, 12), date(2026, 2, 26))
    calendar = Calendar(date(2026, 3, 12), (*held, date(2026, 3, 12)), date(2026, 3, 26), held)
    cases = [
        standing(pk=1, reference="IOM-0001", undecided_on=date(2026, 2, 26), last_seen=date(2026, 2, 26)),
        standing(pk=2, reference="IOM-0002", last_seen=date(2026, 1, 1)),
        standing(pk=3, reference="IOM-0003", last_seen=date(2026, 1, 15)),
    ]

    found = suggest(policy, body, cases, calendar, room=20)

    assert {one.case: one.why for one in found} == {
        1: "No decision at the meeting of 26 February",
        2: "Progress review overdue: last seen on 1 January",
    }


def test_released_without_a_rating_since_is_told_also_where_custody_has_no_colour():
    policy = load_preset("hampshire")
    body = policy.body("macc")
    assert not policy.blue.used
    out = standing(since=date(2025, 12, 1), released_on=date(2026, 3, 3), last_seen=date(2026, 2, 26))

    (one,) = suggest(policy, body, [out], CALENDAR, room=20)

    assert (one.section, one.why) == ("releases", "Released on 3 March and not rated again since")


def test_panel_that_does_not_open_the_cohort_is_offered_only_its_own():
    policy = load_preset("richmond")
    body = policy.body("dyo")
    cases = [standing(pk=1, taken_by="dyo"), standing(pk=2, reference="IOM-0002")]

    assert [one.case for one in suggest(policy, body, cases, CALENDAR, room=20)] == [1]


# --- What other apps ask of a meeting


def test_what_is_asked_stands_beside_the_other_reasons_in_the_weightiest_section():
    asks = [Ask(1, "reviews", "Case review late", "Guide, 3"), Ask(1, "exits", "Exit plan missing")]

    (one,) = suggest(MERTON, PANEL, [standing(carried_forward=3)], CALENDAR, 20, asks)

    assert one.section == "exits" and not one.routine and not one.first
    assert one.why == "Exit plan missing. An action was carried forward 3 times. Case review late"
    assert one.sources == ("Guide, 3",)


def test_what_is_asked_first_comes_before_red_and_before_the_other_reasons():
    cases = [standing(pk=1, colour="RED", carried_forward=3), standing(pk=2, reference="IOM-0002", colour="AMBER")]
    asks = [Ask(2, "reviews", "Review late"), Ask(2, "reviews", "Arrested since", first=True)]

    found = suggest(MERTON, PANEL, cases, CALENDAR, 20, asks)

    assert [(one.case, one.first) for one in found] == [(2, True), (1, False)]
    assert found[0].why == "Arrested since. Review late"


def test_nothing_is_asked_of_a_body_that_does_not_take_the_case():
    board = MERTON.body("board")
    asks = [Ask(1, "reviews", "Review late")]

    assert suggest(MERTON, board, [standing(taken_by="board")], CALENDAR, 20, asks) == []
    assert suggest(MERTON, board, [standing()], CALENDAR, 20, asks) == []


def test_part_of_an_agenda_that_holds_no_cases_is_refused():
    with pytest.raises(ValueError, match="reviews"):
        Ask(1, "reports", "Anything")

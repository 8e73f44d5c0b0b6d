"""The Green clock against a naive walk through the days (design.md 5), for the rule of every scheme."""

from datetime import date, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from iom.policy import load_preset, preset_slugs
from offenders.rag import Agreed, Inside, green_clock

DAY = timedelta(days=1)
FIRST = date(2027, 7, 1)
LAST = date(2029, 4, 30)
COLOURS = ("RED", "AMBER", "GREEN", "BLUE")


def month_later(day, months):
    """The same day some months later, found by counting months one day at a time."""
    wanted = (day.year * 12 + day.month - 1 + months, day.day)
    here = day
    while (here.year * 12 + here.month - 1, here.day) < wanted and here.year * 12 + here.month - 1 <= wanted[0]:
        here += DAY
    return here if here.year * 12 + here.month - 1 == wanted[0] else here - DAY


def walk(rule, changes, inside, agreements, meetings, today):
    """Day by day: since when Green runs without a break, when it is over, and which panel looks at it."""
    since = agreed = None
    day = FIRST
    while day <= today:
        colour = [colour for on, colour in changes if on <= day][-1]
        uncovered = any(
            each.starts_on <= day and (each.released_on is None or day <= each.released_on) for each in inside
        )
        if colour != "GREEN" or uncovered:
            since = agreed = None
        elif since is None:
            since = day
        if since is not None:
            agreed = next((until for on, until in agreements if on == day), agreed)
        day += DAY
    if since is None or rule.force == "end_of_supervision":
        return None
    due = agreed if rule.force == "agreed_period" else month_later(since, rule.green_months)
    if due is None:
        return None
    after = [each for each in meetings if each >= due]
    before = [each for each in meetings if each <= due]
    if rule.force == "up_to":
        return since, due, before[-1] if before else after[0] if after else None
    return since, due, after[0] if after else None


days = st.integers(0, (LAST - FIRST).days - 1).map(lambda number: FIRST + number * DAY)


@st.composite
def lives(draw):
    """Ratings that follow on, custody that does not overlap, times agreed on days of Green, panels each month."""
    starts = sorted({FIRST, *draw(st.lists(days, max_size=5))})
    colours = [draw(st.sampled_from(COLOURS))]
    while len(colours) < len(starts):
        colours.append(draw(st.sampled_from([each for each in COLOURS if each != colours[-1]])))
    edges = sorted(set(draw(st.lists(days, max_size=4))))
    inside = [Inside(*pair) for pair in zip(edges[::2], [*edges[1::2], None][: len(edges[::2])], strict=False)]
    return list(zip(starts, colours, strict=True)), inside, draw(st.lists(days, max_size=2)), draw(days)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(preset_slugs()), lives())
@example("merton", ([(FIRST, "RED"), (date(2027, 8, 31), "GREEN")], [], [], date(2028, 1, 1)))
@example("waltham_forest", ([(FIRST, "RED"), (date(2028, 2, 29), "GREEN")], [], [], date(2028, 6, 1)))
@example(
    "merton",
    ([(FIRST, "GREEN"), (date(2027, 9, 1), "BLUE"), (date(2027, 10, 1), "GREEN")], [], [], date(2027, 11, 1)),
)
@example(
    "richmond", ([(FIRST, "GREEN")], [Inside(date(2027, 9, 1), date(2027, 9, 9))], [date(2027, 8, 1)], date(2028, 1, 1))
)
@example("london", ([(FIRST, "GREEN")], [], [date(2027, 8, 1)], date(2028, 1, 1)))
def test_green_clock_agrees_with_a_walk_through_the_days(slug, life):
    policy = load_preset(slug)
    rule = policy.exit
    changes, inside, agreed_days, today = life
    # Custody that has a colour of its own stands among the ratings; only the other kind ends a run by itself.
    inside = [] if policy.blue.used else [each for each in inside if each.starts_on <= today]
    inside = [Inside(i.starts_on, i.released_on if i.released_on and i.released_on <= today else None) for i in inside]
    agreements = sorted((on, on + 90 * DAY) for on in set(agreed_days) if on <= today)
    meetings = [date(2027 + number // 12, number % 12 + 1, 12) for number in range(40)]
    meetings = [each for each in meetings if each >= today]

    expected = walk(rule, changes, inside, agreements, meetings, today)

    started, colour = [change for change in changes if change[0] <= today][-1]
    held = [Agreed(*each) for each in agreements if each[0] >= started]
    clock = None
    if colour == "GREEN":
        clock = green_clock(
            rule, rated_green_on=started, meetings=meetings, inside=inside, agreed=held[-1] if held else None
        )
    assert (clock and (clock.since, clock.due, clock.meeting)) == expected


def test_rated_green_again_on_the_same_day_starts_the_clock_on_that_day():
    rule = load_preset("merton").exit

    clock = green_clock(rule, rated_green_on=date(2028, 2, 29), meetings=[], inside=[])

    assert (clock.since, clock.due, clock.meeting) == (date(2028, 2, 29), date(2028, 8, 29), None)

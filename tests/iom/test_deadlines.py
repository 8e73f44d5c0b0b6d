"""The dates around a meeting, for every body of the five schemes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from iom.deadlines import (
    deciding_meeting,
    first_on_or_after,
    first_review_meeting,
    last_on_or_before,
    meeting_dates,
)
from iom.policy import load_preset
from iom.policy.bodies import DeadlineRule
from iom.working_days import english_holidays, holidays_of

NONE = (None, None, None, None)


def d(text):
    return date.fromisoformat(text)


def dates_of(scheme, body, meeting):
    policy = load_preset(scheme)
    return meeting_dates(policy.body(body), d(meeting), holidays_of(policy))


def shown(dates):
    return tuple(deadline.date and deadline.date.isoformat() for deadline in dates)


# Nominations close, agenda due, checks due, minutes due; counted by hand on a calendar.
TUESDAY = "2026-12-15"


@pytest.mark.parametrize(
    ("scheme", "body", "meeting", "expected"),
    [
        ("merton", "panel", TUESDAY, ("2026-12-05", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("merton", "board", TUESDAY, (None, "2026-12-08", None, "2026-12-22")),
        ("london", "panel", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("london", "iom-board", TUESDAY, (None, "2026-12-08", None, "2026-12-22")),
        ("london", "rrb", TUESDAY, (None, "2026-12-08", None, "2026-12-22")),
        ("london", "weekly", TUESDAY, NONE),
        ("london", "daily", TUESDAY, NONE),
        ("richmond", "iom", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("richmond", "asb", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("richmond", "dyo", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("richmond", "strategic", TUESDAY, (None, "2026-12-08", None, "2026-12-22")),
        ("waltham_forest", "panel", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("waltham_forest", "casework", TUESDAY, NONE),
        ("hampshire", "macc", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        ("hampshire", "map", TUESDAY, NONE),
        ("hampshire", "transfer", TUESDAY, ("2026-12-01", "2026-12-08", "2026-12-10", "2026-12-22")),
        pytest.param(
            "merton", "panel", "2026-12-25", ("2026-12-15", "2026-12-18", "2026-12-22", "2027-01-05"),
            id="meeting-on-christmas-day",
        ),
        pytest.param(
            "merton", "panel", "2027-01-05", ("2026-12-26", "2026-12-29", "2026-12-30", "2027-01-12"),
            id="after-new-year",
        ),
        pytest.param(
            "richmond", "iom", "2026-04-14", ("2026-03-27", "2026-04-07", "2026-04-09", "2026-04-21"), id="after-easter"
        ),
        pytest.param(
            "richmond", "asb", "2026-05-12", ("2026-04-27", "2026-05-05", "2026-05-07", "2026-05-19"),
            id="over-the-may-bank-holiday",
        ),
        pytest.param(
            "merton", "panel", "2026-04-01", ("2026-03-22", "2026-03-25", "2026-03-27", "2026-04-10"),
            id="over-the-spring-clock-change",
        ),
    ],
)  # fmt: skip
def test_meeting_dates_are_those_of_the_scheme(scheme, body, meeting, expected):
    assert shown(dates_of(scheme, body, meeting)) == expected


@pytest.mark.parametrize(
    ("scheme", "body", "sources"),
    [
        ("merton", "panel", ("Merton, step 1", "Merton, step 2", "default", "default")),
        ("richmond", "iom", ("default", "Richmond, 4.11", "default", "Richmond, 4.13")),
        ("richmond", "asb", ("Richmond, 2.6", "default", "default", "default")),
        ("richmond", "strategic", ("default", "Richmond, 1.13", "default", "Richmond, 1.14")),
        ("london", "daily", ("default", "default", "default", "default")),
    ],
)
def test_each_deadline_cites_its_paragraph(scheme, body, sources):
    assert tuple(deadline.source for deadline in dates_of(scheme, body, TUESDAY)) == sources


def test_nominations_close_at_the_end_of_the_day_and_the_rest_at_five():
    dates = dates_of("merton", "panel", TUESDAY)

    assert [deadline.due_at for deadline in dates] == [None, time(17), time(17), time(17)]


@pytest.mark.parametrize(
    ("meeting", "moment"),
    [
        ("2026-12-15", "2026-12-06T00:00"),
        ("2026-07-14", "2026-07-04T23:00"),
        ("2026-04-08", "2026-03-29T23:00"),
        ("2026-11-04", "2026-10-26T00:00"),
    ],
    ids=["winter", "summer", "clock-goes-forward-that-day", "clock-goes-back-that-day"],
)
def test_nominations_end_at_midnight_in_london(meeting, moment):
    closing = dates_of("merton", "panel", meeting).nominations_close

    assert closing.moment == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_deadline_passes_at_its_moment_and_not_before():
    closing = dates_of("merton", "panel", TUESDAY).nominations_close

    assert not closing.passed(closing.moment - timedelta(microseconds=1))
    assert closing.passed(closing.moment)


def test_deadline_that_a_body_does_not_have_never_passes():
    closing = dates_of("london", "daily", TUESDAY).nominations_close

    assert closing.moment is None
    assert not closing.passed(datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("deadline", "rule", "kind"),
    [
        ("nominations_close", "10 calendar days before the meeting", "must"),
        ("minutes_due", "5 working days after the meeting", "usual"),
    ],
)
def test_deadline_says_its_rule_in_words(deadline, rule, kind):
    found = getattr(dates_of("merton", "panel", TUESDAY), deadline)

    assert (found.rule, found.kind) == (rule, kind)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "on the day of the meeting"), (1, "1 working day before the meeting")]
)
def test_deadline_of_none_or_one_day_reads_well(count, words):
    body = load_preset("merton").body("panel")
    rule = DeadlineRule(count=count, unit="working", relation="before", kind="must", source="default")
    changed = body.model_copy(update={"deadlines": body.deadlines.model_copy(update={"agenda": rule})})

    assert meeting_dates(changed, d(TUESDAY), english_holidays()).agenda_due.rule == words


@pytest.mark.parametrize(
    ("meeting", "warning"),
    [
        ("2026-12-26", "The meeting on 2026-12-26 falls on a day without work: weekend (Saturday)."),
        ("2026-12-28", "The meeting on 2026-12-28 falls on a day without work: bank holiday (Boxing Day)."),
        ("2029-01-09", "Bank holidays not yet known for 2029-01-09"),
        ("2028-12-27", "Bank holidays not yet known for 2029-01-03"),
    ],
    ids=["weekend", "bank-holiday", "past-the-table", "minutes-past-the-table"],
)
def test_meeting_on_an_awkward_day_is_computed_with_a_warning(meeting, warning):
    dates = dates_of("merton", "panel", meeting)

    assert len(dates.warnings) == 1
    assert dates.warnings[0].startswith(warning)
    assert dates.agenda_due.date is not None


def test_meeting_on_an_ordinary_day_has_no_warning():
    assert dates_of("merton", "panel", TUESDAY).warnings == ()


# --- which meeting ----------------------------------------------------------------------------------------------

MEETINGS = [d("2026-12-15"), d("2026-11-17"), d("2027-01-19")]


def calendar_of(body):
    return [meeting_dates(body, meeting, english_holidays()) for meeting in MEETINGS]


@pytest.mark.parametrize(
    ("now", "meeting"),
    [
        ("2026-11-07T23:59", "2026-11-17"),
        ("2026-11-08T00:00", "2026-12-15"),
        ("2026-12-05T23:59", "2026-12-15"),
        ("2026-12-06T00:00", "2027-01-19"),
        ("2027-01-10T00:00", None),
    ],
    ids=["last-minute-for-november", "first-after-it", "last-minute", "first-after", "no-meeting-left"],
)
def test_deciding_meeting_is_the_first_still_open(now, meeting):
    body = load_preset("merton").body("panel")
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert deciding_meeting(calendar_of(body), instant) == (meeting and d(meeting))


@pytest.mark.parametrize(("now", "meeting"), [("2026-11-17T12:00", "2026-11-17"), ("2026-11-18T00:00", "2026-12-15")])
def test_deciding_meeting_of_a_body_without_a_closing_date_is_open_all_its_day(now, meeting):
    body = load_preset("hampshire").body("map")
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert deciding_meeting(calendar_of(body), instant) == d(meeting)


@pytest.mark.parametrize(
    ("day", "after", "before"),
    [
        ("2026-12-15", "2026-12-15", "2026-12-15"),
        ("2026-12-16", "2027-01-19", "2026-12-15"),
        ("2026-11-16", "2026-11-17", None),
        ("2027-01-20", None, "2027-01-19"),
    ],
    ids=["on-the-day", "between", "before-all", "after-all"],
)
def test_meeting_expected_at_and_up_to_a_day(day, after, before):
    assert first_on_or_after(MEETINGS, d(day)) == (after and d(after))
    assert last_on_or_before(MEETINGS, d(day)) == (before and d(before))


@pytest.mark.parametrize(
    ("accepted", "meetings", "review"),
    [
        pytest.param("2026-11-17", ["2026-12-15", "2027-01-19"], "2026-12-15", id="last-not-after-a-month"),
        pytest.param("2026-11-17", ["2026-12-17", "2027-01-19"], "2026-12-17", id="on-the-day"),
        pytest.param("2026-11-17", ["2026-12-18", "2027-01-19"], "2026-12-18", id="else-the-next"),
        pytest.param("2026-11-17", ["2026-12-01", "2026-12-15"], "2026-12-15", id="last-of-several"),
        pytest.param("2026-11-17", ["2026-11-17", "2027-01-19"], "2027-01-19", id="not-the-meeting-itself"),
        pytest.param("2027-01-31", ["2027-02-28", "2027-03-01"], "2027-02-28", id="month-without-that-day"),
        pytest.param("2026-11-17", [], None, id="no-meeting-planned"),
    ],
)
def test_first_review_is_a_month_after_acceptance(accepted, meetings, review):
    assert first_review_meeting(d(accepted), 1, [d(m) for m in meetings]) == (review and d(review))

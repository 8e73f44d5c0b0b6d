"""Reminders of releases and of Green months that are over."""

from datetime import date, timedelta

import pytest

from iom import reminders
from iom.models import Notification
from offenders.actions import rate, record_custody
from tests import factories

RELEASE = date(2026, 4, 14)
GREEN_OVER = date(2026, 4, 4)


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def inside(merton, as_coordinator):
    case = factories.case(merton)
    record_custody(
        case,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2026, 2, 1),
        release_expected_on=RELEASE,
        by=as_coordinator,
    )
    return case


@pytest.fixture
def green(merton, coordinator):
    return factories.case(merton, colour="GREEN", since=date(2025, 10, 4))


def told(kind):
    rows = Notification.objects.filter(kind=kind).order_by("pk")
    return [(each.recipient.name, each.subject, each.due) for each in rows]


@pytest.mark.feature(126)
@pytest.mark.parametrize(("days", "times"), [(-29, 0), (-28, 1), (2, 1)], ids=["29 days before", "28 days", "late"])
def test_coordinator_hears_of_a_release_28_days_before(inside, coordinator, days, times):
    for _ in range(2):
        reminders.sweep(RELEASE + timedelta(days=days))

    assert told("release_due") == [("Priya Shah", inside.reference, RELEASE)] * times


def test_release_that_was_rated_for_reminds_of_nothing_more(inside, as_coordinator):
    from offenders.actions import record_release

    record_release(inside.inside, on=date(2026, 3, 10), by=as_coordinator)
    rate(inside, "AMBER", on=date(2026, 3, 12), reason="Out and engaging", by=as_coordinator)

    reminders.sweep(RELEASE)

    assert told("release_due") == []


@pytest.mark.feature(151)
@pytest.mark.parametrize(("days", "times"), [(-29, 0), (-28, 1), (0, 1), (9, 1)])
def test_coordinator_hears_of_six_months_green(merton, green, days, times):
    factories.meeting(merton, date(2026, 4, 16))

    for _ in range(2):
        reminders.sweep(GREEN_OVER + timedelta(days=days))

    assert told("green_exit") == [("Priya Shah", green.reference, GREEN_OVER)] * times


def test_green_reminder_names_the_exit_panel(merton, green):
    factories.meeting(merton, date(2026, 4, 2))
    factories.meeting(merton, date(2026, 4, 9))

    reminders.sweep(GREEN_OVER - timedelta(days=20))

    notice = Notification.objects.get(kind="green_exit")
    assert notice.text == f"Exit review due Sat 4 April: {green.reference}, Green for 6 months"
    assert "The panel of 9 April looks at the exit." in notice.email_body


def test_broken_green_run_reminds_of_nothing(green, as_coordinator):
    rate(green, "AMBER", on=date(2026, 3, 1), reason="Arrest", by=as_coordinator)

    reminders.sweep(GREEN_OVER)

    assert told("green_exit") == []


def test_green_in_a_scheme_without_months_reminds_of_nothing(db):
    scheme = factories.scheme("london")
    factories.member(scheme, "coordinator")
    factories.case(scheme, colour="GREEN", since=date(2025, 10, 4))

    reminders.sweep(GREEN_OVER)

    assert told("green_exit") == []

"""When people hear that nominations close."""

from __future__ import annotations

from datetime import date

import pytest

from iom import reminders
from iom.models import Notification
from tests import factories

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str, str]]:
    rows = Notification.objects.filter(kind="nominations_close").order_by("pk")
    return [(row.recipient.name, row.text, row.url) for row in rows]


@pytest.mark.parametrize(
    ("on", "count"),
    [
        pytest.param(date(2026, 2, 22), 0, id="eight days before"),
        pytest.param(date(2026, 2, 23), 1, id="a week before"),
        pytest.param(date(2026, 3, 2), 1, id="the last day"),
        pytest.param(date(2026, 3, 3), 0, id="the day after"),
    ],
)
def test_reminder_of_nominations_closing_by_day(merton, police, on, count):
    factories.meeting(merton, date(2026, 3, 12))

    reminders.sweep(on)

    assert told() == [("Tom Dunn", "Referrals close Mon 2 March: IOM panel 12 March", "/referrals/")] * count


def test_reminder_of_nominations_closing_comes_once(merton, police, coordinator):
    factories.meeting(merton, date(2026, 3, 12))

    for on in (date(2026, 2, 26), date(2026, 2, 26), date(2026, 3, 1)):
        reminders.sweep(on)

    assert sorted(name for name, _, _ in told()) == ["Priya Shah", "Tom Dunn"]


def test_reminder_of_nominations_closing_is_not_for_board_readers(merton):
    factories.meeting(merton, date(2026, 3, 12))
    factories.member(merton, "board_reader")

    reminders.sweep(date(2026, 3, 1))

    assert told() == []

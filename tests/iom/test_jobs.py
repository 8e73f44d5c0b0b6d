"""No job runs at the hours in which London's clocks change (security.md T4)."""

from datetime import datetime, time

import pytest
import time_machine
from celery.schedules import crontab
from django.conf import settings

from iom import tasks
from iom.celery import app
from iom.clock import LONDON

# Jobs that go on through the night, each with the reason for which the change of the clocks is nothing to it.
THROUGH_THE_NIGHT = {
    "iom.tick": "writes the instant in UTC",
    "iom.scan_waiting": "asks for what waits, whatever the time is",
    "iom.send_heads": "counts from the instant in UTC at which heads last left",
}
SCHEDULE = settings.CELERY_BEAT_SCHEDULE
FIRST, LAST = time(0, 30), time(3, 30)


def wall_times(schedule):
    """The London times at which a crontab may come due, in winter and in summer; its own clock is UTC."""
    return {
        time((hour + summer) % 24, minute) for hour in schedule.hour for minute in schedule.minute for summer in (0, 1)
    }


@pytest.mark.parametrize("name", SCHEDULE)
def test_job_keeps_out_of_the_hours_in_which_clocks_change(name):
    entry = SCHEDULE[name]
    task = app.tasks[entry["task"]]

    if isinstance(entry["schedule"], crontab):
        assert not [wall for wall in wall_times(entry["schedule"]) if FIRST <= wall < LAST]
    else:
        assert entry["task"] in THROUGH_THE_NIGHT or getattr(task.run, "by_day", False)


@pytest.mark.parametrize("schedule", [crontab(hour=2, minute=0), crontab(hour=23, minute=45), crontab(minute=0)])
def test_crontab_in_those_hours_is_found(schedule):
    assert [wall for wall in wall_times(schedule) if FIRST <= wall < LAST]


def test_crontab_outside_them_is_not():
    assert not [wall for wall in wall_times(crontab(hour="4,20", minute="*/5")) if FIRST <= wall < LAST]


@pytest.mark.parametrize("day", ["2026-01-15", "2026-07-15", "2026-03-29", "2026-10-25"])
@pytest.mark.parametrize(
    ("wall", "works"),
    [("00:30", False), ("01:30", False), ("03:29:59", False), ("06:59:59", False), ("07:00", True), ("21:00", False)],
)
def test_work_by_day_rests_at_night(day, wall, works):
    done = []

    with time_machine.travel(datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=LONDON), tick=False):
        tasks.by_day(lambda: done.append(1))()

    assert done == [1] * works

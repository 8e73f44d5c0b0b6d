"""A year of a cohort, played through page by page with a moving clock: what people hear and what agendas offer, by day.

Three people of Merton: one who mends, leaves after six months of Green and comes back; one who goes to prison and comes
out again; one whose rating is changed between two panels. Every reminder of the year stands in `HEARD` with its day, and
every suggestion of every panel in `OFFERED`. The clock is asked on each such day and on the day before it, so that
nothing comes early.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.urls import reverse

from iom import reminders
from iom.access import actor_for
from iom.models import Meeting, Notification
from offenders.models import Case, Colour, RagRating
from panels.models import AgendaItem
from panels.suggesting import suggestions
from tests import factories

pytestmark = pytest.mark.django_db

PANELS = [
    date(2026, 1, 15),
    date(2026, 2, 12),
    date(2026, 3, 12),
    date(2026, 4, 9),
    date(2026, 5, 14),
    date(2026, 6, 11),
    date(2026, 7, 9),
    date(2026, 8, 13),
    date(2026, 9, 10),
    date(2026, 10, 8),
    date(2026, 11, 12),
    date(2026, 12, 10),
    date(2027, 1, 14),
]


class Year:
    """A Merton scheme, its people, and the clock."""

    def __init__(self, scheme, coordinator, chair, police, housing, sign_in) -> None:
        self.scheme, self.coordinator, self.chair = scheme, coordinator, chair
        self.police, self.housing, self._sign_in = police, housing, sign_in
        self.meetings = {day: factories.meeting(scheme, day, chair=chair) for day in PANELS}
        self.heard: list[tuple[date, str, str]] = []
        self.offered: dict[date, list[tuple[str, str, str]]] = {}
        self.names: dict[str, str] = {}
        self._travel = None

    def go(self, day: date, at: time = time(10, 0)) -> None:
        """Make it that day; the clock's sweep of the morning has run."""
        if self._travel is not None:
            self._travel.stop()
        self._travel = time_machine.travel(datetime.combine(day, at, tzinfo=UTC), tick=False)
        self._travel.start()
        before = set(Notification.objects.values_list("pk", flat=True))
        reminders.sweep(day)
        for told in Notification.objects.exclude(pk__in=before).order_by("kind", "subject", "pk"):
            line = (day, told.kind, self.names.get(told.subject, told.subject), told.recipient.name)
            self.heard.append(line)
        self.client = self._sign_in(self.coordinator)

    def stop(self) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None

    def panel(self, day: date, **decided) -> None:
        """Hold the panel of a day: what is offered goes on the agenda, and each case is decided as asked, by its name."""
        meeting = self.meetings[day]
        found = suggestions(meeting, actor_for(self.coordinator))
        self.offered[day] = [(self.names[one.reference], one.section, one.why) for one in found.cases]
        added = self.client.post(
            reverse("agenda_add_suggested", args=[meeting.key]), {"suggestion": [one.key for one in found.cases]}
        )
        assert added.status_code == 302, added.content.decode()[:3000]
        self.client.post(reverse("send_agenda", args=[meeting.key]))
        factories.attended(meeting, self.chair, self.police, self.housing)
        self.client.post(reverse("start_meeting", args=[meeting.key]))
        for item in AgendaItem.objects.filter(meeting=meeting, case__isnull=False).order_by("position"):
            given = decided.get(self.names[item.case.reference], {})
            self._record(item, given)
        for item in AgendaItem.objects.filter(meeting=meeting, referral__isnull=False):
            self._record(item, decided["nomination"])
        self.client.post(reverse("close_meeting", args=[meeting.key]))

    def _record(self, item, given) -> None:
        item.refresh_from_db()
        asked = {"item": item.number, "version": item.version, "then": "next", "actions": "0"}
        asked |= {"outcome": "no_change", "how": "agreed", "harm": "none"} | given
        answer = self.client.post(reverse("live", args=[item.meeting.key]), asked)
        assert answer.status_code == 302, answer.content.decode()[:6000]


@pytest.fixture
def year(merton, coordinator, chair, police, housing, sign_in, settings):
    settings.DEMO_SIGN_IN = True
    made = Year(merton, coordinator, chair, police, housing, sign_in)
    yield made
    made.stop()

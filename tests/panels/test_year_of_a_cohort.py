"""A year of a cohort, played through page by page with a moving clock: what people hear and what agendas offer, by day.

Three people of Merton: one who mends, leaves after six months of Green and comes back; one who goes to prison and comes
out again; one whose rating is changed between two panels. Every reminder of the year stands in `HEARD` with its day, and
every suggestion of every panel in `OFFERED`. The clock is asked on each such day and on the day before it, so that
nothing comes early.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import re

import pytest
import time_machine
from django.urls import reverse

from iom import reminders
from iom.access import actor_for
from iom.models import Meeting, Notification
from offenders.models import Case, Colour, RagRating
from panels.models import AgendaItem, Section
from panels.suggesting import suggestions
from referrals.actions import put_to_panel
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
            reverse("add_to_agenda", args=[meeting.key]), {"key": [one.key for one in found.cases]}
        )
        assert added.status_code in (200, 302), problems(added)
        self.client.post(reverse("send_agenda", args=[meeting.key]))
        factories.attended(meeting, self.chair, self.police, self.housing)
        self.client.post(reverse("start_meeting", args=[meeting.key]))
        for item in AgendaItem.objects.filter(meeting=meeting, case__isnull=False).order_by("position"):
            name = self.names[item.case.reference]
            given = {"outcome": "ratify"} if item.section == Section.OUTSIDE else decided.get(name, {})
            self._record(item, given)
        for item in AgendaItem.objects.filter(meeting=meeting, referral__isnull=False):
            self._record(item, decided["nomination"])
        self.client.post(reverse("close_meeting", args=[meeting.key]))

    def _record(self, item, given) -> None:
        item.refresh_from_db()
        asked = {"item": item.number, "version": item.version, "then": "next", "actions": "0"}
        asked |= {"outcome": "no_change", "how": "agreed", "harm": "none"} | given
        answer = self.client.post(reverse("live", args=[item.meeting.key]), asked)
        assert answer.status_code == 302, problems(answer)


@pytest.fixture
def year(merton, coordinator, chair, police, housing, sign_in, settings):
    settings.DEMO_SIGN_IN = True
    made = Year(merton, coordinator, chair, police, housing, sign_in)
    yield made
    made.stop()


def problems(answer) -> list[str]:
    return re.findall(r'govuk-error-(?:message|summary__list)"[^>]*>(.*?)</(?:p|ul)>', answer.content.decode(), re.S)


def entered(year: Year, name: str, colour: str, since: date) -> Case:
    """Somebody who was on the cohort before the year began."""
    case = factories.case(
        year.scheme, colour=colour, since=since, who=factories.offender(year.scheme, family_name=name)
    )
    year.names[case.reference] = name
    return case


def post(year: Year, path: str, **fields):
    answer = year.client.post(path, fields)
    assert answer.status_code == 302, problems(answer)
    return answer


def nominated(year: Year, day: date, who) -> None:
    """A nomination from the police goes to the panel of a day."""
    referral = factories.referral(year.scheme, year.police, status="with_coordinator", who=who, supervision="yes")
    put_to_panel(referral, meeting=year.meetings[day], agencies=[], by=actor_for(year.coordinator))


ACCEPTED = {
    "outcome": "accept",
    "colour": "AMBER",
    "reason": "Four burglaries since October",
    "lead_agency": "probation",
    "how": "agreed",
}


def play(year: Year, walk) -> None:
    inside = entered(year, "Inside", "RED", date(2025, 12, 11))
    changed = entered(year, "Changed", "AMBER", date(2025, 12, 11))

    walk(date(2026, 1, 15))
    mending = factories.offender(year.scheme, family_name="Mending", given_names="Ada")
    nominated(year, PANELS[0], mending)
    year.panel(
        PANELS[0],
        nomination=ACCEPTED
        | {
            "lead_professional": year.chair.pk,
            "police_officer": year.police.pk,
            "quick": "Housing: confirm the tenancy by 26 Jan",
        },
    )
    first = Case.objects.get(offender=mending)
    year.names[first.reference] = "Mending"

    walk(date(2026, 2, 12))
    year.panel(PANELS[1])
    walk(date(2026, 3, 3))
    post(
        year,
        f"/cases/{inside.reference}/custody/",
        kind="remand",
        prison="HMP Example",
        starts_on="3 3 2026",
        release_expected_on="28 7 2026",
        version="0",
    )
    walk(date(2026, 3, 12))
    year.panel(PANELS[2], Mending={"outcome": "change_rating", "colour": "GREEN", "reason": "No offence since January"})
    walk(date(2026, 4, 9))
    year.panel(PANELS[3])
    walk(date(2026, 4, 20))
    changed.refresh_from_db()
    post(
        year,
        f"/cases/{changed.reference}/rating/",
        colour="RED",
        reason="Arrested twice this week",
        evidence="Two burglaries on 18 April",
        starts_on="20 4 2026",
        tell="next",
        version=changed.version,
    )
    for day in PANELS[4:6]:
        walk(day)
        year.panel(day)
    walk(PANELS[6])
    year.panel(PANELS[6])
    walk(date(2026, 7, 28))
    post(year, f"/cases/{inside.reference}/custody/release/", released_on="28 7 2026", version="1")
    walk(PANELS[7])
    year.panel(PANELS[7], Inside={"outcome": "change_rating", "colour": "AMBER", "reason": "Out, and keeping his appointments"})
    walk(PANELS[8])
    year.panel(PANELS[8])
    walk(date(2026, 10, 1))
    post(
        year,
        f"/cases/{first.reference}/exit/strategy/",
        who_stays="The drugs service, every fortnight",
        contact="Drugs service, 020 7946 0000",
        way_back="Any agency may nominate again",
        version="0",
    )
    walk(PANELS[9])
    year.panel(PANELS[9], Mending={"outcome": "remove", "reason": "Six months of Green"})
    walk(date(2026, 10, 9))
    first.refresh_from_db()
    assert first.status == "leaving"
    post(
        year,
        f"/cases/{first.reference}/exit/close/",
        outcome="planned",
        ended_on="9 10 2026",
        reason="Six months of Green, a tenancy and work",
        without="Agencies were told at the panel",
        version=first.version,
    )
    walk(PANELS[10])
    year.panel(PANELS[10])
    walk(PANELS[11])
    nominated(year, PANELS[11], mending)
    year.panel(
        PANELS[11], nomination=ACCEPTED | {"lead_professional": year.chair.pk, "police_officer": year.police.pk}
    )
    again = Case.objects.not_closed().get(offender=mending)
    year.names[again.reference] = "Mending again"
    walk(PANELS[12])
    year.panel(PANELS[12])


def test_discover(year):
    import time as t
    b = t.monotonic()
    at = [date(2026, 1, 14)]
    def walk(day):
        while at[0] < day:
            at[0] += timedelta(days=1)
            year.go(at[0])
    try:
        play(year, walk)
    finally:
        for line in year.heard:
            if line[1] not in ("nominations_close", "agenda_due", "minutes_due"):
                print(*line)
        for day, found in year.offered.items():
            for one in found:
                print(day, *one)
        print(t.monotonic() - b)

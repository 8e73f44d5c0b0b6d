"""A year of a cohort, played through with a moving clock: what people hear and what agendas offer, each on its day.

Three people of Merton: one who mends, leaves after six months of Green and comes back; one who goes to prison and comes
out; one whose rating is changed between two panels. What is done to them is done on the pages, as a coordinator would.
Every reminder about them stands in `HEARD` with its day, every suggestion of every panel in `OFFERED`. The clock's sweep
runs on each of those days and on the day before it, so that nothing comes early; `tests/test_clock.py` has the reminders
about meetings themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from actionplans import offers
from actionplans.models import Action, Offer, Review
from iom import reminders
from iom.access import actor_for
from iom.models import Agency, Notification
from offenders.actions import assign
from offenders.models import Case
from offenders.safeguarding import record_check
from offenders.timeline import note
from panels.models import AgendaItem, Section
from panels.suggesting import suggestions
from referrals.actions import put_to_panel
from tests import factories

pytestmark = pytest.mark.django_db

JAN, FEB, MAR, APR, MAY, JUN, JUL, AUG, SEP, OCT, NOV, DEC = PANELS = [
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
]
NEXT = date(2027, 1, 14)
# What the clock says of meetings as such, whoever is on the cohort.
OF_MEETINGS = {"nominations_close", "agenda_due", "minutes_due"}
PRIYA, GRACE, JO = "Priya Shah", "Grace Adeyemi", "Jo Reid"
HEARD = [
    # Seven days before the panel that holds the first review (Merton, Roles).
    (date(2026, 1, 8), "review_due", "Inside", PRIYA),
    (date(2026, 1, 8), "review_due", "Inside", GRACE),
    (date(2026, 1, 8), "review_due", "Changed", PRIYA),
    (date(2026, 1, 8), "review_due", "Changed", GRACE),
    # Two days before the tenancy was to be confirmed.
    (date(2026, 1, 24), "actions_due", "housing", JO),
    (date(2026, 2, 5), "review_due", "Mending", PRIYA),
    (date(2026, 2, 5), "review_due", "Mending", GRACE),
    # 28 days before the release, and before six months of Green are over.
    (date(2026, 6, 30), "release_due", "Inside", PRIYA),
    (date(2026, 8, 15), "green_exit", "Mending", PRIYA),
    (date(2027, 1, 7), "review_due", "Mending again", PRIYA),
    (date(2027, 1, 7), "review_due", "Mending again", GRACE),
]
NO_ENFORCEMENT, NO_HELP = "Rated Red, and no enforcement in 7 days", "Rated Amber, and no intervention in 28 days"
EVERY = "Every case is reviewed"
FIRST = "1-month review: accepted on"
# Asked about on 7 January, and of Mending on the 15th, the checks hold for six months.
OLD = ". Safeguarding not assured: MAPPA, MARAC, Child safeguarding"
OFFERED = {
    JAN: [
        ("Inside", "reviews", f"{NO_ENFORCEMENT}. {FIRST} 11 December"),
        ("Changed", "reviews", f"{NO_HELP}. {FIRST} 11 December"),
    ],
    FEB: [("Mending", "reviews", f"{FIRST} 15 January"), ("Inside", "reviews", EVERY), ("Changed", "reviews", EVERY)],
    MAR: [
        ("Inside", "releases", "In custody since 3 March, to be noted"),
        ("Mending", "reviews", EVERY),
        ("Changed", "reviews", EVERY),
    ],
    APR: [("Changed", "reviews", EVERY), ("Mending", "reviews", EVERY), ("Inside", "reviews", EVERY)],
    MAY: [("Changed", "reviews", NO_ENFORCEMENT), ("Mending", "reviews", EVERY), ("Inside", "reviews", EVERY)],
    JUN: [("Changed", "reviews", NO_ENFORCEMENT), ("Mending", "reviews", EVERY), ("Inside", "reviews", EVERY)],
    JUL: [
        ("Inside", "releases", f"Release expected on 28 July, rating to agree before it{OLD}"),
        ("Changed", "reviews", NO_ENFORCEMENT + OLD),
        ("Mending", "reviews", EVERY),
    ],
    AUG: [
        (
            "Inside",
            "releases",
            f"Rated in custody, and nobody is inside. Released on 28 July and still rated in custody{OLD}",
        ),
        ("Changed", "reviews", NO_ENFORCEMENT + OLD),
        ("Mending", "reviews", EVERY + OLD),
    ],
    SEP: [
        ("Changed", "reviews", NO_ENFORCEMENT + OLD),
        ("Inside", "reviews", NO_HELP + OLD),
        ("Mending", "reviews", EVERY + OLD),
    ],
    OCT: [
        ("Mending", "exits", f"Green for 6 months on 12 September{OLD}"),
        ("Changed", "reviews", NO_ENFORCEMENT + OLD),
        ("Inside", "reviews", NO_HELP + OLD),
    ],
    NOV: [("Changed", "reviews", NO_ENFORCEMENT + OLD), ("Inside", "reviews", NO_HELP + OLD)],
    DEC: [("Changed", "reviews", NO_ENFORCEMENT + OLD), ("Inside", "reviews", NO_HELP + OLD)],
    NEXT: [
        ("Changed", "reviews", NO_ENFORCEMENT + OLD),
        ("Mending again", "reviews", f"{NO_HELP}. {FIRST} 10 December"),
        ("Inside", "reviews", NO_HELP + OLD),
    ],
}
ACCEPTED = {
    "outcome": "accept",
    "colour": "AMBER",
    "reason": "Four burglaries since October",
    "lead_agency": "probation",
    "how": "agreed",
}


class Year:
    """A Merton scheme, its people, and the clock."""

    def __init__(self, scheme, coordinator, chair, police, housing, sign_in) -> None:
        self.scheme, self.coordinator, self.chair = scheme, coordinator, chair
        self.police, self.housing, self._sign_in = police, housing, sign_in
        self.meetings = {day: factories.meeting(scheme, day, chair=chair) for day in (*PANELS, NEXT)}
        self.heard: list[tuple[date, str, str, str]] = []
        self.offered: dict[date, list[tuple[str, str, str]]] = {}
        self.names: dict[str, str] = {}
        self._travel: Any = None
        self._today = date(2026, 1, 1)

    @property
    def office(self):
        return actor_for(self.coordinator)

    def go(self, day: date) -> None:
        """Make it ten o'clock on that day. The sweep ran on every day between that `HEARD` names, and on its eve."""
        swept = {on - timedelta(days=before) for on, *_ in HEARD for before in (0, 1)} | {day}
        for on in sorted(each for each in swept if self._today < each <= day):
            self._at(on)
            self._sweep(on)
        self._today = day
        self.client = self._sign_in(self.coordinator)

    def _at(self, day: date) -> None:
        self.stop()
        self._travel = time_machine.travel(datetime.combine(day, time(10, 0), tzinfo=UTC), tick=False)
        self._travel.start()

    def _sweep(self, day: date) -> None:
        before = set(Notification.objects.values_list("pk", flat=True))
        reminders.sweep(day)
        told = Notification.objects.exclude(pk__in=before).exclude(kind__in=OF_MEETINGS)
        for each in told.select_related("recipient").order_by("kind", "subject", "pk"):
            self.heard.append((day, each.kind, self.names.get(each.subject, each.subject), each.recipient.name))

    def stop(self) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None

    def post(self, path: str, **fields):
        answer = self.client.post(path, fields)
        assert answer.status_code == 302, problems(answer)
        return answer

    def panel(self, day: date, **decided: dict[str, Any]) -> None:
        """Hold the panel of a day: what is offered goes on the agenda, and each case is decided as asked, by its name."""
        self.go(day)
        meeting = self.meetings[day]
        found = suggestions(meeting, self.office)
        self.offered[day] = [(self.names[one.reference], one.section, one.why) for one in found.cases]
        self.client.post(reverse("add_to_agenda", args=[meeting.key]), {"key": [one.key for one in found.cases]})
        self.client.post(reverse("send_agenda", args=[meeting.key]))
        factories.attended(meeting, self.chair, self.police, self.housing)
        self.client.post(reverse("start_meeting", args=[meeting.key]))
        items = AgendaItem.objects.filter(meeting=meeting)
        for item in items.filter(case__isnull=False).order_by("position"):
            given = decided.get(self.names[item.case.reference], {})
            self._record(item, {"outcome": "ratify"} if item.section == Section.OUTSIDE else given)
        for item in items.filter(referral__isnull=False):
            self._record(item, decided["nomination"])
        self.post(reverse("close_meeting", args=[meeting.key]))

    def _record(self, item: AgendaItem, given: dict[str, Any]) -> None:
        item.refresh_from_db()
        asked = {"item": item.number, "version": item.version, "then": "next", "actions": "0"}
        asked |= {"outcome": "no_change", "how": "agreed", "harm": "none"} | given
        self.post(reverse("live", args=[item.meeting.key]), **asked)

    # --- People

    def entered(self, name: str, colour: str) -> Case:
        """Somebody who has been on the cohort since December, led and with every check."""
        who = factories.offender(self.scheme, family_name=name)
        case = factories.case(self.scheme, colour=colour, since=date(2025, 12, 11), who=who)
        for role, held in (("lead_professional", self.chair), ("police_officer", self.police)):
            assign(case, role, agency=held.agency, membership=held, on=case.accepted_on, by=self.office)
        self.known(case, name)
        return case

    def known(self, case: Case, name: str) -> None:
        """Called by a name from here on; MAPPA, MARAC and children were asked about today."""
        self.names[case.reference] = name
        for kind in ("mappa", "marac", "mash"):
            record_check(case, kind, outcome="no_concern", on=self._today, by=actor_for(self.police))

    def nominated(self, day: date, who) -> None:
        """A nomination by the police goes to the panel of a day."""
        referral = factories.referral(self.scheme, self.police, status="with_coordinator", who=who, supervision="yes")
        put_to_panel(referral, meeting=self.meetings[day], agencies=[], by=self.office)

    def leading(self) -> dict[str, Any]:
        return {"lead_professional": self.chair.pk, "police_officer": self.police.pk}


def problems(answer) -> list[str]:
    """What a page said was wrong."""
    said = re.findall(r'govuk-error-(?:message|summary__list)"[^>]*>(.*?)</(?:p|ul)>', answer.content.decode(), re.S)
    return [re.sub(r"<[^>]+>|\s+", " ", each).strip() for each in said]


@pytest.fixture
def year(merton, coordinator, chair, police, housing, sign_in, settings) -> Iterator[Year]:
    settings.DEMO_SIGN_IN = True
    made = Year(merton, coordinator, chair, police, housing, sign_in)
    yield made
    made.stop()


def played(year: Year) -> tuple[Case, Case, Case, Case]:
    """The year from January to January: who mended, who was inside, whose rating was changed, and the first again."""
    year.go(date(2026, 1, 7))
    inside, changed = year.entered("Inside", "RED"), year.entered("Changed", "AMBER")
    mending = factories.offender(year.scheme, family_name="Mending", given_names="Ada")
    year.nominated(JAN, mending)
    year.panel(JAN, nomination=ACCEPTED | year.leading() | {"quick": "Housing: confirm the tenancy by 26 Jan"})
    first = Case.objects.get(offender=mending)
    year.known(first, "Mending")

    year.go(date(2026, 1, 27))
    action = Action.objects.get(case=first)
    year.post(f"/actions/{action.pk}/", status="done", note="Signed today", version=action.version)
    year.go(date(2026, 2, 10))
    police = actor_for(year.police)
    note(inside, "enforcement", on=date(2026, 2, 10), text="Curfew check, in", by=police, agency=year.police.agency)
    housing = Agency.objects.get(scheme=year.scheme, slug=year.housing.agency.slug)
    for case in (first, changed):
        taken_up(case, "A place on the tenancy course", housing, by=actor_for(year.coordinator))
    year.panel(FEB)

    year.go(date(2026, 3, 3))
    year.post(
        f"/cases/{inside.reference}/custody/",
        kind="remand",
        prison="HMP Example",
        starts_on="3 3 2026",
        release_expected_on="28 7 2026",
        version="0",
    )
    year.panel(MAR, Mending={"outcome": "change_rating", "colour": "GREEN", "reason": "No offence since January"})
    year.panel(APR)

    year.go(date(2026, 4, 20))
    changed.refresh_from_db()
    year.post(
        f"/cases/{changed.reference}/rating/",
        colour="RED",
        reason="Arrested twice this week",
        evidence="Two burglaries on 18 April",
        starts_on="20 4 2026",
        tell="next",
        version=changed.version,
    )
    for day in (MAY, JUN, JUL):
        year.panel(day)

    year.go(date(2026, 7, 28))
    period = inside.custody_periods.get()
    year.post(f"/cases/{inside.reference}/custody/release/", released_on="28 7 2026", version=period.version)
    year.panel(AUG, Inside={"outcome": "change_rating", "colour": "AMBER", "reason": "Out, and keeps appointments"})
    year.panel(SEP)

    year.go(date(2026, 10, 1))
    year.post(
        f"/cases/{first.reference}/exit/strategy/",
        who_stays="The drugs service, every fortnight",
        contact="Drugs service, 020 7946 0000",
        way_back="Any agency may nominate again",
        version="0",
    )
    year.panel(OCT, Mending={"outcome": "remove", "reason": "Six months of Green"})
    year.go(date(2026, 10, 9))
    first.refresh_from_db()
    assert first.status == "leaving"
    year.post(
        f"/cases/{first.reference}/exit/close/",
        outcome="planned",
        ended_on="9 10 2026",
        reason="Six months of Green, a tenancy and work",
        without="Victims and agencies were spoken of at the panel",
        version=first.version,
    )
    year.panel(NOV)

    year.go(DEC - timedelta(days=1))
    year.nominated(DEC, mending)
    year.panel(DEC, nomination=ACCEPTED | year.leading())
    again = Case.objects.not_closed().get(offender=mending)
    year.known(again, "Mending again")
    year.panel(NEXT)
    return first, inside, changed, again


def taken_up(case: Case, text: str, agency: Agency, *, by) -> Offer:
    made = offers.offer(case, pathway="accommodation", text=text, agency=agency, by=by)
    return offers.answered(made, "taken_up", words="Starts on Monday", by=by)


def ratings(case: Case) -> list[tuple[str, date, date | None]]:
    return list(case.ratings.order_by("starts_on").values_list("colour", "starts_on", "until"))


@pytest.mark.feature(306)
def test_year_of_a_cohort_brings_each_thing_on_its_day(year):
    mended, inside, changed, again = played(year)

    assert year.heard == HEARD
    assert year.offered == OFFERED
    assert ratings(mended) == [("AMBER", JAN, MAR), ("GREEN", MAR, None)]
    assert ratings(inside) == [
        ("RED", date(2025, 12, 11), date(2026, 3, 3)),
        ("BLUE", date(2026, 3, 3), AUG),
        ("AMBER", AUG, None),
    ]
    assert ratings(changed) == [("AMBER", date(2025, 12, 11), date(2026, 4, 20)), ("RED", date(2026, 4, 20), None)]
    assert changed.ratings.get(until=None).ratified_at.date == MAY
    held = Review.objects.filter(case=mended).order_by("done_on").values_list("kind", "done_on")
    assert list(held) == [("first", FEB), *(("progress", day) for day in PANELS[2:10])]
    mended.refresh_from_db()
    assert (mended.status, mended.outcome, mended.ended_on) == ("closed", "planned", date(2026, 10, 9))
    assert mended.offender_id == again.offender_id and ratings(again) == [("AMBER", DEC, None)]
    page = year.client.get(f"/cases/{again.reference}/").content.decode()
    assert "Earlier on the cohort" in page and mended.reference in page

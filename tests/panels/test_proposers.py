"""Whoever put somebody forward is asked to come and present them (London, step 2; Richmond, 4.12)."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from iom.access import actor_for
from iom.models import AuditEvent, Body, Notification
from iom.steps import StepRefused
from panels import agenda, attendance
from panels.models import Attendance
from referrals import actions, presenting, scoring
from referrals.models import Presentation
from tests import factories

pytestmark = pytest.mark.django_db
WRITTEN = "In prison for 10 of the last 12 months, four offences since release."


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


class World:
    """A scheme with a coordinator, an officer of a charity who nominates, and a coming meeting."""

    def __init__(self, preset):
        self.scheme = factories.scheme(preset)
        self.coordinator = factories.member(self.scheme, "coordinator", name="Priya Shah")
        self.officer = factories.member(self.scheme, "referrer", agency_kind="voluntary", name="Robin Sample")
        self.by = actor_for(self.coordinator)
        self.meeting = factories.meeting(self.scheme, date(2026, 4, 14))

    def referral(self, pct=None, **fields):
        made = factories.referral(self.scheme, self.officer, status="sent", **fields)
        if pct is not None:
            scoring.record_official_score(
                made.offender, pct_2yr=pct, scored_on=date(2026, 2, 1), by=self.by, referral=made
            )
        return made

    def put(self, referral, meeting=None):
        return actions.put_to_panel(referral, meeting=meeting or self.meeting, agencies=[], by=self.by)


@pytest.fixture
def london(db):
    return World("london")


@pytest.fixture
def richmond(db):
    return World("richmond")


@pytest.mark.feature(102)
@pytest.mark.feature(37)
def test_written_case_books_its_proposer_and_tells_them(london):
    referral = london.referral(62, facts={"exceptional_circumstances": WRITTEN})

    london.put(referral)

    booked = Presentation.objects.get()
    assert (booked.proposer, booked.meeting, booked.must, booked.source, booked.name) == (
        london.officer, london.meeting, True, "London, step 2", "PC Dunn",
    )  # fmt: skip
    told = Notification.objects.get(recipient=london.officer.user, kind="present_referral")
    assert told.text == f"Present referral {referral.reference} at the panel of 14 April"
    assert "You must come to the panel of Tuesday 14 April 2026" in told.email_body
    assert AuditEvent.objects.get(verb="ask_proposer").after == "must attend"


@pytest.mark.parametrize(
    ("pct", "written", "booked"),
    [
        pytest.param(51, WRITTEN, True, id="lowest of the band"),
        pytest.param(74, WRITTEN, True, id="highest of the band"),
        pytest.param(75, WRITTEN, False, id="the score alone is enough"),
        pytest.param(50, WRITTEN, False, id="below the band"),
        pytest.param(None, WRITTEN, True, id="not scored"),
        pytest.param(62, " ", False, id="nothing written"),
    ],
)
def test_proposer_attends_where_the_case_relies_on_it(london, pct, written, booked):
    referral = london.referral(pct, facts={"exceptional_circumstances": written})

    assert bool(presenting.relies_on(referral)) is booked


def test_written_case_without_somebody_to_present_it_goes_to_no_panel(london):
    referral = london.referral(62, facts={"exceptional_circumstances": WRITTEN}, presenter="")

    with pytest.raises(StepRefused, match="enter who will present"):
        london.put(referral)
    assert not Presentation.objects.exists()


def test_richmond_invites_every_nominating_officer(richmond):
    richmond.put(richmond.referral())

    booked = Presentation.objects.get()
    assert (booked.must, booked.source) == (False, "Richmond, 4.12")


def test_merton_invites_nobody_by_rule(merton, police, as_coordinator):
    meeting = factories.meeting(merton, date(2026, 4, 14))

    actions.put_to_panel(
        factories.referral(merton, police, status="sent"), meeting=meeting, agencies=[], by=as_coordinator
    )

    assert not Presentation.objects.exists()


def test_booking_falls_away_and_moves_with_the_nomination(richmond):
    referral = richmond.put(richmond.referral())
    actions.return_for_information(referral, message="Where does he live?", by=richmond.by)
    assert Presentation.objects.get().cancelled_at is not None

    referral.refresh_from_db()
    referral.status = "deferred"
    referral.save()
    later = factories.meeting(richmond.scheme, date(2026, 5, 12))
    richmond.put(referral, later)

    present = Presentation.objects.get(cancelled_at=None)
    assert (present.meeting, Presentation.objects.count()) == (later, 2)


@pytest.mark.feature(37)
def test_proposer_finds_it_on_the_home_page_and_on_the_nomination(richmond, sign_in):
    referral = richmond.put(richmond.referral())
    client = sign_in(richmond.officer)

    assert (
        f"Present {referral.reference} at the panel of 14 April (you are invited)" in client.get("/").content.decode()
    )
    page = client.get(f"/referrals/{referral.reference}/").content.decode()
    assert "Robin Sample is invited" in page
    assert "Source: Richmond, 4.12" in page


@pytest.mark.feature(37)
def test_agenda_and_attendance_sheet_show_who_comes_and_take_them_in(london, sign_in):
    referral = london.put(london.referral(62, facts={"exceptional_circumstances": WRITTEN}))
    agenda.send_agenda(london.meeting, by=london.by)
    client = sign_in(london.coordinator)

    assert (
        "Whoever nominated must attend for this item" in client.get(f"/meetings/{london.meeting.key}/").content.decode()
    )
    sheet = client.get(f"/meetings/{london.meeting.key}/attendance/").content.decode()
    assert "Asked to present" in sheet
    assert "Robin Sample" in sheet
    assert referral.reference in sheet
    assert "Must attend" in sheet

    client.post(
        f"/meetings/{london.meeting.key}/attendance/visitors/",
        {"standing": "guest", "name": "Robin Sample", "agency": london.officer.agency_id, "agreed_at": "none",
         "how": "present", "post": ""},
    )  # fmt: skip
    came = Attendance.objects.get()
    assert (came.standing, came.agency) == ("guest", london.officer.agency)
    assert attendance.quorum_of(london.meeting).here == 0, "a guest counts for no quorum"


def test_deciding_body_of_the_criteria_books_for_its_own_meeting(richmond):
    youth = factories.meeting(
        richmond.scheme, date(2026, 4, 15), body=Body.objects.get(scheme=richmond.scheme, slug="dyo")
    )

    richmond.put(richmond.referral(criteria="dyo"), youth)

    guests = youth.body.policy.guests
    assert Presentation.objects.count() == int(guests.nominating_officer)

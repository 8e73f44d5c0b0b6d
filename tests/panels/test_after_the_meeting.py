"""What the home page and the clock say at and after a meeting."""

from datetime import date

import pytest

from iom import reminders, together
from iom.access import actor_for
from iom.models import Notification
from panels import blocks, minutes as verbs, notices, recording
from panels.decide import Choice, decide
from panels.models import Minutes, Outcome, Section
from panels.record import fingerprint, record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
DUE = date(2026, 3, 19)


@pytest.fixture
def meeting(merton, coordinator, chair, police):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police)
    referral = factories.referral(merton, police, status="on_agenda", meeting=made)
    item = factories.agenda_item(made, Section.REFERRALS, referral=referral)
    decide(item, Choice(Outcome.NOT_ACCEPT, reason="x", reason_for_referrer="Score too low"), by=actor_for(coordinator))
    return made


@pytest.fixture
def closed(meeting, as_coordinator):
    recording.close(meeting, by=as_coordinator)
    meeting.refresh_from_db()
    return meeting


def words(find, actor):
    return [(task.text, task.url) for task in together.run(together.items_of(find(actor, DAY)))]


def test_live_meeting_is_one_press_away(meeting, as_coordinator, as_police):
    assert words(blocks.record_meetings, as_coordinator) == [
        ("Live now: IOM panel 12 March", "/meetings/2026-03-12/live/")
    ]
    assert words(blocks.record_meetings, as_police) == []


def test_minutes_are_the_coordinators_then_the_chairs(closed, as_coordinator, as_chair):
    assert words(blocks.finish_minutes, as_chair) == []
    [(text, url)] = words(blocks.finish_minutes, as_coordinator)
    assert (text, url) == ("Send the minutes to the chair: panel of 12 March", "/meetings/2026-03-12/minutes/")

    verbs.send_to_chair(Minutes.objects.get(), by=as_coordinator)

    assert words(blocks.finish_minutes, as_coordinator) == []
    assert words(blocks.finish_minutes, as_chair) == [
        ("Sign the minutes: panel of 12 March", "/meetings/2026-03-12/minutes/review/")
    ]


def test_notices_wait_for_the_coordinator_then_for_the_referrer(closed, as_coordinator, as_police):
    assert words(blocks.send_notices, as_coordinator) == [
        ("Send 1 notice: panel of 12 March", "/meetings/2026-03-12/notices/")
    ]

    notices.send(closed, {}, by=as_coordinator)

    assert words(blocks.send_notices, as_coordinator) == []
    reference = closed.items.get().referral.reference
    assert words(blocks.read_decisions, as_police) == [
        (f"Read the decision on referral {reference}", f"/referrals/{reference}/decision/")
    ]


@pytest.mark.parametrize(
    ("on", "sent"),
    [
        pytest.param(date(2026, 3, 16), 0, id="three days before"),
        pytest.param(date(2026, 3, 17), 1, id="two days before"),
        pytest.param(DUE, 1, id="on the day"),
        pytest.param(date(2026, 3, 24), 1, id="after days missed"),
    ],
)
@pytest.mark.feature(200)
def test_minutes_due_is_said_once_to_the_coordinator(closed, coordinator, on, sent):
    reminders.sweep(on)
    reminders.sweep(on)

    told = Notification.objects.filter(kind="minutes_due", recipient=coordinator.user)
    assert told.count() == sent
    assert {each.text for each in told} <= {"Minutes due Thu 19 March: IOM panel 12 March"}


def test_minutes_with_the_chair_are_the_chairs_to_hear_of(closed, as_coordinator, chair, coordinator):
    verbs.send_to_chair(Minutes.objects.get(), by=as_coordinator)

    reminders.sweep(DUE)

    assert Notification.objects.filter(kind="minutes_to_sign_due", recipient=chair.user).count() == 1
    assert not Notification.objects.filter(kind="minutes_due").exists()


def test_signed_minutes_are_due_no_more(closed, as_coordinator, as_chair):
    minutes = verbs.send_to_chair(Minutes.objects.get(), by=as_coordinator)
    verbs.sign(
        minutes,
        by=as_chair,
        typed_name="Grace Adeyemi",
        record_sha256=fingerprint(record_of(minutes)),
        fresh=True,
    )

    reminders.sweep(DUE)

    assert not Notification.objects.filter(kind__in=["minutes_due", "minutes_to_sign_due"]).exists()

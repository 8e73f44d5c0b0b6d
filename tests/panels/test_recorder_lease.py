"""One recorder at a time, by a lease of a minute; taking over is asked for, and audited (security.md C4)."""

from __future__ import annotations

import html
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from iom.access import actor_for
from iom.models import AuditEvent
from iom.steps import StepRefused
from panels import recording
from panels.models import KeptWords, Section
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
KEY = "2026-03-12"
NOW = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def second(merton):
    return factories.member(merton, "coordinator", name="Ada Second")


@pytest.fixture
def as_second(second):
    return actor_for(second)


@pytest.fixture
def meeting(merton, coordinator, chair, as_coordinator):
    made = factories.meeting(merton, DAY, chair=chair, status="agenda_sent")
    factories.agenda_item(made, Section.APOLOGIES)
    return recording.start(made, by=as_coordinator)


def verbs_of(meeting) -> list[str]:
    events = AuditEvent.objects.filter(object_type="iom.meeting", object_ref=meeting.key) | AuditEvent.objects.filter(
        object_type="iom.meeting", object_ref=str(meeting.pk)
    )
    return [event.verb for event in events.order_by("pk")]


def words(response) -> str:
    return html.unescape(response.content.decode())


def test_whoever_starts_holds_the_pen_for_a_minute(meeting):
    assert meeting.recorder_until == NOW + timedelta(seconds=60)
    assert recording.leased(meeting)


def test_while_the_lease_runs_taking_over_only_asks(meeting, coordinator, second, as_second):
    asked = recording.take_over(meeting, by=as_second)

    assert (asked.recorder, asked.asks_to_record, asked.asked_to_record_at) == (coordinator.user, second.user, NOW)
    assert "ask_to_record" in verbs_of(meeting)


@pytest.mark.parametrize(("seconds", "took"), [(59, False), (60, True)])
def test_after_the_lease_anyone_of_the_office_may_take_over(meeting, second, as_second, clock, seconds, took):
    clock.shift(timedelta(seconds=seconds))

    after = recording.take_over(meeting, by=as_second)

    assert (after.recorder == second.user) is took
    assert ("take_over_recording" in verbs_of(meeting)) is took


def test_saving_and_the_heartbeat_renew_the_lease(meeting, sign_in, coordinator, as_coordinator, as_second, clock):
    recorder = sign_in(coordinator)
    clock.shift(timedelta(seconds=50))
    assert recorder.post(reverse("heartbeat", args=[KEY])).json() == {
        "recording": True,
        "recorder": "Priya Shah",
        "asks": "",
    }
    clock.shift(timedelta(seconds=50))
    recording.keep_draft(meeting.items.get(), {"note": "x"}, by=as_coordinator)
    clock.shift(timedelta(seconds=50))

    assert recording.take_over(meeting, by=as_second).recorder == coordinator.user


def test_heartbeat_tells_who_asks_and_who_lost_the_pen(meeting, sign_in, coordinator, second, as_second, clock):
    recorder = sign_in(coordinator)
    recording.take_over(meeting, by=as_second)
    assert recorder.post(reverse("heartbeat", args=[KEY])).json()["asks"] == "Ada Second"

    clock.shift(timedelta(seconds=121))
    recording.take_over(meeting, by=as_second)

    told = recorder.post(reverse("heartbeat", args=[KEY])).json()
    assert (told["recording"], told["recorder"], told["asks"]) == (False, "Ada Second", "")


def test_recorder_sees_the_request_and_hands_over(meeting, sign_in, coordinator, second):
    recorder, other = sign_in(coordinator), sign_in(second)
    asked = words(other.post(reverse("take_over", args=[KEY]), follow=True))
    assert "Priya Shah has been asked to hand over" in asked
    assert "You asked Priya Shah at 10:00" in asked
    assert "Ada Second</strong> asks to take over" in words(recorder.get(reverse("live", args=[KEY])))

    page = words(recorder.post(reverse("hand_over", args=[KEY]), follow=True))

    meeting.refresh_from_db()
    assert (meeting.recorder, meeting.asks_to_record) == (second.user, None)
    assert "Ada Second is recording now" in page
    assert "hand_over_recording" in verbs_of(meeting)


def test_recorder_may_keep_recording(meeting, sign_in, coordinator, second, as_second):
    recording.take_over(meeting, by=as_second)

    sign_in(coordinator).post(reverse("hand_over", args=[KEY]), {"answer": "keep"})

    meeting.refresh_from_db()
    assert (meeting.recorder, meeting.asks_to_record) == (coordinator.user, None)
    assert "keep_recording" in verbs_of(meeting)


@pytest.mark.parametrize(("seconds", "allowed"), [(59, False), (60, True)])
def test_chair_hands_over_after_a_minute_without_an_answer(
    meeting, sign_in, coordinator, chair, second, as_second, as_coordinator, clock, seconds, allowed
):
    recording.take_over(meeting, by=as_second)
    clock.shift(timedelta(seconds=seconds))
    recording.renew(meeting, by=as_coordinator)
    client = sign_in(chair)
    assert ("Hand over to Ada Second" in words(client.get(reverse("live", args=[KEY])))) is allowed

    response = client.post(reverse("force_hand_over", args=[KEY]))

    meeting.refresh_from_db()
    assert response.status_code == (302 if allowed else 409)
    assert (meeting.recorder == second.user) is allowed
    assert ("force_hand_over" in verbs_of(meeting)) is allowed


def test_nobody_else_hands_over(meeting, as_second, as_police, as_chair):
    recording.take_over(meeting, by=as_second)

    with pytest.raises(recording.NotRecording):
        recording.hand_over(meeting, by=as_second)
    with pytest.raises(PermissionDenied):
        recording.hand_over(meeting, by=as_police)
    with pytest.raises(PermissionDenied):
        recording.force_hand_over(meeting, by=as_second)


def test_without_a_request_there_is_nothing_to_hand_over(meeting, as_coordinator, as_chair):
    with pytest.raises(StepRefused, match="Nobody asks"):
        recording.hand_over(meeting, by=as_coordinator)
    with pytest.raises(StepRefused, match="Nobody asks"):
        recording.force_hand_over(meeting, by=as_chair)


def test_old_recorders_next_save_is_409_with_both_texts(meeting, sign_in, coordinator, as_second, clock):
    item = meeting.items.get()
    clock.shift(timedelta(seconds=60))
    recording.take_over(meeting, by=as_second)
    recording.keep_draft(item, {"note": "What Ada wrote"}, by=as_second)
    typed = {"item": item.number, "version": item.version, "note": "What Priya wrote", "then": "save", "actions": "0"}

    page = sign_in(coordinator).post(reverse("live", args=[KEY]), typed)

    assert page.status_code == 409
    assert "Ada Second is recording this meeting now" in words(page)
    assert "What Priya wrote" in words(page)
    assert "What Ada wrote" in words(page)
    item.refresh_from_db()
    assert item.draft == {"note": "What Ada wrote"}
    # The refusal is rolled back; her words are not.
    assert KeptWords.objects.get().words == {"note": "What Priya wrote"}


@pytest.mark.feature(301)
def test_who_lost_the_pen_keeps_what_they_typed(
    meeting, sign_in, coordinator, second, as_second, as_coordinator, clock
):
    item, priya, ada = meeting.items.get(), sign_in(coordinator), sign_in(second)
    recording.keep_draft(item, {"note": "Saved before", "quick": "Housing: visit"}, by=as_coordinator)
    clock.shift(timedelta(seconds=61))
    ada.post(reverse("take_over", args=[KEY]))
    recording.keep_draft(item, {"note": "What Ada wrote"}, by=as_second)

    # Her page was open, and saves what she goes on typing.
    typed = {"item": item.number, "note": "Typed after", "typed_into": "note"}
    told = priya.post(reverse("live_draft", args=[KEY]), typed, headers={"X-Autosave": "1"})

    assert told.status_code == 200
    assert told.json()["aside"] == (
        "Ada Second is recording this meeting now. You can ask to take over. "
        "What you type is kept for you and is not in the record."
    )
    mine = words(priya.get(reverse("live", args=[KEY])))
    assert "You typed this before Ada Second took over" in mine
    assert "Typed after" in mine
    assert "Housing: visit" in mine
    assert "Put it into the record" not in mine
    # Nobody else meets it, and the record is Ada's.
    assert "Typed after" not in words(ada.get(reverse("live", args=[KEY])))
    item.refresh_from_db()
    assert item.draft == {"note": "What Ada wrote"}


def test_who_records_again_puts_kept_words_where_nothing_stands(
    meeting, sign_in, coordinator, second, as_second, as_coordinator, clock
):
    item, priya = meeting.items.get(), sign_in(coordinator)
    row = {"actions": "1", "action-0-text": "Visit", "action-0-agency": "housing"}
    recording.keep_draft(item, {"note": "Saved before", "quick": "Housing: ring"} | row, by=as_coordinator)
    clock.shift(timedelta(seconds=61))
    recording.take_over(meeting, by=as_second)
    recording.keep_draft(item, {"note": "What Ada wrote", **row}, by=as_second)
    clock.shift(timedelta(seconds=61))
    priya.post(reverse("take_over", args=[KEY]))
    page = words(priya.get(reverse("live", args=[KEY])))
    assert "You typed this before Ada Second took over" in page
    # What the record says already is not said twice.
    assert '<dd class="iom-kept-text">Visit</dd>' not in page

    priya.post(reverse("use_kept_words", args=[KEY]), {"item": item.number})

    item.refresh_from_db()
    assert item.draft["note"] == "What Ada wrote"
    assert item.draft["quick"] == "Housing: ring"
    assert item.draft["actions"] == "1"
    assert KeptWords.objects.get(user=coordinator.user).words == {"note": "Saved before"}
    priya.post(reverse("use_kept_words", args=[KEY]), {"item": item.number, "answer": "delete"})
    assert not KeptWords.objects.filter(user=coordinator.user).exists()


def test_each_field_saves_itself_beside_the_others(meeting, sign_in, coordinator, as_coordinator):
    item, recorder = meeting.items.get(), sign_in(coordinator)
    recording.keep_draft(item, {"note": "From the other tab", "chips": ["New offences"]}, by=as_coordinator)

    posted = {
        "item": item.number,
        "quick": "Housing: visit",
        "note": "",
        "typed_into": "quick chips csrfmiddlewaretoken",
    }
    recorder.post(reverse("live_draft", args=[KEY]), posted, headers={"X-Autosave": "1"})

    item.refresh_from_db()
    assert item.draft == {"note": "From the other tab", "quick": "Housing: visit", "chips": ""}


def test_those_who_do_not_record_only_read(meeting, sign_in, second):
    page = words(sign_in(second).get(reverse("live", args=[KEY])))

    assert "Recording: Priya Shah" in page
    assert "data-autosave=" not in page
    assert "data-heartbeat" not in page

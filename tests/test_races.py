"""Many hands at once, on real transactions: every race starts at a barrier and ends with one truth (security.md C1 to C4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import close_old_connections, connections
from django.urls import reverse

from actionplans.actions import add_action, update_action
from actionplans.models import Action
from iom import clock, walls
from iom.access import actor_for
from iom.models import Agency, AuditEvent, FormKey, Meeting
from iom.models.records import Counter
from iom.steps import Stale, StepRefused
from offenders.models import CustodyPeriod
from panels import agenda, minutes, recording
from panels.decide import Choice, decide
from panels.models import AgendaItem, Minutes, Outcome, Section
from panels.record import fingerprint, record_of
from tests import factories

DAY = date(2026, 3, 12)
KEY = "2026-03-12"


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of these gave, or the error it raised, all started at the same moment."""
    barrier, gave = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            gave[place] = work()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            gave[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    return gave


def raised(gave: list[Any]) -> list[Exception]:
    return [each for each in gave if isinstance(each, Exception)]


@pytest.fixture
def merton(committed):
    return factories.scheme("merton")


@pytest.fixture
def live(merton):
    """A live meeting with one review, recorded by Priya."""
    priya = factories.member(merton, "coordinator", name="Priya Shah")
    grace = factories.member(merton, "chair", "member", agency_kind="probation", name="Grace Adeyemi")
    meeting = factories.live_meeting(merton, DAY, recorder=priya, chair=grace)
    factories.attended(meeting, grace)
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    return {"meeting": meeting, "item": item, "priya": priya, "grace": grace}


def inside(scheme, work: Callable[[], Any], by=None) -> Callable[[], Any]:
    """The work in a transaction of this scheme, as a request has it."""

    def done() -> Any:
        with walls.within(scheme, by=by, cause="" if by else "test"):
            return work()

    return done


def test_16_references_at_once_are_16_numbers(merton):
    gave = at_once(*[inside(merton, lambda: Counter.next(merton, "case"))] * 16)

    assert sorted(gave) == list(range(1, 17))


def test_16_late_items_at_once_have_16_numbers(merton):
    by = factories.actor(merton, "coordinator")
    meeting = factories.meeting(merton, DAY, status="agenda_sent")
    cases = [factories.case(merton) for _ in range(16)]

    def add(case):
        return inside(merton, lambda: agenda.add_item(meeting, section=Section.REVIEWS, case=case, by=by).number, by)

    gave = at_once(*[add(case) for case in cases])

    with walls.within(merton, cause="test"):
        items = list(AgendaItem.objects.filter(meeting=meeting))
    assert raised(gave) == []
    assert len({item.number for item in items}) == len({item.position for item in items}) == 16


def test_one_form_sent_16_times_at_once_works_once_and_answers_alike(merton, sign_in):
    person = factories.member(merton, "coordinator")
    case = factories.case(merton)
    where = f"/cases/{case.reference}/custody/"
    typed = {"kind": "remand", "prison": "HMP High Down", "starts_on": "2 3 2026", "version": "0"}
    clients = [sign_in(person) for _ in range(5)]

    gave = at_once(*[lambda client=clients[n % 5]: client.post(where, typed, key="k" * 64) for n in range(16)])

    assert [(answer.status_code, answer["Location"]) for answer in gave] == [(302, where)] * 16
    with walls.within(merton, cause="test"):
        assert CustodyPeriod.objects.count() == 1
        assert AuditEvent.objects.filter(verb="record_custody").count() == 1
    assert FormKey.objects.count() == 1


def test_one_key_with_different_answers_at_once_works_once(merton, sign_in):
    person = factories.member(merton, "coordinator")
    case = factories.case(merton)
    where = f"/cases/{case.reference}/custody/"
    clients = [sign_in(person) for _ in range(4)]

    def send(number):
        typed = {"kind": "remand", "prison": f"HMP Number {number}", "starts_on": "2 3 2026", "version": "0"}
        return lambda: clients[number].post(where, typed, key="k" * 64).status_code

    gave = at_once(*[send(number) for number in range(4)])

    assert sorted(gave) == [302, 409, 409, 409]
    with walls.within(merton, cause="test"):
        assert CustodyPeriod.objects.count() == 1


def test_two_who_save_over_the_same_version_are_one_save_and_one_conflict(merton):
    first, second = factories.actor(merton, "coordinator"), factories.actor(merton, "coordinator")
    with walls.within(merton, by=first):
        agency = Agency.objects.get(slug="housing")
        action = add_action(case=factories.case(merton), text="Confirm", agency=agency, due_on=clock.today(), by=first)

    def save(by, note):
        return inside(merton, lambda: update_action(action, status="done", note=note, version=1, by=by), by)

    gave = at_once(save(first, "Mine"), save(second, "Theirs"))

    (refused,) = raised(gave)
    (saved,) = [each for each in gave if not isinstance(each, Exception)]
    assert isinstance(refused, Stale)
    assert refused.thing.note == saved.note
    with walls.within(merton, cause="test"):
        assert Action.objects.get().version == 2


def test_autosave_of_the_same_words_by_two_people_keeps_one_and_shows_the_other_both(merton, live, sign_in):
    meeting, priya = live["meeting"], live["priya"]
    ada = factories.member(merton, "coordinator", name="Ada Second")
    by = actor_for(priya)
    with walls.within(merton, by=by):
        decide(live["item"], Choice(Outcome.NO_CHANGE), by=by)
        draft = recording.close(Meeting.objects.get(pk=meeting.pk), by=by)
    clients = {"Words of Priya": sign_in(priya), "Words of Ada": sign_in(ada)}
    field = f"item_{live['item'].pk}"

    def save(words):
        typed = {"version": draft.version, field: words}
        return lambda: clients[words].post(reverse("minutes", args=[KEY]), typed, headers={"X-Autosave": "1"})

    gave = at_once(*[save(words) for words in clients])

    assert sorted(answer.status_code for answer in gave) == [200, 409]
    with walls.within(merton, cause="test"):
        (kept,) = Minutes.objects.get().narrative.values()
    (refused,) = [answer.json() for answer in gave if answer.status_code == 409]
    (lost,) = set(clients) - {kept}
    assert [(row["mine"], row["theirs"]) for row in refused["conflicts"]] == [(lost, kept)]


def test_two_signatures_at_once_are_one(merton, live):
    by, chair = actor_for(live["priya"]), actor_for(live["grace"])
    with walls.within(merton, by=by):
        decide(live["item"], Choice(Outcome.NO_CHANGE), by=by)
        waiting = minutes.send_to_chair(recording.close(Meeting.objects.get(pk=live["meeting"].pk), by=by), by=by)
        seen = fingerprint(record_of(waiting))

    def sign():
        return minutes.sign(waiting, by=chair, typed_name="Grace Adeyemi", record_sha256=seen, fresh=True)

    gave = at_once(inside(merton, sign, chair), inside(merton, sign, chair))

    (refused,) = raised(gave)
    assert isinstance(refused, StepRefused)
    with walls.within(merton, cause="test"):
        assert AuditEvent.objects.filter(verb="sign", outcome="done").count() == 1
        assert Meeting.objects.get(pk=live["meeting"].pk).status == "signed"


def test_two_who_take_over_after_the_lease_are_one_recorder(merton, live):
    meeting = live["meeting"]
    others = [factories.actor(merton, "coordinator") for _ in range(2)]

    gave = at_once(
        *[inside(merton, lambda by=by: recording.take_over(meeting, by=by).recorder_id, by) for by in others]
    )

    assert raised(gave) == []
    with walls.within(merton, cause="test"):
        held = Meeting.objects.get(pk=meeting.pk)
        assert AuditEvent.objects.filter(verb="take_over_recording").count() == 1
    # The second one met a lease that had just begun, and asked.
    assert gave == [held.recorder_id] * 2
    assert {held.recorder_id, held.asks_to_record_id} == {by.user.pk for by in others}


def test_recorder_who_saves_while_another_takes_over_saves_before_or_not_at_all(merton, live):
    ada = factories.actor(merton, "coordinator", name="Ada Second")
    priya = actor_for(live["priya"])
    with time_machine.travel(datetime(2026, 3, 12, 10, 0, tzinfo=UTC) + timedelta(hours=1), tick=True):
        gave = at_once(
            inside(merton, lambda: decide(live["item"], Choice(Outcome.NO_CHANGE, version=1), by=priya), priya),
            inside(merton, lambda: recording.take_over(live["meeting"], by=ada), ada),
        )

    decided, taken = gave
    assert not isinstance(taken, Exception)
    with walls.within(merton, cause="test"):
        held = Meeting.objects.get(pk=live["meeting"].pk)
        state = AgendaItem.objects.get(pk=live["item"].pk).state
    if isinstance(decided, Exception):
        assert isinstance(decided, recording.NotRecording)
        assert (held.recorder_id, state) == (ada.user.pk, "open")
    else:
        assert (held.recorder_id, held.asks_to_record_id, state) == (priya.user.pk, ada.user.pk, "decided")

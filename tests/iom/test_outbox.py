"""Work outside the request: asked for once, done once, tried again, never lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction

from iom import clock, outbox
from iom.models import OutboxMessage
from tests import factories

ran: list[int] = []


def _work(message: OutboxMessage) -> str | None:
    if message.payload.get("fails"):
        raise RuntimeError("somebody's name that must not be stored")
    ran.append(message.payload["number"])
    return None


outbox.handler("test_work")(_work)


@pytest.fixture(autouse=True)
def _nothing_ran():
    ran.clear()


@pytest.mark.django_db
def test_add_same_key_twice_does_the_work_once(merton):
    outbox.add("test_work", scheme=merton, key="a", number=1)
    outbox.add("test_work", scheme=merton, key="a", number=1)

    outbox.drain()

    assert ran == [1]


@pytest.mark.django_db
def test_deliver_twice_has_no_second_effect(merton):
    outbox.add("test_work", scheme=merton, key="a", number=1)
    message = OutboxMessage.objects.get(kind="test_work")

    outcomes = [outbox.deliver(message.pk), outbox.deliver(message.pk)]

    assert (outcomes, ran) == (["done", "nothing to do"], [1])


@pytest.mark.django_db
def test_rolled_back_request_asks_for_nothing(merton):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.add("test_work", scheme=merton, key="a", number=1)
        1 / 0

    assert outbox.drain() == 0


@pytest.mark.django_db
def test_work_that_the_queue_lost_comes_up_again_within_five_minutes(merton, settings):
    outbox.add("test_work", scheme=merton, key="lost", number=1)
    start = clock.now()
    given = timedelta(seconds=settings.OUTBOX_ANSWER_SECONDS)
    assert given < timedelta(minutes=5)

    with clock.as_of(start):
        lost = outbox.claim()
    with clock.as_of(start + given - timedelta(microseconds=1)):
        assert outbox.claim() == []
    with clock.as_of(start + given):
        assert outbox.claim() == lost
        assert [outbox.deliver(each) for each in (*lost, *lost)] == ["done", "nothing to do"]

    assert ran == [1]


@pytest.mark.django_db
def test_failing_work_is_tried_seven_times_then_put_aside(merton):
    outbox.add("test_work", scheme=merton, key="bad", fails=1)
    outbox.add("test_work", scheme=merton, key="good", number=2)
    start = clock.now()

    tries = 0
    for hour in range(12):
        with time_machine.travel(start + timedelta(hours=2 * hour), tick=False):
            tries += outbox.drain()

    message = OutboxMessage.objects.get(key__endswith="bad")
    assert (message.attempts, message.dead, message.last_error) == (7, True, "RuntimeError")
    assert ran == [2]
    assert tries == 8


@pytest.mark.django_db
def test_message_that_nobody_finished_comes_up_again(merton):
    outbox.add("test_work", scheme=merton, key="a", number=1)
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=UTC), tick=False):
        OutboxMessage.objects.update(due_at=clock.now())
        first = outbox.claim()
        assert outbox.claim() == []

    with time_machine.travel(datetime(2026, 11, 20, 9, 15, tzinfo=UTC), tick=False):
        assert outbox.claim() == first


def test_two_relays_at_once_never_claim_the_same_message(committed):
    scheme = factories.scheme()
    for number in range(40):
        outbox.add("test_work", scheme=scheme, key=str(number), number=number)
    barrier, claimed = threading.Barrier(2), []

    def relay():
        barrier.wait()
        claimed.extend(outbox.claim(limit=25))
        connection.close()

    threads = [threading.Thread(target=relay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 40

"""Two requests that wait for each other: the database undoes one, which is done again (security.md C4)."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.contrib.messages.storage.session import SessionStorage
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory

from iom import walls
from iom.access import actor_for
from iom.models import AuditEvent
from offenders.models import Offender
from tests import factories


@pytest.fixture
def merton(committed):
    return factories.scheme()


def a_request(scheme, member):
    request = RequestFactory().post("/")
    request.user, request.id, request.session = member.user, "test", {}
    request.actor = actor_for(member)
    request.resolver_match = SimpleNamespace(view_name="cases", args=(), kwargs={})
    request.memberships = []
    request._messages = SessionStorage(request)
    return request


def raise_deadlock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '40P01'; END $$")


def test_of_two_that_wait_for_each_other_both_are_done(merton):
    with walls.within(merton, cause="test"):
        member = factories.member(merton, "coordinator")
        people = [factories.offender(merton).pk for _ in range(2)]
    both = threading.Barrier(2)
    tries: list[int] = []
    answers: list[int] = []

    def work(order: list[int]) -> None:
        def respond(request):
            tries.append(1)
            first, second = order
            Offender.objects.filter(pk=first).update(area=f"by {order}")
            if len(tries) <= 2:
                both.wait()
            Offender.objects.filter(pk=second).update(area=f"by {order}")
            return HttpResponse()

        answers.append(walls.OneTransaction(respond)(a_request(merton, member)).status_code)
        connection.close()

    threads = [threading.Thread(target=work, args=(order,)) for order in (people, people[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200, 200]
    assert len(tries) == 3
    with walls.within(merton, cause="test"):
        assert len(set(Offender.objects.values_list("area", flat=True))) == 1


def test_what_is_undone_four_times_is_told_to_come_again(merton):
    with walls.within(merton, cause="test"):
        member = factories.member(merton, "coordinator")
        person = factories.offender(merton)
    tries: list[int] = []

    def respond(request):
        tries.append(1)
        Offender.objects.filter(pk=person.pk).update(area="half done")
        raise_deadlock()

    answer = walls.OneTransaction(respond)(a_request(merton, member))

    assert (answer.status_code, answer["Retry-After"], len(tries)) == (503, "5", 4)
    with walls.within(merton, cause="test"):
        assert Offender.objects.get().area == ""


def test_a_deadlock_in_a_view_is_seen_before_it_becomes_an_error_page(merton):
    with walls.within(merton, cause="test"):
        member = factories.member(merton, "coordinator")
    tries: list[int] = []

    def respond(request):
        tries.append(1)
        try:
            if len(tries) == 1:
                raise_deadlock()
        except OperationalError as error:
            return wall.process_exception(request, error)
        return HttpResponse()

    wall = walls.OneTransaction(respond)

    assert wall(a_request(merton, member)).status_code == 200
    assert len(tries) == 2


def test_another_error_of_the_database_is_no_deadlock(merton):
    with walls.within(merton, cause="test"):
        member = factories.member(merton, "coordinator")

    def respond(request):
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$")

    with pytest.raises(OperationalError):
        walls.OneTransaction(respond)(a_request(merton, member))
    with walls.within(merton, cause="test"):
        assert AuditEvent.objects.get(kind="failed").outcome == "failed"

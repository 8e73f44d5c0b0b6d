"""One connection after another person's, in another scheme: nothing is carried over (docs/running.md, "Connections")."""

from __future__ import annotations

import threading
from itertools import cycle

import pytest
from django.db import DatabaseError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import Connection
from psycopg.pq import TransactionStatus

from iom import audit, pooling, walls
from offenders.models import Leaving
from tests import factories
from tests.factories.client import KeyedClient
from tests.factories.signing_in import verified

SAID = """
    SELECT pg_backend_pid(), coalesce(current_setting('iom.scheme', true), ''),
           coalesce(current_setting('iom.who', true), ''), coalesce(current_setting('iom.key', true), ''),
           (SELECT count(*) FROM offenders_case)
"""
NOTHING = ("", "", "", 0)
STRATEGY = {"who_stays": "Turning Point", "contact": "020 7946 0199", "way_back": "Any agency", "version": "0"}


class Person:
    """A coordinator of a scheme, signed in, with one case there."""

    def __init__(self, preset: str, name: str) -> None:
        self.scheme = factories.scheme(preset)
        with walls.within(self.scheme, cause="test"):
            self.membership = factories.member(self.scheme, "coordinator")
            who = factories.offender(self.scheme, family_name=name)
            self.case = factories.case(self.scheme, who=who)
        self.name = name
        self.client = KeyedClient(raise_request_exception=False)
        self.client.force_login(self.membership.user, backend="django.contrib.auth.backends.ModelBackend")
        session = self.client.session
        verified(session)
        session.save()

    def asks(self, path, data=None):
        """The answer, as text; the connection is given back at the end, as it is after each request that is served."""
        response = self.client.get(path) if data is None else self.client.post(path, data)
        connections["default"].close()
        return response.status_code, response.content.decode().lower()


@pytest.fixture
def two(committed):
    return Person("merton", "Quillfeather"), Person("richmond", "Marrowby")


@pytest.fixture
def one_connection(two):
    """All who ask share one connection."""
    database = connections.settings["default"]
    before = dict(database)
    pooling.begin(1)
    connection.pool.open(wait=True)
    yield connection.pool
    connection.close()
    connection.close_pool()
    database.clear()
    database.update(before)


def said(pool):
    """What the one connection still knows when nobody asks, and its number."""
    with pool.connection() as bare:
        number, *rest = bare.execute(SAID).fetchone()
    return number, tuple(rest)


def test_two_schemes_alternate_over_one_connection_and_see_their_own_alone(two, one_connection, monkeypatch):
    numbers = set()

    def nothing_is_left():
        number, left = said(one_connection)
        numbers.add(number)
        assert left == NOTHING

    def each_sees_their_own():
        for person, other in (two, two[::-1]):
            for path in ("/cases/", f"/cases/{person.case.reference}/"):
                status, page = person.asks(path)
                assert (status, person.name.lower() in page, other.name.lower() in page) == (200, True, False)
                nothing_is_left()

    each_sees_their_own()
    for person, other in (two, two[::-1]):  # refused, and undone
        assert person.asks(f"/cases/{other.case.reference}/")[0] == 404
        nothing_is_left()
    for person in two:  # a form that is refused, and one that is saved
        assert person.asks(f"/cases/{person.case.reference}/exit/strategy/", {"version": "0"})[0] in (200, 422)
        nothing_is_left()
        assert person.asks(f"/cases/{person.case.reference}/exit/strategy/", STRATEGY)[0] == 302
        nothing_is_left()
    with monkeypatch.context() as failing:  # in the middle, with a transaction that the database gave up

        def fail(*args):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        failing.setattr(audit, "read", fail)
        for person in two:
            assert person.asks("/cases/")[0] == 500
            nothing_is_left()
    assert KeyedClient().get("/sign-in/").status_code == 200
    connections["default"].close()
    each_sees_their_own()

    assert len(numbers) == 1
    for person in two:
        with walls.within(person.scheme, cause="test"):
            assert Leaving.objects.count() == 1
        connections["default"].close()


def test_two_threads_wait_for_the_one_connection_and_see_their_own_alone(two, one_connection):
    wrong = []

    def ask(person, other):
        try:
            for _ in range(5):
                status, page = person.asks("/cases/")
                if (status, person.name.lower() in page, other.name.lower() in page) != (200, True, False):
                    wrong.append((person.name, status))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=pair) for pair in (two, two[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert said(one_connection)[1] == NOTHING


def test_whoever_waits_too_long_for_a_connection_hears_that_the_database_is_away(two, one_connection, monkeypatch):
    monkeypatch.setattr(one_connection, "timeout", 0.05)
    with one_connection.connection():
        status, page = two[0].asks("/cases/")

    assert (status, "the service is not available" in page) == (503, True)
    assert two[0].asks("/cases/")[0] == 200


def test_each_transaction_may_have_another_connection(two, monkeypatch):
    """As behind a pooler in transaction mode: what is said outside of a transaction would be lost, or meet a stranger."""
    connection.ensure_connection()
    first = connection.connection
    spare = Connection.connect(**connection.get_connection_params(), autocommit=True)
    others, used = cycle([spare, first]), []
    begin_or_end = DatabaseWrapper.set_autocommit

    def hand_over(self, autocommit, *args, **options):
        if self.alias == "default" and not autocommit:
            assert self.connection.info.transaction_status is TransactionStatus.IDLE
            *_, scheme, who, key, rows = self.connection.execute(SAID).fetchone()
            assert (scheme, who, key, rows) == NOTHING
            self.connection = next(others)
            used.append(self.connection)
        return begin_or_end(self, autocommit, *args, **options)

    monkeypatch.setattr(DatabaseWrapper, "set_autocommit", hand_over)
    try:
        for _ in range(2):
            for person, other in (two, two[::-1]):
                for path, expected in (("/cases/", 200), (f"/cases/{other.case.reference}/", 404), ("/", 200)):
                    response = person.client.get(path)
                    page = response.content.decode().lower()
                    assert (response.status_code, other.name.lower() in page) == (expected, False)
        for person in two:
            saved = person.client.post(f"/cases/{person.case.reference}/exit/strategy/", STRATEGY)
            assert saved.status_code == 302
            with walls.within(person.scheme, cause="test"):
                assert Leaving.objects.count() == 1
    finally:
        monkeypatch.undo()
        (spare if connection.connection is first else first).close()

    assert {id(each) for each in used} == {id(first), id(spare)}


def test_no_cursor_outlives_its_transaction(two):
    """It belongs to one connection: a pooler between transactions would lose it."""
    with walls.within(two[0].scheme, cause="test"), connection.cursor() as cursor:
        list(type(two[0].case).objects.iterator(chunk_size=1))
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE is_holdable")
        assert cursor.fetchone() == (0,)
    with pytest.raises(DatabaseError), walls.within(two[0].scheme, cause="test"), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert factories.acting_in() == ""

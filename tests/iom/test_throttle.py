"""Failures counted in the database: the three rules of sign-in, at their boundaries (security.md A4)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from iom import clock, throttle
from iom.models import PasswordReset, RememberedDevice, Throttle
from iom.tasks import sweep_sessions
from iom.throttle import Counter, Rule
from tests import factories
from tests.factories.signing_in import app_code, with_app

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def every(seconds: int, count: int) -> list[datetime]:
    return [at(seconds * number) for number in range(count)]


PAIR = Rule(failures=5, within=900, wait=900)
ACCOUNT = Rule(failures=20, within=3600, pace=30)
ADDRESS = Rule(failures=50, within=3600)


@pytest.mark.parametrize(
    ("rule", "failures", "now", "opens"),
    [
        pytest.param(PAIR, every(10, 4), at(31), None, id="four are not enough"),
        pytest.param(PAIR, every(10, 5), at(40), at(940), id="five close for 15 minutes from the fifth"),
        pytest.param(PAIR, every(10, 5), at(939.9), at(940), id="to the last second"),
        pytest.param(PAIR, every(10, 5), at(940), None, id="and no longer"),
        pytest.param(PAIR, every(224, 5), at(896), at(1796), id="five within 15 minutes"),
        pytest.param(PAIR, every(225, 5), at(900), None, id="five in 15 minutes and more are not within them"),
        pytest.param(PAIR, [*every(10, 5), at(940)], at(941), None, id="one after the wait closes nothing"),
        pytest.param(ACCOUNT, every(60, 19), at(1100), None, id="nineteen"),
        pytest.param(ACCOUNT, every(60, 20), at(1141), at(1170), id="twenty: one try each 30 seconds"),
        pytest.param(ACCOUNT, every(60, 20), at(1170), None, id="the 30 seconds are over"),
        pytest.param(ACCOUNT, every(60, 21), at(1201), at(1230), id="and again after the next failure"),
        pytest.param(ACCOUNT, every(60, 20), at(3600), None, id="the first of twenty is an hour old"),
        pytest.param(ADDRESS, every(10, 49), at(500), None, id="49 from one address"),
        pytest.param(ADDRESS, every(10, 50), at(500), at(3600), id="50: until the first is an hour old"),
        pytest.param(ADDRESS, every(10, 50), at(3600), None, id="which is now"),
    ],
)
def test_rule_opens(rule, failures, now, opens):
    assert rule.opens_at(failures, now) == opens


def test_rules_of_sign_in_are_those_of_the_requirements():
    def of(name: str) -> tuple[int, int, int, int]:
        rule = Counter(name, ()).rule
        return rule.failures, rule.within, rule.wait, rule.pace

    assert of("account and address") == (5, 15 * 60, 15 * 60, 0)
    assert of("account") == (20, 60 * 60, 0, 30)
    assert of("address") == (50, 60 * 60, 0, 0)
    assert of("code") == (5, 15 * 60, 15 * 60, 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (61, "2 minutes"), (900, "15 minutes")],
)
def test_wait_in_words(seconds, words):
    assert throttle.in_words(seconds) == words


# --- Counting -------------------------------------------------------------------------


@pytest.mark.django_db
def test_success_wipes_a_forgiving_counter_and_takes_back_its_own_try_from_others():
    pair, address = Counter("account and address", ("a", "b")), Counter("address", ("b",))
    for _ in range(3):
        throttle.begin(pair, address)
    throttle.begin(pair, address).succeeded()

    assert Throttle.objects.get(pk=pair.key).failures == []
    assert len(Throttle.objects.get(pk=address.key).failures) == 3


@pytest.mark.django_db
def test_closed_try_counts_nowhere():
    pair, address = Counter("account and address", ("a", "b")), Counter("address", ("b",))
    for _ in range(5):
        throttle.begin(pair, address)

    assert throttle.begin(pair, address).is_closed
    assert len(Throttle.objects.get(pk=address.key).failures) == 5


@pytest.mark.django_db
def test_failure_outlives_the_transaction_that_is_undone():
    counter = Counter("code", ("1",))
    with throttle.surviving() as kept:
        with transaction.atomic():
            throttle.begin(counter)
            transaction.set_rollback(True)
        assert not Throttle.objects.exists()
        for again in [*kept, *kept]:
            again()

    assert len(Throttle.objects.get(pk=counter.key).failures) == 1


@pytest.mark.django_db
def test_counters_are_forgotten_when_no_rule_looks_at_them():
    with clock.as_of(NOON):
        throttle.begin(Counter("code", ("1",)))
    with clock.as_of(at(7200)):
        throttle.begin(Counter("code", ("2",)))
        assert throttle.forget_old() == 0
    with clock.as_of(at(7201)):
        assert throttle.forget_old() == 1


@pytest.mark.django_db
def test_sweep_forgets_devices_and_links_that_are_over(merton):
    user = factories.member(merton, "member").user
    for hours in (0, 1):
        ends_at = NOON + timedelta(hours=hours)
        RememberedDevice.objects.create(user=user, digest=str(hours), browser="x", ends_at=ends_at)
        PasswordReset.objects.create(user=user, expires_at=ends_at - timedelta(days=1))
    with clock.as_of(NOON + timedelta(seconds=1)):
        sweep_sessions()

    assert list(RememberedDevice.objects.values_list("digest", flat=True)) == ["1"]
    assert PasswordReset.objects.count() == 1


def test_twenty_tries_at_once_let_five_through(committed):
    start, closed = threading.Barrier(20), []

    def attempt() -> None:
        try:
            with clock.as_of(NOON):
                start.wait()
                closed.append(throttle.begin(Counter("code", ("1",)), Counter("address", ("x",))).is_closed)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(closed) == [False] * 5 + [True] * 15


# --- At the sign-in page ------------------------------------------------------------------


@pytest.fixture
def person(merton):
    user = factories.member(merton, "member").user
    with_app(user)
    return user


def attempt(client: Client, email: str, password: str = "wrong", address: str = "192.0.2.1"):
    return client.post("/sign-in/", {"email": email, "password": password}, REMOTE_ADDR=address)


def wrong(times: int, email: str, address: str = "192.0.2.1", *, apart: int = 1) -> None:
    for number in range(times):
        with clock.as_of(clock.now() + timedelta(seconds=number * apart)):
            assert attempt(Client(), email, address=address).status_code == 200


def test_sixth_try_waits_even_with_the_right_password(person):
    with clock.as_of(NOON):
        wrong(5, person.email)
    with clock.as_of(at(4)):
        closed = attempt(Client(), person.email, factories.PASSWORD)
    with clock.as_of(at(4 + 900)):
        after = attempt(Client(), person.email, factories.PASSWORD)

    assert (closed.status_code, closed["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes, then try again" in closed.content.decode()
    assert after.status_code == 302


def test_throttle_shuts_out_an_unknown_address_alike(person):
    with clock.as_of(NOON):
        wrong(5, "nobody@example.org")
    with clock.as_of(at(4)):
        closed = attempt(Client(), "NOBODY@example.org")

    assert (closed.status_code, closed["Retry-After"]) == (429, "900")


def test_throttle_ignores_the_case_of_the_email(person):
    with clock.as_of(NOON):
        wrong(5, person.email.upper())
    with clock.as_of(at(4)):
        assert attempt(Client(), person.email, factories.PASSWORD).status_code == 429


def test_owner_elsewhere_is_not_shut_out_by_five_failures_of_a_stranger(person):
    with clock.as_of(NOON):
        wrong(5, person.email, "198.51.100.7")
        answer = attempt(Client(), person.email, factories.PASSWORD, "192.0.2.1")

    assert answer.status_code == 302


def test_twenty_failures_from_many_addresses_leave_one_try_each_thirty_seconds(person):
    for number in range(20):
        with clock.as_of(at(number)):
            assert attempt(Client(), person.email, address=f"198.51.100.{number}").status_code == 200
    with clock.as_of(at(20)):
        closed = attempt(Client(), person.email, factories.PASSWORD)
    with clock.as_of(at(19 + 30)):
        after = attempt(Client(), person.email, factories.PASSWORD)

    assert (closed.status_code, closed["Retry-After"]) == (429, "29")
    assert after.status_code == 302


def test_fifty_failures_from_one_address_close_it_for_everybody_there(person):
    for number in range(50):
        with clock.as_of(at(number)):
            assert attempt(Client(), f"guess{number}@example.org").status_code == 200
    with clock.as_of(at(50)):
        closed = attempt(Client(), person.email, factories.PASSWORD)
        elsewhere = attempt(Client(), person.email, factories.PASSWORD, "203.0.113.5")

    assert (closed.status_code, closed["Retry-After"]) == (429, str(3600 - 50))
    assert elsewhere.status_code == 302


def test_stranger_cannot_shut_out_the_owner_of_a_remembered_device(person):
    mine = Client()
    with clock.as_of(NOON):
        asked = attempt(mine, person.email, factories.PASSWORD)
        mine.post(asked.url, {"code": app_code(), "remember": "on"})
        mine.post("/sign-out/")
        assert RememberedDevice.objects.filter(user=person).count() == 1
        wrong(5, person.email)
    for number in range(30):
        with clock.as_of(at(60 + 31 * number)):
            attempt(Client(), person.email, address=f"198.51.100.{number}")
    with clock.as_of(at(60 + 31 * 29 + 1)):
        stranger = attempt(Client(), person.email, factories.PASSWORD, "203.0.113.9")
        owner = attempt(mine, person.email, factories.PASSWORD)

    assert stranger.status_code == 429
    assert owner.status_code == 302


def test_failures_in_a_remembered_device_are_counted_too(person):
    mine = Client()
    with clock.as_of(NOON):
        asked = attempt(mine, person.email, factories.PASSWORD)
        mine.post(asked.url, {"code": app_code(), "remember": "on"})
        mine.post("/sign-out/")
        for _ in range(5):
            assert attempt(mine, person.email).status_code == 200

        assert attempt(mine, person.email, factories.PASSWORD).status_code == 429


def test_table_holds_neither_emails_nor_addresses(person):
    attempt(Client(), person.email)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(iom_throttle)::text FROM iom_throttle")
        held = "".join(row[0] for row in cursor.fetchall())

    assert held
    assert person.email not in held
    assert "192.0.2.1" not in held


def test_every_rule_of_the_settings_is_well_formed():
    for name in settings.THROTTLES:
        assert Counter(name, ()).rule.failures > 0

"""Codes: good once, counted, sealed; recovery codes; what a session must show."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from iom import clock, second_factor
from iom.models import RecoveryCode, SecondFactor, Throttle, User
from iom.second_factor import Outcome, codes, sealed
from tests import factories

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = clock.datetime(2026, 3, 2, 12, 0, 7, tzinfo=clock.LONDON)


def set_up(user: User, secret: str = SECRET) -> SecondFactor:
    factor = SecondFactor(user=user, set_up_at=clock.now())
    factor.secret = second_factor.closed(factor, secret)
    factor.save()
    return factor


def code(drift: int = 0, secret: str = SECRET) -> str:
    return codes.code_at(secret, codes.step_at(clock.now()) + drift)


@pytest.fixture
def user(merton) -> User:
    person = factories.member(merton, "member").user
    set_up(person)
    return person


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_code_is_right_in_its_step_and_one_on_either_side(user, drift):
    with clock.as_of(NOON):
        assert second_factor.verify(user, code(drift)).ok


@pytest.mark.parametrize(
    ("drift", "outcome"), [(-2, Outcome.EXPIRED), (-11, Outcome.EXPIRED), (-12, Outcome.WRONG), (2, Outcome.WRONG)]
)
def test_code_of_another_time_is_told_as_expired_or_wrong(user, drift, outcome):
    with clock.as_of(NOON):
        assert second_factor.verify(user, code(drift)).outcome is outcome


def test_code_is_accepted_once(user):
    with clock.as_of(NOON):
        first, second = (second_factor.verify(user, code()) for _ in range(2))

    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.USED)
    assert second.words == "That code has been used. Wait for the next one in your app"


def test_code_before_the_accepted_one_is_not_accepted_after_it(user):
    with clock.as_of(NOON):
        assert second_factor.verify(user, code(1)).ok
        assert second_factor.verify(user, code(0)).outcome is Outcome.USED


def test_code_may_be_typed_with_blanks(user):
    with clock.as_of(NOON):
        assert second_factor.verify(user, f" {code()[:3]} {code()[3:]} ").ok


@pytest.mark.parametrize("typed", ["", "12345", "１２３４５６", "abc", "\0" * 6, "9" * 5000])
def test_nonsense_is_a_wrong_code(user, typed):
    assert second_factor.verify(user, typed).outcome is Outcome.WRONG


def test_code_of_someone_without_an_app_is_wrong(merton):
    nobody = factories.member(merton, "member").user

    assert second_factor.verify(nobody, "123456").outcome is Outcome.WRONG


def test_32_threads_with_one_code_of_which_one_succeeds(committed):
    person = factories.member(factories.scheme("merton"), "member").user
    set_up(person)
    start, answers = threading.Barrier(32), []

    def use() -> None:
        try:
            with clock.as_of(NOON):
                typed = code()
                start.wait()
                answers.append(second_factor.verify(User.objects.get(pk=person.pk), typed).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 32
    assert answers.count(Outcome.OK) == 1
    assert set(answers) == {Outcome.OK, Outcome.USED, Outcome.THROTTLED}


# --- Too many wrong codes (security.md M3) -----------------------------------------------


def test_five_wrong_codes_close_for_fifteen_minutes_even_to_the_right_one(user):
    with clock.as_of(NOON):
        assert [second_factor.verify(user, "000000").outcome for _ in range(5)] == [Outcome.WRONG] * 5
        closed = second_factor.verify(user, code())
    with clock.as_of(NOON + timedelta(minutes=14, seconds=59)):
        still = second_factor.verify(user, code())
    with clock.as_of(NOON + timedelta(minutes=15)):
        after = second_factor.verify(user, code())

    assert (closed.outcome, closed.retry_after) == (Outcome.THROTTLED, 900)
    assert closed.words == "Too many wrong codes. Wait 15 minutes, then try again"
    assert (still.outcome, still.retry_after) == (Outcome.THROTTLED, 1)
    assert after.ok


def test_used_codes_count_as_wrong_ones(user):
    with clock.as_of(NOON):
        outcomes = [second_factor.verify(user, code()).outcome for _ in range(7)]

    assert outcomes == [Outcome.OK, *[Outcome.USED] * 5, Outcome.THROTTLED]


def test_right_code_forgives_the_wrong_ones_before_it(user):
    with clock.as_of(NOON):
        for _ in range(4):
            second_factor.verify(user, "000000")
        second_factor.verify(user, code())
        outcomes = [second_factor.verify(user, "000000").outcome for _ in range(4)]

    assert outcomes == [Outcome.WRONG] * 4


def test_codes_of_one_person_are_not_counted_for_another(user, merton):
    other = factories.member(merton, "member").user
    set_up(other)
    with clock.as_of(NOON):
        for _ in range(6):
            second_factor.verify(user, "000000")

        assert second_factor.verify(other, code()).ok


# --- Recovery codes and what the database holds (security.md M4) -------------------------


def test_recovery_codes_are_eight_different_ones_of_sixty_bits(user):
    made = codes.new_recovery_codes(user)

    assert len(set(made)) == 8
    assert all(len(each.replace("-", "")) == 12 for each in made)
    assert len(set(codes.ALPHABET)) == 32


def test_recovery_code_is_good_once_however_it_is_typed(user):
    made = codes.new_recovery_codes(user)[0]

    first = second_factor.verify(user, made.lower().replace("-", " "))
    second = second_factor.verify(user, made)

    assert first.ok and first.recovery
    assert second.outcome is Outcome.USED
    assert RecoveryCode.objects.filter(user=user, used_at=None).count() == 7


def test_recovery_codes_of_another_person_are_of_no_use(user, merton):
    other = factories.member(merton, "member").user
    set_up(other)
    theirs = codes.new_recovery_codes(other)[0]

    assert second_factor.verify(user, theirs).outcome is Outcome.WRONG


def test_new_recovery_codes_end_the_old_ones(user):
    old = codes.new_recovery_codes(user)[0]
    codes.new_recovery_codes(user)

    assert second_factor.verify(user, old).outcome is Outcome.WRONG


def test_database_holds_neither_secret_nor_recovery_codes(user):
    made = codes.new_recovery_codes(user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM iom_secondfactor UNION SELECT digest FROM iom_recoverycode")
        held = " ".join(row[0] for row in cursor.fetchall())

    assert SECRET not in held
    assert not [each for each in made if each in held or each.replace("-", "") in held]


def test_secret_in_the_row_of_another_account_cannot_be_used(user, merton):
    other = factories.member(merton, "member").user
    SecondFactor.objects.create(user=other, secret=SecondFactor.objects.get(user=user).secret)

    with pytest.raises(sealed.Unreadable), clock.as_of(NOON):
        second_factor.verify(other, code())


def test_new_key_opens_what_the_old_one_sealed_and_seals_it_anew(user, settings):
    old = settings.SECOND_FACTOR_KEYS[0]
    settings.SECOND_FACTOR_KEYS = ["another-key-" + "z" * 40, old]
    recovery = codes.new_recovery_codes(user)[0]
    with clock.as_of(NOON):
        assert second_factor.verify(user, code()).ok
    settings.SECOND_FACTOR_KEYS = settings.SECOND_FACTOR_KEYS[:1]

    with clock.as_of(NOON + timedelta(minutes=1)):
        assert second_factor.verify(user, code()).ok
    assert second_factor.verify(user, recovery).ok


def test_without_its_key_a_secret_cannot_be_read(user, settings):
    settings.SECOND_FACTOR_KEYS = ["another-key-" + "z" * 40]

    with pytest.raises(sealed.Unreadable):
        second_factor.verify(user, "000000")


def test_counters_tell_neither_person_nor_number(user):
    second_factor.verify(user, "000000")

    assert len(Throttle.objects.get().key) == 64

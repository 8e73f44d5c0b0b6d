"""What a password must be, changing it, and resetting it by e-mail (security.md A2, A3, A5)."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from iom import clock, outbox, passwords, resetting, second_factor
from iom.models import Membership, OutboxMessage, PasswordReset, RememberedDevice, User
from iom.passwords import Holder
from tests import factories
from tests.factories.signing_in import app_code, with_app

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEW = "three other random words"

JO = Holder("Jo O'Reilly-Nkosi", "jo.oreilly@housing.example", is_office=False, councils=("Merton IOM", "Merton"))
LENGTH = "The password must be 12 characters or more"
LONG = "The password must be 128 characters or fewer"
COMMON = "That password is on the list of common passwords. Choose another one"
NAME = "The password must not have your name in it"
EMAIL = "The password must not have your email address in it"
COUNCIL = "The password must not have the name of the council or of this service in it"


@pytest.mark.parametrize(
    ("password", "found"),
    [
        pytest.param("three random words", [], id="a passphrase"),
        pytest.param("no numbers or signs needed", [], id="no composition rules"),
        pytest.param("пароль из слов", [], id="any letters"),
        pytest.param("            ", [COMMON], id="nothing but blanks"),
        pytest.param("abcdefghijk", [LENGTH, COMMON], id="eleven, in a row"),
        pytest.param("x" * 6 + "y" * 6, [], id="twelve"),
        pytest.param("lantern" + "x7 " * 40 + "1", [], id="128"),
        pytest.param("lantern" + "x7 " * 40 + "12", [LONG], id="129"),
        pytest.param("Password1234", [COMMON], id="on the list, in other case"),
        pytest.param("passwordpassword", [COMMON], id="one of the list twice"),
        pytest.param("aaaaaaaaaaaaaaaa", [COMMON], id="one letter"),
        pytest.param("123456789012345", [COMMON], id="figures in a row"),
        pytest.param("my reilly lantern", [NAME], id="a part of the name"),
        pytest.param("jo oreilly nkosi!", [NAME, EMAIL], id="the name without its signs"),
        pytest.param("jo lantern harbour", [], id="a part too short to mean anything"),
        pytest.param("jo.oreilly at the harbour", [NAME, EMAIL], id="the first part of the email"),
        pytest.param("i live in merton now", [COUNCIL], id="the council"),
        pytest.param("my iom-panel word", [COUNCIL], id="the product"),
    ],
)
def test_problems_of_a_password(password, found):
    assert passwords.problems(password, JO) == found


@pytest.mark.parametrize(
    ("role", "shortest"), [("member", 12), ("chair", 12), ("researcher", 12), ("coordinator", 15), ("scheme_admin", 15)]
)
def test_office_has_longer_passwords(merton, role, shortest):
    assert passwords.holder(factories.member(merton, role).user).shortest == shortest


def test_system_administrator_has_longer_passwords(merton):
    user = User.objects.create_user("sys@example.org", "Sys Admin", is_system_admin=True)

    assert passwords.holder(user).shortest == 15


def test_role_in_any_scheme_counts(merton):
    member = factories.member(merton, "member")
    other = factories.member(factories.scheme("merton", slug="second"), "member")
    Membership.objects.create(
        scheme=other.scheme, user=member.user, agency=other.agency, roles=["coordinator"], starts_on=clock.today()
    )

    assert passwords.holder(member.user).shortest == 15


def test_django_asks_the_same_rules(merton):
    user = factories.member(merton, "coordinator").user

    with pytest.raises(ValidationError, match="15 characters or more"):
        password_validation.validate_password("twelve chars", user)


def test_passwords_are_kept_by_argon2id(merton, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

    assert User.objects.create_user("a@example.org", "A", NEW).password.startswith("argon2$argon2id$")


@pytest.fixture
def person(merton) -> User:
    user = factories.member(merton, "member", name="Jo Reid").user
    with_app(user)
    return user


def test_accents_may_be_typed_in_either_way(person):
    person.set_password("caf\u00e9 harbour lantern")
    person.save()

    answer = Client().post("/sign-in/", {"email": person.email, "password": "cafe\u0301 harbour lantern"})

    assert answer.status_code == 302


def browser_of(user: User, drift: int = 0) -> Client:
    from tests.factories.client import KeyedClient

    client = KeyedClient()
    client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD})
    client.post("/sign-in/code/", {"code": app_code(drift)})
    assert client.get("/notifications/").status_code == 200
    return client


# --- Changing it ----------------------------------------------------------------------


def test_change_of_password_ends_other_sessions_and_tells_the_owner(person):
    mine, other = browser_of(person), browser_of(person, 1)

    answer = mine.post("/account/password/", {"password": factories.PASSWORD, "new_password": NEW})

    assert answer.url == "/account/security/"
    assert mine.get("/notifications/").status_code == 200
    assert other.get("/notifications/").status_code == 302
    outbox.drain()
    assert [(m.to, m.subject) for m in mail.outbox] == [([person.email], "Your password was changed")]
    person.refresh_from_db()
    assert person.check_password(NEW)


@pytest.mark.parametrize(
    ("password", "new_password", "words"),
    [
        ("wrong", NEW, "That is not your password"),
        (factories.PASSWORD, "short", LENGTH),
        (factories.PASSWORD, "jo reid jo reid", NAME),
        (factories.PASSWORD, "", "Choose a new password"),
    ],
)
def test_refused_change_says_the_rule_and_echoes_nothing(person, password, new_password, words):
    client = browser_of(person)

    page = client.post("/account/password/", {"password": password, "new_password": new_password}).content.decode()

    assert words in page
    assert 'name="password" type="password"' in page
    assert not [typed for typed in (password, new_password) if typed and f'value="{typed}"' in page]
    person.refresh_from_db()
    assert person.check_password(factories.PASSWORD)


def test_wrong_present_passwords_are_counted(person):
    client = browser_of(person)
    form = {"password": "wrong", "new_password": NEW}
    for _ in range(5):
        assert client.post("/account/password/", form).status_code == 200

    answer = client.post("/account/password/", form | {"password": factories.PASSWORD})

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 900


# --- Resetting it (security.md A5) ----------------------------------------------------


def link_to(user: User) -> str:
    """Ask for a link and read the e-mail."""
    mail.outbox.clear()
    assert Client().post("/sign-in/reset/", {"email": user.email.upper()}).url == "/sign-in/reset/asked/"
    outbox.drain()
    (message,) = mail.outbox
    assert message.to == [user.email]
    return re.search(r"http://testserver(/sign-in/reset/\S+)", message.body)[1]


def test_reset_link_sets_a_password_and_neither_signs_in_nor_skips_the_code(person):
    other = browser_of(person)
    client = Client()
    link = link_to(person)

    start = client.get(link).content.decode()
    assert "<button" in start
    assert "new_password" not in start
    assert "new_password" in client.post(link).content.decode()
    assert client.post(link, {"new_password": NEW}).url == "/sign-in/"

    assert client.get("/notifications/").status_code == 302
    assert other.get("/notifications/").status_code == 302
    asked = client.post("/sign-in/", {"email": person.email, "password": NEW})
    assert asked.url.startswith("/sign-in/code/")
    mail.outbox.clear()
    outbox.drain()
    assert [(m.to, m.subject) for m in mail.outbox] == [([person.email], "Your password was changed")]


def test_opening_a_link_spends_nothing(person):
    link = link_to(person)
    for _ in range(3):
        Client().get(link)
        Client().head(link)
        Client().post(link)

    assert Client().post(link, {"new_password": NEW}).url == "/sign-in/"


def test_weak_password_does_not_spend_the_link(person):
    link = link_to(person)

    assert LENGTH in Client().post(link, {"new_password": "short"}).content.decode()
    assert Client().post(link, {"new_password": NEW}).status_code == 302


@pytest.mark.parametrize("spoil", ["spent", "expired", "altered", "other password", "disabled", "older link after use"])
def test_link_that_cannot_be_used_is_one_page(person, spoil):
    older, link = link_to(person), link_to(person)
    late = timedelta()
    if spoil == "spent":
        Client().post(link, {"new_password": NEW})
    if spoil == "expired":
        late = timedelta(minutes=60)
    if spoil == "altered":
        link = link[:-2] + ("0/" if link[-2] != "0" else "1/")
    if spoil == "other password":
        person.set_password(NEW)
        person.save()
    if spoil == "disabled":
        User.objects.filter(pk=person.pk).update(is_active=False)
    if spoil == "older link after use":
        Client().post(link, {"new_password": NEW})
        link = older

    with clock.as_of(clock.now() + late):
        answers = [Client().get(link), Client().post(link, {"new_password": "yet another one of them"})]

    assert {answer.status_code for answer in answers} == {410}
    assert all("This link cannot be used" in answer.content.decode() for answer in answers)
    person.refresh_from_db()
    assert not person.check_password("yet another one of them")


def test_link_is_good_to_the_last_second_of_the_hour(person):
    with clock.as_of(NOON):
        link = link_to(person)
    with clock.as_of(NOON + timedelta(minutes=59, seconds=59)):
        assert Client().get(link).status_code == 200
    with clock.as_of(NOON + timedelta(minutes=60)):
        assert Client().get(link).status_code == 410


def test_reset_forgets_remembered_devices(person):
    RememberedDevice.objects.create(user=person, digest="x", browser="y", ends_at=clock.now() + timedelta(hours=1))

    Client().post(link_to(person), {"new_password": NEW})

    assert not RememberedDevice.objects.exists()


def test_reset_leaves_the_second_factor_alone(person):
    Client().post(link_to(person), {"new_password": NEW})

    assert second_factor.is_set_up(person)


def test_two_at_once_with_one_link_of_which_one_succeeds(committed):
    user = factories.member(factories.scheme("merton"), "member").user
    reset = PasswordReset.objects.create(user=user, expires_at=clock.now() + timedelta(hours=1))
    secret = resetting.secret_of(reset)
    start, answers = threading.Barrier(8), []

    def use(number: int) -> None:
        try:
            start.wait()
            answers.append(resetting.use(secret, f"one of eight words {number}"))
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False] * 7 + [True]


@pytest.mark.parametrize("who", ["unknown", "disabled", "waiting"])
def test_nobody_is_mailed_who_cannot_sign_in_and_the_answer_is_the_same(person, who):
    email = {"unknown": "nobody@example.org", "disabled": person.email, "waiting": "waiting@example.org"}[who]
    User.objects.create_user("waiting@example.org", "Wai Ting")
    if who == "disabled":
        User.objects.filter(pk=person.pk).update(is_active=False)

    answer = Client().post("/sign-in/reset/", {"email": email})

    assert answer.url == "/sign-in/reset/asked/"
    assert not OutboxMessage.objects.exists()


def test_outbox_holds_no_secret_of_a_link(person):
    link = link_to(person)

    held = " ".join(f"{message.payload} {message.key}" for message in OutboxMessage.objects.all())
    assert link.split("-")[-1].strip("/") not in held
    assert person.email not in held


def test_links_are_asked_for_only_so_often(person):
    for _ in range(5):
        Client().post("/sign-in/reset/", {"email": person.email})

    assert Client().post("/sign-in/reset/", {"email": person.email}).status_code == 429
    assert Client().post("/sign-in/reset/", {"email": "unknown@example.org"}).status_code == 302


# --- The same work for everybody (security.md A3) -------------------------------------


class CountingHasher(Argon2PasswordHasher):
    """Argon2 that counts how often it really runs."""

    runs = 0

    def encode(self, password, salt):
        type(self).runs += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        type(self).runs += 1
        return super().verify(password, encoded)


@pytest.fixture
def hasher(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    return CountingHasher


def test_sign_in_runs_the_hasher_once_for_everybody(merton, hasher):
    right, wrong, disabled = (factories.member(merton, "member").user for _ in range(3))
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    waiting = User.objects.create_user("waiting@example.org", "Wai Ting")
    runs = {}
    for who, email, password in [
        ("right", right.email, factories.PASSWORD),
        ("wrong", wrong.email, "wrong"),
        ("disabled", disabled.email, factories.PASSWORD),
        ("waiting", waiting.email, "x"),
        ("unknown", "nobody@example.org", "x"),
    ]:
        before = hasher.runs
        Client().post("/sign-in/", {"email": email, "password": password})
        runs[who] = hasher.runs - before

    assert runs == dict.fromkeys(runs, 1)


def test_closed_try_does_not_run_the_hasher(person, hasher):
    for _ in range(5):
        Client().post("/sign-in/", {"email": person.email, "password": "wrong"})
    before = hasher.runs

    assert Client().post("/sign-in/", {"email": person.email, "password": "wrong"}).status_code == 429
    assert hasher.runs == before


def test_reset_runs_the_hasher_once_for_everybody(person, hasher):
    runs = []
    for email in (person.email, "nobody@example.org"):
        before = hasher.runs
        Client().post("/sign-in/reset/", {"email": email})
        runs.append(hasher.runs - before)

    assert runs == [1, 1]

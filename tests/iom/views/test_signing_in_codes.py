"""Between the password and the first page: set-up, code, recovery codes, remembered devices; nothing is reached before."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from iom import clock, outbox, second_factor, walls
from iom.checks import every_url
from iom.models import AuditEvent, Membership, RecoveryCode, RememberedDevice, SecondFactor, User
from iom.pages import PUBLIC
from iom.second_factor import authenticator, codes
from tests import factories
from tests.factories.client import KeyedClient
from tests.factories.signing_in import SECRET, app_code, key_on, set_up, verified, with_app
from tests.world import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def member(merton) -> Membership:
    return factories.member(merton, "member", name="Jo Reid")


@pytest.fixture
def person(member) -> User:
    with_app(member.user)
    return member.user


def type_password(user: User, client: Client | None = None, **extra) -> Client:
    client = client or KeyedClient()
    assert client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD, **extra}).status_code == 302
    return client


def signed_in(client: Client) -> bool:
    return client.get("/notifications/").status_code == 200


# --- Set-up (security.md M1) --------------------------------------------------------------


def test_first_sign_in_sets_up_an_app_and_shows_eight_recovery_codes_once(member):
    client = type_password(member.user, next="/notifications/")

    led = client.get("/notifications/")
    assert led.url == "/sign-in/set-up-code/?next=%2Fnotifications%2F"
    key = key_on(client.get(led.url))
    done = client.post(led.url, {"code": app_code(secret=key)})

    assert done.url == "/sign-in/recovery-codes/"
    shown = re.findall(r"<code>([A-Z2-9-]{14})</code>", client.get(done.url).content.decode())
    assert len(set(shown)) == 8
    assert client.post("/sign-in/recovery-codes/").url == "/notifications/"
    assert client.get("/sign-in/recovery-codes/").status_code == 302
    assert signed_in(client)
    assert second_factor.verify(member.user, shown[0]).ok


def test_set_up_is_not_left_with_a_wrong_code(member):
    client = type_password(member.user)

    page = client.post("/sign-in/set-up-code/", {"code": "000000"})

    assert "That code is not right" in page.content.decode()
    assert not second_factor.is_set_up(member.user)
    assert client.get("/notifications/").status_code == 302


def test_wrong_codes_at_set_up_are_counted(member):
    client = type_password(member.user)
    for _ in range(5):
        client.post("/sign-in/set-up-code/", {"code": "000000"})

    answer = client.post("/sign-in/set-up-code/", {"code": "000000"})

    assert (answer.status_code, answer["Retry-After"]) == (429, "900")


def test_square_holds_what_the_typed_key_says(member):
    client = type_password(member.user)
    key = key_on(client.get("/sign-in/set-up-code/"))

    square = client.get("/sign-in/set-up-code/square.svg")

    assert square["Content-Type"] == "image/svg+xml"
    assert square["Cache-Control"] == "no-store"
    assert square.content == authenticator.drawing(member.user, key)
    assert b"<script" not in square.content


def test_square_is_for_the_session_that_sets_up_alone(member, person):
    assert Client().get("/sign-in/set-up-code/square.svg").status_code == 404
    assert type_password(person).get("/sign-in/set-up-code/square.svg").status_code == 404


def test_two_sessions_that_set_up_have_two_keys_and_the_first_to_finish_has_it(member):
    owner, stranger = type_password(member.user), type_password(member.user)
    keys = [key_on(client.get("/sign-in/set-up-code/")) for client in (owner, stranger)]
    set_up(owner)

    late = stranger.post("/sign-in/set-up-code/", {"code": app_code(secret=keys[1])})

    assert keys[0] != keys[1]
    assert late.status_code == 302
    assert not signed_in(stranger)
    assert signed_in(owner)


# --- The code -----------------------------------------------------------------------------


def test_code_comes_after_the_password_and_leads_to_the_wanted_page(person):
    client = KeyedClient()
    asked = client.post(
        "/sign-in/", {"email": person.email, "password": factories.PASSWORD, "next": "/notifications/?a=1"}
    )
    assert asked.url == "/sign-in/code/?next=%2Fnotifications%2F%3Fa%3D1"
    page = client.get(asked.url).content.decode()
    assert 'inputmode="numeric"' in page
    assert 'autocomplete="one-time-code"' in page
    assert person.name not in page

    answer = client.post("/sign-in/code/", {"code": app_code(), "next": "/notifications/?a=1"})

    assert answer.url == "/notifications/?a=1"


def test_session_has_a_new_id_after_password_and_after_code(person):
    client = KeyedClient()
    client.get("/sign-in/")
    type_password(person, client)
    before = client.cookies["sessionid"].value
    client.post("/sign-in/code/", {"code": app_code()})

    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/"])
def test_code_never_leads_elsewhere(person, elsewhere):
    client = type_password(person)

    assert client.post("/sign-in/code/", {"code": app_code(), "next": elsewhere}).url == "/"


def test_no_page_is_reached_before_the_code(person, member):
    """Every address of the project, by GET and POST, with the session of somebody who has typed a password alone."""
    world = World.make("second")
    user = world.people["coordinator"].user
    with_app(user)
    client = type_password(user)
    reached = []
    for path, pattern in every_url():
        if pattern.callback.permission == PUBLIC:
            continue
        numbers = {"number": 1, "pk": 1}
        arguments = {
            name: numbers.get(name, 1) if "int" in type(converter).__name__.lower() else "x"
            for name, converter in pattern.pattern.converters.items()
        }
        url = f"/{re.sub(r'<(?:[a-z]+:)?([a-z_]+)>', lambda found: str(arguments[found[1]]), path)}"
        for method in ("get", "post"):
            answer = getattr(client, method)(url)
            led = answer.status_code == 302 and answer.url.startswith("/sign-in/code/")
            if not (led or answer.status_code in (401, 404)):
                reached.append((method, url, answer.status_code))

    assert reached == []


def test_partial_before_the_code_gets_401_and_nothing_else(person):
    client = type_password(person)

    answer = client.get("/notifications/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.json()["held"]) == (401, None)


def test_link_of_another_scheme_shows_nothing_before_the_code(person, member):
    client = type_password(person)

    answer = client.get("/notifications/?in=merton")

    assert answer.status_code == 302


def test_pages_before_the_code_name_nobody(person, merton):
    factories.member(merton, "scheme_admin", name="Ada Obi")
    client = type_password(person)

    for url in ("/sign-in/code/", "/sign-in/recovery-code/"):
        page = client.get(url).content.decode()
        assert person.name not in page
        assert "Ada Obi" not in page
        assert "Notifications" not in page


def test_used_code_is_told(person):
    with clock.as_of(NOON):
        type_password(person).post("/sign-in/code/", {"code": app_code()})
        again = type_password(person).post("/sign-in/code/", {"code": app_code()})

    assert "That code has been used" in again.content.decode()


def test_expired_code_is_told(person):
    with clock.as_of(NOON):
        page = type_password(person).post("/sign-in/code/", {"code": app_code(-3)})

    assert "That code has expired. Enter the new one from your app" in page.content.decode()


def test_sixth_code_waits_in_every_session(person):
    with clock.as_of(NOON):
        first, second = type_password(person), type_password(person)
        for _ in range(5):
            assert first.post("/sign-in/code/", {"code": "000000"}).status_code == 200

        closed = second.post("/sign-in/code/", {"code": app_code()})

    assert (closed.status_code, closed["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in closed.content.decode()


def test_recovery_code_lets_in_once_and_says_how_many_are_left(person):
    made = codes.new_recovery_codes(person)
    client = type_password(person)

    answer = client.post("/sign-in/recovery-code/", {"code": made[0].lower()})

    assert answer.url == "/"
    assert "You have 7 left" in client.get("/").content.decode()
    again = type_password(person).post("/sign-in/recovery-code/", {"code": made[0]})
    assert "That recovery code has been used" in again.content.decode()


def test_lost_phone_names_whom_to_ring_once_the_password_was_right(person, merton):
    admin = factories.member(merton, "scheme_admin", name="Ada Obi").user
    User.objects.filter(pk=admin.pk).update(phone="020 7946 0100")

    stranger = Client().get("/sign-in/lost-phone/").content.decode()
    known = type_password(person).get("/sign-in/lost-phone/").content.decode()

    assert "Ada Obi" not in stranger
    assert "Ada Obi" in known
    assert "020 7946 0100" in known


def test_demonstration_asks_for_no_code(person, settings):
    settings.DEMO_SIGN_IN = True

    assert signed_in(type_password(person))


# --- Remembered devices (security.md M6) --------------------------------------------------


def remember(user: User, **headers) -> Client:
    client = KeyedClient(headers=headers)
    type_password(user, client)
    client.post("/sign-in/code/", {"code": app_code(), "remember": "on"})
    client.post("/sign-out/")
    return client


def test_box_is_not_ticked_by_itself(person):
    page = type_password(person).get("/sign-in/code/").content.decode()

    assert re.search(r'name="remember" type="checkbox" value="on"(?! checked)', page)


@pytest.mark.parametrize(("later", "asked"), [(12 * 3600 - 1, False), (12 * 3600, True)])
def test_remembered_device_is_not_asked_for_twelve_hours(person, later, asked):
    with clock.as_of(NOON):
        client = remember(person)
    with clock.as_of(NOON + timedelta(seconds=later)):
        type_password(person, client)

        assert signed_in(client) is not asked


def test_device_is_remembered_in_a_cookie_that_scripts_and_others_cannot_read(person):
    client = remember(person)
    cookie = client.cookies["device"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 12 * 3600


def test_device_cookie_is_of_the_host_alone_where_cookies_are_secure(person, settings):
    settings.SESSION_COOKIE_SECURE = True
    client = KeyedClient()
    client.post("/sign-in/", {"email": person.email, "password": factories.PASSWORD}, secure=True)
    client.post("/sign-in/code/", {"code": app_code(), "remember": "on"}, secure=True)

    assert client.cookies["__Host-device"]["secure"]


def test_remembered_device_is_of_no_use_to_another_account(person, merton):
    other = factories.member(merton, "member").user
    with_app(other)
    client = remember(person)

    type_password(other, client)

    assert not signed_in(client)


def test_remembered_device_is_of_no_use_in_another_browser(person):
    client = remember(person, user_agent="Firefox")
    thief = KeyedClient(headers={"user-agent": "Chrome"})
    thief.cookies["device"] = client.cookies["device"].value

    type_password(person, thief)

    assert not signed_in(thief)


def test_altered_device_cookie_is_ignored(person):
    client = remember(person)
    client.cookies["device"] = client.cookies["device"].value + "x"

    type_password(person, client)

    assert not signed_in(client)


@pytest.mark.parametrize("admin", ["scheme_admin", "system_admin"])
def test_administrators_are_never_remembered(merton, admin):
    user = factories.member(merton, "scheme_admin" if admin == "scheme_admin" else "member").user
    User.objects.filter(pk=user.pk).update(is_system_admin=admin == "system_admin")
    with_app(user)

    page = type_password(user).get("/sign-in/code/").content.decode()
    client = remember(user)

    assert 'name="remember"' not in page
    assert not RememberedDevice.objects.exists()
    assert "device" not in client.cookies


def test_who_becomes_an_administrator_is_not_remembered_any_more(person, member):
    client = remember(person)
    member.roles = ["scheme_admin"]
    member.save()

    type_password(person, client)

    assert not signed_in(client)


def test_remembered_device_counts_as_no_fresh_code(person):
    client = remember(person)
    type_password(person, client)

    answer = client.post("/account/security/recovery-codes/")

    assert "Enter your security code" in answer.content.decode()
    assert not RecoveryCode.objects.exists()


def test_password_change_ends_remembered_devices(person):
    client = remember(person)
    browser = type_password(person)
    browser.post("/sign-in/code/", {"code": app_code(1)})
    form = {"password": factories.PASSWORD, "new_password": "three other random words"}
    assert browser.post("/account/password/", form).status_code == 302

    client.post("/sign-in/", {"email": person.email, "password": "three other random words"})

    assert not signed_in(client)


def test_new_phone_ends_remembered_devices_and_other_sessions(person):
    remembered = remember(person)
    other, browser = (type_password(person) for _ in range(2))
    other.post("/sign-in/code/", {"code": app_code(1)})
    session = browser.session
    verified(session)
    session.save()
    browser.cookies["sessionid"] = session.session_key
    assert signed_in(other)

    assert browser.post("/account/security/app/").url == "/sign-in/set-up-code/"
    key = key_on(browser.get("/sign-in/set-up-code/"))
    browser.post("/sign-in/set-up-code/", {"code": app_code(secret=key)})

    assert signed_in(browser)
    assert not signed_in(other)
    type_password(person, remembered)
    assert not signed_in(remembered)
    assert second_factor.verify(person, app_code(1, SECRET)).outcome != "ok"


# --- An administrator resets another's factor (security.md M5) ----------------------------


@pytest.fixture
def admin(merton, sign_in) -> Client:
    return sign_in(factories.member(merton, "scheme_admin"))


def test_administrator_resets_the_code_of_somebody_who_lost_their_phone(admin, member, person):
    theirs = type_password(person)
    theirs.post("/sign-in/code/", {"code": app_code()})
    assert member.user.name in admin.get("/settings/users/").content.decode()
    address = reverse("reset_factor", args=[member.pk])
    assert admin.get(address).status_code == 200
    assert second_factor.is_set_up(person)

    assert admin.post(address).url == "/settings/users/"

    assert not second_factor.is_set_up(person)
    assert not signed_in(theirs)
    outbox.drain()
    assert [(m.to, m.subject) for m in mail.outbox] == [([person.email], "Your security code was reset")]
    assert type_password(person).get("/notifications/").url.startswith("/sign-in/set-up-code/")


def test_reset_asks_the_administrator_for_a_fresh_code(admin, member, person):
    with clock.as_of(clock.now() + timedelta(minutes=5, seconds=1)):
        answer = admin.post(reverse("reset_factor", args=[member.pk]))

    assert "Enter your security code" in answer.content.decode()
    assert second_factor.is_set_up(person)


def test_nobody_resets_their_own_code_as_administrator(merton, sign_in):
    me = factories.member(merton, "scheme_admin")
    with_app(me.user)

    assert sign_in(me).post(reverse("reset_factor", args=[me.pk])).status_code == 403
    assert second_factor.is_set_up(me.user)


def test_people_of_another_scheme_are_not_found(admin, person):
    stranger = factories.member(factories.scheme("merton", slug="second"), "member")
    with_app(stranger.user)

    assert admin.post(reverse("reset_factor", args=[stranger.pk])).status_code == 404
    assert second_factor.is_set_up(stranger.user)


# --- What the audit keeps (security.md U2) ------------------------------------------------


def test_audit_names_what_happened_and_holds_no_code(person):
    made = codes.new_recovery_codes(person)
    client = KeyedClient()
    client.post("/sign-in/", {"email": person.email, "password": "wrong-password-typed"})
    type_password(person, client)
    client.post("/sign-in/code/", {"code": "000000"})
    client.post("/sign-in/code/", {"code": app_code(), "remember": "on"})
    type_password(person).post("/sign-in/recovery-code/", {"code": made[0]})

    events = list(AuditEvent.objects.filter(object_type="iom.user", object_ref=str(person.pk)))
    verbs = [event.verb for event in events]
    assert {"sign_in", "sign_in_failed", "code", "code_failed", "device_remembered", "recovery_code_used"} <= set(verbs)
    held = json.dumps([[e.context, e.before, e.after, e.fields] for e in events])
    assert not [text for text in (person.email, made[0], "000000", "wrong-password-typed") if text in held]


@pytest.mark.django_db
def test_whoever_has_no_membership_can_still_set_up_a_code():
    with walls.within(None, cause="test"):
        user = User.objects.create_user("system@example.org", "Sys Admin", factories.PASSWORD, is_system_admin=True)
    client = type_password(user)

    set_up(client)

    assert SecondFactor.objects.filter(user=user).exists()

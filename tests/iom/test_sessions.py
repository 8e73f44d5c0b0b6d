"""Sessions end when they should: idle, after twelve hours, by their owner, by others, with the account (security.md S)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from iom import clock, sessions
from iom.models import AuditEvent, Membership, Session
from tests import factories

PASSWORD = "harbour-lantern-2026"
PAGE = "/notifications/"


def is_in(client: Client) -> bool:
    """Whether the client still gets personal pages."""
    status = client.get(PAGE).status_code
    assert status in (200, 302)
    return status == 200


def row_of(client: Client) -> Session:
    return Session.objects.get(pk=client.cookies[settings.SESSION_COOKIE_NAME].value)


def why_ended(membership: Membership) -> list[str]:
    events = AuditEvent.objects.filter(verb="session_ended", object_ref=str(membership.user_id)).order_by("pk")
    return [event.context["why"] for event in events]


def test_session_lasts_to_the_last_second_of_thirty_idle_minutes(sign_in, police):
    client = sign_in(police)
    last = row_of(client).active_at

    with clock.as_of(last + timedelta(minutes=29, seconds=59)):
        assert is_in(client)


def test_session_ends_at_thirty_idle_minutes(sign_in, police):
    client = sign_in(police)
    last = row_of(client).active_at

    with clock.as_of(last + timedelta(minutes=30)):
        response = client.get(PAGE)

    assert response.status_code == 302
    assert response.url == f"/sign-in/?next={PAGE}"
    assert why_ended(police) == ["idle"]


def test_session_that_ended_is_not_revived_by_turning_the_clock_back(sign_in, police):
    client = sign_in(police)
    row = row_of(client)

    with clock.as_of(row.active_at + timedelta(minutes=30)):
        assert not is_in(client)
    client.cookies[settings.SESSION_COOKIE_NAME] = row.pk

    assert not is_in(client)


def test_what_one_does_is_written_down_at_most_once_a_minute(sign_in, police):
    client = sign_in(police)
    began = row_of(client).active_at

    with clock.as_of(began + timedelta(seconds=59)):
        assert is_in(client)
    assert row_of(client).active_at == began

    with clock.as_of(began + timedelta(seconds=60)):
        assert is_in(client)
    assert row_of(client).active_at == began + timedelta(seconds=60)


def test_session_ends_after_twelve_hours_whatever_is_done(sign_in, police):
    client = sign_in(police)
    began = row_of(client).began_at

    for minutes in range(20, 12 * 60, 20):
        with clock.as_of(began + timedelta(minutes=minutes)):
            assert is_in(client), minutes
    with clock.as_of(began + timedelta(hours=12) - timedelta(seconds=1)):
        assert is_in(client)
    with clock.as_of(began + timedelta(hours=12)):
        assert not is_in(client)

    assert why_ended(police) == ["longest"]


def test_poll_is_no_activity(sign_in, police):
    client = sign_in(police)
    began = row_of(client).active_at

    for minutes in (10, 20, 29):
        with clock.as_of(began + timedelta(minutes=minutes)):
            assert client.get("/session/").json()["person"] == police.user_id
    with clock.as_of(began + timedelta(minutes=30)):
        assert client.get("/session/").json() == {"person": None}


def test_visible_recording_page_keeps_the_session_for_four_hours_and_no_longer(sign_in, police):
    client = sign_in(police)
    began = row_of(client).active_at
    visible = {sessions.VISIBLE: "1"}

    for minutes in range(10, 4 * 60, 10):
        with clock.as_of(began + timedelta(minutes=minutes)):
            assert client.get("/session/", headers=visible).json()["person"], minutes
    with clock.as_of(began + timedelta(hours=4) - timedelta(seconds=1)):
        assert client.get("/session/").json()["person"]
    with clock.as_of(began + timedelta(hours=4)):
        assert not client.get("/session/", headers=visible).json()["person"]

    assert why_ended(police) == ["idle"]


def test_hidden_recording_page_does_not_keep_the_session(sign_in, police):
    client = sign_in(police)
    began = row_of(client).active_at
    with clock.as_of(began + timedelta(minutes=10)):
        client.get("/session/", headers={sessions.VISIBLE: "1"})

    with clock.as_of(began + timedelta(minutes=40) - timedelta(seconds=1)):
        assert client.get("/session/").json()["person"]
    with clock.as_of(began + timedelta(minutes=40)):
        assert not client.get("/session/").json()["person"]


@pytest.mark.parametrize("minutes", [0, 29, 30, 60, 239, 240, 719, 720])
@pytest.mark.parametrize("shown", [None, 15, 225])
@pytest.mark.parametrize("active", [0, 15, 235, 700])
def test_list_of_live_sessions_says_the_same_as_each_of_them(police, minutes, shown, active):
    began = clock.now()
    session = Session.objects.create(
        session_key="a" * 32,
        session_data="",
        expire_date=began + timedelta(days=2),
        user=police.user,
        began_at=began,
        active_at=began + timedelta(minutes=active),
        shown_at=None if shown is None else began + timedelta(minutes=shown),
    )
    at = began + timedelta(minutes=minutes)

    assert Session.objects.live(at).filter(pk=session.pk).exists() == (not session.over(at))


def test_altered_or_unknown_id_is_signed_out(sign_in, police):
    client = sign_in(police)
    for key in ("", "x", "a" * 32, row_of(client).pk[:-1] + "!", "\\x00"):
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        assert not is_in(client), key


def test_partial_of_somebody_signed_out_gets_401(sign_in, police):
    client = sign_in(police)
    sessions.end_all(police.user)

    for header in ({"HX-Request": "true"}, {"X-Autosave": "1"}, {"Sec-Fetch-Dest": "empty"}):
        response = client.get(PAGE, headers=header)
        assert response.status_code == 401, header
        assert response["X-Signed-Out"] == "1"


def test_sign_in_gives_a_new_id_and_the_cookie_ends_with_the_browser(police):
    client = Client()
    client.get("/sign-in/")
    before = client.session
    before["kept"] = "x"
    before.save()
    old = before.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = old

    client.post("/sign-in/", {"email": police.user.email, "password": PASSWORD})

    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != old
    assert not Session.objects.filter(pk=old).exists()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]
    assert not cookie["expires"]


def test_code_gives_a_new_id_and_the_time_goes_on(sign_in, police):
    client = sign_in(police)
    before = row_of(client)
    store = sessions.SessionStore(before.pk)
    store.load()

    store.cycle_key()
    store.save()

    after = Session.objects.get(pk=store.session_key)
    assert after.pk != before.pk
    assert not Session.objects.filter(pk=before.pk).exists()
    assert (after.began_at, after.active_at, after.user_id) == (before.began_at, before.active_at, police.user_id)


def test_sixth_session_ends_the_oldest(sign_in, police):
    began = clock.now()
    clients = []
    for number in range(6):
        with clock.as_of(began + timedelta(seconds=number)):
            clients.append(sign_in(police))

    assert [is_in(client) for client in clients] == [False, True, True, True, True, True]
    assert why_ended(police) == ["sixth"]


def test_sessions_of_others_and_ended_ones_do_not_count(sign_in, police, housing):
    first = sign_in(police)
    for _ in range(5):
        sign_in(housing)
    for _ in range(4):
        sign_in(police)

    assert is_in(first)


def test_sign_ins_at_once_leave_five(committed):
    scheme = factories.scheme("merton")
    user = factories.member(scheme, "member", agency_kind="police").user
    start = threading.Barrier(8)

    def enter() -> None:
        client = Client()
        start.wait()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        connection.close()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sessions.of(user)) == 5
    assert Session.objects.filter(user=user, ended_why="sixth").count() == 3


def test_end_all_but_one(sign_in, police):
    here, there = sign_in(police), sign_in(police)

    assert sessions.end_all(police.user, but=row_of(here).pk) == 1

    assert is_in(here)
    assert not is_in(there)
    assert why_ended(police) == ["changed"]
    assert sessions.end_all(police.user) == 1
    assert not is_in(here)


def test_changed_password_signs_out_at_the_next_request(sign_in, police):
    client = sign_in(police)
    police.user.set_password("another-harbour-lantern")
    police.user.save()

    assert not is_in(client)


def test_disabled_account_is_out_and_enabling_it_revives_nothing(sign_in, police):
    client = sign_in(police)
    users = type(police.user).objects.filter(pk=police.user_id)

    users.update(is_active=False)
    assert Session.objects.filter(user=police.user).count() == 0
    users.update(is_active=True)

    assert not is_in(client)


def test_lost_role_takes_effect_at_the_next_request(sign_in, coordinator):
    client = sign_in(coordinator)
    assert client.get("/meetings/new/").status_code == 200

    Membership.objects.filter(pk=coordinator.pk).update(roles=["member"])

    assert client.get("/meetings/new/").status_code == 403


def test_left_scheme_takes_effect_at_the_next_request(sign_in, police):
    client = sign_in(police)
    Membership.objects.filter(pk=police.pk).update(until=clock.today())

    response = client.get(PAGE)

    assert response.status_code == 403
    assert "no place in a scheme" in response.content.decode()


def test_request_under_way_does_not_revive_a_session_that_was_ended(sign_in, police):
    client = sign_in(police)
    row = row_of(client)
    store = sessions.SessionStore(row.pk)
    store["something"] = "new"

    sessions.end(row, "by_admin")
    store.save()

    assert not is_in(client)
    assert Session.objects.get(pk=row.pk).session_data == ""


def test_ended_session_keeps_no_data_and_its_row_for_a_day(sign_in, police):
    client = sign_in(police)
    row = row_of(client)
    sessions.end(row, "by_self")
    kept = Session.objects.get(pk=row.pk)

    with clock.as_of(kept.ended_at + timedelta(hours=24) - timedelta(seconds=1)):
        sessions.sweep()
        assert Session.objects.filter(pk=row.pk).exists()
    with clock.as_of(kept.ended_at + timedelta(hours=24)):
        sessions.sweep()
        assert not Session.objects.filter(pk=row.pk).exists()


def test_sweep_says_in_the_audit_which_sessions_ran_out_unseen(sign_in, police, housing):
    idle, used = sign_in(police), sign_in(housing)
    began = row_of(idle).active_at
    with clock.as_of(began + timedelta(minutes=20)):
        assert is_in(used)

    with clock.as_of(began + timedelta(minutes=40)):
        sessions.sweep()
        sessions.sweep()
        assert is_in(used)

    assert why_ended(police) == ["idle"]
    assert why_ended(housing) == []


def test_sign_out_is_posted_and_asks_the_browser_to_forget(sign_in, police):
    client = sign_in(police)
    key = row_of(client).pk
    assert client.get("/sign-out/").status_code == 405
    assert is_in(client)

    response = client.post("/sign-out/")

    assert "storage" in response["Clear-Site-Data"]
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert not is_in(client)


def test_personal_pages_are_kept_by_no_browser(sign_in, police):
    assert "no-store" in sign_in(police).get(PAGE)["Cache-Control"]


def test_signing_in_again_goes_on_in_the_scheme_where_one_was(police):
    second = factories.scheme("richmond")
    other = factories.member(second, "member", agency_kind="police")
    other.user = police.user
    other.save()
    client = Client()
    client.post("/sign-in/", {"email": police.user.email, "password": PASSWORD})
    session = client.session
    session["membership"] = other.pk
    session.save()
    sessions.end_all(police.user)

    client.get(PAGE)
    client.post("/sign-in/", {"email": police.user.email, "password": PASSWORD})

    assert client.session["membership"] == other.pk
    assert AuditEvent.objects.filter(verb="signed_in_again").exists()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("<script>alert(1)</script>", "A browser"),
        ("", "A browser"),
    ],
)
def test_browser_in_words(agent, words):
    assert sessions.browser_in_words(agent) == words

"""One's own account and sign-ins, and an administrator who signs somebody out (security.md S4)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from iom import clock, sessions
from iom.models import AuditEvent, Membership, Session
from tests import factories

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
LIST = "/account/sessions/"


def row_of(client: Client) -> Session:
    return Session.objects.get(pk=client.cookies[settings.SESSION_COOKIE_NAME].value)


def is_in(client: Client) -> bool:
    return client.get("/notifications/").status_code == 200


def handles(page: str) -> list[str]:
    return re.findall(r'name="session" value="([0-9a-f]{32})"', page)


@pytest.fixture
def admin(merton) -> Membership:
    return factories.member(merton, "scheme_admin", name="Ada Obi")


def test_account_says_who_one_is_and_for_whom_one_acts(sign_in, police):
    page = sign_in(police).get("/account/").content.decode()

    assert police.user.email in page
    assert f"{police.agency.name}, {police.scheme.name}: panel member, referrer" in page
    assert "Tom Dunn" not in page.partition("</title>")[0]


def test_list_shows_each_sign_in_and_which_is_this_one(sign_in, police, housing):
    here, there = sign_in(police), sign_in(police)
    sign_in(housing)
    Session.objects.filter(pk=row_of(there).pk).update(browser=sessions.browser_in_words(CHROME))

    page = here.get(LIST).content.decode()

    assert len(handles(page)) == 2
    assert page.count("(this one)") == 1
    assert "Chrome on Windows" in page
    assert row_of(there).pk not in page


def test_ending_one_sign_in_leaves_the_others(sign_in, police):
    here, there, third = sign_in(police), sign_in(police), sign_in(police)

    here.post(LIST, {"session": sessions.handle(row_of(there))})

    assert [is_in(client) for client in (here, there, third)] == [True, False, True]
    assert AuditEvent.objects.get(verb="session_ended").context == {"why": "by_self"}


def test_ending_all_others(sign_in, police):
    here, there, third = sign_in(police), sign_in(police), sign_in(police)

    here.post(LIST, {"session": "others"})

    assert [is_in(client) for client in (here, there, third)] == [True, False, False]


def test_ending_this_one_signs_out(sign_in, police):
    here = sign_in(police)

    response = here.post(LIST, {"session": sessions.handle(row_of(here))})

    assert response.url == "/sign-in/"
    assert "storage" in response["Clear-Site-Data"]
    assert not is_in(here)


def test_sign_in_of_another_person_cannot_be_ended(sign_in, police, housing):
    mine, theirs = sign_in(police), sign_in(housing)

    mine.post(LIST, {"session": sessions.handle(row_of(theirs))})

    assert is_in(theirs)


def test_list_needs_as_many_questions_for_one_as_for_five(sign_in, police):
    client = sign_in(police)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get(LIST)
        counts.append(len(asked))
        for _ in range(4):
            sign_in(police)

    assert counts[0] == counts[1]


def test_administrator_sees_who_is_signed_in_and_signs_them_out(sign_in, admin, police):
    phone, desk = sign_in(police), sign_in(police)
    office = sign_in(admin)
    assert "2 browsers" in office.get("/settings/users/").content.decode()

    response = office.post(f"/settings/users/{police.pk}/sign-out/")

    assert response.url == "/settings/users/"
    assert not is_in(phone)
    assert not is_in(desk)
    assert "Tom Dunn is signed out" in office.get("/settings/users/").content.decode()
    assert AuditEvent.objects.filter(verb="end_sessions", actor=f"user:{admin.user_id}").count() == 1
    assert [e.context for e in AuditEvent.objects.filter(verb="session_ended")] == [{"why": "by_admin"}] * 2


def test_administrator_signs_nobody_of_another_scheme_out(sign_in, admin):
    other = factories.member(factories.scheme("richmond"), "member", agency_kind="police")
    client = sign_in(other)

    assert sign_in(admin).post(f"/settings/users/{other.pk}/sign-out/").status_code == 404
    assert is_in(client)


def test_session_state_is_for_scripts_and_counts_as_nothing(sign_in, police):
    client = sign_in(police)
    began = row_of(client).active_at

    with clock.as_of(began + timedelta(minutes=29)):
        told = client.get("/session/").json()

    assert told["person"] == police.user_id
    assert len(told["token"]) == 64
    assert row_of(client).active_at == began
    assert Client().get("/session/").json() == {"person": None}


def test_session_state_says_nobody_before_the_code(client, police):
    client.post("/sign-in/", {"email": police.user.email, "password": factories.PASSWORD})

    assert client.get("/session/").json() == {"person": None}

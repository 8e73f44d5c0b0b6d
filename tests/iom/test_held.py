"""What was typed when the session was over: kept for its own person, sent once (security.md S5 and H3)."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client

from iom import clock, held, sessions
from iom.access import actor_for
from iom.models import HeldPost, Membership, Notification, Session
from iom.once import new_key
from referrals.models import Referral
from tests import factories
from tests.factories.signing_in import app_code, with_app

PASSWORD = "harbour-lantern-2026"
FORM = "/referrals/new/"
TYPED = {"mappa_level": "none", "family_name": "Ashgrove", "given_names": "Sam", "note": "two\r\nlines <b>&amp;"}


def post_too_late(client: Client, membership: Membership, path: str = FORM, fields=TYPED, **options):
    """The person's session is over, and then they send a form."""
    sessions.end_all(membership.user, why="idle")
    return client.post(path, fields, **options)


def enter(client: Client, membership: Membership, then: str = "/"):
    """Password, then the code of the person's app."""
    with_app(membership.user)
    asked = client.post("/sign-in/", {"email": membership.user.email, "password": PASSWORD, "next": then})
    return client.post(asked.url, {"code": app_code()})


def form_of(page: str, mark: str) -> tuple[str, dict[str, str]]:
    """Action and hidden fields of the form whose tag holds `mark`."""
    tag, inside = re.search(rf"<form([^>]*{mark}[^>]*)>(.*?)</form>", page, re.S).groups()
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', inside)
    return re.search(r'action="([^"]*)"', tag)[1], {name: unescape(value) for name, value in fields}


def test_signed_out_post_is_kept_and_the_sign_in_page_says_so(sign_in, police):
    client = sign_in(police)

    response = post_too_late(client, police)

    kept = HeldPost.objects.get()
    assert response.url == f"/sign-in/?next=/carry-on/{kept.pk}/"
    assert held.KEPT in client.get(response.url).content.decode()
    assert kept.user == police.user
    assert kept.membership_number == police.pk


def test_what_is_kept_cannot_be_read_in_the_database(sign_in, police):
    post_too_late(sign_in(police), police)

    kept = HeldPost.objects.get()
    assert "Ashgrove" not in kept.sealed
    assert dict(held.fields_of(kept))["family_name"] == "Ashgrove"


def test_same_person_signs_in_and_sends_it_once(sign_in, police):
    client = sign_in(police)
    Notification.objects.create(
        scheme=police.scheme, recipient=police.user, kind="x", subject="x", text="Something", url="/"
    )
    wanted = post_too_late(client, police, "/notifications/", {"all": "1"}).url.partition("next=")[2]
    landed = enter(client, police, wanted)
    assert landed.url == wanted

    action, fields = form_of(client.get(wanted).content.decode(), "data-carry-on")
    assert action == "/notifications/"
    assert fields["all"] == "1"
    first, second = (client.post(action, fields) for _ in range(2))

    assert first.status_code == 302
    assert not Notification.objects.filter(read_at=None).exists()
    assert not HeldPost.objects.exists()
    assert second.status_code in (302, 409)
    assert client.get(wanted).url == "/"


def test_typed_text_comes_back_as_it_was(sign_in, police):
    client = sign_in(police)
    wanted = post_too_late(client, police).url.partition("next=")[2]
    enter(client, police, wanted)

    action, fields = form_of(client.get(wanted).content.decode(), "data-carry-on")

    assert action == FORM
    assert TYPED.items() <= fields.items()
    assert fields["csrfmiddlewaretoken"]


def test_another_person_is_shown_nothing_and_sends_nothing(sign_in, police, housing):
    client = sign_in(police)
    wanted = post_too_late(client, police).url.partition("next=")[2]
    kept = HeldPost.objects.get()

    enter(client, housing, wanted)

    assert client.get(wanted).url == "/"
    for path in ("/", "/account/", "/notifications/"):
        assert "Ashgrove" not in client.get(path).content.decode()
    assert str(kept.pk) not in client.get("/account/").content.decode()
    assert client.post(FORM, {**TYPED, held.FIELD: str(kept.pk)}).status_code == 409
    assert client.post(f"/carry-on/{kept.pk}/delete/").status_code == 404
    assert HeldPost.objects.get() == kept


def test_first_person_finds_it_in_their_account_for_a_day(sign_in, police, housing):
    client = sign_in(police)
    post_too_late(client, police)
    kept = HeldPost.objects.get()
    enter(client, housing)

    later = sign_in(police)
    assert f"/carry-on/{kept.pk}/" in later.get("/account/").content.decode()
    with clock.as_of(kept.at + timedelta(hours=24) - timedelta(seconds=1)):
        assert kept in held.waiting_for(police.user)
        assert held.sweep() == 0
    with clock.as_of(kept.at + timedelta(hours=24)):
        assert kept not in held.waiting_for(police.user)
        assert held.sweep() == 1


def test_deleting_it(sign_in, police):
    post_too_late(sign_in(police), police)
    kept = HeldPost.objects.get()

    sign_in(police).post(f"/carry-on/{kept.pk}/delete/")

    assert not HeldPost.objects.exists()


def test_it_is_sent_on_whose_behalf_it_was_typed(sign_in, police):
    other = factories.member(factories.scheme("richmond"), "referrer", agency_kind="police")
    other.user = police.user
    other.save()
    post_too_late(sign_in(other), other)
    kept = HeldPost.objects.get()
    assert kept.membership_number == other.pk

    client = sign_in(police)
    page = client.get(f"/carry-on/{kept.pk}/").content.decode()
    assert "data-carry-on" not in page
    assert f"Act for {other.agency.name}" in page
    assert client.post(FORM, {**TYPED, held.FIELD: str(kept.pk)}).status_code == 409

    client.post("/scheme/", {"membership": other.pk})
    assert "data-carry-on" in client.get(f"/carry-on/{kept.pk}/").content.decode()


def test_place_in_the_scheme_that_ended_meanwhile_keeps_it_from_being_sent(sign_in, police):
    other = factories.member(factories.scheme("richmond"), "referrer", agency_kind="police")
    other.user = police.user
    other.save()
    post_too_late(sign_in(other), other)
    kept = HeldPost.objects.get()
    Membership.objects.filter(pk=other.pk).update(until=clock.today())

    client = sign_in(police)

    assert "no longer act for" in client.get(f"/carry-on/{kept.pk}/").content.decode()
    assert client.post(FORM, {**TYPED, held.FIELD: str(kept.pk)}).status_code == 409


def test_passwords_and_codes_are_not_kept(sign_in, police):
    post_too_late(sign_in(police), police, fields={"a": "1", "password": "x", "new_password2": "y", "fresh_code": "z"})

    assert dict(held.fields_of(HeldPost.objects.get())) == {"a": "1"}


def test_key_of_the_form_is_kept_so_that_a_second_sending_does_nothing(sign_in, police):
    post_too_late(sign_in(police), police, fields={"form_key": "k" * 64, "csrfmiddlewaretoken": "x"})

    assert dict(held.fields_of(HeldPost.objects.get())) == {"form_key": "k" * 64}


def test_stranger_without_a_session_keeps_nothing(db):
    response = Client().post(FORM, TYPED)

    assert response.url == f"/sign-in/?next={FORM}"
    assert not HeldPost.objects.exists()


def test_foreign_form_keeps_nothing(sign_in, police):
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in(police).cookies
    sessions.end_all(police.user)

    assert client.post(FORM, TYPED, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert not HeldPost.objects.exists()


def test_script_gets_401_and_the_number_of_what_is_kept(sign_in, police):
    client = sign_in(police)

    response = post_too_late(client, police, headers={held.ASKS: "1"})

    assert response.status_code == 401
    assert response[held.SIGNED_OUT] == "1"
    assert response.json()["held"] == str(HeldPost.objects.get().pk)


def test_asking_to_be_kept_does_nothing_while_signed_in(sign_in, police):
    client = sign_in(police)

    response = client.post(FORM, TYPED, headers={held.ASKS: "1"})

    assert response.status_code == 204
    assert not HeldPost.objects.exists()


def test_form_that_saves_itself_keeps_its_last_save_only(sign_in, police):
    client = sign_in(police)
    post_too_late(client, police, headers={"X-Autosave": "1"})
    key = Session.objects.get(user=police.user).pk
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    client.post(FORM, {**TYPED, "note": "more"}, headers={"X-Autosave": "1"})

    assert [dict(held.fields_of(kept))["note"] for kept in HeldPost.objects.all()] == ["more"]


def test_twenty_are_kept_at_most(sign_in, police):
    client = sign_in(police)
    sessions.end_all(police.user)
    key = Session.objects.get(user=police.user).pk
    for number in range(22):
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        with clock.as_of(clock.now() + timedelta(seconds=number)):
            client.post(FORM, {"n": str(number)})

    kept = [dict(held.fields_of(each))["n"] for each in held.waiting_for(police.user)]
    assert sorted(map(int, kept)) == list(range(2, 22))


def checked(client: Client) -> Client:
    """The same browser, whose tokens are looked at."""
    other = Client(enforce_csrf_checks=True)
    other.cookies = client.cookies
    return other


def key_for(membership: Membership) -> str:
    """The key of a form that was made for this person, as their page carries it."""
    return new_key(SimpleNamespace(actor=actor_for(membership)))


OWN = {"Origin": "http://testserver"}


def test_old_token_of_a_signed_in_person_keeps_the_text_and_offers_to_send_it(sign_in, police):
    client = checked(sign_in(police))

    response = client.post(FORM, TYPED | {"form_key": key_for(police)}, headers=OWN)

    assert response.status_code == 403
    page = response.content.decode()
    assert "What you typed is kept" in page
    assert "data-carry-on" not in page
    action, fields = form_of(page, f'action="{FORM}"')
    assert TYPED.items() <= fields.items()
    assert client.post(action, fields).status_code in (200, 302)
    assert not HeldPost.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Referer": "https://elsewhere.example/x"}],
)
def test_token_of_elsewhere_is_refused_and_nothing_kept(sign_in, police, headers):
    client = checked(sign_in(police))

    assert client.post(FORM, TYPED | {"form_key": key_for(police)}, headers=headers).status_code == 403
    assert not HeldPost.objects.exists()


def test_page_left_open_by_another_person_shows_them_nothing(sign_in, police, housing):
    """The first person's page is still there when somebody else has signed in, in another tab."""
    typed = TYPED | {"form_key": key_for(police)}

    old_token = checked(sign_in(housing)).post(FORM, typed, headers=OWN)
    good_token = sign_in(housing).post(FORM, typed)

    assert (old_token.status_code, good_token.status_code) == (403, 409)
    for response in (old_token, good_token):
        assert "Ashgrove" not in response.content.decode()
    assert {kept.user for kept in HeldPost.objects.all()} == {police.user}
    assert not Referral.objects.exists()


def test_page_left_open_does_nothing_in_the_scheme_one_changed_to(sign_in, police):
    other = factories.member(factories.scheme("richmond"), "referrer", agency_kind="police")
    other.user = police.user
    other.save()

    response = sign_in(other).post(FORM, TYPED | {"form_key": key_for(police)})

    assert response.status_code == 409
    assert f"Act for {police.agency.name}" in response.content.decode()
    assert not Referral.objects.exists()
    script = sign_in(other).post(FORM, TYPED | {"form_key": key_for(police)}, headers={"X-Autosave": "1"})
    assert script.status_code == 409
    assert HeldPost.objects.get().membership_number == police.pk


def test_form_says_for_whom_it_was_made_even_after_signing_out(sign_in, police):
    client = sign_in(police)
    client.post("/sign-out/")

    response = client.post(FORM, TYPED | {"form_key": key_for(police)})

    assert response.url.startswith("/sign-in/?next=/carry-on/")
    assert HeldPost.objects.get().user == police.user


@pytest.mark.parametrize("change", [lambda key: "9" + key, lambda key: key.replace("-", "-0", 1), lambda key: key[20:]])
def test_altered_mark_says_nothing(police, change):
    response = Client().post(FORM, TYPED | {"form_key": change(key_for(police))})

    assert response.url == f"/sign-in/?next={FORM}"
    assert not HeldPost.objects.exists()


def test_forms_of_pages_carry_the_mark(sign_in, police):
    page = sign_in(police).get(FORM).content.decode()

    keys = re.findall(r'name="form_key" value="([^"]+)"', page)
    assert keys
    assert all(key.startswith(key_for(police)[:15]) and len(key) == 64 for key in keys)


def test_somebody_without_a_code_yet_sends_nothing_and_loses_nothing(client, police):
    with_app(police.user)
    client.post("/sign-in/", {"email": police.user.email, "password": PASSWORD})

    response = client.post(FORM, TYPED | {"form_key": key_for(police)})

    kept = HeldPost.objects.get()
    assert response.url == f"/sign-in/code/?next=%2Fcarry-on%2F{kept.pk}%2F"
    assert client.post(response.url, {"code": app_code()}).url == f"/carry-on/{kept.pk}/"

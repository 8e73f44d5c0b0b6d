"""Getting in: sign-in, sign-out, invitations, links that name a scheme."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from django.core.exceptions import PermissionDenied

from iom import clock, invitations, second_factor
from iom.access import actor_for
from iom.models import Invitation, Membership, Scheme, Seat, User
from tests import factories
from tests.factories.signing_in import app_code, set_up, with_app

pytestmark = pytest.mark.django_db


def type_password(client: Client, email: str, password: str = factories.PASSWORD, **extra):
    return client.post("/sign-in/", {"email": email, "password": password, **extra})


def sign_in_as(client: Client, email: str, **extra):
    """Password, then the code of an app that was set up before: the answer to the code."""
    user = User.objects.get(email__iexact=email)
    if not second_factor.is_set_up(user):
        with_app(user)
    asked = type_password(client, email, **extra)
    return client.post(asked.url, {"code": app_code(), **extra})


def test_sign_in_lands_on_the_page_of_the_link(client, coordinator):
    response = client.get("/notifications/")
    assert response.url == "/sign-in/?next=/notifications/"

    response = sign_in_as(client, coordinator.user.email.upper(), next="/notifications/")

    assert (response.status_code, response.url) == (302, "/notifications/")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_never_leads_elsewhere(client, coordinator, elsewhere):
    response = sign_in_as(client, coordinator.user.email, next=elsewhere)

    assert response.url == "/"


def test_unknown_wrong_disabled_and_waiting_accounts_get_the_same_answer(client, coordinator):
    disabled = factories.member(coordinator.scheme, "member").user
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    waiting = User.objects.create_user("waiting@example.org", "Wai Ting")

    answers = [
        type_password(Client(), email, password)
        for email, password in [
            ("nobody@example.org", "x"),
            (coordinator.user.email, "wrong"),
            (disabled.email, factories.PASSWORD),
            (waiting.email, "x"),
        ]
    ]

    assert len({same(answer.content.decode()) for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(sorted(set(answer.headers) - {"X-Request-ID"})) for answer in answers}) == 1
    assert "Your email or password is not right" in answers[0].content.decode()


def same(page: str) -> str:
    """A page without what differs from one request to the next; the address typed in is the reader's own."""
    return re.sub(r'value="[^"]*"|[0-9a-f]{12}|\d\d? \w+ 20\d\d, \d\d:\d\d', "", page)


def test_sign_out_is_a_post_and_ends_the_session(client, coordinator):
    sign_in_as(client, coordinator.user.email)

    assert client.get("/sign-out/").status_code == 405
    assert client.get("/").status_code == 200
    response = client.post("/sign-out/")

    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == 302


def test_session_ends_after_twelve_hours_however_busy(client, coordinator):
    start = clock.now()
    with time_machine.travel(start, tick=False) as clock_hands:
        sign_in_as(client, coordinator.user.email)
        for quarter in range(1, 48):
            clock_hands.move_to(start + timedelta(minutes=15 * quarter))
            assert client.get("/notifications/").status_code == 200
        clock_hands.move_to(start + timedelta(hours=12, minutes=1))
        assert client.get("/notifications/").status_code == 302


def test_membership_that_ended_takes_effect_on_the_next_request(client, coordinator):
    sign_in_as(client, coordinator.user.email)
    assert client.get("/notifications/").status_code == 200

    coordinator.until = clock.today()
    coordinator.save()

    assert client.get("/notifications/").status_code == 403


@pytest.mark.feature(23)
def test_link_of_another_scheme_offers_the_change_to_its_member_and_404_to_others(client, coordinator):
    elsewhere = factories.scheme("merton", slug="second")
    agency = factories.member(elsewhere, "coordinator").agency
    sign_in_as(client, coordinator.user.email)
    stranger = client.get("/notifications/?in=second")

    Membership.objects.create(
        scheme=elsewhere, user=coordinator.user, agency=agency, roles=["coordinator"], starts_on=clock.today()
    )
    member = client.get("/notifications/?in=second")

    assert stranger.status_code == 404
    assert member.status_code == 200
    assert "This page is of another scheme" in member.content.decode()


def test_change_of_scheme_to_one_that_is_not_theirs_is_ignored(client, coordinator):
    stranger = factories.member(factories.scheme("merton", slug="second"), "coordinator")
    sign_in_as(client, coordinator.user.email)

    client.post("/scheme/", {"membership": stranger.pk})

    assert "membership" not in client.session


# --- create_scheme and invitations ---------------------------------------------------------


def link_in(text: str) -> str:
    return re.search(r"(/sign-in/invited/\S+)", text)[1]


def test_create_scheme_prints_a_link_that_makes_the_administrator(client):
    out = StringIO()
    call_command("create_scheme", "merton", preset="merton", admin="ada@council.example", stdout=out)
    link = link_in(out.getvalue())

    assert client.get(link).status_code == 200
    assert client.get(link).status_code == 200
    response = client.post(link, {"name": "Ada Admin", "password": "three random words"})
    assert response.url == "/sign-in/set-up-code/?next=%2F"
    set_up(client)

    membership = Membership.objects.get(user__email="ada@council.example")
    assert membership.roles == ["scheme_admin"]
    assert client.get("/settings/users/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("merton", "nowhere", "a@b.example"), 2, "choose from", id="unknown preset"),
        pytest.param(("Not A Slug", "merton", "a@b.example"), 2, "slug", id="bad slug"),
        pytest.param(("merton", "merton", "nobody"), 2, "e-mail", id="bad address"),
    ],
)
def test_create_scheme_refuses_in_one_line(arguments, code, words):
    slug, preset, admin = arguments
    with pytest.raises(CommandError, match=words) as refused:
        call_command("create_scheme", slug, preset=preset, admin=admin)

    assert refused.value.returncode == code
    assert not Scheme.objects.exists()


def test_create_scheme_twice_says_that_it_is_there(merton):
    with pytest.raises(CommandError, match="already"):
        call_command("create_scheme", "merton", preset="merton", admin="a@b.example")


@pytest.fixture
def invitation(merton):
    admin = factories.actor(merton, "scheme_admin")
    seat = Seat.objects.filter(scheme=merton, agency__kind="housing").first()
    return invitations.invite(email="jo@housing.example", agency=seat.agency, roles=["member"], by=admin, seats=[seat])


def test_invitation_gives_role_and_seat(client, invitation):
    made, secret = invitation

    client.post(f"/sign-in/invited/{secret}/", {"name": "Jo Reid", "password": "three random words"})

    membership = Membership.objects.get(user__email="jo@housing.example")
    assert actor_for(membership).seats == {"panel"}
    assert membership.roles == ["member"]


@pytest.mark.parametrize("spoil", ["spent", "expired", "altered"])
def test_link_that_cannot_be_used_says_so_without_a_reason(client, invitation, spoil):
    made, secret = invitation
    if spoil == "spent":
        invitations.accept(made, name="Jo", password="three random words")
    if spoil == "expired":
        Invitation.objects.filter(pk=made.pk).update(expires_at=clock.now())
    if spoil == "altered":
        secret += "x"

    response = client.get(f"/sign-in/invited/{secret}/")

    assert response.status_code == 410
    assert "This link cannot be used" in response.content.decode()


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "The password must be 12 characters or more"),
        ("qwerty123456", "That password is on the list of common passwords"),
        ("jo@housing.example", "The password must not have your email address in it"),
        ("with jo reid inside", "The password must not have your name in it"),
        ("x" * 64 + "harbour" * 10, "The password must be 128 characters or fewer"),
    ],
)
def test_weak_password_is_refused_and_never_echoed(client, invitation, password, words):
    _, secret = invitation

    response = client.post(f"/sign-in/invited/{secret}/", {"name": "Jo Reid", "password": password})

    page = response.content.decode()
    assert words in page
    assert f'value="{password}"' not in page
    assert not User.objects.filter(email="jo@housing.example").exists()


def test_administrator_invites_and_cannot_make_another_administrator(merton, sign_in):
    client = sign_in(factories.member(merton, "scheme_admin"))
    agency = factories.member(merton, "member", agency_kind="housing").agency
    form = {"name": "New Person", "email": "new@example.org", "agency": agency.pk, "post": ""}

    refused = client.post("/settings/users/", form | {"roles": ["scheme_admin"]})
    theirs = factories.member(factories.scheme("merton", slug="second"), "member").agency
    elsewhere = client.post("/settings/users/", form | {"roles": ["member"], "agency": theirs.pk})
    assert (refused.status_code, elsewhere.status_code) == (403, 403)
    assert not Invitation.objects.filter(email="new@example.org").exists()
    client.post("/settings/users/", form | {"roles": ["coordinator"]})

    shown = client.get("/settings/users/").content.decode()
    assert "/sign-in/invited/" in shown
    assert "/sign-in/invited/" not in client.get("/settings/users/").content.decode()
    assert Invitation.objects.get(email="new@example.org").agency == agency


def test_health_and_headers(client):
    response = client.get("/healthz")

    assert response.json() == {"status": "alive"}
    directives = response["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"} <= set(directives)
    assert response["X-Content-Type-Options"] == "nosniff"


def test_signed_in_pages_are_not_kept_by_browsers(client, coordinator):
    sign_in_as(client, coordinator.user.email)

    assert client.get("/")["Cache-Control"] == "no-store"


def test_ready_says_what_is_missing(client):
    response = client.get("/readyz")

    assert response.status_code == 503
    assert "the clock has not run yet" in response.json()["problems"]


def test_search_of_the_header_keeps_the_words_out_of_the_address(client, coordinator):
    case = factories.case(coordinator.scheme, who=factories.offender(coordinator.scheme, family_name="Rookwood"))
    sign_in_as(client, coordinator.user.email)
    assert 'action="/cases/" method="post" role="search"' in client.get("/").content.decode()

    answer = client.post("/cases/", {"words": "rookwood"})

    assert re.fullmatch(r"/cases/\?s=[0-9a-f-]+#results", answer.url)
    assert case.reference in client.get(answer.url.partition("#")[0]).content.decode()
    assert client.post("/cases/", {"words": case.reference}).url == case.get_absolute_url()


# --- Who may invite whom (security.md A1) --------------------------------------------------


@pytest.mark.parametrize(
    ("inviter", "given", "allowed"),
    [
        ("scheme_admin", ["coordinator"], True),
        ("scheme_admin", ["member", "chair"], True),
        ("scheme_admin", ["scheme_admin"], False),
        ("scheme_admin", ["member", "scheme_admin"], False),
        ("coordinator", ["member"], True),
        ("coordinator", ["coordinator"], False),
        ("member", ["referrer"], False),
    ],
)
def test_roles_are_given_only_below_ones_own(merton, inviter, given, allowed):
    by = factories.actor(merton, inviter)
    agency = by.agency

    if allowed:
        invitation, _ = invitations.invite(email="new@example.org", agency=agency, roles=given, by=by)
        assert invitation.roles == given
    else:
        with pytest.raises(PermissionDenied):
            invitations.invite(email="new@example.org", agency=agency, roles=given, by=by)
        assert not Invitation.objects.exists()


def test_agency_of_another_scheme_is_refused(merton):
    admin = factories.actor(merton, "scheme_admin")
    theirs = factories.member(factories.scheme("merton", slug="second"), "member").agency

    with pytest.raises(PermissionDenied):
        invitations.invite(email="new@example.org", agency=theirs, roles=["member"], by=admin)


@pytest.mark.parametrize(("hours", "works"), [(71.99, True), (72, False)])
def test_invitation_is_good_for_72_hours(client, invitation, hours, works):
    made, secret = invitation

    with clock.as_of(made.expires_at - timedelta(hours=72) + timedelta(hours=hours)):
        status = client.get(f"/sign-in/invited/{secret}/").status_code

    assert status == (200 if works else 410)


def test_spent_invitation_gives_nothing_to_a_second_form(client, invitation):
    made, secret = invitation
    form = {"name": "Jo Reid", "password": "three random words"}
    client.post(f"/sign-in/invited/{secret}/", form)

    again = Client().post(f"/sign-in/invited/{secret}/", form | {"name": "Somebody Else"})

    assert again.status_code == 410
    assert User.objects.get(email="jo@housing.example").name == "Jo Reid"


def test_links_that_cannot_be_used_are_one_page(client, invitation):
    made, secret = invitation
    pages = {same(client.get(f"/sign-in/invited/{wrong}/").content.decode()) for wrong in (secret + "x", "0-x", "x")}
    with clock.as_of(made.expires_at):
        pages.add(same(client.get(f"/sign-in/invited/{secret}/").content.decode()))

    assert len(pages) == 1

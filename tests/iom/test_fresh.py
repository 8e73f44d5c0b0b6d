"""A code typed within five minutes before the weighty acts, asked for in place (security.md M5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from iom import clock, fresh, held, sessions
from iom.checks import every_url
from iom.models import AuditEvent, Membership
from iom.pages import page
from tests.factories.signing_in import app_code, with_app
from tests.iom.test_held import form_of

PASSWORD = "harbour-lantern-2026"
done: list[dict[str, list[str]]] = []


@page("iom.view_home", methods=("GET", "POST"), fresh=True)
def weighty(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        done.append({name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"})
    return HttpResponse("done" if request.method == "POST" else "look")


urlpatterns = [path("weighty/", weighty, name="weighty"), path("", include("iom.urls"))]
handler404 = "iom.views.errors.not_found"


@pytest.fixture(autouse=True)
def own_urls(settings):
    settings.ROOT_URLCONF = __name__
    done.clear()


@pytest.fixture
def stale(sign_in, police) -> Client:
    """Somebody whose last code is older than five minutes."""
    client = sign_in(police)
    set_typed(client, clock.now() - timedelta(minutes=6))
    return client


def set_typed(client: Client, at) -> None:
    session = client.session
    session[sessions.CODE_AT] = at.timestamp()
    session.save()


def demonstration(settings) -> None:
    settings.DEMO_SIGN_IN = True


def typed(page: str, **fields: str) -> dict[str, str]:
    return form_of(page, 'action="/weighty/"')[1] | fields


def test_code_of_a_moment_ago_lets_the_act_through(stale):
    set_typed(stale, clock.now())

    assert stale.post("/weighty/", {"a": "1"}).content == b"done"


@pytest.mark.parametrize(("seconds", "asked"), [(299, False), (300, True)])
def test_code_is_fresh_for_five_minutes(stale, seconds, asked):
    at = clock.now()
    set_typed(stale, at)

    with clock.as_of(at + timedelta(seconds=seconds)):
        response = stale.post("/weighty/", {"a": "1"})

    assert (response.content != b"done") == asked


@pytest.mark.parametrize("name", ["review_minutes", "case_open", "rights", "decide_rights", "reset_factor"])
def test_weighty_acts_ask_for_a_code(name):
    views = {pattern.name: pattern.callback for _, pattern in every_url()}

    assert views[name].fresh


def test_looking_needs_no_code(stale):
    assert stale.get("/weighty/").content == b"look"


def test_form_is_carried_through_the_code_and_done_once(stale, settings):
    demonstration(settings)
    sent = {"a": "1", "words": 'two\r\nlines "quoted" <b>', "many": ["x", "y"]}

    asked = stale.post("/weighty/", sent)
    assert done == []
    page = asked.content.decode()
    assert "Type your password again" in page
    assert stale.post("/weighty/", sent | {"fresh_code": PASSWORD}).content == b"done"

    fields = typed(page)
    assert (fields["a"], fields["words"], fields["many"]) == ("1", 'two\r\nlines "quoted" <b>', "y")
    assert page.count('name="many"') == 2
    assert [{k: v for k, v in each.items() if k != "form_key"} for each in done] == [
        {"a": ["1"], "words": ['two\r\nlines "quoted" <b>'], "many": ["x", "y"]}
    ]


def test_wrong_password_asks_again_and_keeps_the_form(stale, settings):
    demonstration(settings)

    page = stale.post("/weighty/", {"a": "1", "fresh_code": "wrong"}).content.decode()

    assert "Your password is not right" in page
    assert "Error: " in page
    assert typed(page)["a"] == "1"
    assert "wrong" not in page
    assert done == []
    assert outcomes(stale) == ["refused"]


def outcomes(client: Client) -> list[str]:
    return list(AuditEvent.objects.filter(verb="fresh_code").order_by("pk").values_list("outcome", flat=True))


def test_nothing_typed_says_what_to_do(stale, settings):
    assert "Enter your security code" in stale.post("/weighty/", {"fresh_code": ""}).content.decode()
    demonstration(settings)
    assert "Enter your password" in stale.post("/weighty/", {"fresh_code": ""}).content.decode()


def test_right_answer_gives_the_session_a_new_id_and_five_minutes(stale, settings, police):
    demonstration(settings)
    before = stale.cookies["sessionid"].value

    stale.post("/weighty/", {"fresh_code": PASSWORD})

    assert stale.cookies["sessionid"].value != before
    assert stale.post("/weighty/", {}).content == b"done"
    assert outcomes(stale) == ["done"]
    old = Client()
    old.cookies["sessionid"] = before
    assert old.get("/notifications/").status_code == 302


def test_code_of_the_app_is_asked_for_and_taken_once(stale, police, app):
    page = stale.post("/weighty/", {"a": "1"}).content.decode()
    assert "Enter your security code" in page
    code = app_code()

    assert stale.post("/weighty/", typed(page, fresh_code=code)).content == b"done"

    set_typed(stale, clock.now() - timedelta(minutes=6))
    again = stale.post("/weighty/", {"fresh_code": code}).content.decode()
    assert "has been used" in again
    assert len(done) == 1


@pytest.fixture
def app(police) -> None:
    """The person has an authenticator app."""
    with_app(police.user)


def test_too_many_wrong_codes_wait(stale, police, app):
    for _ in range(5):
        stale.post("/weighty/", {"fresh_code": "000000"})

    response = stale.post("/weighty/", {"fresh_code": app_code()})

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert done == []


def test_role_is_asked_for_before_the_code(stale, police):
    Membership.objects.filter(pk=police.pk).update(until=clock.today())

    assert stale.post("/weighty/", {}).status_code == 403


def test_script_is_told_in_short(stale):
    assert stale.post("/weighty/", {}, headers={"HX-Request": "true"}).status_code == 428


def test_page_that_leads_back(stale, settings):
    demonstration(settings)
    page = stale.get("/account/code/?next=/notifications/").content.decode()
    fields = form_of(page, 'action="/account/code/"')[1]

    assert stale.post("/account/code/", fields | {"fresh_code": PASSWORD}).url == "/notifications/"
    assert stale.get("/account/code/?next=https://elsewhere.example/").url == "/"


def test_cancel_leads_to_the_page_one_came_from(stale):
    page = stale.post("/weighty/", {}, headers={"Referer": "http://testserver/cases/?s=1"}).content.decode()

    assert '<a class="govuk-link" href="/cases/?s=1">Cancel</a>' in page


def test_code_is_not_kept_when_the_session_is_over(stale, police):
    sessions.end_all(police.user)
    stale.post("/weighty/", {"a": "1", "fresh_code": "123456"})

    assert [dict(held.fields_of(kept)) for kept in held.waiting_for(police.user)] == [{"a": "1"}]


def test_is_fresh_knows_nothing_of_a_session_without_a_code(sign_in, police, rf):
    request = rf.get("/")
    request.session = sessions.SessionStore()

    assert not fresh.is_fresh(request)

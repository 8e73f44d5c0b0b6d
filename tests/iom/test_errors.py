"""Answers for what went wrong: styled, with a number, in the form that was asked for, nothing of the inside (L4)."""

import pytest
from django.contrib import messages
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, RequestFactory

from iom.pages import PUBLIC, page
from iom.views import errors, system

pytestmark = pytest.mark.django_db

INSIDE = "SELECT family_name FROM offenders WHERE name = 'Quillfeather'"


@pytest.fixture
def failing(monkeypatch):
    """An address that fails as told: /healthz, open to everybody."""

    def fail_with(error: Exception) -> Client:
        from django.urls import get_resolver

        pattern = next(each for each in get_resolver().url_patterns if each.name == "healthz")

        @page(PUBLIC)
        def view(request):
            raise error

        monkeypatch.setattr(pattern, "callback", view)
        return Client(raise_request_exception=False)

    return fail_with


FAILURES = [
    (BadRequest(INSIDE), 400),
    (SuspiciousOperation(INSIDE), 400),
    (PermissionDenied(INSIDE), 403),
    (Http404(INSIDE), 404),
    (RuntimeError(INSIDE), 500),
    (OperationalError(INSIDE), 503),
    (InterfaceError(INSIDE), 503),
]


@pytest.mark.parametrize(("error", "status"), FAILURES)
def test_failure_is_a_page_with_a_number_and_nothing_of_the_inside(failing, error, status):
    answer = failing(error).get("/healthz")
    text = answer.content.decode()

    assert answer.status_code == status
    assert text.count("<h1") == 1
    assert "govuk-heading-l" in text
    assert answer["X-Request-ID"] in text
    for inside in ("SELECT", "Quillfeather", "Traceback", "/iom/", ".py", "Django", "0.1"):
        assert inside not in text


@pytest.mark.parametrize(("error", "status"), FAILURES)
def test_failure_is_a_part_for_htmx_and_data_for_what_saves_itself(failing, error, status):
    client = failing(error)

    part = client.get("/healthz", headers={"HX-Request": "true"})
    data = client.get("/healthz", headers={"X-Autosave": "1"})

    assert part.status_code == data.status_code == status
    assert "<html" not in part.content.decode()
    assert 'role="region"' in part.content.decode()
    assert part["X-Request-ID"] in part.content.decode()
    assert data.json() == {"message": errors.WORDS[status], "reference": data["X-Request-ID"]}


def test_page_of_a_boosted_link_is_whole(failing):
    answer = failing(Http404()).get("/healthz", headers={"HX-Request": "true", "HX-Boosted": "true"})

    assert "<html" in answer.content.decode()


def test_database_that_is_away_says_when_to_come_back(failing):
    assert failing(OperationalError()).get("/healthz")["Retry-After"] == "10"


def test_failure_behind_which_the_database_is_away_is_told_so(failing):
    try:
        try:
            raise OperationalError
        except OperationalError as away:
            raise KeyError("session") from away
    except KeyError as error:
        behind = error

    assert failing(behind).get("/healthz").status_code == 503


def test_failing_page_of_somebody_signed_in_asks_nothing_more_of_the_database(
    failing, sign_in, coordinator, django_assert_max_num_queries
):
    request = RequestFactory().get("/")
    request.id = "0123456789ab"
    failing(RuntimeError())

    with django_assert_max_num_queries(0):
        for status in sorted(errors.WITHOUT_FRAME):
            assert "0123456789ab" in errors.answer(request, status).content.decode()


def test_what_was_to_be_said_goes_with_the_session_when_the_database_is_away():
    def away(request):
        SessionMiddleware(lambda _: None).process_request(request)
        request._messages = default_storage(request)
        messages.success(request, "Saved")
        return errors.unavailable(request)

    request = RequestFactory().get("/")

    answer = MessageMiddleware(away).process_response(request, away(request))

    assert answer.status_code == 503


def test_other_method_is_a_page_that_names_the_methods(client):
    answer = client.put("/sign-in/")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, POST, HEAD"
    assert "This page cannot be opened like that" in answer.content.decode()


def test_unknown_host_is_turned_away(client):
    answer = client.get("/sign-in/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_form_without_its_token_changes_nothing(coordinator):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/sign-in/", {"email": "a@b.example"}).status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "/\t/evil.example/",
        "http:/evil.example",
        "evil",
        "",
    ],
)
def test_redirect_leads_to_own_paths_only(wanted):
    from iom.addresses import own_path

    assert own_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/cases/?s=1#results", "/meetings/2026-03-12/"])
def test_redirect_to_an_own_path_is_kept(wanted):
    from iom.addresses import own_path

    assert own_path(wanted) == wanted


def test_json_is_answered_only_where_it_was_asked_for():
    ask = RequestFactory()

    assert errors.wants_json(ask.get("/", headers={"Accept": "application/json"}))
    assert not errors.wants_json(ask.get("/", headers={"Accept": "text/html,application/json"}))
    assert system.healthz.permission == PUBLIC

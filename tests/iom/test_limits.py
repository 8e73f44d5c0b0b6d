"""What a request may bring, and how often somebody may ask (security.md I4, L3)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from django.conf import settings as configured
from django.core.cache import cache
from django.http import QueryDict
from redis.client import Pipeline

from iom import clock, limits
from iom.access import actor_for
from iom.limits import SingleValued, watch_reading
from iom.models import Notification
from iom.settings import base
from tests import factories
from tests.embedded.test_silent_queue import Queue

pytestmark = pytest.mark.django_db

MOST = configured.DATA_UPLOAD_MAX_MEMORY_SIZE
FORM = "application/x-www-form-urlencoded"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def rates(settings):
    settings.RATES = base.RATES
    cache.clear()
    limits._trouble.until = 0
    yield
    cache.clear()
    limits._trouble.until = 0


@pytest.fixture
def valkey(settings, tmp_path):
    queue = Queue(tmp_path)
    queue.start()
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": queue.url, "OPTIONS": {}}
    }
    limits._trouble.until = 0
    yield limits._server()
    limits._client(queue.url).close()
    limits._client.cache_clear()
    limits._trouble.until = 0
    queue.end()


# --- What a request may bring ------------------------------------------------


@pytest.mark.parametrize(("size", "status"), [(MOST - 100, 200), (MOST, 200), (MOST + 1, 413), (20 * MOST, 413)])
def test_body_over_the_limit_is_turned_away(client, size, status):
    body = "email=" + "a" * (size - len("email="))

    assert client.post("/sign-in/", body, content_type=FORM).status_code == status


def test_body_of_any_method_and_kind_is_measured(client):
    assert client.put("/sign-in/", "a" * (MOST + 1), content_type="text/plain").status_code == 413


@pytest.mark.parametrize(("fields", "status"), [(1000, 200), (1001, 400), (5001, 400)])
def test_form_over_a_thousand_fields_is_turned_away(client, fields, status):
    body = "&".join(f"a{number}=" for number in range(fields))

    assert client.post("/sign-in/", body, content_type=FORM).status_code == status
    assert client.get(f"/sign-in/?{body}").status_code == status


@pytest.mark.parametrize(("fields", "turned_away"), [(5000, False), (5001, True)])
def test_grid_may_have_five_thousand_fields(sign_in, coordinator, fields, turned_away):
    meeting = factories.meeting(coordinator.scheme, clock.today() + timedelta(days=30))
    body = "&".join(f"a{number}=" for number in range(fields - 1))  # one is the key of the form

    answer = sign_in(coordinator).post(f"/meetings/{meeting.key}/attendance/", body + "&form_key=a", content_type=FORM)

    assert ("5000 answers" in answer.content.decode()) is turned_away


@pytest.mark.parametrize(("depth", "status"), [(10, 405), (11, 400), (5000, 400), (200_000, 400)])
def test_json_that_lies_too_deep_is_turned_away(client, depth, status):
    body = "[" * depth + "]" * depth

    assert client.post("/healthz", body, content_type="application/json").status_code == status


@pytest.mark.parametrize("body", ["{", "\ud800".encode("utf-8", "surrogatepass"), b"\xff", '{"a": NaN'])
def test_json_that_is_none_is_turned_away(client, body):
    assert client.post("/healthz", body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("path", ["/sign-in/?next=%00", "/sign-in/?%00=1", "/cases/%00/", "/%00"])
def test_nul_in_an_address_is_turned_away(client, path):
    assert client.get(path).status_code == 400


def test_nul_in_a_cookie_is_turned_away(client):
    client.cookies["sessionid"] = "a\0b"

    assert client.get("/").status_code == 400


@pytest.mark.parametrize("charset", ["rot13", "no-such-code", "utf-16", "hex"])
def test_strange_text_encoding_is_no_failure_of_ours(client, charset):
    for kind in (FORM, "multipart/form-data; boundary=x"):
        answer = client.generic("POST", "/sign-in/", b"email=a", content_type=f"{kind}; charset={charset}")
        assert answer.status_code in {200, 400}


def test_multipart_without_boundary_is_turned_away(client):
    assert client.post("/sign-in/", b"email=a", content_type="multipart/form-data").status_code == 400


def test_single_value_given_twice_is_turned_away_wherever_it_stands(client, sign_in, coordinator):
    assert client.get("/sign-in/?next=/a/&next=/b/").status_code == 400
    assert client.post("/sign-in/", "email=a@b.example&email=c@d.example", content_type=FORM).status_code == 400
    assert sign_in(coordinator).get("/cases/?sort=name&sort=rating").status_code == 400


def test_value_that_may_be_several_is_read(sign_in, coordinator):
    assert sign_in(coordinator).get("/cases/?rating=RED&rating=AMBER").status_code == 200


def test_strict_parameters_copy_and_list_as_others():
    given = SingleValued.of(QueryDict("a=1&b=2&b=3"))

    assert given["a"] == given.get("a") == "1"
    assert given.getlist("b") == ["2", "3"]
    assert given.get("c", "") == ""
    assert given.copy().urlencode() == "a=1&b=2&b=3"


def test_turned_away_in_the_form_that_was_asked_for(client):
    body = "a" * (MOST + 1)

    page = client.post("/sign-in/", body, content_type=FORM)
    part = client.post("/sign-in/", body, content_type=FORM, headers={"HX-Request": "true"})
    data = client.post("/sign-in/", body, content_type=FORM, headers={"X-Autosave": "1"})

    assert "<h1" in page.content.decode()
    assert "The most that can be sent at once is 2.5 MB" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert data.json() == {"message": "That is too big. Nothing was saved.", "reference": data["X-Request-ID"]}


# --- How often somebody may ask ----------------------------------------------


def test_a_hundred_and_twenty_requests_a_minute_pass(rates, sign_in, coordinator):
    client = sign_in(coordinator)

    with time_machine.travel(AT + timedelta(seconds=20), tick=False):
        answers = [client.get("/notifications/").status_code for _ in range(121)]
        refused = client.get("/notifications/")
    with time_machine.travel(AT + timedelta(seconds=60), tick=False):
        later = client.get("/notifications/").status_code

    assert answers == [200] * 120 + [429]
    assert refused["Retry-After"] == "40"
    assert "Wait 1 minute, then try again" in refused.content.decode()
    assert later == 200


def test_one_person_does_not_use_up_anothers_requests(rates, settings, sign_in, coordinator, chair):
    settings.RATES = {"request": (1, 60)}

    assert [sign_in(person).get("/notifications/").status_code for person in (coordinator, chair, coordinator)] == [
        200,
        200,
        429,
    ]


def test_nobody_signed_in_is_counted(rates, settings, client):
    settings.RATES = {"request": (1, 60)}

    assert [client.get("/sign-in/").status_code for _ in range(3)] == [200] * 3


def test_searches_are_counted_apart_and_looking_at_the_board_is_none(rates, settings, sign_in, coordinator):
    settings.RATES = {"search": (2, 60), "request": (100, 60)}
    client = sign_in(coordinator)

    for _ in range(5):
        assert client.get("/cases/").status_code == 200
    assert [client.post("/cases/", {"words": "a b"}).status_code for _ in range(3)] == [302, 302, 429]
    assert client.get("/cases/").status_code == 200


def test_saving_by_itself_is_counted_apart(rates, settings, sign_in, coordinator):
    settings.RATES = {"autosave": (1, 60), "request": (2, 60)}
    client = sign_in(coordinator)

    saves = [client.post("/cases/", {"words": "a"}, headers={"X-Autosave": "1"}) for _ in range(2)]

    assert saves[1].status_code == 429
    assert saves[1].json()["message"] == "Wait a minute, then try again."
    assert client.get("/cases/").status_code == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cases", "search"), ("minutes_pdf", "pdf"), ("check_minutes", "upload"), ("live_draft", "autosave")],
)
def test_page_is_of_its_kind(name, kind):
    from iom.checks import every_url

    assert next(pattern.callback.kind for _, pattern in every_url() if pattern.name == name) == kind


def test_limits_let_pass_when_the_cache_is_away_and_nobody_waits_for_it_again(
    rates, settings, monkeypatch, sign_in, coordinator
):
    settings.RATES = {"request": (1, 60)}
    asked = []

    def away(*args, **kwargs):
        asked.append(args)
        raise redis.ConnectionError

    monkeypatch.setattr(cache, "add", away)
    client = sign_in(coordinator)

    assert [client.get("/notifications/").status_code for _ in range(3)] == [200] * 3
    assert len(asked) == 1


def test_limits_let_pass_when_the_cache_is_emptied_while_it_counts(rates, sign_in, coordinator, monkeypatch):
    visitor = sign_in(coordinator)
    monkeypatch.setattr(cache, "add", lambda *args, **options: cache.clear())

    assert visitor.get("/").status_code == 200


def test_valkey_counts_for_all_processes_in_one_question(valkey, monkeypatch):
    """What the pages ask in production; the other tests count in the memory of this process."""
    asked = []
    execute = Pipeline.execute
    monkeypatch.setattr(Pipeline, "execute", lambda self: asked.append(len(self)) or execute(self))

    assert [limits._counted("request:7", 60)[0] for _ in range(3)] == [1, 2, 3]
    assert limits._counted("request:8", 60)[0] == 1
    assert [limits._read_since("reading", 100.0, read) for read in ({"a": 101.0}, {"a": 102.0, "b": 102.0})] == [1, 2]
    assert limits._read_since("reading", 101.5, {"c": 103.0}) == 3
    assert limits._read_since("reading", 102.5, {"d": 104.0}) == 2
    assert asked == [2, 2, 2, 2, 4, 4, 4, 4]
    assert all(0 < valkey.ttl(key) <= configured.READING_SECONDS for key in valkey.keys())

    monkeypatch.setattr(Pipeline, "execute", lambda self: valkey.execute_command("NOSUCH"))
    assert limits._counted("request:7", 60)[0] == 0


# --- Who reads very much -----------------------------------------------------


@pytest.fixture
def administrator(merton):
    return factories.member(merton, "scheme_admin", agency_kind="council", name="Sam Okafor")


def told() -> list[Notification]:
    return list(Notification.objects.filter(kind="much_reading"))


def test_a_hundred_people_in_ten_minutes_are_told_once_an_hour(rates, police, administrator):
    actor = actor_for(police)

    with clock.as_of(AT):
        watch_reading(actor, [f"IOM-{number:04}" for number in range(99)])
        watch_reading(actor, ["IOM-0001"])
        assert told() == []
        watch_reading(actor, ["IOM-0099"])
        watch_reading(actor, ["IOM-0100"])

    (notice,) = told()
    assert notice.recipient == administrator.user
    assert police.user.name not in notice.text + notice.email_body
    assert str(police.user.pk) in notice.text

    with clock.as_of(AT + timedelta(minutes=61)):
        watch_reading(actor, [f"IOM-{number:04}" for number in range(100)])
    assert len(told()) == 2


def test_whoever_reads_on_costs_no_more_statements(
    rates, police, administrator, django_assert_num_queries, django_capture_on_commit_callbacks
):
    actor, many = actor_for(police), [f"IOM-{number:04}" for number in range(100)]

    with clock.as_of(AT):
        with django_capture_on_commit_callbacks(execute=True):
            watch_reading(actor, many)
        with django_assert_num_queries(0):
            watch_reading(actor, many)

    assert len(told()) == 1


def test_people_read_more_than_ten_minutes_apart_do_not_add_up(rates, police, administrator):
    actor = actor_for(police)

    with clock.as_of(AT):
        watch_reading(actor, [f"IOM-{number:04}" for number in range(60)])
    with clock.as_of(AT + timedelta(minutes=10)):
        watch_reading(actor, [f"IOM-{number:04}" for number in range(60, 120)])

    assert told() == []


def test_reading_of_two_people_does_not_add_up(rates, police, housing, administrator):
    for person, numbers in ((police, range(60)), (housing, range(60, 120))):
        watch_reading(actor_for(person), [f"IOM-{number:04}" for number in numbers])

    assert told() == []


def test_depth_is_counted_over_lists_and_objects():
    json_ten = {"a": [{"a": [{"a": [{"a": [{"a": [1]}]}]}]}]}

    class Asked:
        content_type, body = "application/json", json.dumps(json_ten).encode()

    limits._check_json(Asked)
    Asked.body = json.dumps([json_ten]).encode()
    with pytest.raises(ValueError):
        limits._check_json(Asked)


def test_reading_of_a_hundred_people_on_pages_is_told_to_the_administrator(merton, sign_in):
    """The pages themselves say whom they showed: nobody has to call anything."""
    administrator = factories.member(merton, "scheme_admin")
    reader = sign_in(factories.member(merton, "coordinator"))
    for _ in range(60):
        factories.case(merton)
    reader.get("/cases/")
    assert not Notification.objects.filter(kind="much_reading").exists()

    for _ in range(45):
        factories.case(merton)
    reader.get("/cases/")
    reader.get("/cases/?page=2")
    reader.get("/cases/?page=3")

    assert [told.recipient for told in Notification.objects.filter(kind="much_reading")] == [administrator.user]

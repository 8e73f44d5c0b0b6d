"""Log lines: JSON, in UTC, with numbers and names of routes, never what anyone typed (security.md L1)."""

import io
import json
import logging
from datetime import datetime

import pytest
from django.db import DataError, connection, transaction

from iom import logs
from iom.logs import JsonLine
from iom.serving import JsonLogger, Response

MARK = "Quillfeather"


@pytest.fixture
def written():
    """Log under a name, and read back the one line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    logger = logging.getLogger("iom.test")
    logger.addHandler(handler)

    def read() -> dict:
        (line,) = stream.getvalue().splitlines()
        return json.loads(line)

    yield logger, read
    logger.removeHandler(handler)


def formatted(name: str, message: str, *args, exc_info=None) -> str:
    record = logging.LogRecord(name, logging.ERROR, "/somewhere/module.py", 7, message, args, exc_info)
    return JsonLine().format(record)


def test_line_is_one_json_object_with_time_in_utc(written):
    logger, read = written

    logger.warning("it happened", extra={"user_id": 7, "scheme_id": 3, "route": "home", "status": 200, "ms": 1.5})

    line = read()
    assert datetime.fromisoformat(line["time"]).utcoffset().total_seconds() == 0
    assert {name: line[name] for name in ("level", "logger", "message", "user_id", "scheme_id", "route", "status")} == {
        "level": "warning",
        "logger": "iom.test",
        "message": "it happened",
        "user_id": 7,
        "scheme_id": 3,
        "route": "home",
        "status": 200,
    }


def test_newlines_and_control_characters_are_escaped(written):
    logger, read = written

    logger.warning("a\nb\x1b[31m\u2028c")

    assert read()["message"] == "a\nb\x1b[31m\u2028c"


def test_only_known_fields_are_written(written):
    logger, read = written

    logger.warning("it happened", extra={"name": MARK} if False else {"person": MARK, "verb": "sign"})

    assert MARK not in json.dumps(read())


@pytest.mark.django_db
def test_text_of_a_database_error_is_left_out(written):
    logger, read = written

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [MARK])
    except DataError:
        logger.exception("the database refused")

    line = read()
    assert line["error"] == "DataError"
    assert line["trace"]
    assert MARK not in json.dumps(line)


@pytest.mark.parametrize(
    ("name", "message", "args"),
    [
        ("django.request", "%s: %s", ("Not Found", f"/cases/{MARK}/")),
        ("django.security.DisallowedHost", f"Invalid HTTP_HOST header: {MARK}", ()),
        ("gunicorn.error", "Error handling request %s %s", ("GET", f"/cases/?q={MARK}")),
        ("gunicorn.error", f"Invalid request from ip=1.2.3.4: {MARK}", ()),
        ("celery.app.trace", "Task %(name)s raised: %(exc)s", ({"name": "iom.deliver", "exc": MARK},)),
        ("weasyprint", f"Ignored {MARK}", ()),
        ("py.warnings", "%s", (MARK,)),
    ],
)
def test_lines_of_others_show_their_form_alone(name, message, args):
    line = formatted(name, message, *args)

    assert MARK not in line
    assert "[module:7]" in line


def test_line_within_a_request_has_its_number():
    token = logs.request_id.set("0123456789ab")
    try:
        assert json.loads(formatted("iom.outbox", "done"))["request_id"] == "0123456789ab"
    finally:
        logs.request_id.reset(token)


@pytest.mark.django_db
def test_each_request_is_a_line_without_its_address(client, written):
    logger, read = written
    logging.getLogger("iom.request").addHandler(logger.handlers[0])
    try:
        answer = client.get(f"/cases/IOM-0001/?q={MARK}", headers={"Cookie": f"a={MARK}", "Referer": f"/{MARK}"})
    finally:
        logging.getLogger("iom.request").removeHandler(logger.handlers[0])

    line = read()
    assert (line["route"], line["method"], line["status"]) == ("case", "GET", 302)
    assert line["request_id"] == answer["X-Request-ID"]
    assert line["ms"] >= 0
    assert MARK not in json.dumps(line)
    assert "IOM-0001" not in json.dumps(line)


def test_server_keeps_no_access_log():
    assert JsonLogger.access.__doc__
    assert "access_log" not in vars(JsonLogger)


def test_server_does_not_say_what_it_is():
    class Request:
        version = (1, 1)

    response = Response.__new__(Response)
    response.req, response.status, response.version = Request, "200 OK", "gunicorn"
    response.upgrade, response.chunked, response.must_close = False, False, True

    assert not [header for header in response.default_headers() if "gunicorn" in header]


def test_loggers_of_ours_have_one_handler_and_django_has_none():
    from django.conf import settings

    assert settings.LOGGING["root"]["handlers"] == ["console"]
    assert settings.LOGGING["loggers"]["django"]["handlers"] == []
    assert logging.getLogger("django").handlers == []

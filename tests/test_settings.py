"""A start with settings that open doors is refused, by the name of the setting (security.md L5): real processes."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from iom import starting
from iom.embedded import paths

KEY = "k7Qz-3vXw9_TbLr5YhNd2MfGc8JpKs4RuWe6AaZx1CvBn0Qm7T"
SERVER = [sys.executable, "-m", "gunicorn", "iom.wsgi", "-c", "python:iom.serving", "--no-control-socket"]
SERVER += ["--bind", "127.0.0.1:0", "--workers", "1"]
WORKER = [sys.executable, "-m", "celery", "-A", "iom", "worker", "--concurrency", "1", "--loglevel", "WARNING"]
RELAY = [sys.executable, "manage.py", "relay", "--once"]
CHECK = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]


def production(**changes: str | None) -> dict[str, str]:
    """The environment of a production start, all well but for the changes; None takes a name out."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    well = {
        "DJANGO_SETTINGS_MODULE": "iom.settings.production",
        "SECRET_KEY": KEY,
        "SECOND_FACTOR_KEYS": KEY[::-1],
        "HEADS_KEYS": KEY[::-1] + "heads",
        "AUDIT_HEADS": "mailto:auditor@example.org",
        "ALLOWED_HOSTS": "panel.example",
        "SITE_URL": "https://panel.example",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_HOST": "mail.example",
        "DEFAULT_FROM_EMAIL": "panel@panel.example",
    }
    return kept | {name: value for name, value in (well | changes).items() if value is not None}


def start(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=paths.CHECKOUT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def said(outcome: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in outcome.stderr.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DEBUG": "1"}, "DEBUG"),
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": KEY[:49]}, "SECRET_KEY"),
        ({"SECRET_KEY": "django-insecure-" + KEY}, "SECRET_KEY"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY"),
        ({"SECOND_FACTOR_KEYS": None}, "SECOND_FACTOR_KEYS"),
        ({"SECOND_FACTOR_KEYS": KEY}, "SECOND_FACTOR_KEYS"),
        ({"SECOND_FACTOR_KEYS": f"{KEY[::-1]},short"}, "SECOND_FACTOR_KEYS"),
        ({"AUDIT_HEADS": None}, "AUDIT_HEADS"),
        ({"AUDIT_HEADS": "http://example.org/"}, "AUDIT_HEADS"),
        ({"HEADS_KEYS": None}, "HEADS_KEYS"),
        ({"HEADS_KEYS": KEY}, "HEADS_KEYS"),
        ({"HEADS_KEYS": "short"}, "HEADS_KEYS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ".example"}, "ALLOWED_HOSTS"),
        ({"IOM_DEMO_SIGN_IN": "1"}, "IOM_DEMO_SIGN_IN"),
        ({"SECRET_KEY": None, "SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE"),
    ],
)
def test_relay_refuses_with_one_line_that_names_the_setting(changes, named):
    outcome = start(RELAY, production(**changes))

    assert outcome.returncode == 1
    (line,) = said(outcome)
    assert named in line


@pytest.mark.parametrize("command", [SERVER, WORKER], ids=["web", "worker"])
@pytest.mark.parametrize(
    ("changes", "named"), [({"DEBUG": "1"}, "DEBUG"), ({"SECRET_KEY": "short"}, "SECRET_KEY")], ids=["debug", "key"]
)
def test_server_and_worker_refuse(command, changes, named):
    outcome = start(command, production(**changes))

    assert outcome.returncode != 0
    assert named in said(outcome)[-1]


@pytest.fixture(scope="module")
def server(django_db_setup):
    """The cluster of these tests, with tables in it."""
    from tests.conftest import _server

    return _server


@pytest.mark.parametrize(
    ("role", "named"), [("postgres", "superuser"), (paths.OWNER_ROLE, "owns the tables")], ids=["superuser", "owner"]
)
def test_role_that_passes_the_wall_is_refused(server, role, named):
    from iom.embedded.postgres import SUPERUSER

    role = SUPERUSER if role == "postgres" else role
    database = settings.DATABASES["default"]["NAME"]

    for command in (RELAY, SERVER):
        outcome = start(command, production(DATABASE_URL=server.url(role, database)))

        assert outcome.returncode == 1
        (line,) = [line for line in said(outcome) if "DATABASE_URL" in line]
        assert named in line


def test_application_role_starts(server):
    database = settings.DATABASES["default"]["NAME"]

    outcome = start(RELAY, production(DATABASE_URL=server.url(paths.APPLICATION_ROLE, database)))

    assert outcome.returncode == 0, outcome.stderr


def test_database_that_is_away_is_no_reason_not_to_start():
    outcome = start(RELAY, production())

    assert outcome.returncode == 0
    assert "relay could not send" in outcome.stderr


def test_secrets_are_read_from_files(tmp_path):
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    shown = [
        sys.executable,
        "manage.py",
        "shell",
        "-v0",
        "-c",
        "from django.conf import settings as s; print(s.SECRET_KEY)",
    ]

    outcome = start(shown, production(SECRET_KEY=None, SECRET_KEY_FILE=str(key)))

    assert outcome.stdout.strip() == KEY, outcome.stderr


def test_deployment_check_is_clean():
    outcome = start(CHECK, production())

    assert outcome.returncode == 0, outcome.stderr
    assert "no issues" in outcome.stdout


@pytest.mark.parametrize(
    ("key", "weak"),
    [(KEY, False), (KEY[:49], True), ("x" * 60, True), ("Secret" + KEY, True), ("django-insecure-" + KEY, True)],
)
def test_key_that_others_know_is_weak(key, weak):
    assert starting.weak(key) is weak

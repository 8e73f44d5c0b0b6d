"""What every test may use: the database with both roles, people of every role, a client that is signed in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.db import connections
from django.db.models import QuerySet

from iom import audit
from iom.embedded.postgres import Postgres
from iom.models import AuditEvent
from tests import ready_made

pytest_plugins = ["tests.factories.fixtures"]


_server = Postgres(Path(os.environ["IOM_TEST_HOME"]))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A cluster for this run alone; it also ends when this process is killed."""
    if not _is_worker(session.config) and not session.config.option.collectonly:
        _server.home.mkdir(exist_ok=True)
        ready_made.lay(_server)
        with (_server.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")  # thrown away anyway
        _server.start(tied=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not _is_worker(session.config):
        _server.destroy()
        shutil.rmtree(_server.home, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker) -> None:
    """Tables that their owner built; every test then runs as the application role (security.md Z3)."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"test_{worker}"
    ready_made.copy(_server, name)
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name


@pytest.fixture(autouse=True)
def chained_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are chained when their transaction ends, and that of a test never does: whoever reads them chains them first."""

    def chained() -> QuerySet:
        audit.chain()
        return QuerySet(AuditEvent)

    monkeypatch.setattr(AuditEvent._meta.managers_map["objects"], "get_queryset", chained)


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """A database in which commits are real, for races and for what happens between transactions; emptied afterwards.

    Numbers go on: what a process remembers by the number of a row stays true.
    """
    with django_db_blocker.unblock():
        yield
        for alias in connections:
            connections[alias].close()
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables WHERE schemaname = 'public' "
                "AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission', "
                "'iom_bankholiday')"
            )
            cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} CASCADE")
        connections["owner"].close()
        _forget_the_audit(connections["default"].settings_dict["NAME"])


def _forget_the_audit(database: str) -> None:
    """The chains of one test are not those of the next: only a superuser who takes the triggers away can do this."""
    with _server._superuser(database) as superuser:
        for table, trigger in (("event", "event_stays"), ("head", "head_stays")):
            superuser.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER {trigger}")
            superuser.execute(f"TRUNCATE audit.{table}")
            superuser.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER {trigger}")

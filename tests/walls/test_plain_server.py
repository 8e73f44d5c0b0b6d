"""A server of one's own on which nobody has run the audit's script: whoever migrates makes it (docs/running.md)."""

from __future__ import annotations

import psycopg
import pytest

from iom import walls
from tests.conftest import _server

PLAIN = "plain_server"


@pytest.fixture
def plain(django_db_setup):
    with _server._superuser() as server:
        server.execute(f"CREATE DATABASE {PLAIN} OWNER iom_owner")
    yield
    _server.drop(PLAIN)


def connected(role: str) -> psycopg.Connection:
    return psycopg.connect(_server.url(role, PLAIN), autocommit=True)


def test_audit_is_made_by_whoever_migrates_and_only_grows(plain):
    with connected("iom_owner") as owner:
        assert walls.make_audit(owner.cursor(), "iom_app")
        assert not walls.make_audit(owner.cursor(), "iom_app")
    with connected("iom_app") as serving:
        serving.execute('SELECT audit.append(7, \'{"kind": "verb", "verb": "rate"}\')')
        serving.execute("SELECT set_config('iom.scheme', '7', false)")
        assert serving.execute("SELECT sequence, verb, role FROM audit.trail").fetchall() == [(1, "rate", "iom_app")]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            serving.execute("DELETE FROM audit.event")

"""For machines: alive, ready, and who may do what."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from iom import clock, outbox
from iom.models import OutboxMessage, Role, Tick
from iom.views import system
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(monkeypatch):
    """Everything that a probe looks at is as it should be."""
    monkeypatch.setattr(system, "_queue_answers", lambda: True)
    Tick.objects.update_or_create(pk=1, defaults={"at": clock.now()})


def problems(client) -> list[str]:
    answer = client.get("/readyz")
    assert answer.status_code == (503 if answer.json()["problems"] else 200)
    return answer.json()["problems"]


def test_ready_when_all_is_well(client, well):
    assert problems(client) == []


def test_not_ready_without_queue(client, well, monkeypatch):
    monkeypatch.setattr(system, "_queue_answers", lambda: False)

    assert problems(client) == ["the queue does not answer"]


@pytest.mark.parametrize(("seconds", "said"), [(300, []), (302, ["the clock has stopped"])])
def test_not_ready_when_the_clock_stopped(client, well, seconds, said):
    Tick.objects.update(at=clock.now() - timedelta(seconds=seconds - 1))

    assert problems(client) == said


@pytest.mark.parametrize(("minutes", "said"), [(4, []), (6, ["background work is waiting"])])
def test_not_ready_when_work_is_not_begun(client, well, merton, minutes, said):
    outbox.add("email", scheme=merton, key="a", notification=1)
    OutboxMessage.objects.update(created_at=clock.now() - timedelta(minutes=minutes))

    assert problems(client) == said


def test_ready_while_failed_work_waits_for_its_next_try(client, well, merton):
    outbox.add("email", scheme=merton, key="a", notification=1)
    long_ago, soon = clock.now() - timedelta(hours=1), clock.now() + timedelta(minutes=30)
    OutboxMessage.objects.update(created_at=long_ago, due_at=soon, attempts=3)

    assert problems(client) == []


def test_work_that_was_given_up_is_a_warning(client, well, merton):
    outbox.add("email", scheme=merton, key="a", notification=1)
    OutboxMessage.objects.update(created_at=clock.now() - timedelta(hours=9), dead=True)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["warnings"]) == (200, ["background work was given up"])


def test_not_ready_when_the_tables_are_of_another_version(client, well, monkeypatch):
    monkeypatch.setattr(system, "_seen", [])
    monkeypatch.setattr(system.MigrationExecutor, "migration_plan", lambda *a, **k: ["something"])

    assert problems(client) == ["the tables are not those of this version"]


def test_database_that_is_away_is_asked_once(client, well, monkeypatch):
    asked = []

    def away():
        asked.append(1)
        raise DatabaseError("password authentication failed for user iom_app")

    monkeypatch.setattr(system, "_probes", [away, away])

    answer = client.get("/readyz")

    assert answer.json()["problems"] == ["the database does not answer"]
    assert asked == [1]
    assert "iom_app" not in answer.content.decode()


def test_health_asks_nothing_of_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "alive"}


# --- access_matrix -------------------------------------------------------------


def matrix(capsys) -> list[dict[str, str]]:
    call_command("access_matrix", "--json")
    return json.loads(capsys.readouterr().out)


def test_matrix_holds_every_address_method_and_role(capsys):
    from iom.checks import every_url

    cells = matrix(capsys)

    roles = {"signed out", "no scheme", *Role.values}
    wanted = {(f"/{path}", role) for path, _ in every_url() for role in roles}
    assert {(cell["address"], cell["role"]) for cell in cells} == wanted
    assert {cell["method"] for cell in cells} == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    ("name", "method", "role", "answer"),
    [
        ("home", "GET", "signed out", "sign in"),
        ("home", "GET", "no scheme", "403"),
        ("home", "GET", "member", "open"),
        ("home", "DELETE", "member", "405"),
        ("users", "GET", "coordinator", "403"),
        ("users", "POST", "scheme_admin", "open"),
        ("case", "GET", "coordinator", "open; another scheme's thing: 404"),
        ("case", "GET", "board_reader", "403"),
        ("healthz", "GET", "signed out", "open"),
    ],
)
def test_matrix_says_what_a_role_meets(capsys, name, method, role, answer):
    (cell,) = [cell for cell in matrix(capsys) if (cell["name"], cell["method"], cell["role"]) == (name, method, role)]

    assert cell["answer"] == answer


def test_matrix_of_the_command_is_that_of_the_tests(capsys):
    from tests.test_matrix import MATRIX

    open_to = {}
    for cell in matrix(capsys):
        if cell["answer"].startswith("open") and cell["role"] in Role.values:
            open_to.setdefault(cell["name"], set()).add(cell["role"])

    assert {name: open_to.get(name) for name in MATRIX} == {name: set(row.roles) for name, row in MATRIX.items()}


def test_matrix_for_people_is_a_line_a_cell(capsys):
    call_command("access_matrix")

    assert "/settings/users/  GET  scheme_admin  open" in capsys.readouterr().out.splitlines()

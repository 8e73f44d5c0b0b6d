"""Commands answer in JSON when asked, and say in one line what is wrong (security.md L6)."""

import json
import subprocess
import sys

import pytest
from django.core.management import call_command

from iom.embedded import paths

from tests.test_settings import production


@pytest.mark.django_db
def test_create_scheme_answers_in_json(capsys):
    call_command("create_scheme", "merton", "--preset", "merton", "--admin", "sam@example.org", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert (answer["scheme"], answer["preset"]) == ("merton", "merton")
    assert "/sign-in/invited/" in answer["invitation"]


@pytest.mark.django_db
def test_sweep_reminders_answers_in_json(merton, capsys):
    call_command("sweep_reminders", "--json")

    assert json.loads(capsys.readouterr().out) == {"sent": 0}


@pytest.mark.parametrize(
    "words",
    [
        ["create_scheme"],
        ["create_scheme", "merton", "--preset", "none", "--admin", "a@example.org"],
        ["create_scheme", "merton", "--preset", "merton", "--admin", "nobody"],
        ["sweep_reminders", "--on", "yesterday"],
        ["outbox", "throw"],
        ["outbox", "retry"],
        ["access_matrix", "--yes"],
        ["relay", "--twice"],
    ],
)
def test_wrong_arguments_end_with_two_and_one_line(words):
    outcome = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=paths.CHECKOUT,
        env=production(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert outcome.returncode == 2
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert outcome.stdout == ""

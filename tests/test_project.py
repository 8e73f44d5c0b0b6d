"""What holds everywhere in the project."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from iom.access import permissions
from iom.checks import every_url
from iom.models import SchemeModel
from iom.pages import PUBLIC, SIGNED_IN

ROOT = Path(settings.BASE_DIR)
APPS = ("iom", "offenders", "referrals", "actionplans", "panels")

# Tables outside the schemes, each with its reason.
OUTSIDE = {
    "iom.User": "one account for several schemes (security.md Z3)",
    "iom.Scheme": "the scheme itself",
    "iom.Tick": "the clock's last run",
    "iom.HeadDelivery": "when the heads of every chain last left (security.md U8)",
    "iom.Throttle": "failures of people who are nobody yet (security.md A4)",
    "iom.SecondFactor": "of an account",
    "iom.RecoveryCode": "of an account",
    "iom.Passkey": "of an account",
    "iom.RememberedDevice": "of an account",
    "iom.PasswordReset": "of an account",
    "iom.Session": "of an account",
    "iom.HeldPost": "what somebody typed when their session was over: sealed, theirs alone (security.md S5)",
    "iom.FormKey": "answers to forms, sealed, for a day (security.md C2)",
    "iom.CalendarFeed": "of an account: one address for all its schemes, of which only a digest is kept",
    "iom.BankHoliday": "the country's days, the same for every scheme (security.md T3)",
}


def sources() -> list[Path]:
    return [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("path", [path for path, _ in every_url()])
def test_every_address_names_a_known_permission(path):
    permission = next(p.callback.permission for url, p in every_url() if url == path)

    assert permission in {PUBLIC, SIGNED_IN, *permissions()}


def test_every_table_of_ours_has_a_scheme_that_is_never_empty():
    ours = [model for app in APPS for model in apps.get_app_config(app).get_models()]

    without = {
        model._meta.label
        for model in ours
        if not any(f.name == "scheme" and not f.null for f in model._meta.get_fields())
    }

    assert without == set(OUTSIDE)


@pytest.mark.django_db
def test_every_key_between_scheme_tables_carries_the_scheme_in_the_database():
    expected = {
        (model._meta.db_table, field.column)
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.local_fields
        if field.is_relation and isinstance(field.related_model, type) and issubclass(field.related_model, SchemeModel)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT conrelid::regclass::text, a.attname
               FROM pg_constraint c
               JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = c.conkey[2]
               WHERE contype = 'f' AND cardinality(conkey) = 2"""
        )
        held = {(table, column) for table, column in cursor.fetchall()}

    assert expected - held == set()


def test_no_code_asks_which_scheme_it_is_in():
    slugs = "merton|london|richmond|waltham_forest|hampshire"
    asks = re.compile(rf"""==\s*["']({slugs})|["']({slugs})["']\s*==|in\s*[\[({{]\s*["']({slugs})["']""")

    assert [str(path) for path in sources() if asks.search(path.read_text())] == []


def test_no_template_holds_a_script_or_a_style():
    inline = re.compile(r"<script>|<style|\sstyle=|\son(click|change|submit|load)=|javascript:", re.IGNORECASE)

    assert [str(p) for p in (ROOT / "templates").rglob("*.html") if inline.search(p.read_text())] == []


def test_views_read_through_visible_to():
    past = re.compile(r"\.objects\.(all|filter|get)\(")
    views = [path for path in sources() if "views" in path.parts or path.name == "views.py"]

    assert [str(path) for path in views if past.search(path.read_text())] == []


def test_time_is_asked_of_the_clock_alone():
    asked = {}
    for path in sources():
        calls = re.findall(r"timezone\.now\(|date\.today\(|datetime\.now\(|timezone\.localdate\(", path.read_text())
        if calls and path.relative_to(ROOT).as_posix() != "iom/clock.py":
            asked[path.relative_to(ROOT).as_posix()] = calls

    assert asked == {}


def test_every_public_module_says_what_it_is():
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if path.read_text().strip()
        and path.name not in {"__init__.py", "apps.py", "urls.py"}
        and path.parent.name != "commands"  # a command's help says it
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []

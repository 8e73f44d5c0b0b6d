import pytest

from iom.embedded.autostarting import needs_database


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        (["migrate"], True),
        (["create_scheme", "merton"], True),
        (["runserver"], True),
        (["workdays", "2026-12-01", "3", "working", "before"], False),
        (["score_ogrs", "in.csv", "out.csv"], False),
        (["panel_dates", "--scheme", "merton"], False),
        (["assess_eligibility", "--scheme", "merton"], False),
        (["makemigrations", "--check"], False),
        (["help"], False),
        (["migrate", "--help"], False),
        (["--version"], False),
        ([], False),
        (["migrate", "--settings", "iom.settings.production"], False),
        (["migrate", "--settings=iom.settings.production"], False),
        (["migrate", "--settings", "iom.settings.embedded"], True),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_needs_database_by_command(words, needs):
    assert needs_database(["manage.py", *words], {}) is needs


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_URL": "postgresql://iom_app@db/iom_panel"},
        {"DATABASE_OWNER_URL": "postgresql://iom_owner@db/iom_panel"},
        {"DJANGO_SETTINGS_MODULE": "iom.settings.production"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_needs_database_when_another_is_named_starts_none(environ):
    assert needs_database(["manage.py", "migrate"], environ) is False

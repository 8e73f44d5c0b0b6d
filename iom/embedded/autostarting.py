"""`manage.py` on its own: the embedded database is there when a command needs it, and gone afterwards."""

import atexit
import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from iom.embedded import paths
from iom.embedded.certificate import own_certificate
from iom.embedded.files import heads_key, private_folder, private_home, second_factor_key, secret_key, try_lock
from iom.embedded.trouble import Trouble

EMBEDDED_SETTINGS = "iom.settings.embedded"

# These read the presets and tables that ship with the code, or look at the code alone (design, section 6).
NEEDS_NO_DATABASE = frozenset(
    {
        "score_ogrs",
        "score_ovp",
        "panel_dates",
        "workdays",
        "access_matrix",
        "assess_eligibility",
        "help",
        "version",
        "check",
        "makemigrations",
        "collectstatic",
        "findstatic",
        "diffsettings",
        "compilemessages",
        "makemessages",
        "startapp",
        "startproject",
        "testserver",
        "test",
    }
)
NEEDS_QUEUE = frozenset({"runserver", "relay"})
MAKES_TABLES_ITSELF = frozenset({"migrate", "showmigrations", "dbshell", "restore", "sqlflush", "inspectdb"})


def needs_database(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this `manage.py` call needs the embedded database: no server is named, and it reads one."""
    words = argv[1:]
    if not words or words[0].startswith("-") or {"-h", "--help"} & set(words):
        return False
    settings = environ.get("DJANGO_SETTINGS_MODULE") or EMBEDDED_SETTINGS
    for place, word in enumerate(words):
        if word == "--settings":
            settings = "".join(words[place + 1 : place + 2])
        elif word.startswith("--settings="):
            settings = word.partition("=")[2]
    if settings != EMBEDDED_SETTINGS or environ.get("DATABASE_URL") or environ.get("DATABASE_OWNER_URL"):
        return False
    return words[0] not in NEEDS_NO_DATABASE


def autostart(argv: Sequence[str]) -> None:
    """Start the embedded database for a `manage.py` command that needs it, and stop it again at the end.

    What already runs is used and left running. Of several commands at once the last one to end stops what the
    first one started. A new database gets its tables. Trouble is printed as one line, exit code 1.
    """
    if not needs_database(argv):
        return
    try:
        _start_for(argv)
    except Trouble as trouble:
        sys.exit(f"{trouble}")


def _start_for(argv: Sequence[str]) -> None:
    from iom.embedded.postgres import Postgres
    from iom.embedded.valkey import Valkey

    home = private_home(paths.iom_home())
    run = private_folder(home / "run")
    secret_key(home)
    second_factor_key(home)
    heads_key(home)
    own_certificate(home)
    users = try_lock(run / "users.lock", shared=True)
    postgres = Postgres(home)
    services: list[Postgres | Valkey] = []
    if postgres.start():
        services.append(postgres)
    if argv[1] in NEEDS_QUEUE and not os.environ.get("REDIS_URL"):
        valkey = Valkey(home)
        if valkey.start():
            services.append(valkey)
    for service in services:
        _note(run, service)
    atexit.register(_stop_if_last, home, os.getpid(), users)
    postgres.prepare()
    if argv[1] not in MAKES_TABLES_ITSELF and not has_tables(postgres.url(paths.OWNER_ROLE)):
        migrate()


def _note(run: Path, service: object) -> None:
    """Remember that a command, not `make run`, started this service."""
    (run / f"{type(service).__name__.lower()}.autostarted").touch()


def _stop_if_last(home: Path, pid: int, users: int | None) -> None:
    from iom.embedded.postgres import Postgres
    from iom.embedded.valkey import Valkey

    if os.getpid() != pid or users is None:  # a forked child ends with our handlers too
        return
    run = home / "run"
    supervisor = try_lock(run / "supervise.lock")
    if supervisor is None:  # `make run` has taken the services over
        return
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    for service in (Valkey(home), Postgres(home)):
        note = run / f"{type(service).__name__.lower()}.autostarted"
        if note.exists():
            service.stop()
            note.unlink(missing_ok=True)
    os.close(users)
    os.close(supervisor)


def has_tables(url: str) -> bool:
    """Whether the database was ever migrated."""
    import psycopg

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('public.django_migrations')").fetchone()
    return found is not None and found[0] is not None


def migrate() -> None:
    """Make or change the tables, as the owner role; raises Trouble if that fails."""
    sys.stderr.write("Making the tables of the database.\n")
    sys.stderr.flush()
    command = [
        sys.executable,
        str(paths.CHECKOUT / "manage.py"),
        "migrate",
        "--database",
        "owner",
        "--verbosity",
        "0",
    ]
    if subprocess.run(command, cwd=paths.CHECKOUT, stdout=sys.stderr, check=False).returncode != 0:
        raise Trouble("The tables could not be made: the reason stands above.")

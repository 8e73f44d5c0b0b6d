"""A database with all its tables, made once for each state of the migrations and copied by every run of the tests.

To go through the migrations takes twenty seconds and more; to copy the cluster in which that was done takes half a
second, and to go on from one that lacks the last few migrations takes four.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from psycopg import sql

from iom.embedded import paths
from iom.embedded.files import locked, private_folder
from iom.embedded.postgres import Postgres

# What the tables are made of: the migrations, and what those of them read that is not a migration.
MADE_OF = (
    "*/migrations/*.py",
    "iom/embedded/*.sql",
    "iom/walls.py",
    "iom/working_days.py",
    "iom/data/*",
    "offenders/alike.py",
    "requirements-run.lock",
    "tests/ready_made.py",
)
KEPT = 24
MIGRATE = (
    "import django; django.setup(); from django.core.management import call_command;"
    "call_command('migrate', database='owner', verbosity=0)"
)


def made_of() -> dict[str, str]:
    """What the tables are made of now: each file with its digest."""
    files = (path for pattern in MADE_OF for path in sorted(paths.CHECKOUT.glob(pattern)))
    return {
        path.relative_to(paths.CHECKOUT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def state(files: dict[str, str]) -> str:
    """A short name for it."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]


def lay(server: Postgres) -> None:
    """Give a server that never ran the ready-made cluster: the product's database with every table, and no row in them."""
    shelf = private_folder(Path(tempfile.gettempdir()) / f"iom-panel-ready-made-{os.geteuid()}")
    files = made_of()
    server._make_folders()
    kept = shelf / state(files)
    with locked(shelf / f"{kept.name}.lock"):
        if not kept.exists():
            _make(shelf, kept, files)
            with locked(shelf / "clear.lock"):
                _clear(shelf)
        os.utime(kept)
        _copy(kept, server.data)


def copy(server: Postgres, name: str) -> None:
    """Another database like the ready-made one."""
    with server._superuser() as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *(sql.Identifier(word) for word in (name, paths.DATABASE, paths.OWNER_ROLE))
            )
        )
    server.prepare(name)


def _make(shelf: Path, kept: Path, files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(dir=shelf, prefix="making-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        server = Postgres(home)
        try:
            if begun := _furthest(shelf, files):
                server._make_folders()
                _copy(begun, server.data)
            server.start(tied=True)
            server.prepare()
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", MIGRATE],
                cwd=paths.CHECKOUT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "iom.settings.test", "IOM_TEST_HOME": str(home)},
                check=True,
            )
            server.stop()
            # Renamed when it is whole: an interrupted copy leaves nothing that looks like a cluster.
            half_made = Path(folder) / "half-made"
            _copy(server.data, half_made)
            _list_of(kept).write_text(json.dumps(files))
            half_made.rename(kept)
        finally:
            server.destroy()


def _furthest(shelf: Path, files: dict[str, str]) -> Path | None:
    """The kept cluster that lacks the fewest migrations and differs in nothing else."""
    nearest, shared = None, 0
    for folder in _all_kept(shelf):
        if not _list_of(folder).exists():
            continue
        its = json.loads(_list_of(folder).read_text())
        lacking = files.keys() - its.keys()
        is_older = its.items() <= files.items() and all("/migrations/" in path for path in lacking)
        if is_older and len(its) > shared:
            nearest, shared = folder, len(its)
    return nearest


def _list_of(kept: Path) -> Path:
    return kept.with_suffix(".json")


def _all_kept(shelf: Path) -> list[Path]:
    """The clusters, the one used last first."""
    kept = [folder for folder in shelf.iterdir() if folder.is_dir() and not folder.name.startswith("making-")]
    return sorted(kept, key=lambda each: each.stat().st_mtime, reverse=True)


def _clear(shelf: Path) -> None:
    """Keep those that were used last."""
    for folder in _all_kept(shelf)[KEPT:]:
        _list_of(folder).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    # As root the files belong to another account, which copytree would not keep.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)

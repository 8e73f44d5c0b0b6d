"""A database with all its tables, made once for each state of the migrations and copied by every run of the tests.

To go through the migrations takes twenty seconds; to copy the cluster in which that was done takes half a second.
"""

from __future__ import annotations

import hashlib
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
KEPT = 12
MIGRATE = (
    "import django; django.setup(); from django.core.management import call_command;"
    "call_command('migrate', database='owner', verbosity=0)"
)


def state() -> str:
    """A short name for what the tables are made of now."""
    digest = hashlib.sha256()
    for pattern in MADE_OF:
        for path in sorted(paths.CHECKOUT.glob(pattern)):
            digest.update(f"{path.relative_to(paths.CHECKOUT)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def lay(server: Postgres) -> None:
    """Give a server that never ran the ready-made cluster: the product's database with every table, and no row in them."""
    shelf = private_folder(Path(tempfile.gettempdir()) / f"iom-panel-ready-made-{os.geteuid()}")
    server._make_folders()
    with locked(shelf / "shelf.lock"):
        kept = shelf / state()
        if not kept.exists():
            _make(shelf, kept)
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


def _make(shelf: Path, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=shelf, prefix="making-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        server = Postgres(home)
        try:
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
            half_made.rename(kept)
        finally:
            server.destroy()


def _clear(shelf: Path) -> None:
    """Keep those that were used last."""
    kept = [folder for folder in shelf.iterdir() if folder.is_dir() and not folder.name.startswith("making-")]
    for folder in sorted(kept, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    # As root the files belong to another account, which copytree would not keep.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)

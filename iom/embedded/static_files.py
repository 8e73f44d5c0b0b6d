"""Collecting the static files once, and again only when one of them has changed."""

import hashlib
from collections.abc import Callable

from iom.embedded.files import locked
from iom.embedded.paths import CHECKOUT

STATIC = CHECKOUT / "static"
COLLECTED = CHECKOUT / "staticfiles"


def fingerprint() -> str:
    """What is collected: our own files by name, size and time, those of packages by the lock file,
    and how they are joined.
    """
    digest = hashlib.sha256((CHECKOUT / "requirements-run.lock").read_bytes())
    digest.update((CHECKOUT / "iom" / "joined.py").read_bytes())
    for path in sorted(STATIC.rglob("*")):
        found = path.stat()
        digest.update(f"{path.relative_to(STATIC)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect(command: Callable[[], object]) -> None:
    """Run `command` unless nothing has changed since it last succeeded."""
    folder = CHECKOUT / ".setup"
    folder.mkdir(exist_ok=True)
    stamp = folder / "static-files"
    with locked(folder / "static-files.lock"):
        now = fingerprint()
        if stamp.exists() and stamp.read_text() == now and COLLECTED.exists():
            return
        command()
        stamp.write_text(now)

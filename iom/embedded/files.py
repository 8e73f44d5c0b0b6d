"""Private folders, locks and room on the disk: each failure is one line that says what to do."""

import fcntl
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iom.embedded.paths import is_root
from iom.embedded.trouble import Trouble

ROOM_NEEDED = 300 * 1024 * 1024


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter; raises Trouble if somebody else's stands there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Trouble(f"{path} belongs to another account: remove it, or set IOM_HOME to a folder of your own.")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise Trouble(
            f"Cannot write in {path} ({error.strerror}): set IOM_HOME to a folder you may write to."
        ) from error
    return path


def private_home(home: Path) -> Path:
    """Make IOM_HOME ready for personal data; raises Trouble if it is not ours, not writable or full.

    A folder that was there before keeps its permissions: it may hold other things.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"Cannot make {home} ({error.strerror}): set IOM_HOME to a folder you may write to.") from error
    owner = home.stat().st_uid
    if not is_root() and owner != os.geteuid():
        raise Trouble(f"{home} belongs to {account_name(owner)}: start as that account, or set another IOM_HOME.")
    if is_root() and (home / "postgres" / "data").exists():
        owner = (home / "postgres").stat().st_uid
        raise Trouble(f"The data in {home} was made by {account_name(owner)}: start as that account, or set IOM_HOME.")
    if not os.access(home, os.W_OK | os.X_OK):
        raise Trouble(f"Cannot write in {home}: set IOM_HOME to a folder you may write to.")
    check_room(home)
    return home


def secret_key(home: Path) -> str:
    """The key of this installation, made on the first start and kept beside its data."""
    return _key(home / "secret-key")


def second_factor_key(home: Path) -> str:
    """The key that seals the secrets of authenticator apps, kept out of the database (security.md M4)."""
    return _key(home / "second-factor-key")


def heads_key(home: Path) -> str:
    """The key that signs the heads of the audit, and the folder that they go to unless AUDIT_HEADS says otherwise."""
    private_folder(home / "heads")
    return _key(home / "heads-key")


def _key(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key


def account_name(uid: int) -> str:
    """The name of an account, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"


def check_room(path: Path, needed: int = ROOM_NEEDED) -> None:
    """Raise Trouble if fewer than `needed` bytes are free where `path` lies."""
    free = shutil.disk_usage(path).free
    if free < needed:
        raise Trouble(
            f"Only {free // 2**20} MB are free at {path} and {needed // 2**20} MB are needed: "
            "make room, or set IOM_HOME to another disk."
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock while the block runs; others wait. The system frees it when the process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take a file's lock without waiting: the descriptor that holds it, None if another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor

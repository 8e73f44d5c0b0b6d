"""Where the bytes of files lie: outside the database and the web root, encrypted, under a random key (security.md F2).

`settings.FILES_FOLDER` has a folder for each scheme. Each file is locked with a key made from the installation's own
(`settings.SECOND_FACTOR_KEYS`, the newest first; all of them open), and bound to its scheme and its own key, so that a
file that was exchanged for another one cannot be read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_MARK = b"IOM1"
_NAME, _NONCE = 8, 12


class Missing(Exception):
    """The bytes are not there, or cannot be read with any key of this installation."""


def put(scheme: int, key: uuid.UUID, content: bytes) -> None:
    """Keep `content`: whole or not at all, readable by this account alone. Raises OSError where it cannot be kept."""
    path = _path(scheme, key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = settings.SECOND_FACTOR_KEYS[0]
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_derived(lock)).encrypt(nonce, content, _bound(scheme, key))
    number, unfinished = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines([_MARK, _name(lock), nonce, sealed])
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)  # noqa: PTH105 -- one step for whoever reads, and for a power cut
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    _settle(path.parent)


def get(scheme: int, key: uuid.UUID) -> bytes:
    """The bytes as they were put. Raises `Missing`."""
    try:
        held = _path(scheme, key).read_bytes()
    except OSError as error:
        raise Missing from error
    name, nonce = held[len(_MARK) :][:_NAME], held[len(_MARK) + _NAME :][:_NONCE]
    for lock in settings.SECOND_FACTOR_KEYS:
        if _name(lock) == name and held.startswith(_MARK):
            try:
                return AESGCM(_derived(lock)).decrypt(nonce, held[len(_MARK) + _NAME + _NONCE :], _bound(scheme, key))
            except InvalidTag as error:
                raise Missing from error
    raise Missing


def destroy(scheme: int, key: uuid.UUID) -> None:
    """Remove the bytes; said twice, it is done."""
    _path(scheme, key).unlink(missing_ok=True)


def seal_anew(scheme: int, key: uuid.UUID) -> bool:
    """Lock a file with the newest key if an older one locks it; returns whether it was. Raises `Missing`."""
    try:
        with _path(scheme, key).open("rb") as file:
            beginning = file.read(len(_MARK) + _NAME)
    except OSError as error:
        raise Missing from error
    if beginning == _MARK + _name(settings.SECOND_FACTOR_KEYS[0]):
        return False
    put(scheme, key, get(scheme, key))
    return True


def keys(scheme: int) -> Iterator[tuple[uuid.UUID | None, Path, datetime]]:
    """Every file of a scheme's folder: its key (None for one that was never finished), its place, when it was put."""
    for path in _folder(scheme).glob("*/*"):
        try:
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
        try:
            yield uuid.UUID(path.name), path, when
        except ValueError:
            yield None, path, when


def can_keep() -> bool:
    """Whether files can be put: the folder is there, or can be made, and may be written to."""
    folder = Path(settings.FILES_FOLDER)
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _folder(scheme: int) -> Path:
    return Path(settings.FILES_FOLDER) / str(int(scheme))


def _path(scheme: int, key: uuid.UUID) -> Path:
    # Never from words of anybody's: a number and a random key.
    name = uuid.UUID(str(key)).hex
    return _folder(scheme) / name[:2] / name


def _bound(scheme: int, key: uuid.UUID) -> bytes:
    return f"{int(scheme)}:{key}".encode()


def _settle(folder: Path) -> None:
    """Have the folder written down too, so that a finished file is found after a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _name(lock: str) -> bytes:
    """Which key it is, telling nothing of it."""
    return hashlib.sha256(b"iom files name " + _derived(lock)).digest()[:_NAME]


@cache
def _derived(lock: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"iom files").derive(lock.encode())

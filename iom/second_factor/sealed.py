"""Text that only this installation can read: sealed with keys that are kept outside the database (security.md M4).

`settings.SECOND_FACTOR_KEYS` lists the keys, the newest first: it seals, all of them open. To change the key, put a new
one in front; what is used is sealed anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

Unreadable = InvalidToken


def seal(text: str) -> str:
    """`text`, readable again with `unseal` alone."""
    return _lock(settings.SECOND_FACTOR_KEYS[0]).encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """What was sealed. Raises `Unreadable` when it was changed, or sealed with a key that is no longer listed."""
    return MultiFernet([_lock(key) for key in settings.SECOND_FACTOR_KEYS]).decrypt(token.encode()).decode()


def is_newest(token: str) -> bool:
    """Whether the present key sealed it."""
    try:
        _lock(settings.SECOND_FACTOR_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def digests(text: str) -> Iterator[str]:
    """Keyed digests of `text`, one for each key, the newest first: for what is only ever compared."""
    for key in settings.SECOND_FACTOR_KEYS:
        yield hmac.new(_derived(key, b"iom second factor digests"), text.encode(), hashlib.sha256).hexdigest()


@cache
def _lock(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(key, b"iom second factor secrets")))


@cache
def _derived(key: str, purpose: bytes) -> bytes:
    """A key of the right length for one purpose: those of the settings are any long random text."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key.encode())

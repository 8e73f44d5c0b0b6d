"""Text that only this installation can read: sealed with keys that are kept outside the database (security.md M4).

`settings.SECOND_FACTOR_KEYS` lists the keys, the newest first: it seals, all of them open. To change the key, put a new
one in front; what is used is sealed anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

Unreadable = InvalidToken


def seal(text: str) -> str:
    """`text`, readable again with `unseal` alone."""
    return Fernet(settings.SECOND_FACTOR_KEYS[0]).encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """What was sealed. Raises `Unreadable` when it was changed, or sealed with a key that is no longer listed."""
    return MultiFernet([Fernet(key) for key in settings.SECOND_FACTOR_KEYS]).decrypt(token.encode()).decode()


def is_newest(token: str) -> bool:
    """Whether the present key sealed it."""
    try:
        Fernet(settings.SECOND_FACTOR_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def digests(text: str) -> Iterator[str]:
    """Keyed digests of `text`, one for each key, the newest first: for what is only ever compared."""
    for key in settings.SECOND_FACTOR_KEYS:
        yield hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

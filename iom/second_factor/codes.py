"""Codes of an authenticator app, and recovery codes (security.md M2, M4).

A code of the app is six figures that follow from a shared secret and the 30-second step in which it is shown
(RFC 6238).
"""

from __future__ import annotations

import re
import secrets
import string
from datetime import datetime
from hmac import compare_digest

import pyotp
from django.conf import settings

from iom.models import RecoveryCode, User
from iom.second_factor import sealed

STEP = 30
# Codes this many steps old are told as expired, not as wrong (ux.md 7).
REMEMBERED_STEPS = 10
RECOVERY_CODES = 8
# No letter or figure that is taken for another; 12 of 32 are 60 bits.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RECOVERY_LENGTH = 12


def new_secret() -> str:
    """A secret for an app: 160 bits, in the letters that apps read."""
    return pyotp.random_base32(32)


def step_at(instant: datetime) -> int:
    """The number of the 30-second step in which `instant` lies."""
    return int(instant.timestamp()) // STEP


def code_at(secret: str, step: int) -> str:
    """The six figures that the app shows in a step."""
    return pyotp.TOTP(secret, interval=STEP).at(step * STEP)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code was typed: the present one, or one of `SECOND_FACTOR_DRIFT` on either side."""
    drift = settings.SECOND_FACTOR_DRIFT
    return _matching(secret, code, range(step_at(now) - drift, step_at(now) + drift + 1))


def has_expired(secret: str, code: str, now: datetime) -> bool:
    """Whether the code was right a few minutes ago."""
    first = step_at(now) - settings.SECOND_FACTOR_DRIFT
    return _matching(secret, code, range(first - REMEMBERED_STEPS, first)) is not None


def _matching(secret: str, code: str, steps: range) -> int | None:
    found = None
    for step in steps:
        if compare_digest(code_at(secret, step), code):
            found = step
    return found


def cleaned(typed: str) -> str:
    """What was typed without what people put between: spaces, hyphens, small letters."""
    return re.sub(r"[\s\-\u2013]", "", typed).upper()


def is_app_code(code: str) -> bool:
    """Whether it looks like the app's code: six figures 0 to 9."""
    return len(code) == 6 and all(sign in string.digits for sign in code)


def in_fours(text: str) -> str:
    """A long key as people read it out: `ABCD EFGH`."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def new_recovery_codes(user: User) -> list[str]:
    """Eight new recovery codes in place of all earlier ones; shown once, kept as digests."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_digests(user, code)[0]) for code in codes])
    return [in_fours(code).replace(" ", "-") for code in codes]


def find_recovery_code(user: User, code: str) -> RecoveryCode | None:
    """The recovery code that was typed, used or not, locked until the caller's transaction ends."""
    return RecoveryCode.objects.select_for_update().filter(user=user, digest__in=_digests(user, code)).first()


def _digests(user: User, code: str) -> list[str]:
    return list(sealed.digests(f"recovery:{user.pk}:{code}"))

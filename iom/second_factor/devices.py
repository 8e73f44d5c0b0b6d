"""Remembered devices: no code for twelve hours, for one person in one browser (security.md M6, A4)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from iom import audit, clock
from iom.models import Membership, RememberedDevice, Role, User

SALT = "iom.second_factor.devices"


def cookie_name() -> str:
    """`__Host-` wherever cookies are secure: then no other host and no other path can set it."""
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def may_be_remembered(user: User) -> bool:
    """Never where somebody administers, whatever else they do there (security.md M6)."""
    if settings.REMEMBER_DEVICE_SECONDS <= 0 or user.is_system_admin:
        return False
    here = Membership.objects.filter(user=user).current(clock.today())
    return not here.with_role(Role.SCHEME_ADMIN).exists()


def remember(request: HttpRequest, response: HttpResponse, user: User) -> bool:
    """Ask for no code in this browser for as long as the settings say; whether that may be."""
    if not may_be_remembered(user):
        return False
    RememberedDevice.objects.filter(user=user, ends_at__lte=clock.now()).delete()
    secret = secrets.token_urlsafe(32)
    RememberedDevice.objects.create(
        user=user,
        digest=_digest(secret),
        browser=_browser(request),
        ends_at=clock.now() + timedelta(seconds=settings.REMEMBER_DEVICE_SECONDS),
    )
    response.set_signed_cookie(
        cookie_name(),
        secret,
        salt=SALT,
        max_age=settings.REMEMBER_DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    audit.account("device_remembered", user)
    return True


def remembered(request: HttpRequest, user: User) -> RememberedDevice | None:
    """The device that this request comes from, if it is remembered for this person and still may be."""
    try:
        secret = request.get_signed_cookie(cookie_name(), salt=SALT)
    except (KeyError, BadSignature):
        return None
    found = RememberedDevice.objects.filter(
        user=user, digest=_digest(secret), browser=_browser(request), ends_at__gt=clock.now()
    ).first()
    return found if found and may_be_remembered(user) else None


def forget_all(user: User) -> int:
    """Ask for a code everywhere again: a password or a factor has changed. Returns how many devices that were."""
    return RememberedDevice.objects.filter(user=user).delete()[0]


def forget_ended() -> int:
    """Delete the devices whose twelve hours are over. Returns how many."""
    return RememberedDevice.objects.filter(ends_at__lte=clock.now()).delete()[0]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _browser(request: HttpRequest) -> str:
    agent = request.headers.get("User-Agent", "")
    return salted_hmac(SALT, agent, algorithm="sha256").hexdigest()

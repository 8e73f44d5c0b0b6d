"""One try at a password, the same for accounts that are there and for those that are not (security.md A3, A4)."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import authenticate, login
from django.http import HttpRequest

from iom import audit, second_factor, throttle
from iom.addresses import client_address
from iom.models import RememberedDevice, User
from iom.second_factor import authenticator, devices


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a try: the person it let in; or after how many seconds the next one is looked at; or neither."""

    user: User | None = None
    device: RememberedDevice | None = None
    retry_after: int = 0


def try_password(request: HttpRequest, email: str, password: str) -> Answer:
    """Judge an e-mail and a password. Closed: the password is not even looked at."""
    known = User.objects.filter(email__iexact=email).first()
    device = devices.remembered(request, known) if known else None
    attempt = throttle.begin(*_counters(request, email, known, device))
    if attempt.is_closed:
        _failed(known, why="throttled")
        return Answer(retry_after=attempt.retry_after)
    user = authenticate(request, username=email, password=password)
    if user is None:
        _failed(known)
        return Answer()
    attempt.succeeded()
    return Answer(user, device)


def enter(request: HttpRequest, user: User, device: RememberedDevice | None = None) -> None:
    """Begin the session of somebody whose password was right. Without a remembered device the code comes next."""
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    if device is not None:
        second_factor.mark_remembered(request)
    elif second_factor.needed(request) and not second_factor.is_set_up(user):
        authenticator.begin(request)
    audit.account("sign_in", user, device="remembered" if device else None)


def is_own_password(request: HttpRequest, password: str) -> Answer:
    """Whether the signed-in person typed their own password; wrong ones count as at sign-in."""
    user = request.user
    attempt = throttle.begin(*_counters(request, user.email, user, None)[:2])
    if attempt.is_closed:
        return Answer(retry_after=attempt.retry_after)
    if not user.check_password(password):
        return Answer()
    attempt.succeeded()
    return Answer(user)


def _counters(
    request: HttpRequest, email: str, known: User | None, device: RememberedDevice | None
) -> list[throttle.Counter]:
    """What a failure counts against. In a remembered device only what was done there: strangers cannot close it."""
    if device is not None:
        return [throttle.Counter("device", (str(device.pk),))]
    account, address = f"account {known.pk}" if known else f"email {email.upper()}", client_address(request)
    return [
        throttle.Counter("account and address", (account, address)),
        throttle.Counter("account", (account,)),
        throttle.Counter("address", (address,)),
    ]


def _failed(known: User | None, why: str | None = None) -> None:
    if known is not None:
        audit.account("sign_in_failed", known, outcome="refused", why=why)

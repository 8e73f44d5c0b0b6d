"""Passkeys in place of the app's code (security.md M1): made and judged by WebAuthn, kept as public keys."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from fido2.rpid import verify_rp_id
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from iom import audit, clock, second_factor, throttle
from iom.models import Passkey, User
from iom.second_factor import Outcome, Verdict

ADDING, ASKING = "passkey_being_added", "passkey_asked_for"
AT_MOST = 10


class NotAccepted(ValueError):
    """What the browser sent is no passkey for us: altered, for another address, or of an old question."""


def begin_adding(request: HttpRequest) -> dict[str, Any]:
    """What the browser needs to make a passkey; the question stands in the session and is good once."""
    user = request.user
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(id=str(user.pk).encode(), name=user.email, display_name=user.name),
        credentials=_credentials(user),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    request.session[ADDING] = state
    return dict(options)


def add(request: HttpRequest, answer: str, name: str) -> Passkey:
    """Keep the passkey that the browser made. Raises `NotAccepted`."""
    state = request.session.pop(ADDING, None)
    if state is None or Passkey.objects.filter(user=request.user).count() >= AT_MOST:
        raise NotAccepted
    made = _judged(lambda: _server(request).register_complete(state, _read(answer)))
    credential = made.credential_data
    passkey, new = Passkey.objects.get_or_create(
        credential_id=credential.credential_id,
        defaults={
            "user": request.user,
            "name": name,
            "credential": bytes(credential),
            "sign_count": made.counter,
        },
    )
    if not new:
        raise NotAccepted
    return passkey


def begin_asking(request: HttpRequest) -> dict[str, Any]:
    """What the browser needs to show one of the person's passkeys."""
    options, state = _server(request).authenticate_begin(
        _credentials(request.user), user_verification=UserVerificationRequirement.PREFERRED
    )
    request.session[ASKING] = state
    return dict(options)


def verify(request: HttpRequest, answer: str) -> Verdict:
    """Judge what the browser answered: counted like a code (M3), and its question is never answered twice."""
    user, state = request.user, request.session.pop(ASKING, None)
    with transaction.atomic():
        attempt = throttle.begin(second_factor.counter(user))
        if attempt.is_closed:
            return Verdict(Outcome.THROTTLED, attempt.retry_after)
        accepted = state is not None and _is_right(request, state, answer)
        if accepted:
            attempt.succeeded()
    if accepted:
        audit.account("code", user, by="passkey")
        return Verdict(Outcome.OK)
    audit.account("code_failed", user, outcome="refused", why="passkey")
    return Verdict(Outcome.WRONG)


def _is_right(request: HttpRequest, state: Any, answer: str) -> bool:
    mine = list(Passkey.objects.select_for_update().filter(user=request.user))
    try:
        given = _read(answer)
        used = _judged(
            lambda: _server(request).authenticate_complete(
                state, [AttestedCredentialData(bytes(each.credential)) for each in mine], given
            )
        )
        counted = _judged(lambda: AuthenticationResponse.from_dict(given).response.authenticator_data.counter)
    except NotAccepted:
        return False
    passkey = next(each for each in mine if bytes(each.credential_id) == used.credential_id)
    # A counter that does not go up belongs to a copy; many passkeys do not count and always say 0.
    if (counted or passkey.sign_count) and counted <= passkey.sign_count:
        return False
    passkey.sign_count, passkey.last_used_at = counted, clock.now()
    passkey.save(update_fields=["sign_count", "last_used_at"])
    return True


def _server(request: HttpRequest) -> Fido2Server:
    """For the very address that was asked: Django has checked it against `ALLOWED_HOSTS`."""
    own = f"{request.scheme}://{request.get_host()}"
    name = request.get_host().rpartition(":")[0] or request.get_host()
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=name, name="IOM Panel"),
        verify_origin=lambda origin: origin == own and verify_rp_id(name, origin),
    )


def _credentials(user: User) -> list[AttestedCredentialData]:
    return [AttestedCredentialData(bytes(each.credential)) for each in Passkey.objects.filter(user=user)]


def _read(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        raise NotAccepted from None
    if not isinstance(given, dict):
        raise NotAccepted
    return given


def _judged(judge: Any) -> Any:
    """Whatever is wrong with an answer that a stranger may have written ends here."""
    try:
        return judge()
    except Exception as wrong:
        raise NotAccepted from wrong

"""Setting up an authenticator app, showing recovery codes once, and taking a factor away (security.md M1, M4).

The secret of an app that is being set up stands sealed in the session that sets it up: nobody who signs in elsewhere
with the same password is shown it.
"""

from __future__ import annotations

import io
import json

import pyotp
import segno
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from iom import account_mail, audit, clock, second_factor, sessions, throttle, walls
from iom.access import Actor
from iom.models import Membership, Passkey, RecoveryCode, Role, SecondFactor, User
from iom.second_factor import Outcome, Verdict, codes, devices, sealed

PENDING, SHOWN_ONCE = "app_being_set_up", "recovery_codes"
ISSUER = "IOM Panel"


def begin(request: HttpRequest) -> None:
    """Choose a secret for the app that this session is going to set up."""
    request.session[PENDING] = sealed.seal(codes.new_secret())


def pending(request: HttpRequest) -> str | None:
    """The secret that this session is setting up."""
    token = request.session.get(PENDING)
    try:
        return sealed.unseal(token) if token else None
    except sealed.Unreadable:
        return None


def confirm(request: HttpRequest, typed: str) -> Verdict:
    """Take the app on if it shows the right code: it is the person's factor from now on, and any earlier one is not.

    Wrong codes count as everywhere (M3). Everything that an old factor opened ends: other sessions, remembered
    devices, recovery codes.
    """
    user, secret = request.user, pending(request)
    with transaction.atomic():
        attempt = throttle.begin(second_factor.counter(user))
        if attempt.is_closed:
            return Verdict(Outcome.THROTTLED, attempt.retry_after)
        SecondFactor.objects.bulk_create([SecondFactor(user=user)], ignore_conflicts=True)
        factor = SecondFactor.objects.select_for_update().get(user=user)
        code = codes.cleaned(typed)
        step = codes.step_of(secret, code, clock.now()) if secret and codes.is_app_code(code) else None
        # Somebody else may have set one up since this session typed the password: then theirs is asked for.
        stranger = bool(factor.secret) and second_factor.waits(request)
        if step is None or stranger:
            audit.account("code_failed", user, outcome="refused", why="set_up")
            return Verdict(Outcome.WRONG)
        attempt.succeeded()
        factor.secret, factor.last_step = second_factor.closed(factor, secret), step
        factor.set_up_at = clock.now()
        factor.save(update_fields=["secret", "last_step", "set_up_at"])
        show_new_recovery_codes(request)
        second_factor.mark_verified(request)
        changed(request, "factor_set_up")
    del request.session[PENDING]
    return Verdict(Outcome.OK)


def changed(request: HttpRequest, verb: str, **context: str) -> None:
    """A person has changed how they show who they are: what the old way opened ends, and they hear of it by e-mail."""
    devices.forget_all(request.user)
    sessions.end_all(request.user, but=request.session.session_key)
    audit.account(verb, request.user, **context)
    account_mail.send(request.user, verb)


def show_new_recovery_codes(request: HttpRequest) -> None:
    """Eight new recovery codes, shown to this session until it says that they are kept."""
    made = codes.new_recovery_codes(request.user)
    request.session[SHOWN_ONCE] = sealed.seal(json.dumps(made))


def codes_to_show(request: HttpRequest) -> list[str]:
    """The recovery codes that this session has not yet put away; none once it has."""
    token = request.session.get(SHOWN_ONCE)
    try:
        return json.loads(sealed.unseal(token)) if token else []
    except sealed.Unreadable:
        return []


def put_away(request: HttpRequest) -> None:
    """The person has kept the codes: nobody is shown them again."""
    request.session.pop(SHOWN_ONCE, None)


def app_of(user: User) -> SecondFactor | None:
    """The person's app, once a right code has shown that they have it."""
    return SecondFactor.objects.filter(user=user).exclude(secret="").first()


@transaction.atomic
def reset_for(person: Membership, *, by: Actor) -> None:
    """Take a person's second factor away, so that their next sign-in sets up a new one; every session of theirs ends.

    Raises `PermissionDenied` for oneself and for people of another scheme. The owner is told by e-mail.
    """
    if not by.can("iom.reset_factor", person):
        raise PermissionDenied
    user = person.user
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    devices.forget_all(user)
    sessions.end_all(user)
    audit.record("reset_factor", person, by=by)
    audit.account("factor_reset", user, by=by.label)
    account_mail.send(user, "factor_reset")


def drawing(user: User, secret: str) -> bytes:
    """The square code that an app reads, as an SVG file."""
    address = pyotp.TOTP(secret, interval=codes.STEP).provisioning_uri(name=user.email, issuer_name=ISSUER)
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False)
    return out.getvalue()


def who_resets(user: User) -> list[Membership]:
    """Whom somebody who has lost their phone rings: administrators and coordinators of their schemes."""
    mine = Membership.objects.filter(user=user).current(clock.today()).values("scheme")
    here = Membership.objects.filter(scheme__in=mine).current(clock.today())
    office = here.with_role(Role.SCHEME_ADMIN, Role.COORDINATOR).exclude(user=user)
    return walls.agencies_of(office.select_related("user", "scheme"))

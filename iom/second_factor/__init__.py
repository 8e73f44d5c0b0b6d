"""The second factor: what the rest of the product asks of it (security.md section 2).

`verify` judges a code, `is_verified` and `mark_verified` speak of a session, `needed` says whether this installation
asks for codes at all. How apps, passkeys and devices work stands in the modules beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Greatest
from django.http import HttpRequest

from iom import audit, clock, throttle
from iom.models import RecoveryCode, SecondFactor, User
from iom.second_factor import codes, sealed

# In the session: when a code was last shown in it, and that it was begun in a remembered device instead.
VERIFIED_AT, REMEMBERED = "code_verified_at", "device_remembered"


class Outcome(StrEnum):
    """What became of a code."""

    OK = "ok"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"
    THROTTLED = "throttled"


WORDS = {
    Outcome.OK: "",
    Outcome.WRONG: "That code is not right. Enter the code that your app shows now",
    Outcome.EXPIRED: "That code has expired. Enter the new one from your app",
    Outcome.USED: "That code has been used. Wait for the next one in your app",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a code; `retry_after` in seconds when too many were wrong."""

    outcome: Outcome
    retry_after: int = 0
    recovery: bool = False

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.OK

    @property
    def words(self) -> str:
        """What to tell the person beside the field; empty when the code was right."""
        if self.outcome is Outcome.THROTTLED:
            return f"Too many wrong codes. Wait {throttle.in_words(self.retry_after)}, then try again"
        if self.recovery and self.outcome is Outcome.USED:
            return "That recovery code has been used. Enter another one"
        if self.recovery and self.outcome is Outcome.WRONG:
            return "That recovery code is not right. Check the letters and try again"
        return WORDS[self.outcome]


def verify(user: User, code: str) -> Verdict:
    """Judge a code of the person's app, or one of their recovery codes, and spend it (security.md M2 to M4).

    Right once: the row of the factor is locked while it is looked at, and its newest step kept in it. Anything else
    counts as wrong under M3; when closed (answer 429 with `retry_after`) the code is not even looked at. What was
    counted or spent stays so even if the request around it is undone (`Required` sees to that).
    """
    with transaction.atomic():
        attempt = throttle.begin(counter(user))
        if attempt.is_closed:
            verdict = Verdict(Outcome.THROTTLED, attempt.retry_after)
        else:
            verdict = _judge(user, codes.cleaned(code))
            if verdict.ok:
                attempt.succeeded()
    _record(user, verdict)
    return verdict


def counter(user: User) -> throttle.Counter:
    """The counter of wrong codes of an account, however many devices or sessions it has (security.md M3)."""
    return throttle.Counter("code", (str(user.pk),))


def _judge(user: User, code: str) -> Verdict:
    factor = SecondFactor.objects.select_for_update().filter(user=user).exclude(secret="").first()
    if factor is None:
        return Verdict(Outcome.WRONG)
    if codes.is_app_code(code):
        return Verdict(_judge_app_code(factor, code))
    return Verdict(_judge_recovery_code(user, code), recovery=len(code) == codes.RECOVERY_LENGTH)


def _judge_app_code(factor: SecondFactor, code: str) -> Outcome:
    secret = opened(factor, factor.secret)
    now = clock.now()
    step = codes.step_of(secret, code, now)
    if step is None:
        return Outcome.EXPIRED if codes.has_expired(secret, code, now) else Outcome.WRONG
    if step <= factor.last_step:
        return Outcome.USED
    spend_step(factor, step)
    if not sealed.is_newest(factor.secret):
        factor.secret = closed(factor, secret)
        factor.save(update_fields=["secret"])
    return Outcome.OK


def spend_step(factor: SecondFactor, step: int) -> None:
    """No code of this step or an earlier one is good again. The caller holds the row."""

    def spend() -> None:
        SecondFactor.objects.filter(pk=factor.pk).update(last_step=Greatest("last_step", step))

    spend()
    factor.last_step = step
    throttle.survive(spend)


def _judge_recovery_code(user: User, code: str) -> Outcome:
    found = codes.find_recovery_code(user, code)
    if found is None:
        return Outcome.WRONG
    if found.used_at is not None:
        return Outcome.USED
    at = clock.now()

    def spend() -> None:
        RecoveryCode.objects.filter(pk=found.pk, used_at=None).update(used_at=at)

    spend()
    throttle.survive(spend)
    return Outcome.OK


def opened(factor: SecondFactor, token: str) -> str:
    """The secret in a sealed column, if it was sealed for this account. Raises `sealed.Unreadable`."""
    account, _, secret = sealed.unseal(token).partition(":")
    if account != str(factor.user_id):
        raise sealed.Unreadable
    return secret


def closed(factor: SecondFactor, secret: str) -> str:
    """A secret as the columns hold it: sealed together with whose it is, so that it is of no use in another's row."""
    return sealed.seal(f"{factor.user_id}:{secret}")


def _record(user: User, verdict: Verdict) -> None:
    if not verdict.ok:
        audit.account("code_failed", user, outcome="refused", why=str(verdict.outcome))
    elif verdict.recovery:
        audit.account("recovery_code_used", user)
    else:
        audit.account("code", user)


# --- The session --------------------------------------------------------------------------


def needed(request: HttpRequest) -> bool:
    """Whether codes are asked for here: everywhere but in the demonstration (design.md 6)."""
    return not settings.DEMO_SIGN_IN


def is_verified(request: HttpRequest) -> bool:
    """Whether this session has shown its second factor, or was begun in a remembered device."""
    return VERIFIED_AT in request.session or REMEMBERED in request.session


def mark_verified(request: HttpRequest) -> None:
    """The session has shown its second factor now: it goes on under a new id (security.md S1)."""
    request.session.cycle_key()
    request.session[VERIFIED_AT] = clock.now().timestamp()


def mark_remembered(request: HttpRequest) -> None:
    """The session was begun in a remembered device: no code is asked for, and none counts as fresh (security.md M6)."""
    request.session[REMEMBERED] = True


def waits(request: HttpRequest) -> bool:
    """Whether somebody has typed their password and not yet their code: nothing is theirs to see (security.md M1)."""
    return request.user.is_authenticated and needed(request) and not is_verified(request)


def is_set_up(user: User) -> bool:
    """Whether the person has confirmed an app with a first right code."""
    return SecondFactor.objects.filter(user=user).exclude(secret="").exists()

"""What a password must be (security.md A2), and changing one's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from iom import account_mail, audit, clock, sessions
from iom.models import Invitation, Membership, PasswordReset, Role, Scheme, User
from iom.second_factor import devices

OFFICE = frozenset({Role.COORDINATOR, Role.SCHEME_ADMIN})
PRODUCT = ("IOM Panel", "Integrated Offender Management")
# What fingers run along; read forwards and backwards.
_RUNS = ("0123456789" * 4, "abcdefghijklmnopqrstuvwxyz" * 2, "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm")
# A shorter part of a name stands by chance in many words.
SHORTEST_PART = 4


@dataclass(frozen=True, slots=True)
class Holder:
    """What the rules ask about the person: how they are called, and what they are here."""

    name: str
    email: str
    is_office: bool  # coordinator, scheme administrator or system administrator
    councils: tuple[str, ...] = ()

    @property
    def shortest(self) -> int:
        """The least number of characters."""
        return settings.PASSWORD_SHORTEST_OFFICE if self.is_office else settings.PASSWORD_SHORTEST


def holder(user: User) -> Holder:
    """Of an account that is there already."""
    here = list(Membership.objects.filter(user=user).current(clock.today()).select_related("scheme"))
    is_office = user.is_system_admin or any(OFFICE & set(each.roles) for each in here)
    return Holder(user.name, user.email, is_office, _councils(each.scheme for each in here))


def invited_holder(invitation: Invitation, name: str) -> Holder:
    """Of somebody who is about to have an account."""
    is_office = bool(OFFICE & set(invitation.roles))
    return Holder(name or invitation.name, invitation.email, is_office, _councils([invitation.scheme]))


def _councils(schemes: Iterable[Scheme]) -> tuple[str, ...]:
    return tuple(sorted({name for scheme in schemes for name in (scheme.name, scheme.short_name)}))


def problems(password: str, of: Holder) -> list[str]:
    """Every rule that the password breaks, in words; it is never part of them."""
    found = []
    if len(password) < of.shortest:
        found.append(f"The password must be {of.shortest} characters or more")
    if len(password) > settings.PASSWORD_LONGEST:
        found.append(f"The password must be {settings.PASSWORD_LONGEST} characters or fewer")
    elif is_common(password):
        found.append("That password is on the list of common passwords. Choose another one")
    if _holds_any(password, _names(of.name)):
        found.append("The password must not have your name in it")
    if _holds_any(password, _addresses(of.email)):
        found.append("The password must not have your email address in it")
    if _holds_any(password, of.councils + PRODUCT):
        found.append("The password must not have the name of the council or of this service in it")
    return found


def is_common(password: str) -> bool:
    """Whether it is one of the shipped list of common passwords, one of them written several times, or a mere run."""
    plain = password.lower().strip()
    if plain in _common():
        return True
    if any(plain in run or plain in run[::-1] for run in _RUNS):
        return True
    unit = _repeated(plain)
    return unit is not None and (len(unit) == 1 or unit in _common() or any(unit in run for run in _RUNS))


def _repeated(text: str) -> str | None:
    """The shortest text that `text` is made of by repeating it."""
    at = (text + text).find(text, 1)
    return text[:at] if 0 < at < len(text) else None


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _names(name: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[\s\-']+", name) if len(_plain(part)) >= SHORTEST_PART]
    return (name, *parts)


def _addresses(email: str) -> tuple[str, ...]:
    local = email.partition("@")[0]
    return (email, local) if len(_plain(local)) >= SHORTEST_PART else (email,)


def _holds_any(password: str, texts: Iterable[str]) -> bool:
    held = _plain(password)
    return any(plain in held for text in texts if len(plain := _plain(text)) >= SHORTEST_PART)


def _plain(text: str) -> str:
    """Letters and figures alone, in small letters and without accents: "O'Neill" is held by "oneill-harbour"."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in bare if sign.isalnum())


class Rules:
    """The same rules for Django's own ways of setting a password (`AUTH_PASSWORD_VALIDATORS`)."""

    def validate(self, password: str, user: User | None = None) -> None:
        of = holder(user) if user and user.pk else Holder(getattr(user, "name", ""), getattr(user, "email", ""), False)
        if found := problems(password, of):
            raise ValidationError(found)

    def get_help_text(self) -> str:
        return help_text(settings.PASSWORD_SHORTEST)


def help_text(shortest: int) -> str:
    """The rules, told before anything is typed."""
    return f"{shortest} characters or more. Three random words or more work well. Spaces are allowed."


class PasswordField(forms.CharField):
    """A password as typed, in composed form: keyboards write accents in two ways. Never put back into the page."""

    def __init__(self, *, new: bool = False, **options: Any) -> None:
        kind = "new-password" if new else "current-password"
        options.setdefault("widget", forms.PasswordInput(attrs={"autocomplete": kind}))
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        return unicodedata.normalize("NFC", super().to_python(value))


@transaction.atomic
def change(user: User, password: str, *, verb: str, but: str | None = None) -> None:
    """Set a new password. Sessions end but the one with the key `but`, devices are forgotten, open reset links are
    spent, and the person hears of it. `verb` for the audit: "password_changed" or "reset".
    """
    user.set_password(password)
    user.save(update_fields=["password"])
    PasswordReset.objects.filter(user=user, spent_at=None).update(spent_at=clock.now())
    devices.forget_all(user)
    sessions.end_all(user, but=but)
    audit.account(verb, user)
    account_mail.send(user, verb)

"""Authenticator apps for accounts that are to sign in where codes are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from iom import clock, second_factor
from iom.models import SecondFactor, User
from iom.second_factor import codes


def give_apps(people: Iterable[User]) -> dict[str, str]:
    """Set up an app for each; by e-mail, the secrets from which a program makes codes as the app would."""
    secrets = {}
    for person in people:
        secrets[person.email] = secret = codes.new_secret()
        factor = SecondFactor(user=person, set_up_at=clock.now())
        factor.secret = second_factor.closed(factor, secret)
        factor.save()
    return secrets

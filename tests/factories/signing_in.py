"""Sessions as they stand once somebody has typed password and code; and the app that they type it from."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from iom import clock, second_factor
from iom.models import SecondFactor, User
from iom.second_factor import codes

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def verified(session: Any) -> None:
    """Mark a session that a test made by hand as one whose code was right; the caller saves it."""
    session[second_factor.VERIFIED_AT] = clock.now().timestamp()


def with_app(user: User, secret: str = SECRET) -> SecondFactor:
    """The person has set up an app with this secret."""
    factor = SecondFactor(user=user, set_up_at=clock.now())
    factor.secret = second_factor.closed(factor, secret)
    factor.save()
    return factor


def app_code(drift: int = 0, secret: str = SECRET) -> str:
    """What the app shows now, or so many steps later."""
    return codes.code_at(secret, codes.step_at(clock.now()) + drift)


def key_on(page: Any) -> str:
    """The typed key that a set-up page shows."""
    return re.search(r'id="app-key">([A-Z2-7 ]+)<', page.content.decode())[1].replace(" ", "")


def set_up(client: Client, **extra: Any) -> str:
    """Go through set-up as a person does, with the key that the page shows; returns it."""
    key = key_on(client.get("/sign-in/set-up-code/"))
    answer = client.post("/sign-in/set-up-code/", {"code": app_code(secret=key), **extra})
    assert answer.status_code == 302, answer.content.decode()
    client.post("/sign-in/recovery-codes/")
    return key

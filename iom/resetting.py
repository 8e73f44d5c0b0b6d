"""Reset links: one use, sixty minutes; they neither sign in nor skip the code (security.md A5)."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from iom import account_mail, audit, clock, passwords
from iom.models import PasswordReset, User


@transaction.atomic
def ask(email: str) -> None:
    """Send a reset link, if there is somebody to send it to. Takes as long if there is not (security.md A3)."""
    # What follows for an account that is there costs little beside this, so nothing can be told from the time.
    make_password(secrets.token_urlsafe(16))
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None or not user.has_usable_password():
        return
    reset = PasswordReset.objects.create(
        user=user, expires_at=clock.now() + timedelta(seconds=settings.RESET_LINK_SECONDS)
    )
    audit.account("reset_asked", user)
    account_mail.send_reset_link(reset)


def secret_of(reset: PasswordReset) -> str:
    """What stands in the link: the number of the row, and a digest that only this installation can make.

    It is made from the present password too, so that a password changed meanwhile spends the link.
    """
    value = f"{reset.pk}:{reset.user_id}:{reset.made_at.timestamp()}:{reset.user.password}"
    return f"{reset.pk}-{salted_hmac('iom.resetting', value, algorithm='sha256').hexdigest()}"


def is_open(reset: PasswordReset) -> bool:
    """Whether the link still works."""
    return reset.spent_at is None and clock.now() < reset.expires_at and reset.user.is_active


def find(secret: str) -> PasswordReset | None:
    """The reset of a link, if the link still works."""
    number = re.match(r"([0-9]{1,18})-", secret)
    if number is None:
        return None
    reset = PasswordReset.objects.select_related("user").filter(pk=int(number[1])).first()
    if reset is None or not is_open(reset) or not constant_time_compare(secret_of(reset), secret):
        return None
    return reset


@transaction.atomic
def use(secret: str, password: str) -> bool:
    """Spend the link on a new password. Of two at once the second finds it spent: False."""
    found = find(secret)
    if found is None:
        return False
    user = User.objects.select_for_update(no_key=True).get(pk=found.user_id)
    if find(secret) is None:
        return False
    passwords.change(user, password, verb="reset")
    return True


def forget_old() -> int:
    """Delete the links that cannot be used any more, a day after they ran out. Returns how many."""
    return PasswordReset.objects.filter(expires_at__lt=clock.now() - timedelta(days=1)).delete()[0]

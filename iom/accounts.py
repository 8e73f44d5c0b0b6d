"""What people set for themselves, whatever scheme they act in."""

from __future__ import annotations

from django.db import transaction

from iom import audit
from iom.models import User


@transaction.atomic
def choose_single_keys(user: User, *, on: bool) -> None:
    """Turn the single keys of the live meeting on or off for one person (ux.md 5, point 6)."""
    if user.single_keys == on:
        return
    user.single_keys = on
    user.save(update_fields=["single_keys"])
    audit.account("choose_keys", user, single_keys=on)

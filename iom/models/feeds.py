"""The private address under which a person's calendar program reads their dates."""

from __future__ import annotations

from django.db import models

from iom.clock import now

from .people import User


class CalendarFeed(models.Model):
    """One person's calendar address; only a digest of its secret is kept. Outside the schemes, as accounts are."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_feed")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=now, editable=False)
    read_at = models.DateTimeField(null=True, help_text="When a program last read it, to the hour")

    # Who has an address, and that it was replaced, is worth an event; that it was read is not.
    watched = True
    not_in_audit = ("digest", "read_at")

    def __str__(self) -> str:
        return f"calendar of user {self.user_id}"

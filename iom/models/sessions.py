"""Sessions of signed-in people, and what they sent when theirs was over (security.md S1 and S5)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from iom.clock import now

from .people import User


class SessionQuerySet(models.QuerySet):
    def live(self, at: datetime) -> SessionQuerySet:
        """Sessions of people that are still good at that instant; says the same as `Session.over`."""
        idle = at - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        return self.filter(
            models.Q(active_at__gt=idle)
            | models.Q(shown_at__gt=idle, active_at__gt=at - timedelta(seconds=settings.SESSION_RECORDING_SECONDS)),
            began_at__gt=at - timedelta(seconds=settings.SESSION_LONGEST_SECONDS),
            user__isnull=False,
            ended_at=None,
        )


class Session(AbstractBaseSession):
    """One browser's session; `user` is nobody until somebody signs in. Outside the schemes (security.md Z3).

    An ended session keeps its row for a day, without its data: so that what was typed in it is given back to nobody
    but the person whose it was (security.md S5). `expire_date` is when the row goes.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    membership_number = models.BigIntegerField(null=True, help_text="On whose behalf the person acted in it.")
    began_at = models.DateTimeField(null=True, help_text="When the person signed in.")
    active_at = models.DateTimeField(null=True, help_text="What the person last did, to the minute.")
    shown_at = models.DateTimeField(null=True, help_text="When a recording page was last seen open.")
    code_at = models.DateTimeField(null=True, help_text="When a code was last typed in it.")
    browser = models.CharField(max_length=60, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=20, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "ended_at"], name="iom_session_of_user")]

    @classmethod
    def get_session_store_class(cls) -> type:
        from iom.sessions import SessionStore

        return SessionStore

    def over(self, at: datetime) -> str:
        """Why the session is over at that instant: "idle", "longest", or how it was ended; empty while it is good.

        Thirty minutes without activity, twelve hours in all. While a recording page is seen open it lasts up to four
        hours from the last activity (security.md S2).
        """
        if self.ended_at is not None:
            return self.ended_why
        if self.user_id is None:
            return ""
        if at - self.began_at >= timedelta(seconds=settings.SESSION_LONGEST_SECONDS):
            return "longest"
        idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        if at - self.active_at < idle:
            return ""
        seen = self.shown_at is not None and at - self.shown_at < idle
        if seen and at - self.active_at < timedelta(seconds=settings.SESSION_RECORDING_SECONDS):
            return ""
        return "idle"


class HeldPost(models.Model):
    """What somebody sent when their session was over, kept for them alone for a day (security.md S5).

    The fields are sealed with a key outside the database (`iom.second_factor.sealed`). Outside the schemes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    membership_number = models.BigIntegerField(null=True, help_text="On whose behalf it was sent.")
    path = models.CharField(max_length=500)
    sealed = models.TextField()
    had_files = models.BooleanField(default=False)
    autosave = models.BooleanField(default=False)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["user", "at"], name="iom_heldpost_of_user")]

    def __str__(self) -> str:
        return f"held post {self.pk}"

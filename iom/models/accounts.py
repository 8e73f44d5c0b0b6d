"""What accounts keep beside themselves: second factors, remembered devices, reset links, counts of failures.

None of it belongs to a scheme: a person signs in once, whatever schemes they act in (security.md Z3).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from iom.clock import now

from .people import User


class Throttle(models.Model):
    """The newest failures under one counter (security.md A4, M3). See `iom.throttle`.

    The key is a keyed digest: the table tells neither addresses nor e-mails, not even of people without an account.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = ArrayField(models.DateTimeField(), default=list)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["changed_at"], name="iom_throttle_oldest")]

    def __str__(self) -> str:
        return f"{len(self.failures)} failures"


class SecondFactor(models.Model):
    """A person's authenticator app (security.md M1 to M4). The secret is sealed: see `iom.second_factor.sealed`.

    It is empty until a first right code has shown that the app has it.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.TextField(blank=True)
    last_step = models.BigIntegerField(default=0, help_text="The newest 30-second step whose code was accepted.")
    set_up_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"second factor of account {self.user_id}"


class RecoveryCode(models.Model):
    """One of the eight codes for the day the phone is lost; kept as a keyed digest, good once (security.md M4)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="iom_recoverycode_once")]

    def __str__(self) -> str:
        return f"recovery code of account {self.user_id}"


class Passkey(models.Model):
    """A passkey that may stand in for the app's code (security.md M1). Public parts only: nothing here can sign in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.BinaryField(unique=True)
    credential = models.BinaryField(help_text="Attested credential data, as WebAuthn lays it out.")
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"passkey of account {self.user_id}"


class RememberedDevice(models.Model):
    """A browser in which one person is not asked for a code until `ends_at` (security.md M6)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="remembered_devices")
    digest = models.CharField(max_length=64, unique=True)
    browser = models.CharField(max_length=64, help_text="Keyed digest of how the browser names itself.")
    made_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"device of account {self.user_id}"


class PasswordReset(models.Model):
    """A reset link that was asked for: one use, 60 minutes (security.md A5). Its secret is computed, not stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"reset link of account {self.user_id}"

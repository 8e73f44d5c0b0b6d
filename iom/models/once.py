"""What a form did when it was sent, so that sent again it does nothing more (security.md C2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from iom.clock import now


class FormKey(models.Model):
    """One form that somebody sent, and the answer it got. Of no scheme: it is read before anything else is.

    `digest` proves that the same was sent again, without telling what it was; `answer` is encrypted
    (`iom.once`), since an answer may show a page.
    """

    key = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    answer = models.BinaryField(null=True)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["at"], name="iom_form_key_oldest")]

    def __str__(self) -> str:
        return self.key

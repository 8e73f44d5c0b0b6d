"""E-mails about one's own account: a reset link, and that a password or a factor has changed (security.md A5, M5).

They hold no personal data. The outbox asks for a scheme: it is the first in which the person acts, and says nothing
about the account.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from iom import outbox
from iom.models import Membership, OutboxMessage, PasswordReset, Scheme, User

NOT_YOU = "If this was not you, ring the coordinator of your scheme now."

# Verb of the audit: subject, text.
MAILS = {
    "reset": (
        "Your password was changed",
        f"Your IOM Panel password was changed with a link from an e-mail. You are signed out everywhere.\n\n{NOT_YOU}",
    ),
    "password_changed": (
        "Your password was changed",
        f"Your IOM Panel password was changed. Other browsers are signed out.\n\n{NOT_YOU}",
    ),
    "factor_set_up": (
        "Your security code app was set up",
        f"An app for security codes was set up for your IOM Panel account.\n\n{NOT_YOU}",
    ),
    "factor_reset": (
        "Your security code was reset",
        f"An administrator has reset your security code. You set up a new one when you next sign in.\n\n{NOT_YOU}",
    ),
    "recovery_codes_made": (
        "New recovery codes were made",
        f"New recovery codes were made for your IOM Panel account. The old ones no longer work.\n\n{NOT_YOU}",
    ),
    "passkey_added": ("A passkey was added", f"A passkey was added to your IOM Panel account.\n\n{NOT_YOU}"),
    "passkey_removed": ("A passkey was removed", f"A passkey was removed from your IOM Panel account.\n\n{NOT_YOU}"),
}


def send(user: User, verb: str) -> None:
    """Tell somebody what happened to their account; nothing for one that acts nowhere."""
    if scheme := _scheme_of(user):
        outbox.add("account_mail", scheme=scheme, key=secrets.token_urlsafe(12), user=user.pk, verb=verb)


def send_reset_link(reset: PasswordReset) -> None:
    """Send the link; its secret is computed when the e-mail is written, so that no table holds it."""
    if scheme := _scheme_of(reset.user):
        outbox.add("reset_link", scheme=scheme, key=str(reset.pk), reset=reset.pk)


def _scheme_of(user: User) -> Scheme | None:
    membership = Membership.objects.filter(user=user).select_related("scheme").order_by("pk").first()
    return membership.scheme if membership else Scheme.objects.order_by("pk").first()


@outbox.handler("account_mail")
def _send_account_mail(message: OutboxMessage) -> str | None:
    user = User.objects.filter(pk=message.payload["user"], is_active=True).first()
    if user is None:
        return "skipped"
    subject, text = MAILS[message.payload["verb"]]
    _mail(message, user, subject, text)
    return None


@outbox.handler("reset_link")
def _send_reset_link(message: OutboxMessage) -> str | None:
    from iom import resetting

    reset = PasswordReset.objects.select_related("user").filter(pk=message.payload["reset"]).first()
    if reset is None or not resetting.is_open(reset):
        return "skipped"
    address = f"{settings.SITE_URL}{reverse('reset', args=[resetting.secret_of(reset)])}"
    text = (
        "Choose a new IOM Panel password with this link. It can be used once, within 60 minutes.\n\n"
        f"{address}\n\nIf you did not ask for it, do nothing: your password stays as it is."
    )
    _mail(message, reset.user, "Choose a new password", text)
    return None


def _mail(message: OutboxMessage, user: User, subject: str, text: str) -> None:
    """Under a Message-ID made from the outbox key: a repeat is the same message (security.md Q2)."""
    EmailMessage(
        subject=subject,
        body=f"{text}\n",
        to=[user.email],
        headers={"Message-ID": f"<{message.pk}@iom-panel.example>"},
    ).send()

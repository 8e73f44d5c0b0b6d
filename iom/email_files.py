"""E-mails of the embedded installation: kept as files, one each, that any mail program opens."""

import re
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend


class EmailFiles(BaseEmailBackend):
    """Writes each message to `IOM_HOME/mail/` under its Message-ID: sent twice, it is one file (security.md Q2)."""

    def send_messages(self, email_messages: list) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for email in email_messages:
            message = email.message()
            name = re.sub(r"[^A-Za-z0-9.-]+", "-", str(message["Message-ID"])).strip("-")
            (folder / f"{name}.eml").write_bytes(message.as_bytes())
        return len(email_messages)

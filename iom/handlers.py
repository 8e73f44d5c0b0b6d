"""What the shared ground does outside the request; loaded in every process (`iom.apps`)."""

from iom import account_mail, exports, notify
from iom.files import keeping, sweeping

__all__ = ["account_mail", "exports", "keeping", "notify", "sweeping"]

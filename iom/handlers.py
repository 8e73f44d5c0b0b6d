"""What the shared ground does outside the request; loaded in every process (`iom.apps`)."""

from iom import account_mail, notify

__all__ = ["account_mail", "notify"]

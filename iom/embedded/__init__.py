"""The embedded services: PostgreSQL and Valkey as plain child processes, with what `manage.py` needs."""

from iom.embedded.autostarting import NEEDS_NO_DATABASE, autostart

__all__ = ["NEEDS_NO_DATABASE", "autostart"]

"""The relay: hands outbox messages to the queue (security.md Q1)."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from typing import Any

from django.db import DatabaseError, close_old_connections
from kombu.exceptions import OperationalError

from iom import outbox, starting
from iom.management.plain_command import PlainCommand
from iom.tasks import deliver

log = logging.getLogger("iom.relay")

IDLE_SECONDS = 0.5
AFTER_TROUBLE_SECONDS = 5.0


class Command(PlainCommand):
    help = "Sends what the outbox holds to the workers, until stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        starting.refuse_or_go_on()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            wait = self._send()
            if once:
                return
            stop.wait(wait)

    def _send(self) -> float:
        """One round; returns how long to wait before the next."""
        close_old_connections()
        ids: list = []
        try:
            ids = outbox.claim()
            for message_id in ids:
                # No retry in the client: a queue that is away leaves the row here, and the row is tried again.
                deliver.apply_async([str(message_id)], retry=False)
        except (OperationalError, OSError, DatabaseError) as error:
            log.warning("relay could not send", extra={"verb": type(error).__name__})
            self._give_back(ids)
            return AFTER_TROUBLE_SECONDS
        return 0 if ids else IDLE_SECONDS

    def _give_back(self, ids: list) -> None:
        try:
            outbox.unclaim(ids)
        except DatabaseError:
            # They come up again by themselves when the claim runs out.
            log.warning("relay could not give back")

"""The clock by hand: what the scheduler does every five minutes."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from iom import clock, reminders


class Command(BaseCommand):
    help = "Sends every reminder that is due and was not sent."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, help="as if it were this day (YYYY-MM-DD)")

    def handle(self, *args: Any, on: date | None = None, **options: Any) -> None:
        self.stdout.write(f"{reminders.sweep(on or clock.today())} reminders sent")

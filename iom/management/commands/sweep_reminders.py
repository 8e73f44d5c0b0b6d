"""The clock by hand: what the scheduler does every five minutes."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from iom import clock, reminders
from iom.jinja import plural


class Command(BaseCommand):
    help = "Sends every reminder that is due and was not sent."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, help="as if it were this day (YYYY-MM-DD)")

    def handle(self, *args: Any, on: date | None = None, **options: Any) -> None:
        try:
            self.stdout.write(f"{plural(reminders.sweep(on or clock.today()), 'reminder')} sent")
        except reminders.SweepFailed as error:
            raise CommandError(str(error)) from error

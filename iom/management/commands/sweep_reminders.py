"""The clock by hand: what the scheduler does every five minutes."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from iom import clock, reminders
from iom.jinja import plural
from iom.management.plain_command import PlainCommand


class Command(PlainCommand):
    help = "Sends every reminder that is due and was not sent."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, help="as if it were this day (YYYY-MM-DD)")

    def handle(self, *args: Any, on: date | None, as_json: bool, **options: Any) -> None:
        try:
            sent = reminders.sweep(on or clock.today())
        except reminders.SweepFailed as error:
            raise self.failed(str(error)) from error
        self.answer({"sent": sent}, [f"{plural(sent, 'reminder')} sent"], as_json=as_json)

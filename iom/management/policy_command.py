"""Commands that read the presets and tables which ship with the code, and need no database."""

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from iom.policy import Policy, PolicyError, load_preset, preset_slugs

WRONG_ARGUMENTS = 2


class PolicyCommand(BaseCommand):
    """Answers in JSON; wrong arguments end with exit code 2 and one line that says what to do."""

    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, which answers wrong arguments with its one line and without the usage above it."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        return parser

    def add_scheme_argument(self, parser: CommandParser) -> None:
        """`--scheme SLUG`, one of the presets."""
        parser.add_argument("--scheme", required=True, metavar="SLUG", help=f"one of: {', '.join(preset_slugs())}")

    def preset(self, slug: str) -> Policy:
        """The scheme's rules, or the end of the command."""
        try:
            return load_preset(slug)
        except PolicyError as error:
            raise self.wrong(str(error)) from error

    def day(self, text: str) -> date:
        """The date written YYYY-MM-DD, or the end of the command."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise self.wrong(f"{text!r} is not a date; write it as 2026-12-15.") from None
        if day.isoformat() != text:
            raise self.wrong(f"{text!r} is not a date; write it as {day.isoformat()}.")
        return day

    def wrong(self, words: str) -> CommandError:
        """The error that ends the command with exit code 2."""
        return CommandError(words, returncode=WRONG_ARGUMENTS)

    def answer(self, value: dict[str, Any]) -> None:
        """One JSON object on standard output."""
        self.stdout.write(json.dumps(value, indent=2))

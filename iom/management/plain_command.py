"""What commands of ours share: honest exit codes, one line for what is wrong, JSON on request (security.md L6)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

WRONG_ARGUMENTS = 2


class PlainCommand(BaseCommand):
    """Wrong arguments end with exit code 2 and one line; `--json` turns the answer into one JSON value."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, which answers wrong arguments with its one line and without the usage above it."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        parser.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")
        return parser

    def wrong(self, words: str) -> CommandError:
        """The error that ends the command with exit code 2."""
        return CommandError(words, returncode=WRONG_ARGUMENTS)

    def failed(self, words: str) -> CommandError:
        """The error that ends the command with exit code 1."""
        return CommandError(words, returncode=1)

    def answer(self, value: Any, lines: list[str], *, as_json: bool) -> None:
        """`value` as JSON, or the lines for people."""
        self.stdout.write(json.dumps(value, indent=2) if as_json else "\n".join(lines))

"""The shared body of `score_ogrs` and `score_ovp`."""

from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from referrals.score_files import FileProblem, Model, score_file


class ScoreCommand(BaseCommand):
    """Reads IN, writes OUT, says how many rows could be scored. Exit 2 for a file that cannot be used."""

    model: ClassVar[Model]
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="IN", type=Path, help="the CSV file to score")
        parser.add_argument("target", metavar="OUT", type=Path, help="the CSV file to write")

    def handle(self, *_args: Any, source: Path, target: Path, **_options: Any) -> None:
        try:
            summary = score_file(source, target, self.model)
        except FileProblem as problem:
            raise CommandError(str(problem), returncode=2) from problem
        for name in summary.absent:
            self.stderr.write(f"{source} has no column {name}: it is missing in every row.")
        scored = summary.rows - summary.refused
        self.stdout.write(f"{self.model.name}: {scored} of {summary.rows} rows scored, written to {target}.")

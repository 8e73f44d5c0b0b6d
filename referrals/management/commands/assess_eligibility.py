"""`manage.py assess_eligibility --scheme S [--criteria NAME] IN OUT`: the rules over a file of people."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from iom.management.policy_command import PolicyCommand
from referrals.eligibility_files import assess_lines


class Command(PolicyCommand):
    help = "Assesses every line of a JSON Lines file against a scheme's criteria. Needs no database."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_scheme_argument(parser)
        parser.add_argument("--criteria", metavar="NAME", help="those in force if not given")
        parser.add_argument("source", metavar="IN.jsonl", type=Path)
        parser.add_argument("target", metavar="OUT.jsonl", type=Path)
        parser.add_argument("--json", action="store_true", help="accepted for sameness; the answer is JSON")

    def handle(self, *, scheme: str, criteria: str | None, source: Path, target: Path, **_options: Any) -> None:
        policy = self.preset(scheme)
        try:
            policy.criteria(criteria)
        except KeyError as error:
            raise self.wrong(f"{policy.slug} has {error.args[0]}.") from None
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise self.wrong(f"{source} cannot be read: {error.strerror}.") from error
        answers = "".join(f"{line}\n" for line in assess_lines(content, policy, criteria))
        try:
            Path(target).write_text(answers, encoding="utf-8")
        except OSError as error:
            raise self.wrong(f"{target} cannot be written: {error.strerror}.") from error

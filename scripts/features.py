"""`make features`: every numbered feature that a test shows as a user would meet it, with those tests."""

import contextlib
import csv
import io
import sys
from collections import defaultdict
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
LIST = CHECKOUT / "docs" / "features.csv"


class Collector:
    """A pytest plugin that reads the `feature` marks of what was collected and runs nothing."""

    def __init__(self) -> None:
        self.tests: dict[int, set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember each mark's numbers with the test, its parameters left out."""
        for item in session.items:
            for mark in item.iter_markers("feature"):
                for number in mark.args:
                    self.tests[int(number)].add(item.nodeid.split("[")[0])


def names() -> dict[int, str]:
    """What each number stands for; empty where the list is not there."""
    try:
        with LIST.open(newline="", encoding="utf-8") as file:
            return {int(row[0]): row[2] for row in csv.reader(file) if row and row[0].isdigit()}
    except FileNotFoundError:
        return {}


def main() -> int:
    """Print the numbers in order; exit code 1 if the tests cannot be collected or a number is unknown."""
    collector = Collector()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", "--quiet", "--no-header"], plugins=[collector])
    if code != pytest.ExitCode.OK:
        sys.stdout.write(said.getvalue())
        return 1
    known = names()
    for number, tests in sorted(collector.tests.items()):
        sys.stdout.write(f"{number:>4}  {known.get(number, '')}\n")
        for test in sorted(tests):
            sys.stdout.write(f"      {test}\n")
    unknown = sorted(set(collector.tests) - set(known)) if known else []
    of_all = f" of {len(known)}" if known else ""
    sys.stdout.write(f"{len(collector.tests)}{of_all} features are shown by a test.\n")
    if unknown:
        sys.stdout.write(f"Not in {LIST.name}: {', '.join(map(str, unknown))}.\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make test`: every test there is: most with two workers, then those in a browser, then those with real processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_TESTS = 5


def browser() -> str | None:
    """The Chromium of this machine, None if it has none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def say(line: str) -> None:
    """Tell whoever waits, in the right place among pytest's own lines."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(selection: str, *words: str) -> int:
    """Run the tests of one kind."""
    command = [sys.executable, "-m", "pytest", "-m", selection, *words]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run all; exit code 1 if anything failed, or if in CI there is no browser."""
    # Apart: a browser driven in a process leaves an event loop there, in which Django refuses its database.
    kinds = [
        ("not stack and not browser", ["-n", "2", "--dist", "loadfile"]),
        ("browser and not stack", []),
        ("stack", ["-n", "2", "--dist", "loadfile"]),
    ]
    if browser() is None:
        say("=" * 78)
        say("THE BROWSER TESTS DO NOT RUN: no Chromium here. sudo apt-get install -y chromium")
        say("=" * 78)
        if os.environ.get("CI") == "true":
            return 1
        kinds = [(f"({selection}) and not browser", words) for selection, words in kinds]
    codes = [run(selection, *words, *arguments) for selection, words in kinds]
    found_none = [code == NO_TESTS for code in codes]
    if all(found_none):
        return NO_TESTS
    return 0 if all(code in {0, NO_TESTS} for code in codes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

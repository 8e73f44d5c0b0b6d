"""`make lock`: pin what pyproject.toml asks for, with hashes and without addresses.

`requirements.lock` holds everything, `requirements-run.lock` what serving needs, in the same versions.
"""

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": ("--group", "dev"), "requirements-run.lock": ("-c", "requirements.lock")}


def main() -> int:
    """Write both lock files, the larger one first: the smaller one takes its versions from it."""
    for name, words in LOCKS.items():
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
            *("--no-header", "--no-annotate", "--python-version", "3.11", "pyproject.toml", *words, "-o", name),
        ]
        if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

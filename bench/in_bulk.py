"""What is done in bulk, each kind in a process of its own: imports, papers, scores, sweeps, proof.

`python -m bench.in_bulk NAME` measures one in the database of IOM_HOME and writes its figures as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.load import CHECKOUT, environment

KINDS = ("import_rows", "minutes_pdf", "scores", "reminders", "audit_verify")


def all_of(home: Path, *, quick: bool) -> dict[str, Any]:
    """Every kind, one after another."""
    return {name: one_of(home, name, quick=quick) for name in KINDS}


def one_of(home: Path, name: str, *, quick: bool) -> dict[str, Any]:
    """One kind; its own words in `wrong` where it could not be measured."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.in_bulk", name, *(["--quick"] if quick else [])],
        cwd=CHECKOUT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"wrong": (done.stderr.strip().splitlines() or ["no word"])[-1]}


def main() -> int:
    """Measure one kind."""
    import django

    django.setup()
    from bench import bulk

    sys.stdout.write(json.dumps(getattr(bulk, sys.argv[1])(quick="--quick" in sys.argv)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: starts the real stack over loads of three sizes, and measures it beside fixed baselines.

Writes bench.json and a table that says what of the target is met. docs/performance.md explains it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import load, report
from bench.measuring import FULL, OTHERS, QUICK, Effort, Measuring, measure, say
from bench.stack import owner, stack
from scripts.stack import CHECKOUT

SIZES = ("one", "five", "national")
DOCS, HISTORY = CHECKOUT / "docs" / "performance.md", CHECKOUT / "docs" / "performance-history.csv"
RESULT = CHECKOUT / "bench.json"


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES), help="loads, with commas between them: one,five,national")
    parser.add_argument("--quick", action="store_true", help="the load of one scheme, few turns: within three minutes")
    parser.add_argument("--only", choices=("pages", "bulk"), help="pages alone, or what is done in bulk alone")
    parser.add_argument("--keep", metavar="FOLDER", help="where loads are kept and found again")
    parser.add_argument("--write-docs", action="store_true", help="put the figures into docs/performance.md")
    parser.add_argument("--from-json", action="store_true", help="take the figures of the last run from bench.json")
    given = parser.parse_args()
    given.sizes = ["one"] if given.quick else given.sizes.split(",")
    if unknown := set(given.sizes) - set(SIZES):
        parser.error(f"no such load: {', '.join(sorted(unknown))}")
    return given


def home_of(folder: Path, size: str) -> Path:
    """The load of that size in the folder: one that was kept, or a new one."""
    home = folder / size
    try:
        load.read(home)
    except OSError:
        say(f"Making the load {size}")
        load.make(home, size)
    return home


def effort(size: str, given: argparse.Namespace) -> Effort:
    """The largest load is measured longest."""
    if given.quick:
        return QUICK
    return FULL if size == given.sizes[-1] else OTHERS


def run(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Every load in turn, and at the last one what is done in bulk."""
    result: dict[str, Any] = about() | {"quick": given.quick, "sizes": {}, "bulk": {}}
    for size in given.sizes:
        home = home_of(folder, size)
        with stack(home, folder / f"{size}.log") as address:
            result["postgresql"] = version(home)
            if given.only != "bulk":
                say(f"Measuring the load {size}")
                measuring, result["sizes"][size] = measure(address, home, effort(size, given))
            else:
                measuring = Measuring.of(address, home, effort(size, given))
            if given.only != "pages" and size == given.sizes[-1]:
                result["bulk"] = in_bulk(measuring, quick=given.quick)
    return result


def in_bulk(measuring: Measuring, *, quick: bool) -> dict[str, Any]:
    """What is done in bulk, and the board while a PDF is made."""
    from bench import in_bulk as bulk

    found = bulk.all_of(measuring.home, quick=quick)
    found["while_pdf"] = measuring.while_doing(lambda: bulk.one_of(measuring.home, "minutes_pdf", quick=quick))
    return found


def about() -> dict[str, Any]:
    """On what it was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "commit": commit,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "processor": processor(),
        "load_average_before": os.getloadavg()[0],
    }


def processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def version(home: Path) -> str:
    """The database's own version."""
    with owner(home) as connection:
        return str(connection.info.parameter_status("server_version"))


def main() -> int:
    """Measure, print the tables, write bench.json; and the docs where that is asked for."""
    given = options()
    # Told to end, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    if given.from_json:
        result = json.loads(RESULT.read_text())
    else:
        with ExitStack() as kept:
            folder = Path(given.keep or kept.enter_context(tempfile.TemporaryDirectory(prefix="iom-panel-bench-")))
            folder.mkdir(parents=True, exist_ok=True)
            result = run(given, folder.resolve())
        result["seconds"] = round(time.monotonic() - began)
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    if result["sizes"]:
        sys.stdout.write(report.everything(result))
    else:
        sys.stdout.write(json.dumps(result["bulk"], indent=1) + "\n")
    if given.write_docs:
        DOCS.write_text(report.rewritten(DOCS.read_text(), result))
        HISTORY.write_text(report.with_history(HISTORY.read_text() if HISTORY.exists() else "", result))
    return 0


if __name__ == "__main__":
    sys.exit(main())

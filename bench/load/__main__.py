"""`python -m bench.load --size national --keep FOLDER`: makes a load in an empty folder and says what it made."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.load.sizes import SIZES, Size


def main() -> int:
    """Make the load; 1 with one line when the folder or database is not fit for one."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="one")
    parser.add_argument("--schemes", type=int, help="another number of schemes than that size has")
    parser.add_argument("--open", type=int, help="another number of open cases")
    parser.add_argument("--closed", type=int, help="another number of closed cases")
    parser.add_argument("--events", type=int, help="another number of timeline and audit rows together")
    parser.add_argument("--keep", metavar="FOLDER", help="an empty folder, kept as IOM_HOME")
    options = parser.parse_args()
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_OWNER_URL"):
        sys.stderr.write("A load goes into an embedded database alone: unset DATABASE_URL and DATABASE_OWNER_URL.\n")
        return 1
    given = {name: getattr(options, name) for name in ("schemes", "open", "closed", "events")}
    size = replace(SIZES[options.size], **{name: number for name, number in given.items() if number is not None})
    with ExitStack() as stack:
        home = options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="iom-panel-load-"))
        return _make(Path(home).resolve(), options.size, size, keep=bool(options.keep))


def _make(home: Path, name: str, size: Size, *, keep: bool) -> int:
    os.environ["IOM_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "iom.settings.embedded"
    from iom.embedded import autostart
    from iom.embedded.paths import DATABASE
    from iom.embedded.postgres import Postgres

    autostart(["manage.py", "bench_load"])
    import django

    django.setup()
    from bench.load import made as leaflet
    from bench.load.making import NotEmpty, fill

    began = time.monotonic()
    server = Postgres(home)
    try:
        with server._superuser(DATABASE) as superuser:
            made = fill(name, size, superuser, lambda words: _say(f"{time.monotonic() - began:6.1f} s  {words}"))
    except NotEmpty as error:
        sys.stderr.write(f"{error}\n")
        return 1
    leaflet.write(home, made)
    rows = sum(made.counts.values())
    _say(f"{time.monotonic() - began:6.1f} s  {rows:,} rows in {len(made.schemes)} schemes; {made.seconds}")
    if not keep:
        from django.db import connections

        connections.close_all()
        server.destroy()
    return 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

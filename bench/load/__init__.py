"""Loads of known size for measuring: one scheme, five, or a nation, made by COPY into an empty embedded database.

`make(home, size)` makes one, `read(home)` tells what stands in a folder in which one was made before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.load.making import Made

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def make(home: Path, size: str) -> Made:
    """Make a load of that size in the empty folder `home`, and leave its database stopped.

    In a process of its own, which has the product's settings for that folder. Raises CalledProcessError.
    """
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "bench.load", "--size", size, "--keep", str(home)],
        cwd=CHECKOUT,
        env=environment(home),
        check=True,
    )
    return read(home)


def read(home: Path) -> Made:
    """What stands in the folder of a load that was made before. Raises OSError where none was."""
    from bench.load.made import read as read_made

    return read_made(home)


def environment(home: Path) -> dict[str, str]:
    """The environment of a command on a load's folder: without any server that is named elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return kept | {"IOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "iom.settings.embedded"}

"""Who ends processes: of one supervisor's own, one at a time, with a signal that cannot be caught."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from iom.embedded.postgres import Postgres
from iom.embedded.valkey import Valkey

TARGETS = ("web", "worker", "relay", "beat", "queue", "database")
# The part of a service that is killed alone, and how often: its parent then starts it again.
PART_ONLY = 0.7


class Killer(threading.Thread):
    """Kills one of the targets now and then, until told to stop. `kills` counts them by name."""

    def __init__(
        self,
        home: Path,
        stop: threading.Event,
        dice: random.Random,
        *,
        pause: tuple[float, float],
        targets: tuple[str, ...] = TARGETS,
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.home, self.stop, self.dice, self.pause, self.targets = home, stop, dice, pause, targets
        self.kills: Counter[str] = Counter()

    def run(self) -> None:
        while not self.stop.wait(self.dice.uniform(*self.pause)):
            self.kill(self.dice.choice(self.targets))

    def kill(self, target: str) -> bool:
        """Kill the service or a part of it; False if it is not there just now."""
        found = processes(self.home, target)
        if not found:
            return False
        whole, parts = found
        chosen, name = whole, target
        if parts and self.dice.random() < PART_ONLY:
            chosen, name = self.dice.choice(parts), f"{target} (a part)"
        try:
            chosen.send_signal(signal.SIGKILL)
        except psutil.Error:
            return False
        self.kills[name] += 1
        return True


def supervisor(home: Path) -> psutil.Process | None:
    """The process that looks after this home."""
    try:
        return psutil.Process(json.loads((home / "run" / "supervisor.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def processes(home: Path, target: str) -> tuple[psutil.Process, list[psutil.Process]] | None:
    """A service of this home's supervisor and its own children; None if it does not run just now."""
    parent = supervisor(home)
    if parent is None:
        return None
    try:
        if target in ("queue", "database"):
            pid = (Valkey(home) if target == "queue" else Postgres(home)).pid()
            whole = psutil.Process(pid) if pid is not None else None
            # Parts of the database: what serves a connection. All others end with it and start again.
            parts = [each for each in (whole.children() if whole else []) if "iom_app" in " ".join(each.cmdline())]
        else:
            words = {"web": "gunicorn", "worker": " worker", "relay": " relay", "beat": " beat"}[target]
            mine = (each for each in parent.children() if words in " ".join(each.cmdline()))
            whole = next(mine, None)
            parts = whole.children() if whole else []
    except psutil.Error:
        return None
    return (whole, parts) if whole is not None else None


def wait_until_all_run(home: Path, *, patience: float) -> list[str]:
    """Wait until every service is there again; the names of those that are not."""
    end = time.monotonic() + patience
    while missing := [target for target in TARGETS if processes(home, target) is None]:
        if time.monotonic() > end:
            return missing
        time.sleep(0.5)
    return []

"""The programs that `make run` looks after: started in groups of their own, started again when they end."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from iom.embedded.paths import CHECKOUT
from iom.embedded.processes import die_with_parent, started_at

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
LARGEST_LOG = 10 * 1024 * 1024


@dataclass
class Child:
    """One program: how it is started, and what is known of its present run."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    patience: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    quick_ends: int = 0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start the program in a group of its own, so that a terminal's Ctrl-C reaches only us."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=CHECKOUT,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- no threads here
            )
        self.began = time.monotonic()

    def look_after(self, now: float) -> str | None:
        """Start the program again if it ended, later each time; what happened in words, or None."""
        if self.process is None:
            if now >= self.not_before:
                self.start()
            return None
        if (code := self.process.poll()) is None:
            return None
        self.end_group()
        self.quick_ends = 0 if now - self.began > STEADY_SECONDS else self.quick_ends + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self.quick_ends - 1)) if self.quick_ends else 0.0
        self.process, self.not_before = None, now + pause
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"{self.name} {how}: starting it again in {pause:.0f} s (see {self.log})."

    def ask_to_stop(self) -> None:
        """Send the polite signal to the program itself; it tells its own."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_until_stopped(self) -> None:
        """Wait for as long as its patience lasts, then end whatever is left of its group."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=self.patience)
            self.end_group()
            self.process.wait()
            self.process = None

    def end_group(self) -> None:
        """Kill what is left of the program's group."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def shorten(log: Path) -> None:
    """Put a long log aside, so that an installation that runs for years does not fill the disk with two."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".old.log"))


def write_down(children: Iterable[Child], path: Path) -> None:
    """Leave a note of what runs, for a start after we were killed outright."""
    running = [child.process.pid for child in children if child.process is not None]
    notes = [{"pid": pid, "started": started_at(pid)} for pid in running]
    half_written = path.with_suffix(".new")
    half_written.write_text(json.dumps(notes))
    half_written.replace(path)


def end_leftovers(path: Path, home: Path, *, patience: float = 10.0) -> int:
    """End the programs that an earlier, killed run left behind; how many there were.

    A number alone names nobody: the start time must fit, or the process must be of that program's session
    and of this IOM_HOME.
    """
    try:
        notes = {note["pid"]: note["started"] for note in json.loads(path.read_text())}
    except (OSError, ValueError, KeyError, TypeError):
        notes = {}
    left = [process for pid, started in notes.items() for process in _of_session(pid, started, home)]
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=patience)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience)
    path.unlink(missing_ok=True)
    return len(left)


def _of_session(leader: int, started: float | None, home: Path) -> list[psutil.Process]:
    if (alive_since := started_at(leader)) is not None and alive_since != started:
        return []  # the number belongs to somebody else now
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            ours = process.pid == leader or process.environ().get("IOM_HOME") == str(home)
            if os.getsid(process.pid) == leader and ours:
                found.append(process)
    return found

"""Child processes that end with us, and telling a living process from a number that was used again."""

import ctypes
import signal
import sys
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]

PR_SET_PDEATHSIG = 1


def die_with_parent(sent: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program so that Linux sends it `sent` when we die, even by `kill -9`.

    None on other systems: there the next start finds what was left.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: after it, as little as possible

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(sent), 0, 0, 0)

    return ask


def command_line(pid: int) -> list[str]:
    """The words with which a living process was started; empty if it is gone, dead or not ours to see."""
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except psutil.Error:
        return []


def started_at(pid: int) -> float | None:
    """When a living process was started (seconds since 1970); with its number this names it for good."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None

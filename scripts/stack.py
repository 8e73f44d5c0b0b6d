"""The whole panel, running for a while: what journeys and the bench drive."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 300
STOP_SECONDS = 60


def free_port(following: int = 0) -> int:
    """A port that nobody listens on now, nor on so many that follow it."""
    while True:
        with ExitStack() as held:
            port = _bound(held, 0)
            with suppress(OSError, OverflowError):
                for number in range(1, following + 1):
                    _bound(held, port + number)
                return port


def _bound(held: ExitStack, port: int) -> int:
    probe = held.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    return int(probe.getsockname()[1])


@contextmanager
def running(home: Path, *, demo: bool, log: Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start what `make run` starts, on a free port; gives the address; stops it all at the end.

    `env` adds to its environment.
    Raises RuntimeError with what it printed when it does not come up.
    """
    port = free_port(int((env or {}).get("IOM_WEB_PROCESSES", "1")) - 1)
    # Whoever drives this is quicker than a person (docs/running.md).
    quick = {"IOM_REQUESTS_PER_MINUTE": "100000"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "iom.embedded.supervise"],
            cwd=CHECKOUT,
            env={
                **kept,
                **quick,
                **(env or {}),
                "IOM_HOME": str(home),
                "PORT": str(port),
                "IOM_DEMO": "1" if demo else "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if b"is ready" in log.read_bytes() and _answers(port):
            return
        time.sleep(0.2)
    raise RuntimeError(f"The panel did not start:\n{log.read_text(errors='replace')}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

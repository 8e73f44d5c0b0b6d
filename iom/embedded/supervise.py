"""`make run`: one parent that starts everything, keeps it running, and stops it again.

Started by scripts/bootstrap.py when all is installed. The order: data folder, lock, port, queue, database,
tables, demonstration, static files, then web, worker, clock and relay. `kill -9` of this process ends its
children too (Linux); whatever is left all the same, the next start ends.
"""

import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from iom.embedded import paths
from iom.embedded.autostarting import EMBEDDED_SETTINGS
from iom.embedded.certificate import own_certificate
from iom.embedded.children import Child, end_leftovers, shorten, write_down
from iom.embedded.files import heads_key, private_folder, private_home, second_factor_key, secret_key, try_lock
from iom.embedded.postgres import Postgres
from iom.embedded.processes import die_with_parent
from iom.embedded.static_files import collect
from iom.embedded.trouble import Trouble
from iom.embedded.valkey import Valkey

TICK_SECONDS = 0.5
READY_SECONDS = 120
TRIES_BEFORE_READY = 5
STOPPING_SECONDS = 45
LAST_PORT = 65535
MOST_PROCESSES = 9
# What `seed_demo --if-empty` says when the database holds something else than the demonstration.
HOLDS_REAL_DATA = 3

SCHEMES = ("merton", "london", "richmond", "waltham-forest", "hampshire")
POSTS = ("coordinator", "chair", "police", "probation", "housing", "health", "board", "admin")
PASSWORD = "harbour-lantern-2026"  # noqa: S105 -- printed for everybody to read: it opens made-up people only


class StopRequested(BaseException):
    """Raised by the signal handler where the main thread stands: even in the middle of a start."""


def say(line: str) -> None:
    """Tell whoever started us; at once, also when the output is a pipe or is gone."""
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


@dataclass(frozen=True)
class Options:
    """What the environment asks for."""

    home: Path
    port: int
    demo: bool
    own_database: bool
    own_queue: bool
    webs: int
    workers: int
    env: Mapping[str, str]

    @property
    def address(self) -> str:
        """Where a browser finds the panel; `localhost` by name, as passkeys need it."""
        return f"http://localhost:{self.port}"

    @property
    def ports(self) -> range:
        """Where web processes listen: the first on `PORT`, each further one on the next number."""
        return range(self.port, self.port + self.webs)


def read_options(environ: Mapping[str, str]) -> Options:
    """Read the variables that `make run` honours (design, section 6); raises Trouble for a bad one."""
    try:
        port = int(environ.get("PORT") or 8000)
    except ValueError:
        port = 0
    if not 1 <= port <= LAST_PORT:
        raise Trouble(f"PORT is {environ.get('PORT')!r}: set it to a number from 1 to 65535.")
    demo = environ.get("IOM_DEMO", "").strip()
    if demo not in {"", "0", "1"}:
        raise Trouble(f"IOM_DEMO is {demo!r}: set it to 1 (load the demonstration) or 0 (start empty).")
    webs, workers = (_how_many(environ, name) for name in ("IOM_WEB_PROCESSES", "IOM_WORKERS"))
    if port + webs - 1 > LAST_PORT:
        raise Trouble(f"IOM_WEB_PROCESSES={webs} needs the ports from {port} on: choose a lower PORT.")
    own_database = not (environ.get("DATABASE_URL") or environ.get("DATABASE_OWNER_URL"))
    if not own_database and not environ.get("DATABASE_URL"):
        raise Trouble("DATABASE_OWNER_URL is set without DATABASE_URL: set both, for the two roles.")
    home = paths.iom_home(environ)
    return Options(
        home=home,
        port=port,
        # Somebody else's server is not filled with made-up people unless that is asked for in so many words.
        demo=demo == "1" or (demo == "" and own_database),
        own_database=own_database,
        own_queue=not environ.get("REDIS_URL"),
        webs=webs,
        workers=workers,
        env={
            "DJANGO_SETTINGS_MODULE": EMBEDDED_SETTINGS,
            "PYTHONUNBUFFERED": "1",
            **environ,
            "IOM_HOME": str(home),
            "PORT": str(port),
        },
    )


def _how_many(environ: Mapping[str, str], name: str) -> int:
    given = environ.get(name) or "1"
    if given not in {str(number) for number in range(1, MOST_PROCESSES + 1)}:
        raise Trouble(f"{name} is {given!r}: set it to a number from 1 to {MOST_PROCESSES}.")
    return int(given)


@dataclass
class Supervisor:
    """Everything that one `make run` has started."""

    options: Options
    env: dict[str, str] = field(init=False)
    services: list[Postgres | Valkey] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    addresses: list[list[str]] = field(default_factory=list)
    lock: int | None = None

    def __post_init__(self) -> None:
        self.env = dict(self.options.env)

    @property
    def run(self) -> Path:
        """The folder of locks, notes and sockets."""
        return self.options.home / "run"

    def start(self) -> None:
        """Bring everything up; raises Trouble with what to do."""
        home = private_home(self.options.home)
        private_folder(self.run)
        private_folder(home / "log")
        self.take_lock()
        secret_key(home)
        second_factor_key(home)
        heads_key(home)
        own_certificate(home)
        if end_leftovers(self.run / "children.json", home):
            say("An earlier run was killed: what it left running is stopped, its data is kept.")
        self.addresses = [listening_addresses(port) for port in self.options.ports]
        self.start_services()
        if self.options.own_database is False and not self.env.get("DATABASE_OWNER_URL"):
            say("Warning: DATABASE_OWNER_URL is not set: DATABASE_URL also migrates, so one role owns all.")
        say("Making the tables")
        self.command("migrate", "--database", "owner", "--verbosity", "0", what="The tables could not be made")
        if self.options.demo:
            self.load_demonstration()
        collect(lambda: self.command("collectstatic", "--noinput", "--verbosity", "0", what="Static files failed"))
        self.start_children()
        self.wait_until_ready()
        self.announce()

    def take_lock(self) -> None:
        """Be the only one of this IOM_HOME: wait for one that stops, raise Trouble for one that runs."""
        path = self.run / "supervise.lock"
        end = time.monotonic() + STOPPING_SECONDS
        settle = time.monotonic() + 2
        while (lock := try_lock(path)) is None:
            holder = read_note(self.run / "supervisor.json")
            stopping = holder.get("state") == "stopping"
            if time.monotonic() > (end if stopping else settle):
                raise Trouble(
                    f"IOM Panel already runs on {self.options.home}, at {holder.get('address', 'a port')} "
                    f"(process {holder.get('pid', 'unknown')}): stop that one, or set another IOM_HOME."
                )
            time.sleep(0.2)
        self.lock = lock
        self.note("starting")

    def note(self, state: str) -> None:
        """Leave word of who holds the lock."""
        note = {"pid": os.getpid(), "address": self.options.address, "state": state}
        (self.run / "supervisor.json").write_text(json.dumps(note))

    def start_services(self) -> None:
        """Start the embedded database and queue, as far as no other server is named."""
        if self.options.own_queue:
            say("Starting the queue")
            self.start_service(Valkey(self.options.home))
        if self.options.own_database:
            say("Starting the database")
            postgres = Postgres(self.options.home)
            if paths.is_root():
                say(f"  Started by root: the database's files lie in {postgres.folder}, as account nobody.")
            self.start_service(postgres)
            postgres.prepare()

    def start_service(self, service: Postgres | Valkey) -> None:
        """Start one; one that a killed run left is stopped first, unless a command of manage.py uses it."""
        self.services.append(service)
        if service.pid() is not None and (alone := try_lock(self.run / "users.lock")) is not None:
            service.stop()
            os.close(alone)
        service.start(tied=True)

    def command(self, *words: str, what: str, allowed: tuple[int, ...] = (0,)) -> int:
        """Run a command of manage.py to its end; raises Trouble, with the log's place, if it fails."""
        log = self.options.home / "log" / "start.log"
        with log.open("ab") as output:
            code = subprocess.run(
                [sys.executable, str(paths.CHECKOUT / "manage.py"), *words],
                cwd=paths.CHECKOUT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
                check=False,
            ).returncode
        if code not in allowed:
            raise Trouble(f"{what}: the reason is at the end of {log}.")
        return code

    def load_demonstration(self) -> None:
        """Load the demonstration into an empty database, and let its people sign in without a code."""
        say("Loading the demonstration, if it is not there yet")
        found = self.command(
            "seed_demo",
            "--if-empty",
            what="The demonstration could not be loaded",
            allowed=(0, HOLDS_REAL_DATA),
        )
        if found == HOLDS_REAL_DATA:
            say("  The database holds other data: no demonstration, no demonstration sign-ins.")
            self.env.pop("IOM_DEMO_SIGN_IN", None)
        else:
            self.env["IOM_DEMO_SIGN_IN"] = "1"

    def start_children(self) -> None:
        """Start web, worker, clock and relay: of the first two as many as the options say."""
        say("Starting the web server, the worker, the clock and the relay")
        python = sys.executable
        web = [python, "-m", "gunicorn", "iom.wsgi", "-c", "python:iom.serving", "--no-control-socket"]
        web += ["--workers", "2", "--graceful-timeout", "8"]
        if os.access("/dev/shm", os.W_OK):  # noqa: S108 -- gunicorn's heartbeat: a slow disk must not stop a worker
            web += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
        celery = [python, "-m", "celery", "-A", "iom"]
        worker = [
            *celery,
            "worker",
            "--concurrency",
            "2",
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
        beat = [
            *celery,
            "beat",
            "--schedule",
            str(self.run / "clock"),
            "--pidfile",
            "",
            "--loglevel",
            "WARNING",
        ]
        relay = [python, str(paths.CHECKOUT / "manage.py"), "relay"]
        programs = {}
        for number, addresses in enumerate(self.addresses, start=1):
            programs[_numbered("web", number)] = [
                *web,
                *(word for address in addresses for word in ("--bind", address)),
            ]
        for number in range(1, self.options.workers + 1):
            name = _numbered("worker", number)
            programs[name] = [*worker, "--hostname", f"{name}@%h"]
        for name, words in (programs | {"clock": beat, "relay": relay}).items():
            log = self.options.home / "log" / f"{name}.log"
            shorten(log)
            child = Child(name, words, self.env, log)
            self.children.append(child)
            child.start()
        write_down(self.children, self.run / "children.json")

    def wait_until_ready(self) -> None:
        """Wait for the first answer of the web server; raises Trouble if it does not come."""
        end = time.monotonic() + READY_SECONDS
        for port, web in zip(self.options.ports, self.children, strict=False):  # they were started first
            while not answers(port):
                if web.quick_ends >= TRIES_BEFORE_READY or time.monotonic() > end:
                    raise Trouble(f"The web server does not start: the reason is at the end of {web.log}.")
                self.look_after()
                time.sleep(0.1)

    def announce(self) -> None:
        """Say where the panel is and how to sign in."""
        self.note("running")
        say("")
        say(f"IOM Panel is ready: {self.options.address}")
        if self.options.webs > 1:
            say(f"{self.options.webs} web processes, on ports {self.options.port} to {self.options.ports[-1]}")
        say(f"Data: {self.options.home}   Logs: {self.options.home / 'log'}   Stop: Ctrl-C")
        if self.env.get("IOM_DEMO_SIGN_IN") == "1":
            say("")
            say("The demonstration (made-up people; no codes are asked):")
            say(f"  sign in as  {' '.join(post + '@' for post in POSTS)}")
            say(f"  followed by {' '.join(scheme + '.example' for scheme in SCHEMES)}")
            say(f"  such as     {POSTS[0]}@{SCHEMES[0]}.example")
            say(f"  password    {PASSWORD}")
        say("")

    def look_after(self) -> None:
        """One round: whatever ended is started again, services before what depends on them."""
        for service in self.services:
            if service.pid() is None:
                say(f"{type(service).__name__} ended: starting it again (see {service.log}).")
                service.start(tied=True)
        now = time.monotonic()
        before = [child.process for child in self.children]
        for child in self.children:
            if happened := child.look_after(now):
                say(happened)
        if before != [child.process for child in self.children]:
            write_down(self.children, self.run / "children.json")

    def watch(self) -> NoReturn:
        """Look after everything until a signal comes."""
        while True:
            self.look_after()
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """Stop everything in order: what takes in work, what does it, the queue, the database last."""
        if self.lock is None:
            return
        self.note("stopping")
        workers = [child for child in self.children if child.name.startswith("worker")]
        others = [child for child in self.children if child not in workers]
        for group in (others, workers):
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_until_stopped()
        for service in self.services:  # the queue was started first and stops first
            service.stop()
        for name in ("children.json", "supervisor.json"):
            (self.run / name).unlink(missing_ok=True)
        os.close(self.lock)
        self.lock = None


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def read_note(path: Path) -> dict[str, str]:
    """What another start left word of; empty if nothing readable."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def listening_addresses(port: int) -> list[str]:
    """The loopback addresses to listen on; raises Trouble if somebody else listens there."""
    addresses = []
    for family, host, written in (
        (socket.AF_INET, "127.0.0.1", f"127.0.0.1:{port}"),
        (socket.AF_INET6, "::1", f"[::1]:{port}"),
    ):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except PermissionError as error:
            raise Trouble(f"Port {port} is for root only: choose another one, such as PORT=8000.") from error
        except OSError as error:
            if family == socket.AF_INET6 and error.errno != errno.EADDRINUSE:
                continue  # a machine without IPv6
            raise Trouble(
                f"Port {port} is in use: stop what uses it, or choose another one: PORT={port + 1} make run"
            ) from error
        addresses.append(written)
    return addresses


def answers(port: int) -> bool:
    """Whether the web server says that it lives."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def stop_on_signals() -> Callable[[], None]:
    """Turn Ctrl-C, `kill` and a closed terminal into StopRequested; returns how to be deaf to more."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asked for it to be ignored
        heard.append(signal.SIGHUP)

    def request(number: int, frame: object) -> NoReturn:
        raise StopRequested

    for number in heard:
        signal.signal(number, request)

    def be_deaf() -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)

    return be_deaf


def main() -> int:
    """Run until told to stop: exit code 0; 1 with one line when something must be mended."""
    os.umask(0o077)  # whatever is written from here on holds personal data
    be_deaf = stop_on_signals()
    supervisor = None
    code = 0
    try:
        supervisor = Supervisor(read_options(os.environ))
        supervisor.start()
        supervisor.watch()
    except StopRequested:
        be_deaf()
        say("Stopping")
    except Trouble as trouble:
        be_deaf()
        sys.stderr.write(f"{trouble}\n")
        code = 1
    finally:
        be_deaf()
        if supervisor is not None:
            supervisor.stop()
    if code == 0:
        say("Stopped: nothing is left running.")
    return code


if __name__ == "__main__":
    sys.exit(main())

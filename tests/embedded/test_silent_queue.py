"""The queue stopped, silent and emptied (security.md Q1): pages work, saves stay quick, all work is done afterwards.

Everything runs as `make run` starts it, but with a queue of the test's own, which nobody starts again by themselves.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from chaos import checks
from chaos.__main__ import load, writers_of
from chaos.ledger import Ledger
from chaos.writers import Nominator, Pair, Planner
from iom.embedded.postgres import Postgres
from iom.embedded.valkey import _program
from scripts.stack import free_port, running

pytestmark = pytest.mark.stack
SECONDS = float(os.environ.get("IOM_TEST_QUEUE_SECONDS", "60"))
# security.md Q1: the work is done within five minutes of the queue's return.
PATIENCE = 300


class Queue:
    """A Valkey on a port of its own, with nothing on disk."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self.folder / "queue.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_program()), *options, "--dir", str(self.folder)], stdout=log, stderr=log
            )
        end = time.monotonic() + 30
        while not self.say(b"PING").startswith(b"+PONG"):
            assert time.monotonic() < end and self.process.poll() is None, "the queue does not start"
            time.sleep(0.05)

    def say(self, words):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(words + b"\r\n")
                return connection.recv(64)
        except OSError:
            return b""

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def stopped(queue):
    queue.end()
    yield
    queue.start()


@contextmanager
def silent(queue):
    queue.process.send_signal(signal.SIGSTOP)
    yield
    queue.process.send_signal(signal.SIGCONT)


@contextmanager
def emptied(queue):
    """Not once: whatever is put into it is gone again at once."""
    over = threading.Event()

    def empty():
        while not over.wait(0.1):
            queue.say(b"FLUSHALL")

    thread = threading.Thread(target=empty, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queue")
    home = folder / "home"
    queue = Queue(folder)
    queue.start()
    try:
        manifest = load(home, schemes=1)
        # What an emptied queue lost is sent again after a minute here, and after four of the five in earnest.
        settings = {"REDIS_URL": queue.url, "IOM_OUTBOX_ANSWER_SECONDS": "60"}
        with running(home, demo=True, log=folder / "log", env=settings) as address:
            yield home, address, manifest, queue
    finally:
        queue.end()
        Postgres(home).destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("trouble", [stopped, silent, emptied])
def test_pages_work_and_the_work_is_done_afterwards(stack, trouble, capsys):
    home, address, manifest, queue = stack
    ledger, stop = Ledger(), threading.Event()
    stood = checks.before(home)
    offered = writers_of("merton", manifest)
    people = [
        kind(f"{trouble.__name__}-{number}", ledger, stop, random.Random(number), address=address, **more)
        for number, (kind, more) in enumerate(offered)
        if kind in (Planner, Pair, Nominator)
    ]

    with trouble(queue):
        for person in people:
            person.start()
        time.sleep(SECONDS)
        for person in people:
            person.patience = time.monotonic() + 30
        stop.set()
        for person in people:
            person.join(60)
        left = checks.rows(home, "SELECT count(*) FROM iom_outboxmessage WHERE done_at IS NULL")[0][0]
    took, _ = checks.wait_until_quiet(home, patience=PATIENCE)

    taken = sorted(write.seconds for write in ledger.writes)
    with capsys.disabled():
        print(
            f"\nqueue {trouble.__name__} for {SECONDS:g} s: {len(taken)} saves, median {statistics.median(taken):.2f} s, "
            f"p95 {statistics.quantiles(taken, n=20)[-1]:.2f} s, slowest {taken[-1]:.2f} s; {left} pieces of work waited, "
            f"done {took:.0f} s after it came back"
        )
    assert not ledger.troubles
    assert not [write for write in ledger.writes if not write.done or write.tries > 1]
    assert set(ledger.answers) <= {"GET 200", "POST 302"}
    assert len(ledger.writes) > len(people)
    assert left > 0, "nothing had to wait, so nothing was shown"
    for check in (
        checks.actions(home, ledger),
        checks.notes(home, ledger),
        checks.nominations(home, ledger),
        *(checks.told(home, ledger, stood, kind) for kind in checks.NOTICES),
        checks.notices_once(home),
        checks.work_done(home),
        checks.emails(home),
    ):
        assert not check.breaches, (check.name, check.breaches)

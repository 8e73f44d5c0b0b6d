"""`make run` for real: its processes, signals and files, on a home and a port of their own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path

import psutil
import pytest

from iom.embedded import paths
from iom.embedded.postgres import Postgres
from iom.embedded.valkey import Valkey
from tests import ready_made

pytestmark = pytest.mark.stack

PATIENCE = 180  # a first start makes every table, beside whatever else this machine does


class Running:
    """A `make run` under test: what it said, and which processes are of its home."""

    def __init__(self, home, port, **env):
        self.home, self.port = home, port
        self.said = home.parent / f"said-{time.monotonic_ns()}.txt"
        given = {"IOM_HOME": str(home), "PORT": str(port), "IOM_DEMO": "0", **env}
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with self.said.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "iom.embedded.supervise"],
                cwd=paths.CHECKOUT,
                env={**clean, "HOME": str(home.parent), **given},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def until_ready(self):
        until(lambda: "is ready" in self.said.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said.read_text()
        return self

    def end(self, sent=signal.SIGTERM):
        self.process.send_signal(sent)
        return self.process.wait(timeout=PATIENCE)

    def alive(self):
        """Every process of this home: children by their environment, servers by their words."""
        found = []
        for process in psutil.process_iter():
            try:
                words, environment = process.cmdline(), process.environ()
            except psutil.Error:
                words, environment = [], {}
            ours = environment.get("IOM_HOME") == str(self.home) and process.pid != os.getpid()
            served = any(str(paths.postgres_folder(self.home)) in word for word in words) or any(
                str(paths.valkey_socket(self.home)) in word for word in words
            )
            if (ours or served) and words:
                found.append(words)
        return found


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return None, ""
    finally:
        connection.close()


def status(port):
    return ask(port, "/healthz")[0]


def problems(port):
    return json.loads(ask(port, "/readyz")[1] or '{"problems": "no answer"}')["problems"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


def put_away(home):
    Valkey(home).stop()
    Postgres(home).destroy()


@pytest.fixture
def home(tmp_path):
    yield tmp_path / "home"
    put_away(tmp_path / "home")


@pytest.fixture
def home_with_tables(home):
    """A home as a first start leaves it: `panel` goes through all of that."""
    home.mkdir(mode=0o700)
    ready_made.lay(Postgres(home))
    return home


@pytest.fixture
def start(home_with_tables, port):
    """Start `make run` on this home; whatever a failing test leaves is ended."""
    started = []

    def start_one(**env):
        started.append(Running(home_with_tables, env.pop("port", port), **env))
        return started[-1]

    yield start_one
    for one in started:
        if one.process.poll() is None:
            one.end()


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """One that runs for all tests that leave it running."""
    running = Running(tmp_path_factory.mktemp("panel") / "home", free_port())
    try:
        yield running.until_ready()
    finally:
        if running.process.poll() is None:
            running.end()
        put_away(running.home)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_run_when_asked_to_stop_leaves_nothing_running(start, port, sent):
    running = start().until_ready()
    assert status(port) == 200

    code = running.end(sent)

    assert code == 0
    assert "nothing is left running" in running.said.read_text()
    assert running.alive() == []


def test_run_after_kill_nine_recovers_by_itself_and_keeps_its_data(start, port):
    running = start().until_ready()
    key = (running.home / "secret-key").read_text()
    running.process.kill()
    running.process.wait()

    again = start().until_ready()

    assert status(port) == 200
    assert (again.home / "secret-key").read_text() == key
    again.end()
    assert again.alive() == []


def test_run_after_kill_nine_of_everything_recovers_by_itself(start, port):
    running = start().until_ready()
    running.process.kill()
    running.process.wait()
    for process in psutil.process_iter():
        try:
            if str(running.home) in " ".join([*process.cmdline(), process.environ().get("IOM_HOME", "")]):
                process.kill() if process.pid != os.getpid() else None
        except psutil.Error:
            continue
    if pid := Postgres(running.home).pid():
        os.kill(pid, signal.SIGKILL)

    again = start().until_ready()

    assert status(port) == 200
    again.end()


def test_run_when_the_database_is_killed_starts_it_again(panel):
    killed = Postgres(panel.home).pid()

    os.kill(killed, signal.SIGKILL)
    until(lambda: Postgres(panel.home).ready() and Postgres(panel.home).pid() != killed)
    until(lambda: problems(panel.port) != "no answer" and "database" not in " ".join(problems(panel.port)))

    assert "Postgres ended: starting it again" in panel.said.read_text()


def test_run_when_the_queue_is_killed_starts_it_again(panel):
    killed = Valkey(panel.home).pid()

    os.kill(killed, signal.SIGKILL)
    until(lambda: Valkey(panel.home).ready() and Valkey(panel.home).pid() != killed)

    until(lambda: problems(panel.port) != "no answer" and "queue" not in " ".join(problems(panel.port)))


def test_run_when_the_web_server_is_killed_starts_it_again(panel):
    web = next(p for p in psutil.Process(panel.process.pid).children() if "gunicorn" in p.cmdline())

    web.kill()
    until(lambda: "web was killed by signal 9" in panel.said.read_text())
    until(lambda: status(panel.port) == 200)

    assert panel.process.poll() is None


def test_second_run_on_the_same_home_says_who_is_there(panel):
    second = Running(panel.home, free_port())

    assert second.process.wait(timeout=PATIENCE) == 1
    assert f"already runs on {panel.home}, at http://localhost:{panel.port}" in second.said.read_text()
    assert status(panel.port) == 200


def test_manage_command_uses_the_running_database_and_leaves_it_running(panel):
    before = Postgres(panel.home).pid()

    manage(panel.home, "showmigrations", "iom")

    assert Postgres(panel.home).pid() == before


ASK_FOR_AN_EMAIL = """
from django.utils import timezone
from iom import notify, walls
from iom.models import OutboxMessage, Scheme, User

scheme, _ = Scheme.objects.get_or_create(slug="merton", defaults={"name": "Merton IOM", "short_name": "Merton"})
with walls.within(scheme, cause="shell"):
    person = User.objects.filter(email="priya@example.org").first()
    person = person or User.objects.create_user("priya@example.org", "Priya")
    notify.tell([person], scheme=scheme, kind="agenda_due", subject="meeting:1", due=timezone.localdate(),
        text="Agenda due Thu 5 March: IOM panel 12 March", url="/meetings/2026-03-12/agenda/", email_body="Send it:")
OutboxMessage.objects.filter(kind="email").update(done_at=None, due_at=timezone.now())
"""


@pytest.mark.feature(200)
def test_message_in_the_outbox_becomes_one_email_file_however_often_it_is_sent(panel):
    mails = panel.home / "mail"

    def arrived():
        return [file for file in mails.glob("*.eml") if file.stat().st_size]

    manage(panel.home, "shell", "-c", ASK_FOR_AN_EMAIL)
    until(arrived)
    [first] = arrived()
    email = message_from_bytes(first.read_bytes(), policy=policy.default)
    first.unlink()
    manage(panel.home, "shell", "-c", ASK_FOR_AN_EMAIL)
    until(arrived)

    assert [file.name for file in mails.iterdir()] == [first.name]
    again = message_from_bytes(first.read_bytes(), policy=policy.default)
    assert re.fullmatch(r"<[0-9a-f-]{36}@iom-panel\.example>", email["Message-ID"])
    assert again["Message-ID"] == email["Message-ID"]
    assert (email["To"], email["Subject"]) == ("priya@example.org", "Agenda due Thu 5 March: IOM panel 12 March")
    link = f"http://localhost:{panel.port}/meetings/2026-03-12/agenda/?in=merton"
    assert email.get_content() == f"Send it:\n\n{link}\n"


def test_run_listens_on_this_machine_only(panel):
    listening = {
        connection.laddr.ip
        for process in [psutil.Process(panel.process.pid), *psutil.Process(panel.process.pid).children(recursive=True)]
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.family != socket.AF_UNIX
    }

    assert listening <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in listening


def test_run_when_the_port_is_taken_says_what_to_do_and_leaves_nothing(start, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        refused = start()

        assert refused.process.wait(timeout=PATIENCE) == 1
    assert refused.said.read_text().splitlines() == [
        f"Port {port} is in use: stop what uses it, or choose another one: PORT={port + 1} make run"
    ]
    assert refused.alive() == []


def test_run_when_make_is_killed_outright_stops_too(home_with_tables, port, tmp_path, request):
    said = tmp_path / "said.txt"
    script = "import os, subprocess, sys; subprocess.run([sys.executable, '-c', os.environ['CHILD']])"
    child = (
        "import os, sys; from scripts.bootstrap import end_with_make; end_with_make();"
        "os.execv(sys.executable, [sys.executable, '-m', 'iom.embedded.supervise'])"
    )
    env = {
        **os.environ,
        "IOM_HOME": str(home_with_tables),
        "PORT": str(port),
        "IOM_DEMO": "0",
        "CHILD": child,
        "IOM_UNDER_MAKE": "1",
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    with said.open("wb") as output:
        make = subprocess.Popen(
            [sys.executable, "-c", script], env=env, cwd=paths.CHECKOUT, stdout=output, stderr=output
        )
    request.addfinalizer(lambda: (make.kill(), make.wait()))
    until(lambda: "is ready" in said.read_text())

    make.kill()
    make.wait()

    until(lambda: "nothing is left running" in said.read_text())
    assert status(port) is None


def test_manage_command_alone_starts_the_database_and_stops_it_again(home):
    shown = manage(home, "showmigrations", "iom")

    assert "[ ]" in shown
    assert Postgres(home).pid() is None


def test_manage_command_that_needs_tables_finds_them_in_a_new_home(home):
    answer = manage(home, "shell", "-c", "from iom.models import Scheme; print(Scheme.objects.count())")

    assert answer.strip().splitlines()[-1] == "0"


def manage(home, *words):
    env = {"PATH": os.environ["PATH"], "HOME": str(home.parent), "IOM_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, str(Path(paths.CHECKOUT) / "manage.py"), *words],
        env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout

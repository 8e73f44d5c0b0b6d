"""The database stops and comes back under a running web server (security.md L4): real processes, real sockets."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iom.embedded import paths
from iom.embedded.files import secret_key
from iom.embedded.postgres import Postgres
from scripts.stack import free_port
from tests import ready_made

pytestmark = pytest.mark.stack

ANSWER_WITHIN = 5.0
MARK = "Quillfeather"


class Web:
    """gunicorn as we start it, without the rest, on a database of its own."""

    def __init__(self, home: Path) -> None:
        self.port, self.log = free_port(), home.parent / "web.log"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(home.parent),
            "IOM_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "iom.settings.embedded",
            "PYTHONWARNINGS": "ignore",
        }
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "iom.wsgi", "-c", "python:iom.serving", "--no-control-socket"]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--bind", f"127.0.0.1:{self.port}", "--workers", "1"],
                cwd=paths.CHECKOUT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if self.ask("/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def ask(self, path: str, **headers: str) -> tuple[int, dict[str, str], str, float]:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{self.port}", **headers})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode(), time.monotonic() - began
        finally:
            connection.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    home = tmp_path_factory.mktemp("away") / "home"
    home.mkdir(mode=0o700)
    secret_key(home)
    postgres, web = Postgres(home), Web(home)
    ready_made.lay(postgres)
    postgres.start(tied=True)
    try:
        postgres.prepare()
        web.start()
        yield postgres, web
    finally:
        web.stop()
        postgres.destroy()


def test_pages_say_503_while_the_database_is_away_and_come_back_by_themselves(panel):
    postgres, web = panel
    signed_in = {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}
    assert web.ask("/", **signed_in)[0] == 302
    assert "the database does not answer" not in web.ask("/readyz")[2]

    postgres.stop()
    try:
        for path in ("/", "/cases/", "/sign-in/"):
            status, headers, page, seconds = web.ask(path, **signed_in)
            assert (path, status) == (path, 503), web.log.read_text()
            assert headers["Retry-After"] == "10"
            assert "The service is not available" in page
            assert headers["X-Request-ID"] in page
            assert seconds < ANSWER_WITHIN
        status, _, ready, seconds = web.ask("/readyz")
        assert status == 503
        assert "the database does not answer" in json.loads(ready)["problems"]
        assert seconds < ANSWER_WITHIN
        assert web.ask("/healthz")[0] == 200
        part = web.ask("/", **signed_in, **{"HX-Request": "true"})
        assert (part[0], "<html" in part[2]) == (503, False)
    finally:
        postgres.start(tied=True)

    assert web.ask("/", **signed_in)[0] == 302


def test_no_answer_says_which_server_gave_it(panel):
    _, web = panel

    for path in ("/sign-in/", "/nowhere/", "/static/css/app.css", "/%00"):
        _, headers, page, _ = web.ask(path)
        assert {"Server", "X-Powered-By", "Via"} & set(headers) == set()
        assert "gunicorn" not in page.lower()


def test_log_is_json_and_names_no_address(panel):
    _, web = panel

    web.ask(
        f"/cases/{MARK}/?q={MARK}", **{"User-Agent": MARK, "Referer": f"http://localhost/{MARK}", "X-Form-Key": MARK}
    )
    web.ask(f"/{MARK}" + "a" * 9000)

    lines = web.log.read_text().splitlines()
    assert lines
    assert MARK not in "\n".join(lines)
    assert [line for line in lines if not line.startswith("{")] == []
    assert all(isinstance(json.loads(line), dict) for line in lines)

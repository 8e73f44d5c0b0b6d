"""Two web processes and two workers behind a proxy that sends each request to the next one (docs/running.md)."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

import psutil
import pytest

from chaos import checks, writers
from chaos.ledger import Ledger
from chaos.visitor import Visitor, forms_of
from chaos.writers import Nominator, Pair, Person, Planner
from iom.embedded.paths import CHECKOUT
from iom.embedded.postgres import Postgres
from scripts import round_robin
from scripts.stack import running
from tests import ready_made

pytestmark = pytest.mark.stack

MEGABYTE = 2**20
TWO_WEB_WORKERS = 250 * MEGABYTE
WORDS = "Plain words about somebody who is made up. " * 200

PEOPLE = """
import django, json; django.setup()
from actionplans.actions import start_plan
from iom import clock, walls
from iom.access import actor_for
from iom.models import PolicyVersion
from tests import factories
scheme = factories.scheme()
with walls.within(scheme, cause="test"):
    people = {
        "office": factories.member(scheme, "coordinator"),
        "deputy": factories.member(scheme, "coordinator"),
        "chair": factories.member(scheme, "chair", "member", agency_kind="probation"),
        "police": factories.member(scheme, "member", "referrer", agency_kind="police"),
    }
    old = scheme.policy_version
    PolicyVersion.objects.create(
        scheme=scheme, number=old.number + 1, valid_from=clock.today(), reason="Files are scanned at the gateway",
        document=old.document | {"files": old.document["files"] | {"without_scanner": "open"}},
    )
    case = factories.case(scheme)
    start_plan(case, by=actor_for(people["office"]))
    referral = factories.referral(scheme, people["police"], status="sent")
    meeting = factories.live_meeting(scheme, clock.today(), recorder=people["office"], chair=people["chair"])
    accounts = {
        name: {"email": each.user.email, "password": factories.PASSWORD, "scheme": scheme.slug}
        for name, each in people.items()
    }
    print(json.dumps({**accounts, "case": case.reference, "referral": referral.reference, "meeting": meeting.key}))
"""


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    ready_made.lay(Postgres(home))
    yield home
    Postgres(home).destroy()


def people_of(home):
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEOPLE],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "IOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "iom.settings.embedded"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout.splitlines()[-1])


def webs_of(home):
    """The gunicorn parents of this home, each with its workers, by the port that it listens on."""
    found = {}
    supervisor = json.loads((home / "run" / "supervisor.json").read_text())["pid"]
    for process in psutil.Process(supervisor).children():
        words = process.cmdline()
        if "gunicorn" in words:
            port = next(word for word in words if word.startswith("127.0.0.1:")).partition(":")[2]
            found[int(port)] = (process, process.children())
    return found


def answered_by(home, name):
    """The routes that one web process answered, from its own log."""
    lines = (home / "log" / f"{name}.log").read_text().splitlines()
    return [each["route"] for each in map(json.loads, lines) if each["message"] == "request"]


def the_form(page, *names):
    return next(form for form in forms_of(page) if set(names) <= form.names)


def upload(visitor, path, form, content):
    """Send a form with a file, as a browser would."""
    mark = uuid.uuid4().hex
    parts = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form
    )
    file = 'Content-Disposition: form-data; name="file"; filename="report.txt"\r\nContent-Type: text/plain'
    body = f"{parts}--{mark}\r\n{file}\r\n\r\n{content}\r\n--{mark}--\r\n"
    connection = http.client.HTTPConnection(visitor.host, visitor.port, timeout=30)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"Cookie": cookies, "Content-Type": f"multipart/form-data; boundary={mark}"}
    try:
        connection.request("POST", path, body.encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def entered(address, account):
    person = Person(account["email"], account["password"], Visitor(address), Ledger(), lambda: time.monotonic() + 60)
    person.sign_in()
    return person.visitor


def test_two_web_processes_and_two_workers_do_what_one_of_each_does(home, monkeypatch):
    monkeypatch.setattr(writers, "SECONDS_BETWEEN", 0.2)
    env = {"IOM_WEB_PROCESSES": "2", "IOM_WORKERS": "2", "IOM_DEMO_SIGN_IN": "1", "IOM_OUTBOX_ANSWER_SECONDS": "15"}
    with running(home, demo=False, log=home.parent / "said.txt", env=env):
        ports = sorted(webs_of(home))
        assert len(ports) == 2
        given = people_of(home)
        with round_robin.before(ports) as proxy:
            address = f"http://localhost:{proxy.port}"
            walk(address, given)
            static_files(proxy.port, Visitor(address))
            write_while_one_is_killed(home, address, given, ports[1])
            memory = sum(proportional(worker) for worker in webs_of(home)[ports[0]][1])
            assert min(proxy.served.values()) > 10
        for name in ("web", "web-2"):
            assert {"cases", "case", "sign_in"} & set(answered_by(home, name)), name
        assert memory < TWO_WEB_WORKERS, f"{memory / MEGABYTE:.0f} MB"


def walk(address, given):
    """Session, forms, the pen of a meeting and files, each time asked of another process than before."""
    office, deputy = entered(address, given["office"]), entered(address, given["deputy"])
    for path in ("/cases/", f"/cases/{given['case']}/", f"/cases/{given['case']}/plan/") * 2:
        assert office.ask(path).status == 200

    live = f"/meetings/{given['meeting']}/live/"
    token = ("csrfmiddlewaretoken", the_form(office.ask(live).page, "csrfmiddlewaretoken").filled()[0][1])
    for _ in range(3):
        assert json.loads(office.ask(f"{live}here/", [token]).page)["recording"] is True
    token = ("csrfmiddlewaretoken", the_form(deputy.ask("/cases/").page, "csrfmiddlewaretoken").filled()[0][1])
    for _ in range(2):
        assert json.loads(deputy.ask(f"{live}here/", [token]).page)["recording"] is False

    papers = f"/cases/{given['case']}/documents/"
    form = the_form(office.ask(papers).page, "what", "handling")
    filled = form.filled(what=[each for each in form.choices["what"] if each][0], handling="panel")
    first = upload(office, papers, filled, WORDS)
    assert first == 302
    assert upload(office, papers, filled, WORDS) == 302  # the same form again does nothing more
    pages = [office.ask(papers).page for _ in range(2)]
    (file,) = {link for page in pages for link in re.findall(r"/papers/[0-9a-f-]{36}/(?=\")", page)}
    for _ in range(4):
        answer = office.ask(file)
        assert (answer.status, answer.page) == (200, WORDS)


def static_files(port, visitor):
    """Named by what they hold, kept for good, compressed as the browser likes."""
    page = visitor.ask("/sign-in/").page
    named = re.findall(r'"(/static/iom\.[0-9a-f]{12}\.(?:css|js))"', page)
    assert len(named) == 2
    for path in named:
        for accepted, given in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)) * 2:
            connection = http.client.HTTPConnection("localhost", port, timeout=30)
            connection.request("GET", path, headers={"Accept-Encoding": accepted})
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Encoding")) == (200, given)
            assert "immutable" in answer.getheader("Cache-Control")
            assert answer.getheader("Vary") == "Accept-Encoding"
            connection.close()


def write_while_one_is_killed(home, address, given, port):
    """Everything that is sent is done once, also while one of the web processes is away."""
    stood, ledger, stop = checks.before(home), Ledger(), threading.Event()
    dice = random.Random(2026)  # noqa: S311 -- chooses what to write, no secret
    about = {"address": address}
    at_work = [
        Planner("plan", ledger, stop, dice, account=given["chair"], cases=[given["case"]], **about),
        Nominator("new", ledger, stop, dice, account=given["police"], **about),
        Pair("pair", ledger, stop, dice, office=given["deputy"], referrer=given["police"],
             reference=given["referral"], **about),
    ]  # fmt: skip
    for writer in at_work:
        writer.start()
    time.sleep(3)
    killed, parts = webs_of(home)[port]
    for each in (killed, *parts):
        each.send_signal(signal.SIGKILL)
    time.sleep(4)
    for writer in at_work:
        writer.patience = time.monotonic() + 60
    stop.set()
    for writer in at_work:
        writer.join(90)
    _, left = checks.wait_until_quiet(home, patience=60)
    found = checks.look(home, ledger, stood)

    assert (left, ledger.troubles) == (0, [])
    assert [breach for check in found for breach in check.breaches] == []
    assert sum(write.done for write in ledger.writes) >= 10
    assert {effect for write in ledger.writes for effect in write.effect[:1]} >= {"action", "nomination", "returned"}


def proportional(process):
    """Bytes of memory of a process; what it shares counts by its part."""
    with open(f"/proc/{process.pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))

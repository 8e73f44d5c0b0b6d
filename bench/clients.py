"""Browsers without a screen, in a process of their own: `python -m bench.clients` reads a plan, writes what it took.

A plan is JSON: an address, and jobs of one of four kinds. `one`: a client that asks again as soon as it has its
answer. `steady`: so many requests a second, sent when their time has come whether or not the last one is answered; each
is timed from when it should have been sent, so that waiting counts (no coordinated omission). `eight`: eight clients,
each with a connection of its own that asks again at once. `save`: loads a page, fills its form in as its script would,
and times the POST alone. Connections are kept, as browsers do.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from bench.figures import schedule, summary

CHECKOUT = Path(__file__).resolve().parent.parent
LINES = 16  # connections of the steady stream: more than are ever under way while the server keeps up
CLIENTS = 8
BEHIND = 2  # after so many times its length a stream that cannot be kept up is given up
WARM_UP = 8
TIMEOUT = 60.0
# What `bench.baselines.middleware.Statements` says of each answer.
SAYS = {"statements": "x-bench-statements", "cpu_ms": "x-bench-cpu", "database_ms": "x-bench-database"}


@dataclass(slots=True)
class Answer:
    """One answer: when it was there, and what it was."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass
class Line:
    """One kept connection. A server may close it while nobody asks; then it is opened again, and the time counts."""

    host: str
    port: int
    wire: socket.socket | None = None

    def ask(self, message: bytes) -> Answer:
        """Send a whole request, read the whole answer. Raises OSError when there is none."""
        began = time.perf_counter()
        fresh = self.wire is None
        try:
            status, headers, body = self._exchange(message)
        except (ConnectionError, EOFError):
            if fresh:
                raise
            self.close()
            status, headers, body = self._exchange(message)
        seconds = time.perf_counter() - began
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body, seconds)

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()
            self.wire = None

    def _exchange(self, message: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.wire is None:
            self.wire = socket.create_connection((self.host, self.port), TIMEOUT)
            self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire.sendall(message)
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        first, *lines = found[:end].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers: dict[str, str] = {}
        for name, _, value in pairs:
            key = name.lower()
            headers[key] = f"{headers[key]}\n{value.strip()}" if key in headers else value.strip()
        status = int(first.split()[1])
        parts, length = [found[end + 4 :]], int(headers.get("content-length", 0))
        if "transfer-encoding" in headers:
            return status, headers, self._chunks(parts[0])
        there = len(parts[0])
        while there < length:
            parts.append(self._more())
            there += len(parts[-1])
        return status, headers, b"".join(parts)

    def _more(self) -> bytes:
        assert self.wire is not None  # noqa: S101 -- opened by whoever asks
        piece = self.wire.recv(262_144)
        if not piece:
            raise EOFError
        return piece

    def _chunks(self, found: bytes) -> bytes:
        parts = []
        while True:
            while b"\r\n" not in found:
                found += self._more()
            size, _, found = found.partition(b"\r\n")
            length = int(size, 16)
            while len(found) < length + 2:
                found += self._more()
            if length == 0:
                return b"".join(parts)
            parts.append(found[:length])
            found = found[length + 2 :]


@dataclass
class Browser:
    """A person's cookies, and the requests that their browser writes."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int]:
        parts = urllib.parse.urlsplit(self.address)
        return parts.hostname or "localhost", parts.port or 80

    def line(self) -> Line:
        host, port = self.place
        return Line("127.0.0.1" if host == "localhost" else host, port)

    def message(self, path: str, form: Sequence[tuple[str, str]] | None = None, **headers: str) -> bytes:
        """The bytes of a request; with a form, of a POST."""
        host, port = self.place
        body = b"" if form is None else urllib.parse.urlencode(form).encode()
        lines = [
            f"{'GET' if form is None else 'POST'} {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Accept: text/html",
            "User-Agent: bench",
            f"Cookie: {'; '.join(f'{name}={value}' for name, value in self.cookies.items())}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        if form is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def ask(self, line: Line, path: str, form: Sequence[tuple[str, str]] | None = None, **headers: str) -> Answer:
        """One request; its cookies are kept."""
        answer = line.ask(self.message(path, form, **headers))
        for cookie in answer.headers.get("set-cookie", "").split("\n"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if name:
                self.cookies[name] = value
        return answer

    def sign_in(self, email: str, password: str) -> None:
        """Raises RuntimeError when nobody signs in so."""
        line = self.line()
        page = self.ask(line, "/sign-in/").body.decode()
        fields = [*first_form(page, "password").fields.items()]
        wanted = {"email": email, "password": password, "next": "/"}
        form = [(name, value) for name, value in fields if name not in wanted] + [*wanted.items()]
        answer = self.ask(line, "/sign-in/", form)
        line.close()
        if answer.status != 302:
            raise RuntimeError(f"Nobody signs in as {email}: {answer.status}")


# --- Forms of a page --------------------------------------------------------


@dataclass
class Form:
    """A form as it stands on a page: where it goes, and what it would send."""

    action: str
    attributes: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.within: Form | None = None
        self.choosing = self.writing = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.within = Form(given.get("action", ""), given)
            self.forms.append(self.within)
        elif self.within is not None:
            self._field(self.within, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and name and given.get("type", "text") not in {"submit", "button", "file"}:
            tickable = given.get("type") in {"radio", "checkbox"}
            form.offered.setdefault(name, []).append(given.get("value", "on"))
            if not tickable or "checked" in given:
                form.fields[name] = given.get("value", "on" if tickable else "")
        elif tag == "textarea":
            self.writing = name
            form.fields[name] = ""
        elif tag == "select":
            self.choosing = name
        elif tag == "option" and self.choosing:
            offered = form.offered.setdefault(self.choosing, [])
            offered.append(given.get("value", ""))
            if "selected" in given or len(offered) == 1:
                form.fields[self.choosing] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.writing and self.within is not None:
            self.within.fields[self.writing] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.within = None
        elif tag == "select":
            self.choosing = ""
        elif tag == "textarea":
            self.writing = ""


def forms_of(page: str) -> list[Form]:
    """Every form of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def first_form(page: str, name: str) -> Form:
    """The first form with a field of this name, offered or filled in. Raises RuntimeError when there is none."""
    for form in forms_of(page):
        if name in form.fields or name in form.offered:
            return form
    raise RuntimeError(f"No form on the page has a field {name!r}.")


def new_key() -> str:
    """What static/js/once.js makes for each thing that a script sends."""
    return secrets.token_urlsafe(36)


# --- The jobs ---------------------------------------------------------------


class Wrong(RuntimeError):
    """A page answered what it should not."""


def _checked(answer: Answer, job: Mapping[str, Any]) -> Answer:
    if answer.status not in job.get("statuses", (200,)):
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.body.decode("utf-8", "replace")))[:300]
        raise Wrong(f"{job['name']}: {job['path']} answered {answer.status}: {words}")
    return answer


def _about(answers: Sequence[Answer]) -> dict[str, float]:
    """Bytes and what the server says of itself: of the middle answer, statements of the one that took most."""
    said: dict[str, float] = {"bytes": len(answers[-1].body)}
    for name, header in SAYS.items():
        values = sorted(float(each.headers[header]) for each in answers if header in each.headers)
        if values:
            said[name] = values[-1] if name == "statements" else values[len(values) // 2]
    return said


def one(browser: Browser, job: Mapping[str, Any]) -> dict[str, Any]:
    """One client, back to back. What stands `beside` the page is asked for in turn with it, so that both meet the same
    machine; `{bytes}` in a path is the length of the page.
    """
    line = browser.line()
    length = len(_checked(line.ask(browser.message(job["path"])), job).body)
    paths = {"": job["path"]} | {name: path.replace("{bytes}", str(length)) for name, path in job["beside"].items()}
    messages = {name: browser.message(path) for name, path in paths.items()}
    answers: dict[str, list[Answer]] = {name: [] for name in paths}
    for turn in range(WARM_UP + int(job["runs"])):
        for name, message in messages.items():
            answer = _checked(line.ask(message), {**job, "path": paths[name]})
            if turn >= WARM_UP:
                answers[name].append(answer)
    line.close()
    said = {name: summary(each.seconds for each in got) | _about(got) for name, got in answers.items()}
    return said.pop("") | {"beside": said}


def profile(browser: Browser, job: Mapping[str, Any]) -> dict[str, Any]:
    """Where a page's time goes by its parts, in shares of the whole: of several answers, the profiler running."""
    line = browser.line()
    message = browser.message(job["path"], None, X_Bench_Profile="1")
    for _ in range(WARM_UP):
        _checked(line.ask(message), job)
    found: dict[str, float] = {}
    for _ in range(int(job["runs"])):
        answer = _checked(line.ask(message), job)
        for part, ms in json.loads(answer.headers["x-bench-profile"]).items():
            found[part] = found.get(part, 0) + ms
    line.close()
    whole = sum(found.values()) or 1
    return {part: round(ms / whole, 3) for part, ms in found.items()}


def steady(browser: Browser, job: Mapping[str, Any]) -> dict[str, Any]:
    """An open stream of `rate` requests a second. One that falls far behind is ended: `unsent` were still to come."""
    message = browser.message(job["path"])
    slots = iter(schedule(float(job["rate"]), float(job["seconds"])))
    taken: list[float] = []
    unsent: list[float] = []
    lock = threading.Lock()

    def send(line: Line, start: float) -> None:
        while True:
            with lock:
                at = next(slots, None)
            if at is None:
                return
            if time.perf_counter() - start > BEHIND * float(job["seconds"]):
                unsent.append(at)
                continue
            if (wait := start + at - time.perf_counter()) > 0:
                time.sleep(wait)
            _checked(line.ask(message), job)
            taken.append(time.perf_counter() - start - at)

    _together(browser, LINES, send, job)
    return summary(taken) | {"unsent": len(unsent)}


def eight(browser: Browser, job: Mapping[str, Any]) -> dict[str, Any]:
    """Eight clients that ask again at once: requests a second, and how long each takes."""
    message = browser.message(job["path"])
    seconds = float(job["seconds"])
    taken: list[float] = []
    ended: list[float] = []

    def send(line: Line, start: float) -> None:
        while True:
            began = time.perf_counter()
            _checked(line.ask(message), job)
            ended.append(time.perf_counter())
            taken.append(ended[-1] - began)
            if ended[-1] > start + seconds:
                return

    _together(browser, CLIENTS, send, job)
    return summary(taken) | {"a_second": round(len(taken) / (max(ended) - (min(ended) - taken[0])), 1)}


def _together(browser: Browser, clients: int, send: Callable[[Line, float], None], job: Mapping[str, Any]) -> None:
    """Open the connections with a request on each, as those of pages that are open; then let all begin at once."""
    message = browser.message(job["path"])
    starts: list[float] = []
    ready = threading.Barrier(clients, action=lambda: starts.append(time.perf_counter()))
    wrong: list[Exception] = []

    def run() -> None:
        line = browser.line()
        try:
            _checked(line.ask(message), job)
            ready.wait()
            send(line, starts[0])
        except Exception as error:  # noqa: BLE001 -- told once all have ended
            wrong.append(error)
            ready.abort()
        finally:
            line.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def save(browser: Browser, job: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in and send the form with the field `form` of each page in turn; only the POST is timed.

    `set` are the fields that somebody types, `{n}` in them a number that is new each time. With `autosave` it goes
    where the form saves itself, as its script sends it: without the form's key, with one of its own in a header.
    `undo` ends the address of the form that takes a save back.
    """
    line = browser.line()
    answers: list[Answer] = []
    pages = list(job["pages"])
    for turn in range(WARM_UP + int(job["runs"])):
        page = browser.ask(line, pages[turn % len(pages)])
        if page.status != 200:
            raise Wrong(f"{job['name']}: {pages[turn % len(pages)]} answered {page.status}")
        form = first_form(page.body.decode(), job["form"])
        fields = form.fields | {name: value.replace("{n}", str(turn)) for name, value in job["set"].items()}
        if job.get("autosave"):
            fields.pop("form_key", None)
            fields["typed_into"] = " ".join(job["set"])
            headers = {"X_Autosave": "1", "X_Form_Key": new_key(), "Accept": "application/json"}
            target = form.attributes["data-autosave"]
        else:
            headers, target = {}, form.action or pages[turn % len(pages)]
        answer = browser.ask(line, target.partition("#")[0], [*fields.items()], **headers)
        _checked(answer, {**job, "path": target})
        if turn >= WARM_UP:
            answers.append(answer)
        if job.get("undo"):
            _undo(browser, line, pages[turn % len(pages)], job)
    line.close()
    return summary(each.seconds for each in answers) | _about(answers)


def _undo(browser: Browser, line: Line, path: str, job: Mapping[str, Any]) -> None:
    """Press the button of the page that takes the last save back, so that the next one finds what this one found."""
    page = browser.ask(line, path).body.decode()
    for form in forms_of(page):
        if form.action.endswith(job["undo"]):
            browser.ask(line, form.action, [*form.fields.items()])
            return
    raise Wrong(f"{job['name']}: nothing on {path} takes it back")


KINDS: dict[str, Callable[[Browser, Mapping[str, Any]], dict[str, Any]]] = {
    "one": one,
    "steady": steady,
    "eight": eight,
    "profile": profile,
    "save": save,
}


def carry_out(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each job of the plan measured, or in words why it could not."""
    for job in plan["jobs"]:
        browser = Browser(plan["address"], dict(job["cookies"]))
        try:
            yield {"name": job["name"], "kind": job["kind"], **KINDS[job["kind"]](browser, job)}
        except (OSError, EOFError, RuntimeError, ValueError) as error:
            yield {"name": job["name"], "kind": job["kind"], "wrong": f"{error}" or type(error).__name__}


def measured(address: str, jobs: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Carry jobs out in another process, so that asking takes nothing from whoever asks; in their order."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.clients"], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps({"address": address, "jobs": list(jobs)}))
        process.stdin.close()
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise RuntimeError("The clients ended before their time: the reason stands above.")


def main() -> int:
    """Read a plan, write a line of JSON for each job as soon as it is done."""
    for result in carry_out(json.load(sys.stdin)):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

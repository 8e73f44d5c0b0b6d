"""`make bench`: starts the stack with the demonstration, times the pages that people live in, writes bench.json.

Server times of whole pages at one client, over a connection that is kept. Beside them `/healthz`, which does nothing:
on a noisy machine quote the ratio, not the milliseconds.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from scripts.stack import CHECKOUT, running

RUNS = 60
WARM_UP = 5
PASSWORD = "harbour-lantern-2026"  # noqa: S105 -- of the demonstration


class Visitor:
    """A browser without a screen: one connection, cookies, forms."""

    def __init__(self, address: str) -> None:
        place = urllib.parse.urlsplit(address)
        self.connection = http.client.HTTPConnection(place.hostname or "localhost", place.port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, place of a redirect, page."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("POST" if form is not None else "GET", path, body, headers)
        answer = self.connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, _ = value.partition(";")
                key, _, content = cookie.partition("=")
                self.cookies[key] = content
        return answer.status, answer.getheader("Location") or "", answer.read().decode("utf-8", "replace")

    def sign_in(self, email: str) -> None:
        _, _, page = self.ask("/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise RuntimeError("The sign-in page holds no form.")
        form = {"csrfmiddlewaretoken": token[1], "email": email, "password": PASSWORD, "next": "/"}
        status, _, _ = self.ask("/sign-in/", form)
        if status != 302:
            raise RuntimeError(f"Nobody signs in as {email}: {status}")

    def time(self, path: str) -> dict[str, float]:
        """Milliseconds of a page: median, 95th percentile, and its bytes."""
        taken, size = [], 0
        for turn in range(WARM_UP + RUNS):
            began = time.perf_counter()
            status, _, page = self.ask(path)
            if turn >= WARM_UP:
                taken.append((time.perf_counter() - began) * 1000)
            size = len(page.encode())
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
        return {
            "p50_ms": round(statistics.median(taken), 1),
            "p95_ms": round(statistics.quantiles(taken, n=20)[-1], 1),
            "bytes": size,
        }


def first_link(page: str, pattern: str) -> str:
    """The first address on a page that looks like `pattern`."""
    found = re.search(rf'href="({pattern})"', page)
    if found is None:
        raise RuntimeError(f"No link like {pattern} on the page.")
    return found[1]


def measure(address: str) -> dict[str, dict[str, float]]:
    """Each page's figures by its name."""
    visitor = Visitor(address)
    visitor.sign_in("coordinator@merton.example")
    _, _, board = visitor.ask("/cases/")
    _, _, meetings = visitor.ask("/meetings/")
    case = first_link(board, r"/cases/IOM-\d+/")
    meeting = first_link(meetings, r"/meetings/\d{4}-\d\d-\d\d/")
    pages = {
        "nothing (healthz)": "/healthz",
        "home": "/",
        "cohort board": "/cases/",
        "case": case,
        "plan": f"{case}plan/",
        "referrals": "/referrals/",
        "agenda": f"{meeting}agenda/",
        "actions": "/actions/",
    }
    return {name: visitor.time(path) for name, path in pages.items()}


def main() -> int:
    """Measure, print a table, write bench.json in the checkout."""
    with (
        tempfile.TemporaryDirectory(prefix="iom-panel-bench-") as folder,
        running(Path(folder) / "home", demo=True, log=Path(folder) / "log.txt") as address,
    ):
        pages = measure(address)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    ).stdout.strip()
    report = {
        "commit": commit,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "runs": RUNS,
        "load": "the demonstration",
        "pages": pages,
    }
    (CHECKOUT / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    sys.stdout.write(f"{'page':<20}{'p50 ms':>10}{'p95 ms':>10}{'bytes':>10}\n")
    for name, figures in pages.items():
        sys.stdout.write(f"{name:<20}{figures['p50_ms']:>10}{figures['p95_ms']:>10}{figures['bytes']:>10.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

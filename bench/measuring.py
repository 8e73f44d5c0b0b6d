"""One load, measured: every page at one client, under a steady stream and with eight clients; and the memory."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import clients, load, pages, subjects
from bench.load.made import Made
from bench.stack import make_notes, megabytes, web_workers
from bench.subjects import Subject

PASSWORD = "harbour-lantern-2026"  # noqa: S105 -- of made-up people


@dataclass(frozen=True)
class Effort:
    """How long to measure: turns at one client, seconds of the steady stream and of eight clients.

    Without seconds only one client is measured; without `every_page` only the pages of the target are put under load.
    """

    runs: int
    steady_seconds: float
    eight_seconds: float
    rate: float = 20.0
    every_page: bool = False

    def puts_under_load(self, page: pages.Page) -> bool:
        """Whether this page is measured under a steady stream and with eight clients."""
        return bool(self.steady_seconds) and (page.of_target or (self.every_page and page.under_load))


FULL, OTHERS, QUICK = Effort(30, 5, 3, every_page=True), Effort(25, 3, 2), Effort(12, 2, 1.5)


def say(line: str) -> None:
    """Tell whoever waits how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def made_in(home: Path) -> Made | None:
    """What the loader says of the load in `home`; None for one that it did not make."""
    with suppress(OSError):
        return load.read(home)
    return None


@dataclass
class Measuring:
    """A stack that runs, and whom it is measured for."""

    address: str
    home: Path
    effort: Effort
    found: dict[str, Subject]

    @classmethod
    def of(cls, address: str, home: Path, effort: Effort) -> Measuring:
        """A stack over a load, with whom and what it holds."""
        return cls(address, home, effort, subjects.subjects(home, made_in(home)))

    def browsers(self, post: str, scheme: str = "measured") -> clients.Browser:
        """Somebody who has just signed in."""
        browser = clients.Browser(self.address)
        browser.sign_in(self.found[scheme].people[post], PASSWORD)
        return browser

    def pages(self) -> dict[str, dict[str, Any]]:
        """Every page's figures by its name."""
        cookies: dict[tuple[str, str], dict[str, str]] = {}

        def of(post: str, scheme: str) -> dict[str, str]:
            if (post, scheme) not in cookies:
                cookies[post, scheme] = self.browsers(post, scheme).cookies
            return cookies[post, scheme]

        searches = {
            scheme: self.search(of("coordinator", scheme), subject.part) for scheme, subject in self.found.items()
        }
        wanted = list(pages.pages_of(self.found["measured"], self.found["largest"], searches))
        effort = self.effort
        jobs = []
        for page in wanted:
            mine = of(page.post, page.scheme)
            jobs.append(pages.job(page, "one", mine, runs=effort.runs, beside=dict(page.beside)))
            if page.of_target:
                jobs.append(pages.job(page, "profile", mine, runs=5))
            if effort.puts_under_load(page):
                jobs.append(pages.job(page, "steady", mine, rate=effort.rate, seconds=effort.steady_seconds))
                jobs.append(pages.job(page, "eight", mine, seconds=effort.eight_seconds))
        for save in pages.saves_of(self.found["measured"], make_notes(self.home, self.found["measured"].scheme)):
            jobs.append(  # noqa: PERF401 -- reads better beside the one above
                {
                    "name": save.name,
                    "kind": "save",
                    "path": save.pages[0],
                    "pages": save.pages,
                    "form": save.form,
                    "set": dict(save.typed),
                    "statuses": save.statuses,
                    "autosave": save.autosave,
                    "undo": save.undo,
                    "cookies": of(save.post, "measured"),
                    "runs": effort.runs,
                }
            )
        figures: dict[str, dict[str, Any]] = {}
        for result in clients.measured(self.address, jobs):
            name, kind = result.pop("name"), result.pop("kind")
            if "wrong" in result:
                say(f"  {name}, {kind}: {result['wrong']}")
            figures.setdefault(name, {}).update(result if kind in ("one", "save") else {kind: result})
            if kind == "one" and "wrong" not in result:
                say(f"  {name}: {result['p50_ms']} ms, p95 {result['p95_ms']}, {result['statements']:.0f} statements")
        return figures

    def search(self, cookies: Mapping[str, str], words: str) -> str:
        """The path of what was found: words are posted, so that no name stands in an address."""
        browser = clients.Browser(self.address, dict(cookies))
        line = browser.line()
        page = browser.ask(line, "/cases/?all=1").body.decode()
        for form in clients.forms_of(page):
            if "words" in form.fields and form.attributes.get("class") == "iom-board-search":
                fields = form.fields | {"words": words}
                answer = browser.ask(line, form.action, [*fields.items()])
                return answer.headers.get("location", "").partition("#")[0]
        raise RuntimeError("The board holds no form to search with.")

    def memory(self) -> dict[str, float]:
        """What the web workers take now."""
        return megabytes(web_workers(self.home))

    def while_doing(self, work: Callable[[], Any]) -> dict[str, Any]:
        """The board's figures at the steady rate, before something else begins and while it is done."""
        page = pages.Page("board", "/cases/")
        mine = self.browsers("coordinator").cookies
        job = pages.job(page, "steady", mine, rate=self.effort.rate, seconds=max(self.effort.steady_seconds, 4))
        (alone,) = clients.measured(self.address, [job])
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(work()))
        thread.start()
        (meanwhile,) = clients.measured(self.address, [job])
        thread.join()
        return {"alone": alone, "meanwhile": meanwhile, "done": done[0] if done else None}


def measure(address: str, home: Path, effort: Effort) -> tuple[Measuring, dict[str, Any]]:
    """Everything of one load that is asked over HTTP; and what goes on with it."""
    measuring = Measuring.of(address, home, effort)
    rows = subjects.totals(home)
    figures = measuring.pages()
    return measuring, {"load": rows, "pages": figures, "memory": measuring.memory()}

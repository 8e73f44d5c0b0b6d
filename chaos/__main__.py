"""`python -m chaos --minutes 10 --seed N`: exit code 0 if nothing was lost or done twice, 1 on any breach, 2 for wrong
arguments. What it starts is its own: a home in a new folder, a free port, and nobody else's processes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.stack import CHECKOUT, running

from . import checks
from .killer import TARGETS, Killer, wait_until_all_run
from .ledger import Ledger
from .writers import Nominator, Pair, Planner, Writer

MOST_MINUTES = 24 * 60
# How long a form that was under way is still sent, once nothing is killed any more.
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    minutes: float
    seed: int
    writers: int
    targets: tuple[str, ...]
    pause: tuple[float, float]
    quiet_minutes: float
    # Seconds after which the relay sends again what is not done; None: as the product is set.
    answer_seconds: int | None = None

    @property
    def env(self) -> dict[str, str]:
        return {} if self.answer_seconds is None else {"IOM_OUTBOX_ANSWER_SECONDS": str(self.answer_seconds)}


@dataclass(slots=True)
class Report:
    """What came of it."""

    options: Options
    ledger: Ledger
    kills: dict[str, int]
    checks: list[checks.Check]
    quiet_seconds: float
    missing: list[str] = field(default_factory=list)

    @property
    def breaches(self) -> int:
        return sum(len(check.breaches) for check in self.checks) + len(self.ledger.troubles) + len(self.missing)


def read_options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Kills what runs while people write.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long people write (0.1 to 1440; default 10)")
    parser.add_argument("--seed", type=int, help="the same number chooses the same victims in the same order")
    parser.add_argument("--writers", type=int, default=8, help="how many write at once (4 to 40; default 8)")
    parser.add_argument("--kill", action="append", choices=TARGETS, help="only this; may be repeated")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two kills, on average (default 5)")
    parser.add_argument("--quiet-minutes", type=float, default=20.0, help="how long to wait for the work left behind")
    parser.add_argument("--home", type=Path, help="an empty folder to run in and keep; else a new one, deleted after")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
    asked = parser.parse_args(words)
    if not 0.1 <= asked.minutes <= MOST_MINUTES:
        parser.error("--minutes: choose 0.1 to 1440")
    if not 4 <= asked.writers <= 40:
        parser.error("--writers: choose 4 to 40")
    if not 0.2 <= asked.every <= 600:
        parser.error("--every: choose 0.2 to 600 seconds")
    if asked.home is not None and asked.home.exists() and any(asked.home.iterdir()):
        parser.error(f"--home: {asked.home} is not empty")
    return asked


def main(words: list[str] | None = None) -> int:
    """Run it, print the report, say by the exit code whether anything was breached."""
    asked = read_options(words)
    options = Options(
        minutes=asked.minutes,
        seed=asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**6),
        writers=asked.writers,
        targets=tuple(asked.kill or TARGETS),
        pause=(asked.every * 0.4, asked.every * 1.6),
        quiet_minutes=asked.quiet_minutes,
    )
    with _home(asked.home) as home:
        report = run(home, options, say=_quiet if asked.json else _say)
    print(json.dumps(_as_json(report), indent=2) if asked.json else table(report))  # noqa: T201 -- the answer
    return 1 if report.breaches else 0


def run(home: Path, options: Options, say: Any = lambda words: None) -> Report:
    """Load, start, write and kill for the time given, wait for quiet, and look at what is there."""
    say(f"Seed {options.seed}. Loading people into {home}")
    manifest = load(home, schemes=-(-options.writers // 4))
    ledger, stop = Ledger(), threading.Event()
    with running(home, demo=True, log=home / "chaos.log", env=options.env) as address:
        stood = checks.before(home)
        writers = make_writers(address, manifest, ledger, stop, options)
        dice = random.Random(f"{options.seed} kills")  # noqa: S311 -- chooses victims, no secret
        killer = Killer(home, stop, dice, pause=options.pause, targets=options.targets)
        say(f"{len(writers)} people write at {address} for {options.minutes:g} minutes")
        for thread in (*writers, killer):
            thread.start()
        _wait(options.minutes * 60, ledger, killer, say)
        for writer in writers:
            writer.patience = time.monotonic() + PATIENCE
        stop.set()
        for thread in (killer, *writers):
            thread.join(PATIENCE + 60)
        missing = wait_until_all_run(home, patience=PATIENCE)
        say("Nothing is killed any more. Waiting until the work that is left is done")
        seconds, _ = checks.wait_until_quiet(home, patience=options.quiet_minutes * 60)
        found = checks.look(home, ledger, stood)
    return Report(
        options, ledger, dict(killer.kills), found, seconds, [f"{name} did not come back" for name in missing]
    )


def load(home: Path, *, schemes: int) -> dict[str, Any]:
    """Made-up people for the writers, in a database that is made for them; the manifest says who they are."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    manifest = home / "manifest.json"
    command = ["seed_demo", "--schemes", str(schemes), "--marker", "CHAOS", "--manifest", str(manifest)]
    ran = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), *command],
        cwd=CHECKOUT,
        env=kept | {"IOM_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"The people could not be loaded:\n{ran.stdout}{ran.stderr}")
    return dict(json.loads(manifest.read_text()))


def make_writers(
    address: str, manifest: dict[str, Any], ledger: Ledger, stop: threading.Event, options: Options
) -> list[Writer]:
    """The writers of each scheme in turn, as many as were asked for."""
    offered = [writers_of(scheme["slug"], manifest) for scheme in manifest["schemes"]]
    turns = [each[place] for place in range(4) for each in offered]
    writers = []
    for number, (kind, more) in enumerate(turns[: options.writers], start=1):
        name = f"{options.seed}-{number}"
        dice = random.Random(f"{options.seed} writer {number}")  # noqa: S311 -- chooses what to write, no secret
        writers.append(kind(name, ledger, stop, dice, address=address, **more))
    return writers


def writers_of(scheme: str, manifest: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """Two who plan, one who nominates, and a pair about one nomination."""
    people = {
        each["email"].partition("@")[0]: each
        for each in manifest["accounts"]
        if each["scheme"] == scheme and each["state"] == "active"
    }
    cases = [
        each["reference"]
        for each in manifest["cases"]
        if each["scheme"] == scheme and each["status"] == "open" and not each["restricted"]
    ]
    by_email = {each["email"]: each for each in people.values()}
    waiting = next(
        each
        for each in manifest["referrals"]
        if each["scheme"] == scheme and each["status"] == "sent" and each["referrer"] in by_email
    )
    free = next(
        name for name in ("referrer", "police", "probation", "housing") if people[name]["email"] != waiting["referrer"]
    )
    return [
        (Planner, {"account": people["coordinator"], "cases": cases}),
        (
            Pair,
            {
                "office": people["deputy"],
                "referrer": by_email[waiting["referrer"]],
                "reference": waiting["reference"],
            },
        ),
        (Nominator, {"account": people[free]}),
        (Planner, {"account": people["chair"], "cases": cases}),
    ]


def _wait(seconds: float, ledger: Ledger, killer: Killer, say: Any) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 60))
        answered = sum(write.answered for write in ledger.writes)
        say(f"  {answered} forms answered, {sum(killer.kills.values())} processes killed")


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given.resolve()
        return
    from iom.embedded.postgres import Postgres

    with tempfile.TemporaryDirectory(prefix="iom-panel-chaos-") as folder:
        home = Path(folder) / "home"
        try:
            yield home
        finally:
            Postgres(home).destroy()


# --- Saying so -----------------------------------------------------------------


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 -- for whoever waits


def _quiet(words: str) -> None:
    """With --json the report alone is printed."""


def table(report: Report) -> str:
    """The report for people."""
    ledger, lines = report.ledger, [""]
    middle, slow = ledger.quick()
    sent = len(ledger.writes)
    answered, again = sum(write.answered for write in ledger.writes), sum(write.tries > 1 for write in ledger.writes)
    lines += [
        f"{sent} forms sent, {answered} answered, {again} of them only after being sent again",
        f"answered at once: median {middle * 1000:.0f} ms, 95 % within {slow * 1000:.0f} ms",
        f"killed: {', '.join(f'{name} {count}' for name, count in sorted(report.kills.items())) or 'nothing'}",
        f"answers: {', '.join(f'{name} {count}' for name, count in sorted(ledger.answers.items()))}",
        f"quiet after {report.quiet_seconds:.0f} s",
        "",
    ]
    wide = max(len(check.name) for check in report.checks)
    for check in report.checks:
        state = "held" if not check.breaches else f"BREACHED {len(check.breaches)} times"
        lines.append(f"  {check.name:<{wide}}  {check.looked_at:>6}  {state}")
        lines += [f"      {words}" for words in check.breaches[:10]]
    lines += [f"  TROUBLE  {words}" for words in (*ledger.troubles, *report.missing)]
    if ledger.pages:
        lines += ["", "Answers that should have been 503: " + ", ".join(f"{k} {n}" for k, n in ledger.pages.items())]
    verdict = "Nothing was lost, nothing was done twice." if not report.breaches else f"{report.breaches} breaches."
    lines += ["", f"{verdict} Seed {report.options.seed}."]
    return "\n".join(lines)


def _as_json(report: Report) -> dict[str, Any]:
    ledger = report.ledger
    middle, slow = ledger.quick()
    return {
        "seed": report.options.seed,
        "minutes": report.options.minutes,
        "breaches": report.breaches,
        "forms": len(ledger.writes),
        "answered": sum(write.answered for write in ledger.writes),
        "sent_again": sum(write.tries > 1 for write in ledger.writes),
        "p50_ms": round(middle * 1000),
        "p95_ms": round(slow * 1000),
        "killed": report.kills,
        "answers": dict(ledger.answers),
        "quiet_seconds": round(report.quiet_seconds),
        "checks": [
            {"name": check.name, "looked_at": check.looked_at, "breaches": check.breaches} for check in report.checks
        ],
        "troubles": [*ledger.troubles, *report.missing],
        "server_errors": dict(ledger.pages),
    }


if __name__ == "__main__":
    sys.exit(main())

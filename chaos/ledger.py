"""What was sent, what was answered, and what each of it must have left behind."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Write:
    """One form with one key, sent until it is answered.

    `effect` says where its trace is to be found: `(kind, what to look for)`. `status` is that of the answer, None while
    there is none; `done` whether the answer said that it was done.
    """

    effect: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)
    tries: int = 0
    status: int | None = None
    done: bool = False
    seconds: float = 0.0

    @property
    def answered(self) -> bool:
        return self.status is not None


@dataclass(slots=True)
class Ledger:
    """Everything that the writers did, for all threads."""

    writes: list[Write] = field(default_factory=list)
    # By kind of request and what came of it: "GET 200", "POST NoAnswer".
    answers: Counter[str] = field(default_factory=Counter)
    # What a writer could not go on from, in words.
    troubles: list[str] = field(default_factory=list)
    pages: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, *effect: str) -> Write:
        write = Write(effect)
        with self.lock:
            self.writes.append(write)
        return write

    def note(self, method: str, came: str, where: str = "") -> None:
        with self.lock:
            self.answers[f"{method} {came}"] += 1
            if came.startswith("5") and came != "503":
                self.pages[f"{method} {where} {came}"] += 1

    def trouble(self, words: str) -> None:
        with self.lock:
            self.troubles.append(words)

    def of(self, kind: str) -> list[Write]:
        with self.lock:
            return [write for write in self.writes if write.effect[0] == kind]

    def quick(self) -> tuple[float, float]:
        """Median and 95th percentile, in seconds, of the writes that were answered at the first try."""
        taken = [write.seconds for write in self.writes if write.answered and write.tries == 1]
        if len(taken) < 2:
            return (taken or [0.0])[0], (taken or [0.0])[0]
        return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]

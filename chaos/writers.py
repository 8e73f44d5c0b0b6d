"""People who write: each a thread with a browser of its own, who sends one form until it is answered."""

from __future__ import annotations

import random
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .ledger import Ledger, Write
from .visitor import Answer, Form, NoAnswer, Visitor, forms_of

# Below the 120 requests a minute that a person has (security.md L3); each round takes two or three.
SECONDS_BETWEEN = 1.6
AFTER_TROUBLE = 0.5
SIGN_IN = "/sign-in/"


class Stopped(Exception):
    """The time is over."""


@dataclass(slots=True)
class Person:
    """Somebody who is signed in, and signs in again where that is asked for."""

    email: str
    password: str
    visitor: Visitor
    ledger: Ledger
    # Until then pages and forms are asked for again and again.
    deadline: Callable[[], float]

    def page(self, path: str) -> Answer:
        """A page, however often it must be asked for; raises Stopped when the time is over."""
        while True:
            answer = self._ask("GET", path)
            if answer is not None and answer.status == 200:
                return answer
            if answer is not None and self._signed_out(answer):
                self.sign_in()
            elif answer is not None and answer.status in (403, 404):
                raise LookupError(f"{self.email}: {path} answered {answer.status}")
            else:
                self._wait(answer)

    def send(self, path: str, form: list[tuple[str, str]], write: Write) -> Answer:
        """Send a form with its key until an answer comes that is an answer; raises Stopped when the time is over."""
        while True:
            write.tries += 1
            began = time.monotonic()
            answer = self._ask("POST", path, form)
            if answer is None or answer.status >= 500 or answer.status == 429:
                self._wait(answer)
            elif self._signed_out(answer):
                self.sign_in()
                form = [(name, self._token(value) if name == "csrfmiddlewaretoken" else value) for name, value in form]
            else:
                write.seconds = time.monotonic() - began
                write.status, write.done = answer.status, answer.status in (302, 303)
                return answer

    def sign_in(self) -> None:
        """As on the page, until it is done."""
        while True:
            page = self._ask("GET", SIGN_IN)
            form = _the_form(page, "password") if page is not None and page.status == 200 else None
            if form is None:
                if page is not None and page.status == 302:
                    return
                self._wait(page)
                continue
            answer = self._ask("POST", SIGN_IN, form.filled(email=self.email, password=self.password))
            if answer is not None and answer.status in (302, 303):
                return
            if answer is not None and answer.status == 200:
                raise LookupError(f"{self.email} cannot sign in")
            self._wait(answer)

    def _ask(self, method: str, path: str, form: list[tuple[str, str]] | None = None) -> Answer | None:
        if time.monotonic() > self.deadline():
            raise Stopped
        try:
            answer = self.visitor.ask(path, form)
        except NoAnswer as nothing:
            self.ledger.note(method, str(nothing))
            return None
        self.ledger.note(method, str(answer.status), re.sub(r"\d+", "N", path.partition("?")[0]))
        return answer

    def _signed_out(self, answer: Answer) -> bool:
        return answer.status in (302, 303) and answer.location.startswith(SIGN_IN)

    def _token(self, old: str) -> str:
        """A token of the new session; the form's own key stays what it was."""
        page = self._ask("GET", "/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.page) if page else None
        return found[1] if found else old

    def _wait(self, answer: Answer | None) -> None:
        asked = answer.headers.get("retry-after", "") if answer is not None else ""
        time.sleep(min(int(asked), 30) if asked.isdigit() else AFTER_TROUBLE)


def _the_form(answer: Answer, *names: str) -> Form | None:
    """The form of a page that has all these fields."""
    return next((form for form in forms_of(answer.page) if set(names) <= form.names), None)


def _needed(answer: Answer, where: str, *names: str) -> Form:
    form = _the_form(answer, *names)
    if form is None:
        raise LookupError(f"{where} has no form with {', '.join(names)}")
    return form


class Writer(threading.Thread, ABC):
    """One who writes until told to stop; then the last form is still sent until it is answered."""

    def __init__(self, name: str, ledger: Ledger, stop: threading.Event, dice: random.Random) -> None:
        super().__init__(name=name, daemon=True)
        self.ledger, self.stop, self.dice = ledger, stop, dice
        self.patience = 0.0
        self.count = 0

    def deadline(self) -> float:
        """Until when to go on trying: for ever while the time runs, then for as long as there is patience."""
        return float("inf") if not self.stop.is_set() else self.patience

    def person(self, address: str, account: dict[str, Any]) -> Person:
        return Person(account["email"], account["password"], Visitor(address), self.ledger, self.deadline)

    def token(self) -> str:
        """Words that stand nowhere else."""
        self.count += 1
        return f"Chaos {self.name} {self.count:05}"

    def run(self) -> None:
        try:
            self.begin()
            while not self.stop.is_set():
                began = time.monotonic()
                self.once()
                self.stop.wait(max(0.0, SECONDS_BETWEEN - (time.monotonic() - began)))
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 -- whatever it is, the report must say so
            self.ledger.trouble(f"{self.name}: {type(error).__name__}: {error}")

    @abstractmethod
    def begin(self) -> None:
        """Sign in, and find what there is to write to."""

    @abstractmethod
    def once(self) -> None:
        """Write one thing, until it is answered."""


class Planner(Writer):
    """Adds actions to plans, and says how one stands, over and over: each change counts its version up by one."""

    def __init__(self, *about: Any, address: str, account: dict[str, Any], cases: list[str], **more: Any) -> None:
        super().__init__(*about, **more)
        self.me, self.cases = self.person(address, account), cases
        self.action = ""

    def begin(self) -> None:
        self.me.sign_in()

    def once(self) -> None:
        if not self.action or self.dice.random() < 0.4:
            self._add()
        else:
            self._update()

    def _add(self) -> None:
        words, plan = self.token(), f"/cases/{self.dice.choice(self.cases)}/plan/"
        form = _needed(self.me.page(plan), plan, "new-other-text", "new-other-who")
        who = next(value for value in form.choices["new-other-who"] if value)
        sent = form.filled(**{"new-other-text": words, "new-other-who": who, "new-other-due": "4w"})
        if self.me.send(form.action or plan, sent, self.ledger.begin("action", words)).status != 302:
            return
        mine = next((each for each in forms_of(self.me.page(plan).page) if words in each.words), None)
        if mine is None:
            self.ledger.trouble(f"{self.name}: {words} was answered and does not stand on {plan}")
        else:
            self.action = mine.action

    def _update(self) -> None:
        form = _needed(self.me.page(self.action), self.action, "status", "note", "version")
        words = self.token()
        number = self.action.strip("/").rpartition("/")[2]
        sent = form.filled(status=self.dice.choice(["open", "in_progress"]), note=words)
        self.me.send(self.action, sent, self.ledger.begin("note", number, words))


class Nominator(Writer):
    """Begins nominations of people who stand nowhere else: each gets one number and one row."""

    def __init__(self, *about: Any, address: str, account: dict[str, Any], **more: Any) -> None:
        super().__init__(*about, **more)
        self.me = self.person(address, account)

    def begin(self) -> None:
        self.me.sign_in()

    def once(self) -> None:
        where = "/referrals/new/"
        form = _needed(self.me.page(where), where, "given_names", "family_name")
        words = self.token().replace(" ", "-")
        given = {"mappa": "0", "given_names": words, "family_name": words}
        given |= {name: "no" for name in form.choices if name.startswith("fact_")}
        born = {"day": str(self.dice.randint(1, 28)), "month": str(self.dice.randint(1, 12)), "year": "1990"}
        given |= {name: born[part] for name in form.names for part in born if name == f"date_of_birth_{part}"}
        if "date_of_birth" in form.names:
            given["date_of_birth"] = f"{born['day']} {born['month']} 1990"
        # Whoever is alike from an earlier try is somebody else.
        sent = [*form.filled(**given), ("match", "new")]
        self.me.send(where, sent, self.ledger.begin("nomination", words))


class Pair(Writer):
    """A coordinator gives a nomination back, its referrer sends it again, and so on: each time people are told."""

    def __init__(
        self, *about: Any, address: str, office: dict[str, Any], referrer: dict[str, Any], reference: str, **more: Any
    ) -> None:
        super().__init__(*about, **more)
        self.office, self.referrer = self.person(address, office), self.person(address, referrer)
        self.scheme, self.reference = office["scheme"], reference

    def begin(self) -> None:
        self.office.sign_in()
        self.referrer.sign_in()

    def once(self) -> None:
        triage = f"/referrals/{self.reference}/triage/"
        form = _needed(self.office.page(triage), triage, "recommendation", "message")
        sent = form.filled(recommendation="return", message=self.token())
        self.office.send(triage, sent, self.ledger.begin("returned", self.scheme, self.reference))
        check = f"/referrals/{self.reference}/check/"
        form = _needed(self.referrer.page(check), check, "declaration")
        sent = form.filled(declaration=form.choices["declaration"][0] or "on")
        self.referrer.send(check, sent, self.ledger.begin("sent", self.scheme, self.reference))

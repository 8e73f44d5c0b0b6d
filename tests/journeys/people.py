"""People at their browsers: each has a context of their own, with or without JavaScript, and axe looks over their shoulder."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "three random words here"


class Person:
    """Somebody with a browser. `go`, `fill`, `choose` and `press` are what a person does."""

    def __init__(self, browser: Browser, address: str, *, script: bool, shots: Path | None = None) -> None:
        self.context = browser.new_context(
            base_url=address, java_script_enabled=script, viewport={"width": 1280, "height": 900}
        )
        self.page: Page = self.context.new_page()
        self.script = script
        self.shots = shots
        self.key = ""  # what the person's authenticator app holds
        self.last_step = 0
        self.complaints: list[str] = []
        self.seen: set[str] = set()
        self.page.on(
            "console", lambda m: self.complaints.append(f"{self.page.url}: {m.text}") if m.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def go(self, path: str) -> Person:
        answer = self.page.goto(path)
        assert answer.status < 400, f"{path} answered {answer.status}: {self.page.inner_text('main')[:500]}"
        return self.look()

    def press(self, words: str, *, within: str = "main") -> Person:
        """Press a button or follow a link by its words."""
        area = self.page.locator(within)
        # Words for screen readers may follow: "Open: Triage 1 referral".
        begins = re.compile(f"^{re.escape(words)}")
        for role, name, exact in (
            ("button", words, True),
            ("link", words, True),
            ("button", begins, None),
            ("link", begins, None),
        ):
            target = area.get_by_role(role, name=name, exact=exact) if exact else area.get_by_role(role, name=name)
            if target.count():
                break
        with self.page.expect_navigation(wait_until="load"):
            target.first.click()
        return self.look()

    def press_like(self, pattern: str) -> Person:
        """Press the first button whose words match."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.locator("main").get_by_role("button", name=re.compile(pattern)).first.click()
        return self.look()

    def fill(self, **fields: str) -> Person:
        for name, words in fields.items():
            self.page.locator(f"main [name={name}]").first.fill(words)
        return self

    def choose(self, name: str, value: str) -> Person:
        box = self.page.locator(f"main [name={name}][value='{value}']").first
        box.check(force=True)
        return self

    def pick(self, name: str, words: str) -> Person:
        self.page.locator(f"main select[name={name}]").first.select_option(label=words)
        return self

    def pick_like(self, name: str, words: str) -> Person:
        """Choose the option that holds these words."""
        box = self.page.locator(f"main select[name={name}]").first
        box.select_option(value=box.locator("option", has_text=words).first.get_attribute("value"))
        return self

    def sees(self, words: str) -> Person:
        expect(self.page.locator("main")).to_contain_text(words)
        return self

    def sees_not(self, words: str) -> Person:
        expect(self.page.locator("main")).not_to_contain_text(words)
        return self

    def sign_in(self, email: str, password: str = PASSWORD) -> Person:
        self.go("/sign-in/")
        self.fill(email=email, password=password).press("Sign in")
        return self.fill(code=self.code()).press("Continue")

    def set_up_app(self) -> Person:
        """Type the key of the page into an app, show its code, keep the recovery codes."""
        self.sees("Set up your security code")
        self.key = self.page.locator("#app-key").inner_text().replace(" ", "")
        self.fill(code=self.code()).press("Continue").sees("Your recovery codes")
        return self.press("I have kept them: continue")

    def code(self) -> str:
        """What the app shows now, or next: each code is good once, so the step after the last one at least."""
        now = int(time.time()) // 30
        while now < self.last_step:  # one step ahead is the furthest that is accepted
            self.page.wait_for_timeout(1000)
            now = int(time.time()) // 30
        self.last_step = max(now, self.last_step + 1)
        return pyotp.TOTP(self.key).at(self.last_step * 30)

    def look(self) -> Person:
        """Each kind of page once: axe with script, a picture, and no error on it."""
        place = self.page.url.split("//", 1)[1].split("/", 1)[1].split("?")[0]
        if place in self.seen:
            return self
        self.seen.add(place)
        if self.shots is not None:
            name = place.strip("/").replace("/", "_") or "home"
            self.page.screenshot(path=self.shots / f"{name[:80]}.png", full_page=True)
        if self.script:
            self.complaints += self._axe(place)
        return self

    def _axe(self, place: str) -> list[str]:
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"/{place}: {v['impact']} {v['id']}: {v['nodes'][0]['html'][:160]}"
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
        ]

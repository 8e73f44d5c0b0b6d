"""What a journey costs whoever makes it: pages, clicks and typed characters, held to the targets of ux.md 6.

    journey = Journey("A", JOURNEY_A)
    officer = Counted(browser, address, journey=journey)
    with journey.step("Sign in from bookmark"):
        officer.go("/referrals/new/").filled_in_by_browser(email=…, password=…).press("Sign in")
        officer.fill(code=officer.code()).press("Continue")
    …
    with capsys.disabled():
        print(journey.table())
    journey.hold()

How it is counted. A page is a document that a browser loads, redirections on the way to it left out; it belongs to the
step in which somebody first does something on it, or to the one that loaded it where nobody does. Following a bookmark
or a link of an e-mail is a click, so are a button, a link, a choice, and going into a field that is not the next one;
going on to the next field is the Tab key. Each character typed is a key. What a browser fills in by itself, as a
password manager does on the page for signing in, is neither.

`Counted` has a mouse and a keyboard, with JavaScript or without. `Keyboard` has no mouse: it reaches everything with
Tab, arrows, Space and Enter, and fails where the focus cannot be seen. Everything is done with real input events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Request

from tests.journeys.people import Person

MOST_TABS = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """Pages loaded, clicks, and keys pressed."""

    pages: int
    clicks: int
    keys: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.pages + other.pages, self.clicks + other.clicks, self.keys + other.keys)

    def over(self, target: Cost) -> list[str]:
        """By what it is more than the target: "3 clicks, target 2"."""
        names = ("pages", "clicks", "keys")
        pairs = [(name, getattr(self, name), getattr(target, name)) for name in names]
        return [f"{is_} {name}, target {most}" for name, is_, most in pairs if is_ > most]


# ux.md 6, row for row.
JOURNEY_A = {
    "Sign in from bookmark": Cost(2, 3, 6),
    "Seven sections, prefilled where known": Cost(8, 18, 1200),
    "Check, send, confirmation": Cost(2, 3, 0),
    "Coordinator: triage, score, put to panel, ask 12 agencies": Cost(2, 15, 60),
}
JOURNEY_B = {
    "Email link, sign in, lands on the return": Cost(2, 3, 6),
    'Return: 2 known with summaries, rest "not known"': Cost(2, 10, 300),
    "Acknowledge agenda, say attending, sign agreement": Cost(2, 5, 12),
    "Update 2 actions": Cost(1, 6, 160),
}
# "All 15 items recorded" is one page, five clicks at most and about 755 keys: three rows together. The live meeting is one
# page, drawn again for each item, and counts with the nominations, which come first; the clicks are for those who have
# not turned the single keys on.
JOURNEY_C = {
    "Attendance and quorum, 14 people": Cost(1, 6, 0),
    "Reviews, no change (10, of 3 keys each)": Cost(0, 0, 30),
    "Rating changes, reason and 1 action (3, of 115 keys each)": Cost(0, 3, 345),
    "Referrals accepted: rating, leads, 2 actions (2, of 190 keys each)": Cost(1, 2, 380),
    "Close, read draft, send to chair": Cost(2, 5, 100),
    "Chair reads, signs, PDF made": Cost(2, 5, 20),
    "Notices and minutes sent": Cost(1, 3, 0),
}
ALL_ITEMS_RECORDED = Cost(1, 5, 755)
AFTER_MEETING_EFFORT = Cost(5, 13, 120)
# Nobody known: so many clicks after signing in.
JOURNEY_B_NOBODY_KNOWN_CLICKS = 3


@dataclass(slots=True)
class Step:
    """A row of the table while it is walked."""

    name: str
    pages: int = 0
    clicks: int = 0
    keys: int = 0
    addresses: list[str] = field(default_factory=list)
    again: int = 0  # of the pages, those that had been there before at their address and were drawn again

    @property
    def cost(self) -> Cost:
        return Cost(self.pages - self.again, self.clicks, self.keys)


class Journey:
    """The steps of a journey, what each cost, and what it may cost."""

    def __init__(
        self, name: str, targets: dict[str, Cost], *, how: str = "", drawn_again: tuple[str, ...] = ()
    ) -> None:
        """Documents whose address has an end among `drawn_again` are one page, however often a button draws them anew."""
        self.name, self.targets, self.how, self.drawn_again = name, targets, how, drawn_again
        self.drawn: set[str] = set()
        self.steps: dict[str, Step] = {}
        self.walkers: list[Counted] = []
        self.now: Step | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A row of the targets; one entered twice goes on counting where it was."""
        assert name in self.targets, f"{name!r} is no row of journey {self.name}: {', '.join(self.targets)}"
        assert self.now is None, f"{name!r} begins before {self.now.name!r} has ended"
        self.now = self.steps.setdefault(name, Step(name))
        try:
            yield self.now
        finally:
            self.now = None

    def counts(self, step: Step, address: str) -> None:
        """A document was loaded in `step`."""
        step.pages += 1
        step.addresses.append(address)
        if self.drawn_again and address.endswith(self.drawn_again):
            step.again += address in self.drawn
            self.drawn.add(address)

    def cost_of(self, name: str) -> Cost:
        """What a step cost, the page on which it ended included."""
        return next(step.cost for step in self._settled() if step.name == name)

    @property
    def total(self) -> Cost:
        return sum((step.cost for step in self._settled()), Cost(0, 0, 0))

    @property
    def target(self) -> Cost:
        return sum(self.targets.values(), Cost(0, 0, 0))

    def table(self) -> str:
        """The journey as a table: what each step cost, and in brackets what it may cost."""
        rows = [(step.name, step.cost, self.targets[step.name]) for step in self._settled()]
        rows.append(("Total", self.total, self.target))
        wide = max(len(name) for name, _, _ in rows)
        head = f"{'Step':{wide}}  {'Pages':>11}  {'Clicks':>11}  {'Keys':>13}"
        lines = [f"Journey {self.name}{', ' + self.how if self.how else ''}", head, "-" * len(head)]
        for name, cost, most in rows:
            cells = [f"{getattr(cost, each)} ({getattr(most, each)})" for each in ("pages", "clicks", "keys")]
            lines.append(f"{name:{wide}}  {cells[0]:>11}  {cells[1]:>11}  {cells[2]:>13}")
        if again := sum(step.again for step in self.steps.values()):
            lines.append(f"Drawn again at the same address after a button, and not counted as pages: {again}")
        return "\n".join(["", *lines, ""])

    def hold(self) -> None:
        """Fail where a step or the whole costs more than ux.md 6 allows, or where a step was never walked."""
        settled = {step.name: step for step in self._settled()}
        assert list(settled) == list(self.targets), f"walked {list(settled)}, not {list(self.targets)}"
        wrong = [f"{name}: {words}" for name, step in settled.items() for words in step.cost.over(self.targets[name])]
        wrong += [f"Total: {words}" for words in self.total.over(self.target)]
        seen = "\n".join(f"{step.name}: {', '.join(step.addresses)}" for step in settled.values())
        assert wrong == [], "\n".join([*wrong, self.table(), seen])

    def _settled(self) -> list[Step]:
        for walker in self.walkers:
            walker.settle()
        return sorted(self.steps.values(), key=lambda step: list(self.targets).index(step.name))


class Counted(Person):
    """Somebody whose pages, clicks and keys count for the step that the journey is at; outside of steps nothing does."""

    def __init__(
        self, browser: Browser, address: str, *, journey: Journey, script: bool = True, shots: Path | None = None
    ) -> None:
        super().__init__(browser, address, script=script, shots=shots)
        self.journey = journey
        self.landed: tuple[Step, str] | None = None  # a page on which nobody has done anything yet
        journey.walkers.append(self)
        self.page.on("request", self._requested)

    # --- Counting -----------------------------------------------------------------

    def _requested(self, request: Request) -> None:
        if not request.is_navigation_request() or request.frame != self.page.main_frame or request.redirected_from:
            return
        self.settle()
        if self.journey.now is not None:
            self.landed = self.journey.now, request.url

    def settle(self) -> None:
        """The page before this one counts where it was loaded: nobody did anything on it."""
        if self.landed is not None:
            self._count_page(*self.landed)

    def _count_page(self, step: Step, address: str) -> None:
        if self.journey.drawn_again:
            address = self.page.url  # where redirections led
        self.journey.counts(step, address.split("//", 1)[-1].partition("/")[2].partition("?")[0])
        self.landed = None

    def _acts(self, *, clicks: int = 0, keys: int = 0) -> None:
        step = self.journey.now
        if step is None:
            return
        if self.landed is not None:
            self._count_page(step, self.landed[1])
        step.clicks += clicks
        step.keys += keys

    # --- What a person does -------------------------------------------------------

    def go(self, path: str) -> Counted:
        """Follow a bookmark or the link of an e-mail."""
        if self.journey.now is not None:
            self.settle()
            self.journey.now.clicks += 1
        super().go(path)
        return self

    def press(self, words: str, *, within: str = "main") -> Counted:
        self._press(self._button(words, within))
        return self

    def press_like(self, pattern: str) -> Counted:
        self._press(self.page.locator("main").get_by_role("button", name=re.compile(pattern)).first)
        return self

    def press_in_place(self, words: str, *, within: str = "main") -> Counted:
        """Press a button that changes a part of the page, and the page itself where there is no script."""
        target = self._button(words, within)
        if not self.script:
            self._press(target)
            return self
        self._activate(target)
        self.page.wait_for_load_state("networkidle")
        self.look()
        return self

    def fill(self, **fields: str) -> Counted:
        for name, words in fields.items():
            self._type(self.page.locator(f"main [name={name}]:not([type=hidden])").first, words)
        return self

    def choose(self, name: str, value: str) -> Counted:
        """Tick a box or choose one of several."""
        self._choose(self.page.locator(f"main [name={name}][value='{value}']").first)
        return self

    def tick(self, name: str) -> Counted:
        self._choose(self.page.locator(f"main [name={name}]").first)
        return self

    def pick(self, name: str, words: str) -> Counted:
        self._pick(self.page.locator(f"main select[name={name}]").first, words)
        return self

    def pick_like(self, name: str, words: str) -> Counted:
        box = self.page.locator(f"main select[name={name}]").first
        self._pick(box, box.locator("option", has_text=words).first.inner_text())
        return self

    def enter(self) -> Counted:
        """Press Enter in the field that has the focus, which sends its form."""
        self._acts(keys=1)
        with self.page.expect_navigation(wait_until="load"):
            self.page.keyboard.press("Enter")
        self.look()
        return self

    def filled_in_by_browser(self, **fields: str) -> Counted:
        """What a password manager puts in when a page opens: it costs nobody a click or a key."""
        for name, words in fields.items():
            self.page.locator(f"main [name={name}]").first.fill(words)
        return self

    # --- With mouse and keyboard --------------------------------------------------

    def _button(self, words: str, within: str) -> Locator:
        """A button or link by its words; words for screen readers may follow: "Open: Triage 1 referral"."""
        area = self.page.locator(within)
        begins = re.compile(f"^{re.escape(words)}")
        for role, name in (("button", words), ("link", words), ("button", begins), ("link", begins)):
            target = area.get_by_role(role, name=name, exact=isinstance(name, str))
            if target.count():
                break
        return target.first

    def _press(self, target: Locator) -> None:
        with self.page.expect_navigation(wait_until="load"):
            self._activate(target)
        self.look()

    def _activate(self, target: Locator) -> None:
        self._acts(clicks=1)
        target.click()

    def _type(self, target: Locator, words: str) -> None:
        self._enter(target)
        if target.input_value():
            self.page.keyboard.press("Control+a")
            self._acts(keys=1)
        self.page.keyboard.type(words)
        self._acts(keys=len(words))

    def _enter(self, target: Locator) -> None:
        """Into a field: it has the focus already, or is the next one and Tab leads there, or is clicked."""
        if _has_focus(target):
            return
        if target.evaluate(IS_NEXT):
            self.page.keyboard.press("Tab")
            self._acts(keys=1)
            if _has_focus(target):
                return
        self._acts(clicks=1)
        target.click()

    def _choose(self, target: Locator) -> None:
        self._acts(clicks=1)
        target.click()
        assert target.is_checked()

    def _pick(self, target: Locator, words: str) -> None:
        self._acts(clicks=2)  # open the list, choose from it
        target.select_option(label=words)


class Keyboard(Counted):
    """Somebody without a mouse. Whatever has the focus on the way must show it (WCAG 2.2, 2.4.7)."""

    def tab_to(self, target: Locator) -> Keyboard:
        """Press Tab until `target` has the focus, and see it there."""
        for _ in range(MOST_TABS):
            if _has_focus(target):
                return self
            self._key("Tab")
            self._see_focus()
        raise AssertionError(f"{self.page.url}: Tab never reaches {target}")

    def tab_to_named(self, role: str, name: str) -> Keyboard:
        """The same, by role and accessible name."""
        return self.tab_to(self.page.locator("main").get_by_role(role, name=name, exact=True).first)

    def _key(self, key: str) -> None:
        self._acts(keys=1)
        self.page.keyboard.press(key)

    def _see_focus(self) -> None:
        hidden = self.page.evaluate(FOCUS_NOT_SEEN)
        assert not hidden, f"{self.page.url}: nobody sees that this has the focus: {hidden}"

    def _activate(self, target: Locator) -> None:
        self.tab_to(target)
        self._key("Enter")

    def _enter(self, target: Locator) -> None:
        self.tab_to(target)

    def _choose(self, target: Locator) -> None:
        if target.get_attribute("type") == "checkbox":
            self.tab_to(target)
            self._key("Space")
        else:
            self._choose_radio(target)
        assert target.is_checked()

    def _choose_radio(self, target: Locator) -> None:
        """Tab leads into the group; arrows go on from there."""
        group = self.page.locator(f"main input[type=radio][name='{target.get_attribute('name')}']")
        for _ in range(MOST_TABS):
            if group.evaluate_all("all => all.includes(document.activeElement)"):
                break
            self._key("Tab")
            self._see_focus()
        if target.is_checked():
            return
        if _has_focus(target):
            self._key("Space")
            return
        for _ in range(group.count()):
            self._key("ArrowDown")
            self._see_focus()
            if target.is_checked():
                return

    def _pick(self, target: Locator, words: str) -> None:
        self.tab_to(target)
        self._key("Home")
        for _ in range(target.locator("option").count()):
            if target.evaluate("box => box.selectedOptions[0].label") == words:
                return
            self._key("ArrowDown")
        raise AssertionError(f"{self.page.url}: the arrows never reach {words!r}")


def _has_focus(target: Locator) -> bool:
    return bool(target.evaluate("one => one === document.activeElement"))


# Whether Tab leads from what has the focus to this element.
IS_NEXT = """
one => {
  const active = document.activeElement;
  // Tab stops once at a group of radios.
  const stops = (each) => {
    if (each.type !== "radio" || each === active) return true;
    const group = [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(each.name)}"]`)];
    return !group.includes(active) && each === (group.find((radio) => radio.checked) || group[0]);
  };
  const reachable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (each) => each.tabIndex >= 0 && !each.disabled && each.type !== "hidden" && each.checkVisibility() && stops(each),
  );
  const here = reachable.indexOf(active);
  return here >= 0 && reachable[here + 1] === one;
}
"""
# What has the focus, where nothing drawn shows it: neither on it, nor on the label that a radio or checkbox draws with.
FOCUS_NOT_SEEN = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "";
  const draws = (style) =>
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const label = one.labels && one.labels[0];
  const seen =
    draws(getComputedStyle(one)) ||
    (label && ["::before", "::after", null].some((part) => draws(getComputedStyle(label, part))));
  const box = one.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return seen && inside ? "" : one.outerHTML.slice(0, 160);
}
"""

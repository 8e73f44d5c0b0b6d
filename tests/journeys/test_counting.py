"""The counter counts what a browser really did, on pages made up for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route

from tests.journeys.counting import Cost, Counted, Journey, Keyboard

pytestmark = pytest.mark.browser

SITE = "http://panel.test"
STYLE = "<style>:focus-visible { outline: 3px solid black } .bare:focus-visible { outline: none }</style>"
PAGES = {
    "/first/": (
        f"<title>First</title>{STYLE}<main><form action='/second/'><label>Name <input name=name></label>"
        "<label>Born <input name=born></label><label><input type=radio name=known value=yes> Yes</label>"
        "<label><input type=radio name=known value=no> No</label><button>Save and continue</button></form></main>"
    ),
    "/second/": f"<title>Second</title>{STYLE}<main><a href='/third/'>Go on</a></main>",
    "/third/": f"<title>Third</title>{STYLE}<main><p>Sent</p><a class=bare href='/first/'>Again</a></main>",
}
TARGETS = {"Fill": Cost(1, 3, 12), "Send": Cost(2, 1, 0)}


@pytest.fixture
def walker(chromium):
    """Makes somebody whose browser is given `PAGES`, whatever it asks for."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE).partition("?")[0]
        route.fulfill(status=200, content_type="text/html", body=f"<!doctype html>{PAGES.get(path, '')}")

    made = []

    def make(kind: type[Counted], journey: Journey, *, script: bool = True) -> Counted:
        person = kind(chromium, SITE, journey=journey, script=script)
        person.context.route("**/*", answer)
        person.look = lambda: person  # these pages are nobody's
        made.append(person)
        return person

    yield make
    for person in made:
        person.context.close()


def walk(person: Counted, journey: Journey) -> None:
    with journey.step("Fill"):
        person.go("/first/").fill(name="Sam", born="4 2 94").choose("known", "no").press("Save and continue")
    with journey.step("Send"):
        person.press("Go on").sees("Sent")


@pytest.mark.parametrize("script", [True, False])
def test_each_step_has_its_pages_clicks_and_keys(walker, script):
    journey = Journey("A", TARGETS)

    walk(walker(Counted, journey, script=script), journey)

    # The bookmark, the first field, the choice and the button; "Sam", Tab, "4 2 94". The second page is acted on in
    # the next step, the third by nobody.
    assert journey.cost_of("Fill") == Cost(1, 4, 10)
    assert journey.total == Cost(3, 5, 10)
    assert journey.steps["Send"].addresses == ["second/", "third/"]


def test_a_step_over_its_target_fails_with_the_table(walker):
    journey = Journey("A", TARGETS)

    walk(walker(Counted, journey), journey)

    with pytest.raises(AssertionError, match=r"Fill: 4 clicks, target 3(.|\n)*Total"):
        journey.hold()


def test_a_journey_that_was_not_walked_whole_fails():
    with pytest.raises(AssertionError, match="walked"):
        Journey("A", TARGETS).hold()


def test_outside_of_steps_nothing_counts(walker):
    journey = Journey("A", TARGETS)
    person = walker(Counted, journey)

    person.go("/first/").fill(name="Sam").press("Save and continue")

    assert journey.total == Cost(0, 0, 0)


def test_what_a_browser_fills_in_costs_nothing(walker):
    journey = Journey("A", TARGETS)
    person = walker(Counted, journey)

    with journey.step("Fill"):
        person.go("/first/").filled_in_by_browser(name="Sam")

    assert journey.total == Cost(1, 1, 0)


def test_the_keyboard_alone_reaches_everything(walker):
    journey = Journey("A", TARGETS)

    walk(walker(Keyboard, journey), journey)

    # The bookmark is the only click; Tab four times, "Sam", "4 2 94", the arrow to "No", Enter; Tab and Enter.
    assert journey.cost_of("Fill") == Cost(1, 1, 15)
    assert journey.cost_of("Send") == Cost(2, 0, 2)


def test_focus_that_nobody_sees_fails(walker):
    journey = Journey("A", TARGETS)
    person = walker(Keyboard, journey).go("/third/")

    with pytest.raises(AssertionError, match="nobody sees"):
        person.tab_to_named("link", "Again")


def test_what_tab_never_reaches_fails(walker):
    person = walker(Keyboard, Journey("A", TARGETS)).go("/second/")

    with pytest.raises(AssertionError, match="Tab never reaches"):
        person.tab_to(person.page.locator("main"))

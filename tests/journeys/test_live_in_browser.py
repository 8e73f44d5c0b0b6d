"""The live meeting in headless Chromium: what befalls it in the room, and no word lost (ux.md 5 and 9, point 3).

The cut of the network is a real one (the browser is taken off the line); only the minute that it lasts, and the waits
between two tries, pass on a clock of the page. What the server waits for (30 minutes without activity, a minute
without an answer) has passed by the times in the database.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from iom import clock, walls
from iom.models import HeldPost, Meeting, User
from panels.models import AgendaItem, Decision, KeptWords
from tests import factories
from tests.journeys.people import AXE
from tests.journeys.room import TABLE, Room, gathered, run_out, served

pytestmark = pytest.mark.browser

STATUS = "[data-autosave-status]"
ASKS_BEFORE_LEAVING = """() => {
  const leaving = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(leaving);
  return leaving.defaultPrevented;
}"""
KEPT_IN_BROWSER = (
    """async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases()])"""
)


@pytest.fixture
def room(chromium, committed, settings, monkeypatch):
    # Playwright's loop runs in this thread, and the tests look into the database from it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.DEMO_SIGN_IN = True
    with served() as address:
        made = gathered(chromium, address)
        yield made
        made.leave()


@pytest.fixture
def richmond(chromium, committed, monkeypatch):
    """A panel that decides by simple majority, with four organisations where four are needed."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with served() as address:
        table = (*TABLE, ("health", "health", "Kit Sample"))
        made = gathered(chromium, address, cases=9, preset="richmond", table=table)
        yield made
        made.leave()


def draft(room: Room, number: str = "1") -> dict:
    return room.item(number).draft


def decisions(room: Room) -> list[Decision]:
    return room.held(lambda: list(Decision.objects.all()))


def soon(page: Page, true) -> None:
    """Wait for the server to have it."""
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It never came")


def type_on(page: Page, field: str, words: str) -> None:
    page.locator(f"[name={field}]").focus()
    page.keyboard.press("End")
    page.keyboard.type(words)


@pytest.mark.feature(301)
def test_network_cut_for_a_minute_in_mid_sentence_loses_no_word(room):
    page = room.page("coordinator", fake_clock=True)
    page.goto(room.at("1"))
    type_on(page, "note", "Housing says the tenan")
    page.clock.fast_forward("00:02")
    expect(page.locator(STATUS)).to_have_text(re.compile(r"^Saved \d\d:\d\d:\d\d$"))
    assert draft(room) == {"note": "Housing says the tenan"}

    page.context.set_offline(True)
    type_on(page, "note", "cy is at risk.")
    type_on(page, "reason", "Arrears")
    page.clock.fast_forward("00:02")
    words = "Not saved. Keep this page open, we are retrying. 2 changes are not saved"
    expect(page.locator(STATUS)).to_have_text(words)
    expect(page.locator("#announcer")).to_have_text(words)
    page.keyboard.press("Control+Enter")
    assert page.evaluate(ASKS_BEFORE_LEAVING)
    page.clock.run_for(60_000)
    expect(page.locator(STATUS)).to_have_text(words)
    assert page.url.endswith(room.at("1"))
    kept = page.evaluate(KEPT_IN_BROWSER)
    # The address that htmx notes for its history holds a date and a number.
    assert re.search("tenan|Arrears|Specimen|Lee", kept) is None, kept

    page.context.set_offline(False)
    expect(page.locator(STATUS)).to_contain_text("Saved")
    assert draft(room) == {"note": "Housing says the tenancy is at risk.", "reason": "Arrears"}
    assert decisions(room) == []
    assert not page.evaluate(ASKS_BEFORE_LEAVING)
    expect(page.locator("[name=note]")).to_have_value("Housing says the tenancy is at risk.")


def test_button_pressed_while_the_line_is_cut_stays_on_the_page(room):
    page = room.page("coordinator", fake_clock=True)
    page.goto(room.at("1"))
    page.clock.fast_forward("00:10")
    page.context.set_offline(True)

    # Nothing is typed, and the page has heard nothing of the cut yet.
    page.locator("[data-key=next]").click()

    expect(page.locator(STATUS)).to_have_text("Not saved. Keep this page open, we are retrying")
    assert page.url.endswith(room.at("1"))
    page.context.set_offline(False)
    expect(page.locator(STATUS)).to_have_text("The connection is back")


@pytest.mark.feature(301)
def test_session_ended_in_mid_sentence_is_signed_in_over_and_saved_once(room):
    page = room.page("coordinator", fake_clock=True)
    page.goto(room.at("1"))
    run_out()
    type_on(page, "note", "Housing says the tenan")

    page.clock.fast_forward("00:02")
    dialog = page.locator("dialog.iom-again")
    expect(dialog).to_contain_text("You have been signed out")
    expect(page.locator(STATUS)).to_contain_text("Your last change is still on this page")
    dialog.locator("[name=email]").fill(room.people["coordinator"].user.email)
    dialog.locator("[name=password]").fill(factories.PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()

    expect(page.locator(STATUS)).to_contain_text("Saved")
    assert draft(room) == {"note": "Housing says the tenan"}
    assert HeldPost.objects.count() <= 1
    type_on(page, "note", "cy is at risk.")
    say_harm(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{room.at('2')}")
    [decided] = decisions(room)
    assert decided.item_id == room.item("1").pk
    assert room.item("1").note == "Housing says the tenancy is at risk."


def test_tab_closed_in_mid_sentence_has_sent_what_was_typed(room):
    page = room.page("coordinator")
    page.goto(room.at("1"))
    type_on(page, "note", "Housing says the tenan")
    # At once, long before a second is over; first by way of a link, which asks nothing.
    page.locator(".iom-rail__link").nth(1).click()
    page.wait_for_url(f"**{room.at('2')}")
    soon(page, lambda: draft(room) == {"note": "Housing says the tenan"})
    type_on(page, "reason", "Closed at onc")

    page.close(run_before_unload=True)

    again = room.page("coordinator")
    soon(again, lambda: draft(room, "2") == {"reason": "Closed at onc"})
    again.goto(room.at("2"))
    expect(again.locator("[name=reason]")).to_have_value("Closed at onc")


@pytest.mark.feature(301)
def test_two_recorders_and_a_take_over_that_the_chair_forces(room):
    first, second, chair = (
        room.page("coordinator", fake_clock=True),
        room.page("second", fake_clock=True),
        room.page("chair"),
    )
    first.goto(room.at("1"))
    type_on(first, "note", "Typed before")
    first.clock.fast_forward("00:02")
    expect(first.locator(STATUS)).to_contain_text("Saved")
    second.goto(room.at("1"))
    expect(second.locator(".iom-livebar")).to_contain_text("Recording: Priya Shah")
    expect(second.locator(".iom-record")).to_have_count(0)
    second.get_by_role("button", name="Take over recording").click()
    expect(second.locator("[data-handover]")).to_contain_text("You asked Priya Shah")

    first.clock.fast_forward("00:20")
    expect(first.locator("[data-handover]")).to_contain_text("Ada Second asks to take over the recording")
    chair.goto(room.at("1"))
    expect(chair.get_by_role("button", name="Hand over to Ada Second")).to_have_count(0)
    a_minute_passes(room)
    chair.goto(room.at("1"))
    chair.get_by_role("button", name="Hand over to Ada Second").click()
    expect(chair.locator(".iom-livebar")).to_contain_text("Recording: Ada Second")

    # The first one's page is still open, and she is in mid-sentence.
    type_on(first, "note", " and after")
    first.clock.fast_forward("00:02")
    expect(first.locator(STATUS)).to_contain_text("What you type is kept for you and is not in the record")
    first.clock.fast_forward("00:20")
    expect(first.locator("[data-handover]")).to_contain_text("Ada Second is recording this meeting now")
    second.clock.fast_forward("00:20")
    second.get_by_role("link", name="Go on with the record").click()
    expect(second.locator("[name=note]")).to_have_value("Typed before")

    first.goto(room.at("1"))
    expect(first.locator(".iom-aside")).to_contain_text("You typed this before Ada Second took over")
    expect(first.locator(".iom-aside")).to_contain_text("Typed before and after")
    assert draft(room) == {"note": "Typed before"}
    assert room.held(lambda: KeptWords.objects.get().user) == room.people["coordinator"].user


def a_minute_passes(room: Room) -> None:
    """Since somebody asked to take over: sixty seconds, as the server sees it."""
    with walls.within(room.scheme, cause="test"):
        asked = Meeting.objects.get(pk=room.meeting.pk).asked_to_record_at
        Meeting.objects.filter(pk=room.meeting.pk).update(asked_to_record_at=asked - timedelta(seconds=60))


@pytest.mark.feature(301)
def test_late_item_is_added_in_place_as_the_last_one_with_a_letter(room):
    with walls.within(room.scheme, cause="test"):
        late = factories.offender(room.scheme, family_name="Latecomer", given_names="Ray")
        factories.case(room.scheme, who=late, since=clock.today() - timedelta(days=60))
    page = room.page("coordinator")
    page.goto(room.at("1"))
    type_on(page, "note", "Half a sent")

    page.locator("summary", has_text="Add item").click()
    add = page.locator("#late-item")
    add.locator("[name=person]").fill("latecomer")
    add.get_by_role("button", name="Find").click()
    expect(add).to_contain_text("1 match")
    assert page.url.endswith(room.at("1"))
    add.locator("[name=section]").select_option("reviews")
    add.get_by_role("button", name="Add item").click()

    page.wait_for_url(f"**{room.at('3a')}")
    expect(page.locator(".iom-live__brief")).to_contain_text("No agency has been asked")
    assert draft(room) == {"note": "Half a sent"}
    assert room.item("3a").late


def test_double_click_back_and_reload_record_a_decision_once(room):
    page = room.page("coordinator")
    page.goto(room.at("1"))
    say_harm(page)
    type_on(page, "note", "Said once.")
    page.locator("[data-key=next]").dblclick()
    page.wait_for_url(f"**{room.at('2')}")
    page.reload()
    page.go_back()
    expect(page.locator("main")).to_contain_text("Said once.")
    page.goto(room.at("2"))

    assert len(decisions(room)) == 1
    assert room.item("2").state == "open"


def test_keys_work_beside_text_and_never_in_it(room):
    page = room.page("coordinator")
    with walls.within(room.scheme, cause="test"):
        User.objects.filter(pk=room.people["coordinator"].user_id).update(single_keys=True)
    page.goto(room.at("1"))

    page.keyboard.press("j")
    page.wait_for_url(f"**{room.at('2')}")
    page.keyboard.press("k")
    page.wait_for_url(f"**{room.at('1')}")
    page.keyboard.press("r")
    expect(page.locator("[name=colour]:checked")).to_have_count(0)
    page.keyboard.press("2")
    expect(page.locator("[name=outcome][value=change_rating]")).to_be_checked()
    page.keyboard.press("r")
    expect(page.locator("[name=colour][value=RED]")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.type("jk1ragbtn")
    expect(page.locator("[name=note]")).to_have_value("jk1ragbtn")
    expect(page.locator("[name=colour][value=RED]")).to_be_checked()
    page.keyboard.press("Alt+r")
    page.locator("summary", has_text="Add item").click()
    page.keyboard.press("Escape")
    expect(page.locator(".iom-rail-add")).not_to_have_attribute("open", "")
    page.keyboard.press("Escape")
    page.locator("[name=reason]").fill("Two burglaries")
    say_harm(page)
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".iom-decided")).to_contain_text("Two burglaries")
    assert page.url.endswith(room.at("1"))


@pytest.mark.feature(301)
@pytest.mark.feature(316)
def test_tie_asks_for_the_casting_vote_and_keeps_every_vote_meanwhile(richmond):
    page = richmond.page("coordinator")
    page.goto(richmond.at("1"))
    type_on(page, "note", "Two spoke for it, two against")
    say_harm(page)
    page.locator("[name=how][value=majority]").check(force=True)
    rows = page.locator("[data-ballot] tbody tr")
    expect(rows).to_have_count(4)
    for number, side in enumerate(("for", "for", "against", "against")):
        rows.nth(number).locator(f"[value={side}]").check(force=True)
    expect(page.locator("[data-casting]")).to_be_visible()
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".govuk-error-summary")).to_contain_text("casting vote")
    expect(page.locator("[data-ballot] [value=for]:checked")).to_have_count(2)
    expect(page.locator("[name=note]")).to_have_value("Two spoke for it, two against")

    page.locator("[name=casting][value=for]").check(force=True)
    page.keyboard.press("Control+Shift+Enter")

    expect(page.locator(".iom-decided")).to_contain_text("casting vote")
    [decided] = decisions(richmond)
    assert (decided.how, decided.casting_vote, decided.chaired_by) == ("casting", "for", "Grace Adeyemi")
    assert richmond.held(lambda: sorted(vote.vote for vote in decided.votes.all())) == ["against"] * 2 + ["for"] * 2
    assert richmond.item("1").note == "Two spoke for it, two against"


@pytest.mark.feature(301)
def test_quorum_lost_at_item_8_marks_what_is_decided_from_there_on(richmond):
    page = richmond.page("coordinator")
    page.goto(richmond.at("8"))
    expect(page.locator("main")).to_contain_text("4 agencies here")
    type_on(page, "note", "Housing had to leave")

    page.locator("#room summary").first.click()
    page.get_by_role("button", name=re.compile("^Leaves.*Jo Reid")).click()

    expect(page.locator("main")).to_contain_text("Not quorate: 3 of 4 agencies")
    expect(page.locator("[name=note]")).to_have_value("Housing had to leave")
    say_harm(page)
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".iom-decided")).to_contain_text("To be ratified")
    page.goto(richmond.at("7"))
    expect(page.locator(".iom-quorum").first).to_contain_text("4 agencies here, 4 needed: quorate")
    expect(page.locator("main")).to_contain_text("Not quorate from item 8")
    say_harm(page)
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator(".iom-decided")).to_be_visible()
    by_item = {each.item_id: each.to_ratify for each in decisions(richmond)}
    assert by_item == {richmond.item("8").pk: True, richmond.item("7").pk: False}


def say_harm(page: Page) -> None:
    """No new concern: asked for every case that comes up for the first time."""
    page.locator("[name=harm][value=none]").check(force=True)


def test_without_scripts_an_item_is_recorded_closed_and_signed_and_what_was_posted_stays(room):
    page, chair = room.page("coordinator", script=False), room.page("chair", script=False)
    page.goto(room.at("1"))
    page.locator("[name=outcome][value=change_rating]").check(force=True)
    page.locator("[name=note]").fill("Said without a script")
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator(".govuk-error-summary")).to_contain_text("Choose a rating")
    expect(page.locator("[name=note]")).to_have_value("Said without a script")
    page.goto(room.at("2"))
    page.goto(room.at("1"))
    expect(page.locator("[name=note]")).to_have_value("Said without a script")
    page.locator("[name=colour][value=RED]").check(force=True)
    page.locator("[name=reason]").fill("Two burglaries")
    say_harm(page)
    page.locator("[name=quick]").fill("Housing: visit by 2w")
    page.get_by_role("button", name="Add action").click()
    expect(page.locator(".iom-newaction")).to_contain_text("Housing")
    page.get_by_role("button", name="Save and next").click()
    expect(page).to_have_url(re.compile("item=2$"))
    page.locator("summary", has_text="Add item").click()
    page.locator("#late-item [name=section]").select_option("aob")
    page.locator("#late-item [name=title]").fill("Hall is closed in April")
    page.locator("#late-item").get_by_role("button", name="Add item").click()
    expect(page).to_have_url(re.compile("item=3a$"))
    page.get_by_role("link", name="Close meeting").click()
    page.get_by_role("button", name="Close meeting").click()
    expect(page.locator("main")).to_contain_text("Said without a script")
    page.get_by_role("button", name="Send to chair").click()
    chair.goto(f"/meetings/{room.meeting.key}/minutes/review/")
    chair.locator("[name=agree]").check(force=True)
    chair.locator("[name=typed_name]").fill("Grace Adeyemi")
    chair.get_by_role("button", name="Sign minutes").click()

    expect(chair.locator("main")).to_contain_text("Signed and locked")


# Of every control of the live meeting: which are smaller than 44 pixels, counting the label that a box is drawn with.
SMALL = """() => [...document.querySelectorAll(".iom-livebar, .iom-live")].flatMap((part) =>
  [...part.querySelectorAll("button, summary, select, input:not([type=hidden]), textarea, .iom-rail__link")])
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const boxes = [one, ...(one.labels || [])].map((each) => each.getBoundingClientRect());
    return Math.max(...boxes.map((box) => box.height)) < 43.5;
  })
  .map((one) => one.outerHTML.slice(0, 120))"""
# What of the element that has the focus lies under something else, such as a bar that sticks.
COVERED = """() => {
  const one = document.activeElement;
  const shown = one.labels?.length && one.matches(".iom-tap input") ? one.labels[0] : one;
  const box = shown.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + Math.min(box.width / 2, 40), box.top + box.height / 2);
  return at && (shown.contains(at) || at.contains(shown)) ? "" : shown.outerHTML.slice(0, 120);
}"""


@pytest.mark.parametrize("width", [1280, 1000, 360])
def test_layout_fits_its_widths_with_large_targets_and_a_focus_in_sight(room, width):
    page = room.page("coordinator", width=width)
    page.goto(room.at("1"))

    rail, brief, record = (page.locator(f".iom-live__{part}").bounding_box() for part in ("rail", "brief", "record"))
    if width == 1280:
        assert rail["x"] + rail["width"] <= brief["x"] < brief["x"] + brief["width"] <= record["x"]
    else:
        assert rail["y"] + rail["height"] <= brief["y"]
        expect(page.locator(".iom-rail-fold summary").first).to_contain_text("Item 1 of 3")
        expect(page.locator(".iom-rail")).not_to_be_visible()
    if width == 360:
        assert brief["y"] + brief["height"] <= record["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(SMALL) == []
    page.locator("[name=outcome]").first.focus()
    covered = []
    for _ in range(12):
        page.keyboard.press("Tab")
        covered.append(page.evaluate(COVERED))
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        covered.append(page.evaluate(COVERED))
    assert [each for each in covered if each] == []
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")] == []


def test_timer_turns_to_words_and_makes_no_announcement(room):
    with walls.within(room.scheme, cause="test"):
        AgendaItem.objects.filter(meeting=room.meeting).update(minutes=1)
    page = room.page("coordinator", fake_clock=True)
    page.goto(room.at("1"))
    expect(page.locator("[data-timer]")).to_have_text("0 of 1 minute")

    page.clock.run_for(6 * 60_000 + 1000)

    expect(page.locator("[data-timer]")).to_have_text("5 minutes over")
    assert not page.locator("[data-timer]").evaluate(
        "one => Boolean(one.closest('[aria-live], [role=status], [role=timer]'))"
    )

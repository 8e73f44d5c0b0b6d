"""Signing in again over the page, in headless Chromium against the real pages and database (security.md S5)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler
from playwright.sync_api import Browser, Page, expect

from iom import clock, walls
from iom.models import HeldPost, Membership, Session
from referrals.models import Referral
from tests import factories

from .test_scripts import browser_type_launch_args  # noqa: F401 -- a fixture

pytestmark = pytest.mark.browser

FORM = "/referrals/new/"
DIALOG = "dialog.iom-again"


@pytest.fixture
def address(committed, settings, monkeypatch) -> Iterator[str]:
    """The application, served by threads of this process. Sign-in is the demonstration's: by password alone."""
    # Playwright's loop runs in this thread, and the tests look into the database from it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.DEMO_SIGN_IN = True
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def chromium(browser: Browser) -> Browser:
    """The one browser of all tests of this process: a second one cannot be driven beside it."""
    return browser


@pytest.fixture
def people(address) -> tuple[Membership, Membership]:
    merton = factories.scheme("merton")
    return (
        factories.member(merton, "member", "referrer", agency_kind="police", name="Tom Dunn"),
        factories.member(merton, "member", "referrer", agency_kind="housing", name="Jo Reid"),
    )


def opened(chromium: Browser, address: str, *, script: bool = True) -> Page:
    page = chromium.new_context(base_url=address, java_script_enabled=script).new_page()
    page.set_default_timeout(15_000)
    if script:
        page.clock.install()
    return page


def sign_in(where, who: Membership) -> None:
    where.locator("[name=email]").fill(who.user.email)
    where.locator("[name=password]").fill(factories.PASSWORD)
    where.get_by_role("button", name="Sign in").click()


def entered(page: Page, who: Membership) -> None:
    page.goto(f"/sign-in/?next={FORM}")
    sign_in(page.locator("main"), who)
    page.wait_for_url(f"**{FORM}")


def type_nomination(page: Page) -> None:
    page.locator("main [name=mappa][value='0']").check(force=True)
    page.locator("main [name=family_name]").fill("Ashgrove")
    page.locator("main [name=given_names]").fill("Sam")
    page.locator("main [name=date_of_birth]").fill("14 3 1991")


def run_out() -> None:
    """Nobody has done anything for half an hour, as the server sees it."""
    then = clock.now() - timedelta(minutes=31)
    Session.objects.filter(ended_at=None).update(active_at=then)


def nominated(by: Membership) -> list[Referral]:
    """Every nomination of the scheme, as the database has it."""
    with walls.within(by.scheme, cause="test"):
        return list(Referral.objects.select_related("offender"))


def send(page: Page) -> None:
    page.locator("main form button[type=submit]").last.click()


def test_form_sent_too_late_is_signed_in_over_and_sent_once(chromium, address, people):
    page = opened(chromium, address)
    entered(page, people[0])
    type_nomination(page)
    run_out()
    page.clock.fast_forward("02:00")

    send(page)
    dialog = page.locator(DIALOG)
    expect(dialog).to_contain_text("You have been signed out")
    assert nominated(people[0]) == []
    dialog.locator("[name=email]").fill(people[0].user.email)
    dialog.locator("[name=password]").fill("wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.locator(".govuk-error-summary")).to_be_visible()
    sign_in(dialog, people[0])

    page.wait_for_url(re.compile(r"/referrals/IOM-R-"))
    assert [each.offender.family_name for each in nominated(people[0])] == ["Ashgrove"]
    assert not HeldPost.objects.exists()


def test_page_left_alone_asks_for_sign_in_and_keeps_the_text(chromium, address, people):
    page = opened(chromium, address)
    entered(page, people[0])
    type_nomination(page)
    run_out()

    page.clock.fast_forward("31:00")
    sign_in(page.locator(DIALOG), people[0])

    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator("[name=family_name]")).to_have_value("Ashgrove")
    send(page)
    page.wait_for_url(re.compile(r"/referrals/IOM-R-"))
    assert len(nominated(people[0])) == 1


def test_form_that_saves_itself_asks_for_sign_in_and_saves(chromium, address, people):
    page = opened(chromium, address)
    entered(page, people[0])
    type_nomination(page)
    send(page)
    page.wait_for_url(re.compile(r"/referrals/IOM-R-"))
    page.goto(page.url.replace("/identity/", "/offending/"))
    run_out()

    page.locator("[name=evidence]").fill("Three burglaries since October")
    page.clock.fast_forward("00:02")
    expect(page.locator("[data-autosave-status]")).to_contain_text(
        "You have been signed out. Your last change is still"
    )
    sign_in(page.locator(DIALOG), people[0])

    expect(page.locator("[data-autosave-status]")).to_contain_text("Saved")
    assert [each.evidence for each in nominated(people[0])] == ["Three burglaries since October"]


def test_recording_page_that_is_seen_says_so(chromium, address, people):
    merton = people[0].scheme
    recorder = factories.member(merton, "coordinator", name="Priya Shah")
    with walls.within(merton, cause="test"):
        meeting = factories.live_meeting(merton, clock.today(), recorder=recorder)
        factories.agenda_item(meeting, "cases", case=factories.case(merton))
    page = opened(chromium, address)
    page.goto(f"/sign-in/?next=/meetings/{meeting.key}/live/")
    sign_in(page.locator("main"), recorder)
    expect(page.locator("form[data-recording]")).to_have_count(1)
    assert Session.objects.get(user=recorder.user).shown_at is None

    with page.expect_response(lambda response: response.url.endswith("/session/")):
        page.clock.fast_forward("05:01")

    assert Session.objects.get(user=recorder.user).shown_at is not None


def test_another_person_is_led_away_and_sees_nothing(chromium, address, people):
    page = opened(chromium, address)
    entered(page, people[0])
    type_nomination(page)
    run_out()
    page.clock.fast_forward("02:00")
    send(page)

    sign_in(page.locator(DIALOG), people[1])

    page.wait_for_url(f"{address}/")
    expect(page.locator("body")).not_to_contain_text("Ashgrove")
    assert nominated(people[0]) == []
    assert HeldPost.objects.get().user == people[0].user


def test_escape_does_not_show_the_page(chromium, address, people):
    page = opened(chromium, address)
    entered(page, people[0])
    run_out()
    page.clock.fast_forward("31:00")
    expect(page.locator(DIALOG)).to_be_visible()

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(page.locator(DIALOG)).to_be_visible()


def test_without_scripts_the_sign_in_page_leads_back_to_what_was_sent(chromium, address, people):
    page = opened(chromium, address, script=False)
    entered(page, people[0])
    type_nomination(page)
    run_out()

    send(page)
    expect(page.locator("main")).to_contain_text("What you typed is kept")
    sign_in(page.locator("main"), people[0])
    page.get_by_role("button", name="Carry on").click()

    page.wait_for_url(re.compile(r"/referrals/IOM-R-"))
    assert [each.offender.family_name for each in nominated(people[0])] == ["Ashgrove"]


def test_carrying_on_after_sign_in_needs_no_press(chromium, address, people):
    """The session ends while the form is under way: the page did not ask before sending it."""
    page = opened(chromium, address)
    entered(page, people[0])
    type_nomination(page)
    run_out()

    send(page)
    page.wait_for_url(re.compile("/sign-in/"))
    sign_in(page.locator("main"), people[0])

    page.wait_for_url(re.compile(r"/referrals/IOM-R-"))
    assert len(nominated(people[0])) == 1

"""Papers in headless Chromium against the real pages: with a mouse, with the keyboard alone, and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from iom import clock, walls
from iom.models import FileState, StoredFile
from tests import factories
from tests.iom.files import making
from tests.iom.test_scripts import browser_type_launch_args  # noqa: F401 -- a fixture
from tests.iom.test_session_in_browser import address, chromium, opened, sign_in  # noqa: F401 -- fixtures
from tests.journeys.people import AXE

pytestmark = pytest.mark.browser

FILE = {"name": "Letter from the landlord.docx", "mimeType": "application/octet-stream", "buffer": making.docx()}


@pytest.fixture
def referral(address, settings, tmp_path):  # noqa: F811
    settings.FILES_FOLDER = str(tmp_path / "files")
    merton = factories.scheme("merton")
    police = factories.member(merton, "member", "referrer", agency_kind="police", name="Tom Dunn")
    return factories.referral(merton, police, status="sent")


def at_papers(page: Page, referral) -> Page:
    path = f"/referrals/{referral.reference}/papers/"
    page.goto(f"/sign-in/?next={path}")
    with walls.within(referral.scheme, cause="test"):
        referrer = referral.referrer
        referrer.user  # noqa: B018 -- read while the scheme is open
    sign_in(page.locator("main"), referrer)
    page.wait_for_url(f"**{path}")
    return page


def complaints(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


@pytest.mark.feature(65)
@pytest.mark.parametrize("width", [1280, 360])
def test_paper_is_added_corrected_and_downloaded(chromium, address, referral, width):  # noqa: F811
    page = at_papers(opened(chromium, address), referral)
    page.set_viewport_size({"width": width, "height": 900})
    assert complaints(page) == []

    page.set_input_files("[name=file]", {"name": "plan.docm", "mimeType": "a/b", "buffer": b"x"})
    page.get_by_role("button", name="Add file").click()
    expect(page.locator(".govuk-error-summary")).to_contain_text("“plan.docm” can hold macros")
    expect(page.locator(".govuk-error-summary")).to_contain_text("Choose who can open it")
    assert complaints(page) == []

    page.set_input_files("[name=file]", FILE)
    page.get_by_label("Letter or email").check()
    page.get_by_label("Agencies that we choose").check()
    page.locator("[name=readers][value=housing]").check()
    page.get_by_role("button", name="Add file").click()
    expect(page.locator("main")).to_contain_text("this file stays locked until one is")
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    with walls.within(referral.scheme, cause="test"):
        StoredFile.objects.update(state=FileState.CLEAN, scanned_at=clock.now())
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name="Letter from the landlord.docx").click()
    assert download.value.suggested_filename == f"{referral.reference}-paper-1.docx"
    assert "landlord" not in page.title()


@pytest.mark.parametrize("script", [True, False])
def test_paper_is_added_with_the_keyboard_alone(chromium, address, referral, script):  # noqa: F811
    """A file is chosen in a window of the machine, which no test can type into; everything else is keys."""
    page = at_papers(opened(chromium, address, script=script), referral)
    page.set_input_files("[name=file]", FILE)
    page.focus("[name=file]")

    for keys in (["Tab", "ArrowDown"], ["Tab", "Space"], ["Tab"]):
        for key in keys:
            page.keyboard.press(key)
    while not page.locator("button:focus", has_text="Add file").count():
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_contain_text("Paper 1 added")

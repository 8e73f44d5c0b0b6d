"""Journeys drive the whole panel as `make run` starts it, empty, in headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
SHOTS = Path(__file__).resolve().parent.parent.parent / "screenshots"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser. `make test` leaves the journeys out where there is none, and says so; asked for, they fail."""
    if CHROMIUM is None:
        pytest.fail("No Chromium: the journeys cannot run. Install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()

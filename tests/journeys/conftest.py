"""Journeys drive the whole panel as `make run` starts it, or as one process serves it, in headless Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
SHOTS = Path(__file__).resolve().parent.parent.parent / "screenshots"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    """How the one browser of the whole run is started: two of them in one process exclude each other."""
    return {
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    }


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Browser:
    """The browser. `make test` leaves the journeys out where there is none, and says so; asked for, they fail."""
    if CHROMIUM is None:
        pytest.fail("No Chromium: the journeys cannot run. Install chromium.")
    return request.getfixturevalue("browser")

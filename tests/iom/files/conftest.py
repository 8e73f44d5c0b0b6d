import pytest

from iom.files import trust

from .clamd_server import Clamd


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Files of each test lie in a folder of its own, and no scanner is set up unless a test does."""
    settings.FILES_FOLDER = str(tmp_path / "files")
    settings.CLAMD = ""
    trust.forget()
    yield tmp_path / "files"
    trust.forget()


@pytest.fixture
def clamd(tmp_path, settings):
    """A scanner that is set up; `clamd(limits…)` puts another one in its place."""
    running = []

    def start(**limits):
        place = tmp_path / f"clamd{len(running)}"
        place.mkdir()
        running.append(Clamd(place, **limits))
        settings.CLAMD = running[-1].address
        trust.forget()
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def believed(monkeypatch):
    """The scanner was looked at this hour and looks deep enough: tests of what follows need not ask it again."""
    monkeypatch.setattr(trust, "require", lambda: None)

"""What `/readyz` says of files (security.md L5)."""

import pytest

pytestmark = pytest.mark.django_db


def test_without_a_place_for_files_it_is_not_ready(client, settings, tmp_path):
    assert "files cannot be kept" not in client.get("/readyz").json()["problems"]

    (tmp_path / "file").write_text("in the way")
    settings.FILES_FOLDER = str(tmp_path / "file" / "files")

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "files cannot be kept" in answer.json()["problems"]


def test_a_scanner_that_is_away_is_a_warning(client, settings):
    assert client.get("/readyz").json()["warnings"] == []

    settings.CLAMD = "tcp://127.0.0.1:1"

    answer = client.get("/readyz").json()
    assert answer["warnings"] == ["the virus scanner does not answer"]
    assert not any("scanner" in problem for problem in answer["problems"])

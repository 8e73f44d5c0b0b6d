"""The bench's own reckoning, its clients' forms, its pages and baselines. What it measures stands in docs/performance.md."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

from bench import clients, figures, pages, report
from bench.subjects import POSTS, Subject, inside


def test_percentile_is_one_that_was_measured():
    assert figures.percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert figures.percentile(list(range(1, 21)), 0.95) == 19
    assert figures.percentile([7.0], 0.95) == 7.0
    with pytest.raises(ValueError, match="Nothing"):
        figures.percentile([], 0.5)


def test_stream_is_even():
    assert figures.schedule(20, 0.25) == [0.0, 0.05, 0.1, 0.15, 0.2]


def test_nothing_is_made_of_what_is_missing():
    assert figures.times(3.0, 2.0) == 1.5
    assert figures.times(None, 2.0) is None
    assert figures.times(3.0, 0) is None
    assert figures.lookup({"a": {"b": 2}}, "a", "b") == 2
    assert figures.lookup({"a": {"b": "words"}}, "a", "b") is None


def subject() -> Subject:
    return Subject(
        scheme=1,
        slug="merton",
        people=dict.fromkeys(POSTS, "somebody@merton.example"),
        case="IOM-0001",
        case_long="IOM-0002",
        agenda="2026-11-30",
        agenda_id=3,
        live="2026-11-22",
        items=["4", "5"],
        returns="2026-11-30",
        referral="IOM-R-0001",
        part="hipp",
        agency=("police", 1),
    )


def test_every_page_has_an_address():
    wanted = list(pages.pages_of(subject(), subject(), {"measured": "/cases/", "largest": "/cases/"}))
    paths = [page.path for page in wanted] + [path for save in pages.saves_of(subject(), []) for path in save.pages]
    assert len({page.name for page in wanted}) == len(wanted)
    for path in paths:
        try:
            resolve(path.partition("?")[0])
        except Resolver404:
            pytest.fail(f"{path} leads nowhere")


def test_part_of_a_name_is_neither_its_beginning_nor_its_end():
    assert inside("Whitcombe-Ashe, Ann") == "hitc"
    assert inside("Osei") == "sei"


def test_form_is_sent_as_a_browser_would():
    page = """<form action="/a/"><input name="x"></form>
        <form action="/b/" data-autosave="/c/"><input type="hidden" name="version" value="3"><textarea name="note">
A line</textarea><input type="radio" name="outcome" value="keep"><input type="radio" name="outcome" value="close" checked>
        <select name="lead"><option value="">Choose</option><option value="9" selected>Nine</option></select>
        <input type="checkbox" name="ill" value="1"><button name="then" value="save">Save</button></form>"""
    form = clients.first_form(page, "outcome")
    assert form.action == "/b/"
    assert form.attributes["data-autosave"] == "/c/"
    assert form.fields == {"version": "3", "note": "A line", "outcome": "close", "lead": "9"}
    assert form.offered["outcome"] == ["keep", "close"]


def run(**more) -> dict:
    def of(ms: float, statements: int, **beside: float) -> dict:
        return {
            "p50_ms": ms,
            "p95_ms": ms + 5,
            "statements": statements,
            "cpu_ms": ms,
            "steady": {"p95_ms": ms + 10},
            "beside": {name.replace("_", " "): {"p50_ms": each, "cpu_ms": each} for name, each in beside.items()},
        }

    def size(board: float) -> dict:
        return {
            "load": {"schemes": 1},
            "memory": {"pss_mb": 240.0, "rss_mb": 300.0},
            "pages": {
                "board": of(board, 8, nothing=1, ordinary=40, careful_admin=60),
                "national list": of(board, 8, careful_admin=200),
                "ordinary write": of(8, 12),
                "save, as typed": of(24, 11),
            },
        }

    about = {
        "at": "2026-11-22 20:00",
        "commit": "abc",
        "cores": 2,
        "processor": "one",
        "python": "3",
        "postgresql": "18",
    }
    return about | {"sizes": {"one": size(20), "national": size(30)}, "bulk": {}} | more


def test_lines_say_what_is_met_and_what_is_not():
    found = {line.what: line for line in report.lines(run())}
    assert found["board: p95 at one client"].said == "yes"
    assert found["board: faster than the careful admin"].measured == "2"
    assert found["board: of the ordinary page"].met
    assert found["national list: faster than the careful admin"].met
    assert found["save, as typed: p95"].met
    assert found["save, as typed: of the ordinary write"].said == "NO"
    assert found["growth of board, national beside one"].said == "NO"
    assert found["save, as typed: statements"].said == "NO"
    assert found["statements at every size"].met
    assert found["case: p95 at one client"].said == "not measured"


def test_history_keeps_one_row_for_a_commit():
    once = report.with_history("", run())
    assert report.with_history(once, run()) == once
    assert report.with_history(once, run(commit="def")).count("\n") == 3
    assert "board / careful admin" not in once.splitlines()[0]
    assert once.splitlines()[0].startswith("at,commit,load,board / nothing")


def test_docs_take_a_run_between_their_marks():
    text = (settings.BASE_DIR / "docs" / "performance.md").read_text()
    written = report.rewritten(text, run())
    assert report.rewritten(written, run()) == written
    assert written.startswith(text.partition(report.BEGIN)[0])
    assert "| board " in written


def test_baselines_stand_in_the_settings_of_the_bench_alone(tmp_path):
    assert "bench.baselines" not in settings.INSTALLED_APPS
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=kept | {"DJANGO_SETTINGS_MODULE": "bench.settings", "IOM_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

import json
import os
import subprocess
import sys
import time

import pytest

from iom.embedded.children import Child, end_leftovers, shorten, write_down
from iom.embedded.processes import started_at


def child(tmp_path, code, **more):
    return Child(
        "sample", [sys.executable, "-c", code], {**os.environ, "IOM_HOME": str(tmp_path)}, tmp_path / "log", **more
    )


def test_child_that_ends_is_started_again_later_each_time(tmp_path):
    sample = child(tmp_path, "raise SystemExit(3)")
    pauses = []

    for _ in range(3):
        sample.start()
        sample.process.wait()
        now = time.monotonic()
        said = sample.look_after(now)
        pauses.append(round(sample.not_before - now))

    assert pauses == [1, 2, 4]
    assert said == f"sample ended with code 3: starting it again in 4 s (see {tmp_path / 'log'})."


def test_child_is_not_started_before_its_pause_is_over(tmp_path):
    sample = child(tmp_path, "")
    sample.not_before = 100.0

    sample.look_after(99.9)
    waiting = sample.process
    sample.look_after(100.0)

    assert waiting is None
    assert sample.process is not None
    sample.wait_until_stopped()


def test_child_that_was_killed_is_said_to_be(tmp_path):
    sample = child(tmp_path, "import time; time.sleep(60)")
    sample.start()
    sample.process.kill()
    sample.process.wait()

    assert "was killed by signal 9" in sample.look_after(time.monotonic())


def test_child_that_does_not_listen_is_killed_with_its_group(tmp_path):
    deaf = "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);" \
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);" \
        "print(p.pid, flush=True); time.sleep(60)"  # fmt: skip
    sample = child(tmp_path, deaf, patience=0.2)
    sample.start()
    wait_for(lambda: (tmp_path / "log").read_text())
    grandchild = int((tmp_path / "log").read_text())

    sample.ask_to_stop()
    sample.wait_until_stopped()

    wait_for(lambda: started_at(grandchild) is None)


def test_leftovers_of_a_killed_run_are_ended(tmp_path):
    sample = child(tmp_path, "import time; time.sleep(60)")
    sample.start()
    write_down([sample], tmp_path / "children.json")

    assert end_leftovers(tmp_path / "children.json", tmp_path) == 1

    sample.process.wait(timeout=5)
    assert started_at(sample.process.pid) is None
    assert not (tmp_path / "children.json").exists()


@pytest.mark.parametrize("started", [0.0, None], ids=["another-time", "unknown"])
def test_leftovers_do_not_touch_a_number_that_was_used_again(tmp_path, started):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    (tmp_path / "children.json").write_text(json.dumps([{"pid": stranger.pid, "started": started}]))

    ended = end_leftovers(tmp_path / "children.json", tmp_path)

    assert ended == 0
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("text", [None, "", "{", "[1]", '[{"pid": 1}]'], ids=["none", "empty", "cut", "odd", "half"])
def test_leftovers_with_an_unreadable_note_are_none(tmp_path, text):
    if text is not None:
        (tmp_path / "children.json").write_text(text)

    assert end_leftovers(tmp_path / "children.json", tmp_path) == 0


def test_log_is_put_aside_only_when_long(tmp_path):
    for name, size in (("long.log", 10 * 2**20 + 1), ("short.log", 10)):
        (tmp_path / name).write_bytes(b"x" * size)
        shorten(tmp_path / name)
    shorten(tmp_path / "none.log")

    assert {path.name for path in tmp_path.iterdir()} == {"long.old.log", "short.log"}


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

"""The kill test (issue 3): a minute of it, and what judges it. Ten minutes are `make chaos`."""

import pytest

from chaos import __main__ as chaos
from chaos.checks import judge
from chaos.ledger import Write
from chaos.visitor import forms_of
from iom.embedded.postgres import Postgres

PAGE = """
<form method="post" action="/a/"><input type="hidden" name="form_key" value="k1"><input name="text" value="x&amp;y">
<select name="who"><option value="">Choose</option><option value="7" selected>Ann</option></select>
<input type="radio" name="level" value="low"><input type="radio" name="level" value="high" checked>
<input type="file" name="paper"><textarea name="note">
two
lines</textarea></form><form action="/b/"><input name="q"></form>
"""


@pytest.mark.parametrize(
    "status, done, found, breached",
    [
        (302, True, 1, False),
        (302, True, 0, True),
        (302, True, 2, True),
        (409, False, 0, False),
        (409, False, 1, True),
        (None, False, 0, False),
        (None, False, 1, False),
        (None, False, 2, True),
    ],
)
def test_write_is_judged_by_what_was_answered(status, done, found, breached):
    write = Write(("action", "Chaos 1"), tries=3, status=status, done=done)

    assert (judge(write, found) is not None) is breached


def test_form_is_sent_as_a_browser_would():
    first, second = forms_of(PAGE)

    assert (first.action, first.method, second.method) == ("/a/", "post", "get")
    assert dict(first.filled(text="new")) == {
        "form_key": "k1", "who": "7", "level": "high", "note": "two\nlines", "text": "new",
    }  # fmt: skip
    assert first.choices == {"who": ["", "7"], "level": ["low", "high"]}
    with pytest.raises(KeyError, match="paper"):
        first.filled(paper="x")


@pytest.mark.parametrize(
    "words",
    [["--minutes", "0"], ["--minutes", "x"], ["--writers", "3"], ["--kill", "me"], ["--every", "0"], ["--nothing"]],
)
def test_wrong_arguments_end_with_2_and_one_line(words, capsys):
    with pytest.raises(SystemExit) as left:
        chaos.main(words)

    assert left.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_home_that_is_used_already_is_refused(tmp_path, capsys):
    (tmp_path / "something").touch()

    with pytest.raises(SystemExit) as left:
        chaos.main(["--home", str(tmp_path)])

    assert left.value.code == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.stack
def test_nothing_is_lost_or_done_twice_in_a_minute_of_kills(tmp_path, capsys):
    home = tmp_path / "home"
    options = chaos.Options(
        minutes=1.0,
        seed=2026,
        writers=4,
        targets=chaos.TARGETS,
        pause=(1.0, 4.0),
        quiet_minutes=6.0,
        answer_seconds=15,
    )
    try:
        report = chaos.run(home, options)
    finally:
        Postgres(home).destroy()

    with capsys.disabled():
        print(chaos.table(report))
    assert report.breaches == 0
    assert sum(report.kills.values()) >= 10
    assert sum(write.answered for write in report.ledger.writes) >= 40

"""Speaking with a virus scanner, and whether it is to be believed (security.md F3)."""

import socket

import pytest
from django.core.cache import cache

from iom.files import clamd as client
from iom.files import trust
from iom.files.clamd import Answer, Away, Broken, Scanner
from iom.files.judging import MOST_BYTES, judge

from . import making


@pytest.fixture(params=["unix", "tcp"])
def scanner(request, clamd):
    return Scanner(clamd(over=request.param).address)


def test_it_answers(scanner):
    assert scanner.answers()


def test_clean_is_clean_and_the_test_virus_is_found(scanner):
    assert scanner.scan(b"Plain words") == Answer()
    assert scanner.scan(making.EICAR) == Answer("Eicar-Test-Signature")
    assert scanner.scan(making.zipped({"inner.com": making.EICAR})).found


def test_the_largest_file_arrives_whole(clamd):
    server = clamd()
    content = bytes(range(256)) * (MOST_BYTES // 256)

    Scanner(server.address).scan(content)

    assert server.seen == [content]


def test_a_scanner_that_takes_less_says_so(clamd):
    server = clamd(stream=1_000_000)

    with pytest.raises(Broken, match="size limit exceeded"):
        Scanner(server.address).scan(b"x" * 5_000_000)


@pytest.mark.parametrize("address", ["unix:///nowhere/clamd.sock", "tcp://127.0.0.1:1", "tcp://", "clamd", "http://a"])
def test_no_scanner_is_away(address):
    assert not Scanner(address).answers()
    with pytest.raises(Away):
        Scanner(address).scan(b"words")


def test_one_that_hangs_up_without_an_answer_is_away(tmp_path):
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        address = f"tcp://127.0.0.1:{line.getsockname()[1]}"
        line.close()
        with pytest.raises(Away):
            Scanner(address).scan(b"words")


def test_one_that_never_answers_is_away_after_a_while(monkeypatch):
    monkeypatch.setattr(client, "SECONDS_TO_SCAN", 0.2)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()

        with pytest.raises(Away):
            Scanner(f"tcp://127.0.0.1:{line.getsockname()[1]}").scan(b"words")


@pytest.mark.parametrize("said", ["stream: what?", "PONG"])
def test_an_answer_that_is_none_is_no_verdict(clamd, said):
    server = clamd()
    server.says = [said]

    with pytest.raises(Away):
        Scanner(server.address).scan(b"words")


@pytest.mark.parametrize("found", ["Heuristics.Limits.Exceeded.MaxFileSize", "Heuristics.Encrypted.PDF"])
def test_what_it_did_not_look_into_is_a_limit(found):
    assert Answer(found).is_limit
    assert not Answer("Eicar-Test-Signature").is_limit
    assert not Answer().is_limit


# --- Whether it is to be believed ---------------------------------------------


def test_probes_are_as_large_as_what_is_taken():
    assert len(client.long_probe()) == MOST_BYTES
    assert len(client.deep_probe()) < 1_000_000
    # Not its form: its size and parts are those that the judge lets through.
    import zipfile
    from io import BytesIO

    entries = zipfile.ZipFile(BytesIO(client.deep_probe())).infolist()
    assert len(entries) == 1000
    assert sum(entry.file_size for entry in entries) == 100 * 1024 * 1024
    assert judge("a.txt", b"words")


def test_a_scanner_with_wide_limits_is_believed(clamd):
    clamd()

    trust.require()

    assert trust.warnings() == []


@pytest.mark.parametrize(
    "limits",
    [
        {"scan": 100_000_000},
        {"parts": 999},
        {"stream": MOST_BYTES - 1},
        {"scan": 100_000_000, "alerts": True},
    ],
    ids=["scan size", "parts", "stream", "says so"],
)
def test_one_that_would_leave_something_out_is_not(clamd, limits):
    clamd(**limits)

    with pytest.raises(Away):
        trust.require()

    assert trust.warnings() == ["the virus scanner leaves out part of large files"]


def test_one_that_knows_no_virus_is_not(clamd):
    server = clamd()
    server.says = ["stream: OK"]

    with pytest.raises(Away):
        trust.require()


def test_it_is_asked_once_an_hour(clamd, monkeypatch):
    server = clamd()
    trust.require()
    asked = len(server.seen)

    trust.require()
    assert len(server.seen) == asked

    now = trust.time.monotonic()
    monkeypatch.setattr(trust.time, "monotonic", lambda: now + trust.SECONDS + 1)
    trust.require()
    assert len(server.seen) == 2 * asked


def test_readyz_warns_of_a_scanner_that_is_away(settings):
    cache.clear()
    assert trust.warnings() == []

    settings.CLAMD = "tcp://127.0.0.1:1"
    assert trust.warnings() == ["the virus scanner does not answer"]

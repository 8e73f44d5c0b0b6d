"""The heads of the audit leave, signed, for every place; what is late is said (security.md U8)."""

from __future__ import annotations

import base64
import json
import logging
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from iom import audit, clock, heads, starting, tasks, walls
from iom.models import AuditEvent, HeadDelivery
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(settings, tmp_path):
    settings.AUDIT_HEADS = [(tmp_path / "heads.jsonl").as_uri()]
    return tmp_path / "heads.jsonl"


@pytest.fixture
def merton(db):
    made = factories.scheme("merton")
    audit.chain()
    return made


def lines(file) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def of(scheme, found: list[dict]) -> dict:
    return next(each for each in found if each["scheme"] == scheme.pk)


# --- What leaves -----------------------------------------------------------------------------


def test_a_head_says_number_sequence_hash_count_time_and_signature(merton, file):
    heads.send()

    head = of(merton, lines(file))
    with walls.within(merton, cause="test"):
        last = AuditEvent.objects.order_by("-sequence").values("sequence").first()["sequence"]
    assert set(head) == {"scheme", "sequence", "hash", "count", "time", "signature"}
    assert (head["sequence"], head["count"], len(head["hash"])) == (last, last, 64)


def test_whoever_has_the_public_key_can_check_a_head_without_the_panel(merton, file):
    heads.send()

    head = of(merton, lines(file))
    signature = base64.b64decode(head.pop("signature"))
    text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    (public,) = heads.public_keys()
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(signature, text)


@pytest.mark.parametrize("field", ["scheme", "sequence", "hash", "count", "time"])
def test_a_changed_head_is_not_ours(merton, field):
    head = next(each for each in heads.take() if each.scheme == merton.pk)
    said = json.loads(head.line())
    said[field] = "00" * 32 if isinstance(said[field], str) else said[field] + 1

    assert heads.is_ours(head, heads.public_keys())
    assert not heads.is_ours(heads.Head.of_line(json.dumps(said)), heads.public_keys())


def test_a_second_sending_is_added_to_the_file(merton, file):
    heads.send()
    first = file.read_text()
    heads.send()

    assert file.read_text().startswith(first)
    assert len(lines(file)) == 2 * len(first.splitlines())


def test_only_the_account_of_the_panel_reads_the_file(merton, file):
    heads.send()

    assert file.stat().st_mode & 0o777 == 0o600


def test_an_email_holds_heads_and_nothing_of_anybody(merton, settings):
    person = factories.offender(merton, family_name="Quetzalcoatlus")
    settings.AUDIT_HEADS = ["mailto:auditor@example.org"]
    heads.send()

    (sent,) = mail.outbox
    assert sent.to == ["auditor@example.org"]
    found = [json.loads(line) for line in sent.body.splitlines() if line.startswith("{")]
    assert of(merton, found)["count"] > 0
    assert person.family_name not in sent.body
    assert merton.name not in sent.body + sent.subject


class Taker(BaseHTTPRequestHandler):
    """Somebody's address that takes heads."""

    answer, got = 200, []

    def do_POST(self) -> None:
        Taker.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(Taker.answer)
        if Taker.answer == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args) -> None:
        """Nothing."""


@pytest.fixture
def taker():
    Taker.got.clear()
    server = HTTPServer(("127.0.0.1", 0), Taker)
    Thread(target=server.serve_forever, daemon=True).start()
    # The place itself; that settings take https alone is a test of its own.
    yield heads.WebPlace(f"http://127.0.0.1:{server.server_port}/heads")
    server.shutdown()
    server.server_close()


def test_an_address_gets_the_heads_as_json(merton, taker):
    Taker.answer = 200
    taker.send(heads.take())

    assert of(merton, Taker.got[0]["heads"])["count"] > 0


@pytest.mark.parametrize("answer", [302, 400, 500])
def test_an_address_that_does_not_take_them_is_an_error(merton, taker, answer):
    Taker.answer = answer

    with pytest.raises(OSError):
        taker.send(heads.take())
    assert len(Taker.got) == 1


# --- Places ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["http://example.org/", "heads.jsonl", "file:heads.jsonl", "file://host/heads", "mailto:nobody", "ftp://x/y", ""],
)
def test_a_place_that_is_none_is_refused_by_the_name_of_its_setting(text):
    with pytest.raises(ImproperlyConfigured, match="AUDIT_HEADS"):
        heads.place(text)


def test_a_start_without_a_place_is_refused(settings):
    settings.AUDIT_HEADS = []

    assert any("AUDIT_HEADS" in reason for reason in starting.reasons())


@pytest.mark.parametrize("keys", [[], ["short"], ["a" * 60]])
def test_a_start_without_a_good_key_is_refused(settings, keys):
    settings.HEADS_KEYS = keys

    assert any("HEADS_KEYS" in reason for reason in starting.reasons())


def test_a_start_with_the_secret_key_as_key_of_the_heads_is_refused(settings):
    settings.HEADS_KEYS = [settings.SECRET_KEY]

    assert any("HEADS_KEYS is the same" in reason for reason in starting.reasons())


# --- In time ---------------------------------------------------------------------------------


def test_each_delivery_is_noted_without_the_address(merton, settings):
    settings.AUDIT_HEADS = ["mailto:auditor@example.org"]
    heads.send()

    noted = HeadDelivery.objects.get()
    assert (noted.kind, noted.error, len(noted.place)) == ("mailto", "", 64)
    assert noted.delivered_at is not None


def test_a_place_that_fails_keeps_no_other_from_the_heads(merton, settings, tmp_path, caplog):
    good = tmp_path / "heads.jsonl"
    settings.AUDIT_HEADS = [(tmp_path / "no" / "folder").as_uri(), good.as_uri()]
    with caplog.at_level(logging.ERROR, logger="iom.heads"):
        done = heads.send()

    assert [each.error for each in done] == ["FileNotFoundError", ""]
    assert good.exists()
    assert [record.getMessage() for record in caplog.records] == ["heads of the audit were not taken"]
    assert HeadDelivery.objects.filter(delivered_at=None).count() == 1


def test_the_clock_sends_every_ten_minutes(merton, file, settings):
    tasks.send_heads()
    first = len(lines(file))
    start = clock.now()
    with clock.as_of(start + timedelta(seconds=settings.HEADS_EVERY_SECONDS - 1)):
        tasks.send_heads()
    assert len(lines(file)) == first

    with clock.as_of(start + timedelta(seconds=settings.HEADS_EVERY_SECONDS + 1)):
        tasks.send_heads()
    assert len(lines(file)) == 2 * first


def test_heads_are_late_after_half_an_hour(merton, file, settings, client):
    heads.send()
    sent = HeadDelivery.objects.get().delivered_at

    with clock.as_of(sent + timedelta(seconds=settings.HEADS_LATE_SECONDS)):
        assert not heads.late()
    with clock.as_of(sent + timedelta(seconds=settings.HEADS_LATE_SECONDS + 1)):
        assert heads.late()
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "the heads of the audit have not left" in answer.json()["problems"]


def test_heads_that_never_left_are_late_once_events_are_old(merton, file, settings):
    assert not heads.late()
    with clock.as_of(clock.now() + timedelta(seconds=settings.HEADS_LATE_SECONDS + 5)):
        assert heads.late()


def test_a_new_place_is_late_like_any_other(merton, file, settings, tmp_path):
    heads.send()
    settings.AUDIT_HEADS = [*settings.AUDIT_HEADS, (tmp_path / "no" / "folder").as_uri()]
    heads.send()

    with clock.as_of(clock.now() + timedelta(seconds=settings.HEADS_LATE_SECONDS - 60)):
        assert not heads.late()
    with clock.as_of(clock.now() + timedelta(seconds=settings.HEADS_LATE_SECONDS + 5)):
        assert heads.late()


def test_the_alarm_is_raised_when_a_place_stays_late(merton, settings, tmp_path, caplog):
    settings.AUDIT_HEADS = [(tmp_path / "no" / "folder").as_uri()]
    with (
        clock.as_of(clock.now() + timedelta(seconds=settings.HEADS_LATE_SECONDS + 5)),
        caplog.at_level(logging.ERROR, logger="iom.heads"),
    ):
        tasks.send_heads()

    assert "heads of the audit have not left for too long" in caplog.messages


def test_the_command_ends_with_one_when_a_place_did_not_take_them(merton, settings, tmp_path, file, capsys):
    call_command("send_heads", "--json")
    assert json.loads(capsys.readouterr().out)[0]["error"] == ""

    settings.AUDIT_HEADS = [(tmp_path / "no" / "folder").as_uri()]
    with pytest.raises(CommandError) as refused:
        call_command("send_heads")
    assert refused.value.returncode == 1

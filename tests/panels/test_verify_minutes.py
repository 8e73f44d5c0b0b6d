"""`verify_minutes`: unaltered, altered, not known here, unreadable, with honest exit codes."""

import json
from datetime import date

import pytest
from django.core.management import call_command

from iom import outbox
from iom.access import actor_for
from panels import minutes as verbs
from panels import recording
from panels.models import Minutes, Section
from panels.record import fingerprint, record_of
from panels.verify import Verdict, verify
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(merton, coordinator, chair):
    meeting = factories.live_meeting(merton, date(2026, 3, 12), recorder=coordinator, chair=chair)
    factories.attended(meeting, chair)
    factories.agenda_item(meeting, Section.AOB)
    draft = recording.close(meeting, by=actor_for(coordinator))
    draft = verbs.send_to_chair(draft, by=actor_for(coordinator))
    seen = fingerprint(record_of(draft))
    minutes = verbs.sign(draft, by=actor_for(chair), typed_name="Grace Adeyemi", record_sha256=seen, fresh=True)
    outbox.drain()
    minutes.refresh_from_db()
    return minutes


@pytest.fixture
def content(signed):
    return bytes(signed.document.content)


def run(tmp_path, content, capsys, *flags):
    file = tmp_path / "minutes.pdf"
    file.write_bytes(content)
    code = 0
    try:
        call_command("verify_minutes", str(file), *flags)
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    return code, said.out + said.err


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.feature(86)
def test_signed_file_is_unaltered_and_says_who_signed(tmp_path, content, signed, capsys):
    code, said = run(tmp_path, content, capsys)

    assert code == 0
    assert "Unaltered: minutes MERTON-2026-03-12 version 1." in said
    assert "Signed by Grace Adeyemi on " in said
    assert signed.record_sha256 in said


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999], ids=str)
def test_one_changed_byte_anywhere_is_altered(tmp_path, content, capsys, share):
    code, said = run(tmp_path, flipped(content, int(share * len(content))), capsys)

    assert code == 1
    assert said.startswith("Altered")


def test_change_inside_a_mark_is_still_altered(content, signed):
    at = content.index(signed.record_sha256.encode())

    assert verify(flipped(content, at), Minutes.objects.all()).verdict == Verdict.ALTERED


@pytest.mark.parametrize("change", [lambda c: c + b"\n", lambda c: c[:-10]], ids=["longer", "cut"])
def test_added_or_missing_bytes_are_altered(tmp_path, content, capsys, change):
    assert run(tmp_path, change(content), capsys)[0] == 1


def test_pdf_of_somebody_else_is_not_known_here(tmp_path, signed, capsys):
    code, said = run(tmp_path, b"%PDF-1.7\n% nothing of ours\n%%EOF\n", capsys)

    assert code == 1
    assert said.startswith("Not known here")


@pytest.mark.parametrize("content_", [b"", b"hello", b"PK\x03\x04"], ids=["empty", "text", "zip"])
def test_what_is_no_pdf_is_unreadable(tmp_path, signed, capsys, content_):
    code, said = run(tmp_path, content_, capsys)

    assert code == 2
    assert "is not a PDF" in said


def test_missing_file_is_unreadable_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        call_command("verify_minutes", str(tmp_path / "none.pdf"))

    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_json_says_the_same(tmp_path, content, signed, capsys):
    code, said = run(tmp_path, content, capsys, "--json")

    answer = json.loads(said)
    assert (code, answer["verdict"], answer["signed_by"], answer["version"]) == (0, "unaltered", "Grace Adeyemi", 1)
    assert answer["record_sha256"] == signed.record_sha256


def test_reader_of_another_scheme_does_not_learn_of_ours(content):
    stranger = factories.actor(factories.scheme("london"), "coordinator")

    assert verify(content, Minutes.objects.visible_to(stranger)).verdict == Verdict.NOT_KNOWN

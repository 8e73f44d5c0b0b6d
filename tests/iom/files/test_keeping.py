"""What becomes of a file: kept, scanned, destroyed, asked for again (security.md F3, Q1 to Q4)."""

import os
import time
from datetime import UTC, datetime

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, transaction

from iom import clock, outbox, sweeps
from iom.files import keeping, store, sweeping
from iom.files.judging import judge
from iom.models import AuditEvent, FileState, Notification, OutboxMessage, StoredFile
from iom.policy import load_preset, parse_policy
from iom.steps import StepRefused

from . import making

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def belongs(monkeypatch):
    """As if each file were one of a nomination."""
    monkeypatch.setattr(
        keeping, "_finders", [lambda file: keeping.Whose("IOM-R-0212", "/referrals/IOM-R-0212/", ("P1",))]
    )


@pytest.fixture
def carried_out(django_capture_on_commit_callbacks):
    """Do what waits for the end of the transaction."""

    def carry_out(work):
        with django_capture_on_commit_callbacks(execute=True):
            return work()

    return carry_out


def kept(by, content=b"Plain words", name="note.txt", **given):
    return keeping.keep(judge(name, content), by=by, **({"handling": "panel"} | given))


def state_of(file):
    return StoredFile.objects.get(pk=file.pk).state


# --- Kept --------------------------------------------------------------------


def test_a_file_is_kept_with_its_fingerprint_and_waits(as_police):
    file = kept(as_police)

    assert keeping.content_of(file) == b"Plain words"
    assert (file.state, file.kind, file.size, len(file.sha256)) == ("waiting", "txt", 11, 64)
    assert (file.agency, file.uploaded_by) == (as_police.agency, as_police.user)
    assert not OutboxMessage.objects.filter(kind="scan_file").exists()


def test_chosen_agencies_have_to_be_chosen(as_police):
    with pytest.raises(StepRefused, match="Choose the agencies"):
        kept(as_police, handling="agencies")

    assert kept(as_police, handling="agencies", readers=["housing", "health"]).readers == ["health", "housing"]
    assert kept(as_police, handling="panel", readers=["housing"]).readers == []


def test_where_there_is_no_room_nothing_is_kept_and_it_says_so(as_police, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put", full)

    with pytest.raises(StepRefused, match="Files cannot be kept just now"):
        kept(as_police)
    assert not StoredFile.objects.exists()


def test_the_database_refuses_readers_that_are_nobody_and_removal_without_reason(as_police):
    file = kept(as_police)
    for change in ({"handling": "agencies"}, {"removed_at": clock.now()}, {"state": "clean"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            StoredFile.objects.filter(pk=file.pk).update(**change)


def test_nobody_meets_a_file_but_through_what_it_belongs_to(as_police, as_coordinator):
    kept(as_police)

    assert not StoredFile.objects.visible_to(as_police).exists()
    assert not StoredFile.objects.visible_to(as_coordinator).exists()


# --- What opens --------------------------------------------------------------


def policy(without_scanner):
    document = load_preset("merton").model_dump(mode="json")
    document["files"]["without_scanner"] = without_scanner
    return parse_policy(document, origin="test")


@pytest.mark.parametrize(
    ("state", "scanner", "without_scanner", "opens"),
    [
        ("clean", "", "locked", True),
        ("clean", "tcp://a", "locked", True),
        ("waiting", "", "locked", False),
        ("waiting", "", "open", True),
        ("waiting", "tcp://a", "open", False),
        ("infected", "", "open", False),
        ("failed", "", "open", False),
    ],
)
def test_what_opens(settings, state, scanner, without_scanner, opens):
    settings.CLAMD = scanner

    assert keeping.is_open(StoredFile(state=state), policy(without_scanner)) is opens
    assert not keeping.is_open(StoredFile(state=state, removed_at=clock.now()), policy(without_scanner))


def test_rules_that_were_stored_before_there_were_files_keep_them_locked():
    document = load_preset("merton").model_dump(mode="json")
    del document["files"]

    assert parse_policy(document, origin="stored").files.without_scanner == "locked"


# --- Scanned -----------------------------------------------------------------


def test_a_clean_file_opens_after_the_scan(as_police, clamd, believed):
    clamd()
    file = kept(as_police)

    outbox.drain()

    assert state_of(file) == FileState.CLEAN
    assert StoredFile.objects.get(pk=file.pk).scanned_at is not None
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", making.EICAR), ("a.docx", making.docx(text=making.EICAR.decode().replace("<", "")))]
)
def test_a_virus_is_destroyed_and_sender_and_coordinator_are_told(
    as_police, coordinator, clamd, believed, carried_out, folder, name, content
):
    clamd()
    file = kept(as_police, content, name)

    carried_out(outbox.drain)

    file.refresh_from_db()
    assert (file.state, file.scanner_said) == (FileState.INFECTED, "Eicar-Test-Signature")
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    told = Notification.objects.all()
    assert {notice.recipient for notice in told} == {as_police.user, coordinator.user}
    assert {notice.text for notice in told} == {"A file that was added to IOM-R-0212 had a virus and was destroyed"}
    assert len(mail.outbox) == 2
    assert not any(name in message.body + message.subject for message in mail.outbox)
    [event] = AuditEvent.objects.filter(verb="scan_file")
    assert (event.before, event.after, event.subjects) == ("waiting", "infected", ["P1"])


@pytest.mark.parametrize(
    "said",
    [
        "stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND",
        "stream: Heuristics.Encrypted.Doc FOUND",
        "INSTREAM size limit exceeded. ERROR",
    ],
)
def test_what_the_scanner_left_out_is_not_clean(as_police, clamd, believed, said):
    clamd().says = [said]
    file = kept(as_police)

    outbox.drain()

    file.refresh_from_db()
    assert file.state == FileState.FAILED
    assert {notice.recipient for notice in Notification.objects.all()} == {as_police.user}
    assert keeping.content_of(file)


def test_asked_twice_it_is_scanned_once(as_police, clamd, believed):
    server = clamd()
    file = kept(as_police)
    keeping.ask_to_scan(as_police.scheme)
    [message] = OutboxMessage.objects.filter(kind="scan_file")

    assert [outbox.deliver(message.pk), outbox.deliver(message.pk)] == ["clean", "nothing to do"]
    assert keeping.scan_file(message) == "skipped"
    assert len(server.seen) == 1
    assert state_of(file) == FileState.CLEAN


def test_with_the_scanner_away_it_waits_and_is_asked_for_again(as_police, clamd, believed, settings):
    settings.CLAMD = "tcp://127.0.0.1:1"
    file = kept(as_police)
    outbox.drain()
    assert state_of(file) == FileState.WAITING
    assert [message.outcome for message in OutboxMessage.objects.filter(kind="scan_file")] == ["scanner away"]
    assert sweeping.ask_again() == 0

    clamd()
    with time_machine.travel(clock.now().timestamp() + 300):
        assert sweeping.ask_again() == 1
        assert sweeping.ask_again() == 0  # it is asked for already
        outbox.drain()
        assert sweeping.ask_again() == 0

    assert state_of(file) == FileState.CLEAN
    assert not OutboxMessage.objects.filter(kind="scan_file", dead=True).exists()


def test_a_scanner_that_looks_too_little_lets_files_wait(as_police, clamd):
    clamd(parts=500)
    file = kept(as_police)

    outbox.drain()

    assert state_of(file) == FileState.WAITING


def test_files_that_came_before_there_was_a_scanner_are_scanned_once_there_is_one(as_police, clamd, believed):
    file = kept(as_police)
    assert sweeping.ask_again() == 0

    clamd()
    assert sweeping.ask_again() == 1
    outbox.drain()

    assert state_of(file) == FileState.CLEAN


def test_an_error_of_the_scanner_is_tried_five_times(as_police, clamd, believed):
    clamd().says = ["stream: Can't allocate memory ERROR"] * 5
    file = kept(as_police)

    for number in range(5):
        assert state_of(file) == FileState.WAITING
        with time_machine.travel(clock.now().timestamp() + 300 * (number + 1)):
            outbox.drain()
            keeping.ask_to_scan(as_police.scheme)

    assert state_of(file) == FileState.FAILED


def test_bytes_that_are_gone_say_so(as_police, clamd, believed, folder):
    clamd()
    file = kept(as_police)
    store.destroy(file.scheme_id, file.key)

    outbox.drain()

    file.refresh_from_db()
    assert (file.state, file.scanner_said) == (FileState.FAILED, "The file is no longer there")


# --- Removed and left over ----------------------------------------------------


def test_a_removed_file_is_destroyed_and_its_row_stays(as_police, carried_out):
    file = kept(as_police)

    carried_out(lambda: keeping.remove(file, by=as_police, reason="Wrong person"))

    file.refresh_from_db()
    assert (file.removed_by, file.removed_because) == (as_police.user, "Wrong person")
    with pytest.raises(store.Missing):
        keeping.content_of(file)
    with pytest.raises(StepRefused, match="removed already"):
        keeping.remove(file, by=as_police, reason="Again")


def test_a_removal_that_is_refused_leaves_the_bytes(as_police, django_capture_on_commit_callbacks):
    file = kept(as_police)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError), transaction.atomic():
        keeping.remove(file, by=as_police, reason="Wrong person")
        raise RuntimeError

    assert keeping.content_of(StoredFile.objects.get(pk=file.pk)) == b"Plain words"
    with pytest.raises(StepRefused, match="Give a reason"):
        keeping.remove(file, by=as_police, reason="  ")


def test_a_removed_file_is_not_scanned(as_police, clamd, believed):
    server = clamd()
    keeping.remove(kept(as_police), by=as_police, reason="Wrong person")

    outbox.drain()

    assert server.seen == []


def age(folder, hours):
    before = time.time() - hours * 3600
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))


@pytest.mark.parametrize(("hours", "left"), [(23, 3), (25, 1)])
def test_bytes_without_a_row_are_destroyed_after_a_day(as_police, folder, hours, left):
    file = kept(as_police)
    gone = kept(as_police)
    StoredFile.objects.filter(pk=gone.pk).update(state="infected", scanned_at=clock.now())
    (folder / str(as_police.scheme.pk) / "ab").mkdir(exist_ok=True)
    (folder / str(as_police.scheme.pk) / "ab" / ".new-1").write_bytes(b"half")
    age(folder, hours)

    assert sweeps.tidy(datetime.now(UTC).date()) == []

    assert len([path for path in folder.rglob("*") if path.is_file()]) == left
    assert keeping.content_of(file) == b"Plain words"


def test_files_are_locked_with_the_newest_key_by_the_clock(as_police, settings):
    file = kept(as_police)
    settings.SECOND_FACTOR_KEYS = ["another-key-" + "k" * 40, *settings.SECOND_FACTOR_KEYS]

    assert sweeps.tidy(clock.today()) == []

    settings.SECOND_FACTOR_KEYS = settings.SECOND_FACTOR_KEYS[:1]
    assert keeping.content_of(file) == b"Plain words"

"""Where bytes lie: encrypted, under random names, whole or not at all (security.md F2)."""

import os
import uuid

import pytest

from iom.files import store

KEY = uuid.UUID("3f2c0f4e-8a52-4d0e-9d0a-6f3f4a1b2c3d")


def only_file(folder):
    [path] = [path for path in folder.rglob("*") if path.is_file()]
    return path


def test_bytes_come_back_as_they_were_put():
    store.put(7, KEY, b"words of Sample")

    assert store.get(7, KEY) == b"words of Sample"


def test_they_are_unreadable_on_disk_and_for_this_account_alone(folder):
    store.put(7, KEY, b"words of Sample")

    path = only_file(folder)
    assert b"Sample" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.name == KEY.hex


def test_another_scheme_and_another_key_find_nothing():
    store.put(7, KEY, b"words")

    for scheme, key in ((8, KEY), (7, uuid.uuid4())):
        with pytest.raises(store.Missing):
            store.get(scheme, key)


def test_a_file_that_was_exchanged_or_changed_cannot_be_read(folder):
    other = uuid.uuid4()
    store.put(7, KEY, b"one")
    first = only_file(folder)
    store.put(7, other, b"two")

    (first.parent.parent / other.hex[:2] / other.hex).write_bytes(first.read_bytes())
    with pytest.raises(store.Missing):
        store.get(7, other)
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    with pytest.raises(store.Missing):
        store.get(7, KEY)


@pytest.mark.parametrize("left", [0, 3, 11, 20, 30])
def test_a_file_that_was_cut_off_cannot_be_read(folder, left):
    store.put(7, KEY, b"words")
    path = only_file(folder)
    path.write_bytes(path.read_bytes()[:left])

    with pytest.raises(store.Missing):
        store.get(7, KEY)


def test_an_older_key_still_opens_and_is_replaced(settings):
    old, new = settings.SECOND_FACTOR_KEYS[0], "another-key-" + "k" * 40
    store.put(7, KEY, b"words")
    settings.SECOND_FACTOR_KEYS = [new, old]

    assert store.get(7, KEY) == b"words"
    assert store.seal_anew(7, KEY)
    assert not store.seal_anew(7, KEY)

    settings.SECOND_FACTOR_KEYS = [new]
    assert store.get(7, KEY) == b"words"
    settings.SECOND_FACTOR_KEYS = [old]
    with pytest.raises(store.Missing):
        store.get(7, KEY)


def test_destroyed_is_gone_and_twice_is_once(folder):
    store.put(7, KEY, b"words")

    store.destroy(7, KEY)
    store.destroy(7, KEY)

    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_what_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError):
        store.put(7, KEY, b"words")

    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_keys_tell_what_lies_there(folder):
    store.put(7, KEY, b"words")
    (folder / "7" / "3f" / ".new-abc").write_bytes(b"half")
    store.put(8, uuid.uuid4(), b"words")

    assert {key for key, _, _ in store.keys(7)} == {KEY, None}


def test_whether_files_can_be_kept(settings, tmp_path):
    assert store.can_keep()

    (tmp_path / "file").write_text("in the way")
    settings.FILES_FOLDER = str(tmp_path / "file" / "files")
    assert not store.can_keep()

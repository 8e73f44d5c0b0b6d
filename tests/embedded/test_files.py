import os
import stat
import subprocess
import sys

import pytest

from iom.embedded import files
from iom.embedded.trouble import Trouble


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_private_home_when_new_is_for_its_owner_alone(tmp_path):
    home = files.private_home(tmp_path / "deep" / "home")

    assert mode(home) == 0o700


def test_private_home_when_it_was_there_keeps_its_permissions(tmp_path):
    tmp_path.chmod(0o755)

    files.private_home(tmp_path)

    assert mode(tmp_path) == 0o755


def test_private_home_where_a_file_stands_says_what_to_do(tmp_path):
    (tmp_path / "home").write_text("")

    with pytest.raises(Trouble, match="set IOM_HOME to a folder you may write to"):
        files.private_home(tmp_path / "home")


def test_private_home_on_a_full_disk_says_how_much_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: _Usage(free=5 * 2**20))

    with pytest.raises(Trouble, match=r"^Only 5 MB are free at .* and 300 MB are needed: make room"):
        files.private_home(tmp_path)


class _Usage:
    def __init__(self, free):
        self.free = free


def test_private_home_of_another_account_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "is_root", lambda: False)
    monkeypatch.setattr(files.os, "geteuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(Trouble, match="belongs to .*: start as that account"):
        files.private_home(tmp_path)


def test_private_home_whose_data_a_user_made_is_refused_to_root(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "is_root", lambda: True)
    (tmp_path / "postgres" / "data").mkdir(parents=True)

    with pytest.raises(Trouble, match="The data in .* was made by .*: start as that account"):
        files.private_home(tmp_path)


def test_private_folder_closes_one_that_was_open(tmp_path):
    (tmp_path / "run").mkdir(mode=0o755)

    files.private_folder(tmp_path / "run")

    assert mode(tmp_path / "run") == 0o700


def test_private_folder_refuses_a_link_that_somebody_left(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Trouble, match="belongs to another account"):
        files.private_folder(tmp_path / "run")


@pytest.mark.parametrize(
    ("key", "name"), [(files.secret_key, "secret-key"), (files.second_factor_key, "second-factor-key")]
)
def test_key_is_made_once_and_readable_by_its_owner_alone(tmp_path, key, name):
    first = key(tmp_path)

    assert key(tmp_path) == first
    assert len(first) >= 50
    assert mode(tmp_path / name) == 0o600


def test_keys_are_not_the_same(tmp_path):
    assert files.secret_key(tmp_path) != files.second_factor_key(tmp_path)


def test_lock_is_free_again_when_its_process_was_killed(tmp_path):
    code = (
        "import pathlib, sys, time; from iom.embedded.files import try_lock;"
        "print(try_lock(pathlib.Path(sys.argv[1])) is not None, flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "True\n"
    assert files.try_lock(tmp_path / "lock") is None

    other.kill()
    other.wait()
    other.stdout.close()

    taken = files.try_lock(tmp_path / "lock")
    assert taken is not None
    os.close(taken)

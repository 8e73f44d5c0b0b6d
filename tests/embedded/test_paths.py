from pathlib import Path

import environ
import pytest

from iom.embedded import paths

LONG = "/srv/" + "long-name/" * 12


def test_iom_home_when_not_set_is_in_the_checkout():
    assert paths.iom_home({}) == paths.CHECKOUT / ".iom"


def test_iom_home_when_relative_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert paths.iom_home({"IOM_HOME": "data"}) == tmp_path / "data"


@pytest.mark.parametrize("root", [True, False], ids=["root", "user"])
@pytest.mark.parametrize("home", ["/srv/iom", LONG, "/srv/two words, and a comma"], ids=["plain", "long", "odd"])
def test_sockets_always_fit_and_are_plain(monkeypatch, home, root):
    monkeypatch.setattr(paths, "is_root", lambda: root)

    database = paths.postgres_socket_folder(Path(home)) / ".s.PGSQL.5432"
    queue = paths.valkey_socket(Path(home))

    assert len(str(database)) <= 107
    assert len(str(queue)) <= 107
    assert paths.PLAIN_PATH.fullmatch(str(database))
    assert paths.PLAIN_PATH.fullmatch(str(queue))


def test_two_long_homes_do_not_share_a_socket():
    assert paths.valkey_socket(Path(LONG + "one")) != paths.valkey_socket(Path(LONG + "two"))


def test_root_keeps_the_database_outside_the_home(monkeypatch):
    monkeypatch.setattr(paths, "is_root", lambda: True)

    assert paths.postgres_folder(Path("/root/iom")).parent == Path("/var/lib/iom-panel")


def test_user_keeps_the_database_in_the_home(monkeypatch):
    monkeypatch.setattr(paths, "is_root", lambda: False)

    assert paths.postgres_folder(Path("/home/sample/iom")) == Path("/home/sample/iom/postgres")


def test_urls_are_read_by_the_libraries_that_use_them(monkeypatch):
    monkeypatch.setattr(paths, "is_root", lambda: False)

    urls = paths.urls(Path("/srv/iom"))

    application = environ.Env.db_url_config(urls["DATABASE_URL"])
    owner = environ.Env.db_url_config(urls["DATABASE_OWNER_URL"])
    assert (application["USER"], application["NAME"]) == ("iom_app", "iom_panel")
    assert application["OPTIONS"]["host"] == "/srv/iom/postgres/run"
    assert owner["USER"] == "iom_owner"
    assert urls["REDIS_URL"] == "redis+socket:///srv/iom/run/valkey.sock?virtual_host=0"
    assert urls["CACHE_URL"] == "unix:///srv/iom/run/valkey.sock?db=2"

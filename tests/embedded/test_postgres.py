"""Making roles and databases on one server."""

from __future__ import annotations

import threading

import pytest

from iom.embedded.postgres import Postgres

pytestmark = pytest.mark.stack


def test_databases_prepared_at_once_do_not_meet_over_the_roles(tmp_path):
    server = Postgres(tmp_path / "home")
    server.home.mkdir()
    server.start(tied=True)
    barrier, made, broke = threading.Barrier(4), [], []

    def prepare(name):
        barrier.wait()
        try:
            made.append(server.prepare(name))
        except Exception as error:  # an error in a thread is lost otherwise
            broke.append(error)

    try:
        threads = [threading.Thread(target=prepare, args=(f"one_of_{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.destroy()

    assert broke == []
    assert made == [True] * 4

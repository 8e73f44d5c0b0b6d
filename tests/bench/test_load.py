"""The loads that the bench measures on: small here, the same code at every size."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

from bench.load import made as leaflet
from bench.load.making import NotEmpty, fill
from bench.load.names import FAMILY
from bench.load.sizes import MEASURED_CLOSED, MEASURED_OPEN, SIZES, Size, shares
from iom import walls
from iom.models import Membership, Scheme
from offenders.models import Case, Entry
from tests.conftest import _server

SMALL = Size(schemes=2, open=44, closed=16, events=700, measured=(26, 8, 60))
KEYS = """
    SELECT conname, conrelid::regclass::text, confrelid::regclass::text,
           (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS one (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number),
           (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS one (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number)
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""


def test_a_size_is_spread_over_its_schemes_whole_and_the_measured_one_is_the_same_in_each():
    measured = set()
    for size in SIZES.values():
        spread = shares(size)
        assert len(spread) == size.schemes == len({one.slug for one in spread})
        assert (sum(one.open for one in spread), sum(one.closed for one in spread)) == (size.open, size.closed)
        assert sum(one.entries + one.audited for one in spread) == size.events
        measured.add((spread[0].slug, spread[0].open, spread[0].closed, spread[0].entries, spread[0].audited))
    assert len(measured) == 1
    assert (spread[0].open, spread[0].closed) == (MEASURED_OPEN, MEASURED_CLOSED)
    national = [one.open for one in spread[1:]]
    assert national == sorted(national, reverse=True)
    assert national[0] > 8 * national[-1]


def test_there_are_thousands_of_surnames():
    assert len(FAMILY) == len(set(FAMILY)) > 2_000


def test_a_load_holds_together_and_opens(committed, sign_in):
    with _server._superuser(connections["default"].settings_dict["NAME"]) as superuser:
        made = fill("small", SMALL, superuser)
        assert [key[0] for key in superuser.execute(KEYS).fetchall() if points_nowhere(superuser, *key)] == []
        with pytest.raises(NotEmpty):
            fill("small", SMALL, superuser)
    schemes = {one.slug: one for one in Scheme.objects.all()}
    assert tuple(schemes) == made.schemes
    assert made.counts["offenders_case"] == SMALL.open + SMALL.closed
    with walls.within(schemes["merton"], cause="test"):
        longest = Case.objects.get(reference=made.case_long)
        assert Entry.objects.filter(case=longest).count() == SMALL.measured[2]
        coordinator = Membership.objects.select_related("user").get(user__email=f"coordinator@{made.domain}")

    said = StringIO()
    call_command("audit_verify", stdout=said)
    assert said.getvalue().count("whole") == 2

    browser = sign_in(coordinator)
    for address in (
        "/",
        f"/cases/{made.case}/",
        f"/cases/{made.case_long}/timeline/?page=2",
        f"/meetings/{made.agenda}/agenda/",
        f"/meetings/{made.live}/live/",
        f"/meetings/{made.pdf_meeting}/minutes/",
        f"/research/{made.returns}/",
        f"/referrals/{made.triage}/triage/",
        "/audit/",
    ):
        assert browser.get(address).status_code == 200, address
    board = browser.get("/cases/").content.decode()
    assert made.case in board


def test_what_a_load_holds_is_read_again_from_its_folder(tmp_path):
    words = dict.fromkeys(leaflet.Made.__dataclass_fields__, "")
    made = leaflet.Made(**words | {"schemes": ("merton", "london"), "counts": {"offenders_case": 2}, "seconds": {}})
    leaflet.write(tmp_path, made)
    assert leaflet.read(tmp_path) == made


def points_nowhere(superuser, name, table, target, columns, targets) -> bool:
    """Whether a row of the key points at nothing: a load is copied without the triggers that would say so."""
    pairs = " AND ".join(f"there.{b} = here.{a}" for a, b in zip(columns, targets, strict=True))
    filled = " AND ".join(f"here.{a} IS NOT NULL" for a in columns)
    found = superuser.execute(
        f"SELECT 1 FROM {table} AS here WHERE {filled} AND NOT EXISTS (SELECT FROM {target} AS there WHERE {pairs}) LIMIT 1"
    ).fetchone()
    return found is not None
